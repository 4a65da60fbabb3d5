//! How long something took, in buckets.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

/// Upper bounds for what waits for a disk, in milliseconds: from a fast disk to one that hardly answers.
const WRITES: &[u64] = &[1, 2, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 30_000];

/// Upper bounds for polls, in milliseconds: from one request to a backlog of days.
const POLLS: &[u64] =
    &[50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 30_000, 60_000, 120_000, 300_000, 600_000, 1_800_000, 3_600_000];

/// How long something took, in buckets.
#[derive(Debug)]
pub struct Histogram {
    /// In milliseconds, rising.
    bounds: &'static [u64],
    /// One for each bound, and one for what is above the last.
    counts: Box<[AtomicU64]>,
    sum_micros: AtomicU64,
}

/// A histogram at one moment.
#[derive(Clone, Debug, PartialEq)]
pub struct Spread {
    /// Upper bounds in seconds, rising up to infinity, each with how often it took at most that long and longer than the one
    /// before.
    pub buckets: Vec<(f64, u64)>,
    /// How often in all.
    pub count: u64,
    /// How long in all.
    pub sum: Duration,
}

impl Histogram {
    pub(super) fn of_writes() -> Self {
        Self::new(WRITES)
    }

    pub(super) fn of_polls() -> Self {
        Self::new(POLLS)
    }

    fn new(bounds: &'static [u64]) -> Self {
        let counts = (0..=bounds.len()).map(|_| AtomicU64::new(0)).collect();
        Self { bounds, counts, sum_micros: AtomicU64::new(0) }
    }

    /// Notes that it took so long once.
    pub fn observe(&self, took: Duration) {
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        let bucket = self.bounds.partition_point(|bound| bound * 1000 < micros);
        // The sum first: whoever reads meanwhile sees nothing counted that has taken no time.
        self.sum_micros.fetch_add(micros, Ordering::Relaxed);
        self.counts[bucket].fetch_add(1, Ordering::Release);
    }

    /// What was noted so far.
    #[must_use]
    pub fn spread(&self) -> Spread {
        #[expect(clippy::cast_precision_loss, reason = "the bounds are small")]
        let seconds = self.bounds.iter().map(|millis| *millis as f64 / 1000.0);
        let counts = self.counts.iter().map(|count| count.load(Ordering::Acquire));
        let buckets: Vec<(f64, u64)> = seconds.chain([f64::INFINITY]).zip(counts).collect();
        let count = buckets.iter().map(|(_, count)| count).sum();
        Spread { buckets, count, sum: Duration::from_micros(self.sum_micros.load(Ordering::Relaxed)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bound_belongs_to_its_own_bucket_and_nothing_is_too_long() {
        let histogram = Histogram::of_writes();
        for (millis, bucket) in [(0, 0), (1, 0), (2, 1), (3, 2), (30_000, 13), (30_001, 14), (u64::MAX / 1_000_000, 14)]
        {
            let before = histogram.spread();
            histogram.observe(Duration::from_millis(millis));
            let after = histogram.spread();
            assert_eq!(after.buckets[bucket].1, before.buckets[bucket].1 + 1, "{millis} ms");
            assert_eq!(after.count, before.count + 1);
        }
        let bounds: Vec<f64> = histogram.spread().buckets.iter().map(|(bound, _)| *bound).collect();
        assert_eq!((bounds[0], bounds[13], bounds[14]), (0.001, 30.0, f64::INFINITY));
        assert!(bounds.is_sorted());
    }
}
