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
