//! The ledger: adds up what the digests of a source say about coverage.

use std::collections::{BTreeMap, HashMap};

use thiserror::Error;

use crate::{
    evidence::SegmentDigest,
    instant::Instant,
    plan::{Gap, GapReason, subtract},
    window::Window,
};

/// What a digest says about coverage and cannot follow from those before it.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum LedgerFault {
    /// The end watermark begins where it did not stand.
    #[error("it says that the archive was complete up to {told}, but the digests before it say {before}")]
    Jump {
        /// Where the digest begins.
        told: Instant,
        /// Where those before it end.
        before: Instant,
    },
    /// A range ends before it begins.
    #[error("it speaks of the range {0}, which ends before it begins")]
    Backwards(Window),
}

/// Coverage, as far as the digests so far tell. Coverage is what was collected, less the gaps.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ledger {
    /// The end watermark.
    end: Option<Instant>,
    /// All ranges that were collected, in order; none touches another.
    collected: Vec<Window>,
    gaps: Vec<Gap>,
    /// How many records the segments so far hold.
    records: u64,
}

impl Ledger {
    /// Adds the next digest of the source.
    ///
    /// # Errors
    /// When it does not follow from those before it.
    pub fn add(&mut self, digest: &SegmentDigest) -> Result<(), LedgerFault> {
        let backfilled: Vec<Window> = digest.backfilled.iter().map(|range| Window::from(*range)).collect();
        let covered = digest.covered.map(Window::from);
        let gaps: Vec<Gap> = digest.gaps.iter().cloned().map(Gap::from).collect();
        let gap_windows = gaps.iter().map(|gap| gap.window);
        if let Some(range) =
            covered.iter().chain(&backfilled).copied().chain(gap_windows).find(|range| range.is_empty())
        {
            return Err(LedgerFault::Backwards(range));
        }
        if let (Some(covered), Some(before)) = (covered, self.end)
            && covered.from != before
        {
            return Err(LedgerFault::Jump { told: covered.from, before });
        }
        self.end = covered.map(|covered| covered.to).or(self.end);
        self.collect(covered.into_iter().chain(backfilled.iter().copied()));
        self.close(backfilled);
        self.declare(gaps);
        self.records = self.records.saturating_add(digest.records);
        Ok(())
    }

    /// One pass for all ranges of a digest: there may be very many, and somebody may have made them up.
    fn collect(&mut self, ranges: impl Iterator<Item = Window>) {
        let before = self.collected.len();
        self.collected.extend(ranges);
        if self.collected.len() > before {
            self.collected = joined(std::mem::take(&mut self.collected));
        }
    }

    /// Takes what was collected out of the gaps.
    fn close(&mut self, collected: Vec<Window>) {
        let collected = joined(collected);
        if collected.is_empty() {
            return;
        }
        let left = |gap: Gap| {
            let first = collected.partition_point(|range| range.to <= gap.window.from);
            let holes = collected[first..].iter().copied().take_while(|range| range.from < gap.window.to);
            subtract(gap.window, holes).into_iter().map(move |window| Gap { window, ..gap.clone() })
        };
        self.gaps = std::mem::take(&mut self.gaps).into_iter().flat_map(left).collect();
    }

    /// Adds gaps. One that grew is told again as a whole, and takes the place of what was told of it.
    fn declare(&mut self, gaps: Vec<Gap>) {
        if gaps.is_empty() {
            return;
        }
        let mut told: HashMap<(GapReason, String), Told> = HashMap::new();
        let before = std::mem::take(&mut self.gaps);
        // The last one told first, so that each is held against those that were told after it.
        for gap in gaps.into_iter().rev() {
            let told = told.entry((gap.reason, gap.detail.clone())).or_default();
            if !told.holds(gap.window) {
                told.add(gap.window);
                self.gaps.push(gap);
            }
        }
        let holds = |gap: &Gap| told.get(&(gap.reason, gap.detail.clone())).is_some_and(|told| told.holds(gap.window));
        self.gaps.extend(before.into_iter().filter(|gap| !holds(gap)));
        self.gaps.sort_by_key(|gap| (gap.window, gap.reason.as_str()));
    }

    /// The watermarks: from the first one up to the second one, the archive is complete less the gaps. Nothing before
    /// anything was collected.
    #[must_use]
    pub fn watermarks(&self) -> Option<Window> {
        let end = self.end?;
        self.collected.iter().find(|range| range.from <= end && end <= range.to).copied()
    }

    /// The ranges before the start watermark that backfills collected, in order.
    #[must_use]
    pub fn islands(&self) -> Vec<Window> {
        let watermarks = self.watermarks();
        self.collected.iter().copied().filter(|range| Some(*range) != watermarks).collect()
    }

    /// The gaps that were declared and not closed since, in order. What lies between [`Ledger::islands`] and the start
    /// watermark is not among them.
    #[must_use]
    pub fn gaps(&self) -> &[Gap] {
        &self.gaps
    }

    /// All that is missing between the oldest collected instant and the end watermark: the gaps, and what backfills left
    /// between them and the start watermark.
    #[must_use]
    pub fn missing(&self) -> Vec<Gap> {
        let between = self.collected.windows(2).filter_map(|pair| match pair {
            [before, after] => Some(Gap {
                window: Window::new(before.to, after.from),
                reason: GapReason::BeforeStart,
                detail: String::new(),
                noticed: before.to,
            }),
            _ => None,
        });
        let mut missing: Vec<Gap> = between.chain(self.gaps.iter().cloned()).collect();
        missing.sort_by_key(|gap| (gap.window, gap.reason.as_str()));
        missing
    }

    /// How many records the digests tell of.
    #[must_use]
    pub fn records(&self) -> u64 {
        self.records
    }
}

/// Ranges of which none lies within another: by where they begin, and so by where they end too.
#[derive(Debug, Default)]
struct Told(BTreeMap<Instant, Instant>);

impl Told {
    /// Whether `range` lies within one of them.
    fn holds(&self, range: Window) -> bool {
        self.0.range(..=range.from).next_back().is_some_and(|(_, to)| range.to <= *to)
    }

    fn add(&mut self, range: Window) {
        while let Some((&from, _)) = self.0.range(range.from..).next().filter(|(_, to)| **to <= range.to) {
            self.0.remove(&from);
        }
        self.0.insert(range.from, range.to);
    }
}

/// The same ranges in order, those that touch each other joined.
fn joined(mut ranges: Vec<Window>) -> Vec<Window> {
    ranges.sort_unstable();
    ranges.dedup_by(|next, last| {
        let touches = next.from <= last.to;
        if touches {
            last.to = last.to.max(next.to);
        }
        touches
    });
    ranges
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evidence::{NotedGap, Range, segment_digest::tests::digest};

    fn at(seconds: i64) -> Instant {
        Instant::from_seconds(seconds)
    }

    fn range(from: i64, to: i64) -> Range {
        Range { from: at(from), to: at(to) }
    }

    fn gap(from: i64, to: i64, reason: GapReason) -> NotedGap {
        Gap { window: Window::new(at(from), at(to)), reason, detail: String::new(), noticed: at(0) }.into()
    }

    fn windows(gaps: &[Gap]) -> Vec<(i64, i64, GapReason)> {
        let seconds = |instant: Instant| instant.millis() / 1000;
        gaps.iter().map(|gap| (seconds(gap.window.from), seconds(gap.window.to), gap.reason)).collect()
    }

    #[test]
    fn what_digests_tell_adds_up() {
        let mut ledger = Ledger::default();
        assert_eq!(ledger.watermarks(), None);
        ledger.add(&digest(1)).unwrap();
        assert_eq!(ledger.watermarks(), None, "a segment can be sealed before anything was covered");
        let mut second = digest(2);
        second.covered = Some(range(100, 200));
        second.gaps = vec![gap(150, 160, GapReason::Retention), gap(190, 200, GapReason::Damage)];
        ledger.add(&second).unwrap();
        let mut third = digest(3);
        third.covered = Some(range(200, 300));
        // An older range, a part of a gap; and a gap that grew.
        third.backfilled = vec![range(10, 20), range(155, 160)];
        third.gaps = vec![gap(190, 210, GapReason::Damage)];
        ledger.add(&third).unwrap();
        assert_eq!(ledger.watermarks(), Some(Window::new(at(100), at(300))));
        assert_eq!(ledger.islands(), [Window::new(at(10), at(20))]);
        let told = [(150, 155, GapReason::Retention), (190, 210, GapReason::Damage)];
        assert_eq!(windows(ledger.gaps()), told);
        assert_eq!(windows(&ledger.missing()), [&[(20, 100, GapReason::BeforeStart)], &told[..]].concat());
        let mut fourth = digest(4);
        fourth.backfilled = vec![range(20, 100)];
        ledger.add(&fourth).unwrap();
        assert_eq!(ledger.watermarks(), Some(Window::new(at(10), at(300))));
        assert_eq!(ledger.islands(), []);
    }

    #[test]
    fn a_gap_takes_the_place_of_those_within_it_that_were_told_before() {
        let mut ledger = Ledger::default();
        let mut first = digest(1);
        first.covered = Some(range(0, 100));
        let other = GapReason::Retention;
        let told = GapReason::RowLimit;
        first.gaps =
            vec![gap(10, 20, told), gap(10, 20, other), gap(10, 30, told), gap(40, 50, told), gap(42, 44, told)];
        ledger.add(&first).unwrap();
        let left = [(10, 20, other), (10, 30, told), (40, 50, told), (42, 44, told)];
        assert_eq!(windows(ledger.gaps()), left);
        let mut second = digest(2);
        second.gaps = vec![gap(5, 35, told), gap(39, 49, told)];
        ledger.add(&second).unwrap();
        assert_eq!(windows(ledger.gaps()), [(5, 35, told), (10, 20, other), (39, 49, told), (40, 50, told)]);
    }

    #[test]
    fn coverage_never_jumps() {
        let mut ledger = Ledger::default();
        let mut first = digest(1);
        first.covered = Some(range(100, 200));
        ledger.add(&first).unwrap();
        for from in [199, 201] {
            let mut next = digest(2);
            next.covered = Some(range(from, 300));
            assert_eq!(ledger.clone().add(&next), Err(LedgerFault::Jump { told: at(from), before: at(200) }));
        }
        let mut next = digest(2);
        next.backfilled = vec![range(50, 50)];
        assert_eq!(ledger.add(&next), Err(LedgerFault::Backwards(Window::new(at(50), at(50)))));
    }
}
