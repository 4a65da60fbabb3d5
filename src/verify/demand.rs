//! The demand: of which range every source has to be complete.

use crate::{
    instant::Instant,
    plan::{Gap, subtract},
    verify::{Request, chain::Chain, heads::Heads},
    window::Window,
};

/// The range that is asked for. Where it has no bound, the archive itself gives one: a source that says less than the others
/// do is not complete.
pub(super) struct Demand {
    from: Option<Instant>,
    to: Option<Instant>,
    /// The oldest instant that any source covers.
    oldest: Option<Instant>,
    /// Up to where any source is covered.
    newest: Option<Instant>,
    /// When the newest archive digest was made.
    made: Option<Instant>,
}

impl Demand {
    pub(super) fn new(request: &Request, chains: &[Chain], heads: &Heads) -> Self {
        let covered = || chains.iter().flat_map(|chain| chain.ledger.ranges());
        Self {
            from: request.from,
            to: request.to,
            oldest: covered().map(|range| range.from).min(),
            newest: covered().map(|range| range.to).max(),
            made: heads.newest.as_ref().map(|head| head.made),
        }
    }

    /// What of the range is neither covered by a source nor a gap of it. Of one that is not configured any more, nothing is
    /// demanded from its end on.
    pub(super) fn uncovered(&self, covered: &[Window], missing: &[Gap], configured: bool) -> Vec<Window> {
        let Some(Window { from, mut to }) = self.range(covered) else { return Vec::new() };
        if !configured {
            to = to.min(covered.iter().map(|range| range.to).max().unwrap_or(Instant::MIN));
        }
        subtract(Window::new(from, to), covered.iter().copied().chain(missing.iter().map(|gap| gap.window)))
    }

    /// What is demanded of a source that covers so much.
    fn range(&self, covered: &[Window]) -> Option<Window> {
        let start = covered.iter().map(|range| range.from).min().or(self.oldest);
        match (self.from, self.to) {
            (None, None) => None,
            (Some(from), Some(to)) => Some(Window::new(from, to)),
            // One that begins only after the range has nothing of it.
            (None, Some(to)) => Some(Window::new(start.filter(|start| *start < to).unwrap_or(Instant::MIN), to)),
            // Where the range begins after all that is there, it has no end.
            (Some(from), None) => {
                let end = [self.newest, self.made].into_iter().flatten().find(|end| from < *end);
                Some(Window::new(from, end.unwrap_or(Instant::MAX)))
            }
        }
    }
}
