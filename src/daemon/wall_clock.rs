//! Notices when the clock of the machine is set.

use crate::{clock::Clock, instant::Instant, plan::CLOCK_TOLERANCE};

/// What the clock showed at the last look.
#[derive(Debug)]
pub(super) struct WallClock {
    shown: Instant,
    at: tokio::time::Instant,
}

impl WallClock {
    pub(super) fn new(clock: &dyn Clock) -> Self {
        Self { shown: clock.now(), at: tokio::time::Instant::now() }
    }

    /// Whether the clock went on by much more or less than time did since the last look.
    pub(super) fn was_set(&mut self, clock: &dyn Clock) -> bool {
        let now = Self::new(clock);
        let expected = self.shown + (now.at - self.at);
        let off = now.shown.since(expected).max(expected.since(now.shown));
        *self = now;
        off > CLOCK_TOLERANCE
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::ManualClock;

    #[test]
    fn a_clock_that_jumps_either_way_was_set_and_one_that_drifts_was_not() {
        let begin = Instant::from_seconds(1_000_000);
        let clock = ManualClock::new(begin);
        let mut wall = WallClock::new(&clock);
        clock.set(begin + CLOCK_TOLERANCE / 2);
        assert!(!wall.was_set(&clock));
        clock.set(begin + 3 * CLOCK_TOLERANCE);
        assert!(wall.was_set(&clock));
        assert!(!wall.was_set(&clock), "it is told once");
        clock.set(begin);
        assert!(wall.was_set(&clock));
    }
}
