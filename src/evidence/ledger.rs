//! The ledger: adds up what the digests of a source say about coverage.

use std::collections::BTreeMap;

use thiserror::Error;

use crate::{
    evidence::{SegmentDigest, gap_set::GapSet},
    instant::Instant,
    plan::{Gap, GapReason},
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
    /// More gaps than any honest archive has.
    #[error("at the range {0}, there are more gaps than atlas-logd ever writes; they were not counted any further")]
    TooManyGaps(Window),
}

/// Coverage, as far as the digests so far tell. Coverage is what was collected, less the gaps.
#[derive(Clone, Debug, Default)]
pub struct Ledger {
    /// The end watermark.
    end: Option<Instant>,
    /// All ranges that were collected, each by where it begins; none touches another.
    collected: BTreeMap<Instant, Instant>,
    gaps: GapSet,
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
        covered.into_iter().chain(backfilled.iter().copied()).for_each(|range| self.collect(range));
        for range in backfilled {
            self.gaps.close(range)?;
        }
        for gap in gaps {
            self.gaps.declare(gap)?;
        }
        self.records = self.records.saturating_add(digest.records);
        Ok(())
    }

    /// Adds a range that was collected. Those that touch it become one with it.
    fn collect(&mut self, range: Window) {
        let mut joined = range;
        while let Some((&from, &to)) =
            self.collected.range(..=joined.to).next_back().filter(|(_, to)| joined.from <= **to)
        {
            self.collected.remove(&from);
            joined = Window::new(joined.from.min(from), joined.to.max(to));
        }
        self.collected.insert(joined.from, joined.to);
    }

    /// The watermarks: from the first one up to the second one, the archive is complete less the gaps. Nothing before
    /// anything was collected.
    #[must_use]
    pub fn watermarks(&self) -> Option<Window> {
        let end = self.end?;
        self.ranges_up_to(end).next_back().filter(|range| end <= range.to)
    }

    /// The ranges before the start watermark that backfills collected, in order.
    #[must_use]
    pub fn islands(&self) -> Vec<Window> {
        let watermarks = self.watermarks();
        self.ranges().filter(|range| Some(*range) != watermarks).collect()
    }

    /// The gaps that were declared and not closed since, in order. What lies between [`Ledger::islands`] and the start
    /// watermark is not among them.
    #[must_use]
    pub fn gaps(&self) -> Vec<Gap> {
        self.gaps.to_vec()
    }

    /// All ranges that were collected, in order: [`Ledger::islands`], and what lies between the watermarks.
    pub fn ranges(&self) -> impl DoubleEndedIterator<Item = Window> + Clone {
        self.ranges_up_to(Instant::MAX)
    }

    /// The ranges that were collected and begin no later than `last`, in order.
    fn ranges_up_to(&self, last: Instant) -> impl DoubleEndedIterator<Item = Window> + Clone {
        self.collected.range(..=last).map(|(&from, &to)| Window::new(from, to))
    }

    /// All that is missing between the oldest collected instant and the end watermark: the gaps, and what backfills left
    /// between them and the start watermark.
    #[must_use]
    pub fn missing(&self) -> Vec<Gap> {
        let ranges = self.ranges();
        let between = ranges.clone().zip(ranges.skip(1)).map(|(before, after)| Gap {
            window: Window::new(before.to, after.from),
            reason: GapReason::BeforeStart,
            detail: String::new(),
            noticed: before.to,
        });
        let mut missing: Vec<Gap> = between.chain(self.gaps.to_vec()).collect();
        missing.sort_by_key(|gap| (gap.window, gap.reason.as_str()));
        missing
    }

    /// How many records the digests tell of.
    #[must_use]
    pub fn records(&self) -> u64 {
        self.records
    }
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
        assert_eq!(windows(&ledger.gaps()), told);
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
        assert_eq!(windows(&ledger.gaps()), left);
        let mut second = digest(2);
        second.gaps = vec![gap(5, 35, told), gap(39, 49, told)];
        ledger.add(&second).unwrap();
        assert_eq!(windows(&ledger.gaps()), [(5, 35, told), (10, 20, other), (39, 49, told), (40, 50, told)]);
    }

    #[test]
    fn very_many_gaps_do_not_make_later_digests_slow() {
        let mut ledger = Ledger::default();
        let mut first = digest(1);
        first.gaps = (0..100_000).map(|n| gap(3 * n, 3 * n + 1, GapReason::Skipped)).collect();
        first.backfilled = (0..100_000).map(|n| range(-3 * n - 3, -3 * n - 2)).collect();
        ledger.add(&first).unwrap();
        // Touching each gap and range for each digest would take a day.
        for number in 2..100_000 {
            let mut next = digest(2);
            next.backfilled = vec![range(3 * number, 3 * number + 1)];
            ledger.add(&next).unwrap();
        }
        assert_eq!(windows(&ledger.gaps()), [(0, 1, GapReason::Skipped), (3, 4, GapReason::Skipped)]);
        assert_eq!(ledger.islands().len(), 2 * 100_000 - 2);
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
