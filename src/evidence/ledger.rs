//! The ledger: adds up what the digests of a source say about coverage.

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
        covered.into_iter().chain(backfilled.iter().copied()).for_each(|range| self.collect(range));
        self.gaps = std::mem::take(&mut self.gaps)
            .into_iter()
            .flat_map(|gap| {
                let left = subtract(gap.window, backfilled.iter().copied());
                left.into_iter().map(move |window| Gap { window, ..gap.clone() })
            })
            .collect();
        for gap in gaps {
            // A gap that grew is told again as a whole.
            let same = |other: &Gap| {
                let whole = other.window.from >= gap.window.from && other.window.to <= gap.window.to;
                whole && other.reason == gap.reason && other.detail == gap.detail
            };
            self.gaps.retain(|other| !same(other));
            self.gaps.push(gap);
        }
        self.gaps.sort_by_key(|gap| (gap.window, gap.reason.as_str()));
        self.records += digest.records;
        Ok(())
    }

    fn collect(&mut self, range: Window) {
        let mut joined = range;
        self.collected.retain(|other| {
            let touches = other.from <= joined.to && joined.from <= other.to;
            if touches {
                joined = Window::new(joined.from.min(other.from), joined.to.max(other.to));
            }
            !touches
        });
        self.collected.push(joined);
        self.collected.sort_unstable();
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
