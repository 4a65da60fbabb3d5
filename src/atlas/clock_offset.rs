//! How far the local clock is off, against the `Date` of Atlas' answers.

use std::sync::atomic::{AtomicI64, Ordering};

use crate::instant::Instant;

/// `Date` has whole seconds, rounded down.
const DATE_STEP_MS: i64 = 1000;
const UNKNOWN: i64 = i64::MIN;

/// The offset of the remote clock, as last seen.
#[derive(Debug)]
pub(super) struct ClockOffset(AtomicI64);

impl ClockOffset {
    pub(super) fn unknown() -> Self {
        Self(AtomicI64::new(UNKNOWN))
    }

    /// Remote minus local, in milliseconds.
    pub(super) fn get(&self) -> Option<i64> {
        Some(self.0.load(Ordering::Relaxed)).filter(|&offset| offset != UNKNOWN)
    }

    /// Notes that an answer dated `date` was asked for at `asked` and had come by `answered`, both by the local clock.
    ///
    /// The remote clock showed something in `[date, date + 1 s)` at some time between the two. Of all offsets that
    /// explain this the smallest is taken: a good clock is not "corrected" by rounding and travel time.
    pub(super) fn observe(&self, date: Instant, asked: Instant, answered: Instant) {
        let least = date.millis() - answered.millis();
        let most = date.millis() + DATE_STEP_MS - asked.millis();
        // A clock that was set back while waiting can turn the two around.
        let offset = if least > 0 {
            least
        } else if most < 0 {
            most
        } else {
            0
        };
        self.0.store(offset, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_the_smallest_that_explains_the_date() {
        let at = Instant::from_millis;
        let offset = ClockOffset::unknown();
        assert_eq!(offset.get(), None);
        for (date, asked, answered, expected) in [
            (10_000, 10_300, 10_400, 0),
            (10_000, 10_999, 11_050, 0),
            (10_000, 9_800, 10_100, 0),
            (10_000, 5_000, 5_100, 4_900),
            (10_000, 71_000, 71_500, -60_000),
            (10_000, 9_000, 2_000, 8_000),
        ] {
            offset.observe(at(date), at(asked), at(answered));
            assert_eq!(offset.get(), Some(expected), "{date} {asked} {answered}");
        }
    }
}
