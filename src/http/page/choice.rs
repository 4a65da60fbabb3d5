//! Which sources are shown.

use std::cmp::Reverse;

use crate::{
    http::page::asked::Asked,
    instant::Instant,
    shown::shown,
    source::Source,
    state::StateError,
    status::{Condition, Depth, Entry, Reader, Row},
};

/// So many sources are on a page at most.
pub(super) const ON_A_PAGE: usize = 100;

/// How many sources there are in one condition.
#[derive(Clone, Copy, Debug)]
pub(super) struct Count {
    pub(super) condition: Condition,
    pub(super) sources: usize,
}

/// All sources in order, and those that are shown of them.
#[derive(Debug)]
pub(super) struct Choice {
    /// Those that are meant, the worst first.
    meant: Vec<Entry>,
    from: usize,
    pub(super) counts: Vec<Count>,
    /// The source of the configuration whose end watermark is furthest behind, and how far.
    pub(super) oldest: Option<Instant>,
    /// How many ranges are missing since a year.
    pub(super) gaps: usize,
}

/// What a source is put in order by.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Rank {
    condition: Condition,
    /// The newest gap first, or the longest lag.
    within: Reverse<i64>,
    name: String,
}

impl Choice {
    /// Looks at every source once. Only what puts them in order is kept.
    pub(super) fn make(
        reader: &Reader<'_>,
        configured: &[Source],
        asked: &Asked,
        year: Instant,
    ) -> Result<Self, StateError> {
        let mut ranked = Vec::new();
        let mut choice = Self { meant: Vec::new(), from: asked.from, counts: Vec::new(), oldest: None, gaps: 0 };
        for entry in reader.entries(configured)? {
            let row = reader.row(&entry, Depth::Present)?;
            choice.count(&row, year);
            if asked.means(&shown(&row.name)) {
                ranked.push((rank(row), entry));
            }
        }
        choice.counts.sort_unstable_by_key(|count| count.condition);
        ranked.sort_unstable_by(|(one, _), (other, _)| one.cmp(other));
        choice.meant = ranked.into_iter().map(|(_, entry)| entry).collect();
        Ok(choice)
    }

    fn count(&mut self, row: &Row, year: Instant) {
        let condition = row.condition();
        match self.counts.iter_mut().find(|count| count.condition == condition) {
            Some(count) => count.sources += 1,
            None => self.counts.push(Count { condition, sources: 1 }),
        }
        self.gaps += row.gaps.iter().filter(|gap| gap.window.to > year).count();
        let end = row.covered().map(|covered| covered.to).filter(|_| row.configured());
        self.oldest = self.oldest.into_iter().chain(end).min();
    }

    /// Those that may be shown.
    pub(super) fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.meant.iter().skip(self.from).take(ON_A_PAGE)
    }

    /// How many are meant.
    pub(super) fn meant(&self) -> usize {
        self.meant.len()
    }

    /// How many there are.
    pub(super) fn all(&self) -> usize {
        self.counts.iter().map(|count| count.sources).sum()
    }
}

fn rank(row: Row) -> Rank {
    let condition = row.condition();
    let within = match condition {
        Condition::Gaps => row.gaps.iter().map(|gap| gap.window.to.millis()).max().unwrap_or(i64::MIN),
        _ => row.lag().map_or(i64::MAX, |lag| i64::try_from(lag.as_millis()).unwrap_or(i64::MAX)),
    };
    // Seconds of lag do not shuffle those that are well.
    let within = if condition == Condition::Good { 0 } else { within };
    Rank { condition, within: Reverse(within), name: row.name }
}
