//! Whether the daemon is alive and collecting, for whoever watches it.

use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

/// How often the loop beats while nothing else happens.
pub(super) const BEAT_EVERY: Duration = Duration::from_secs(5);

/// A loop that has not come round for so long is stuck.
const STUCK_AFTER: Duration = Duration::from_secs(60);

/// The signs of life of a daemon.
#[derive(Debug)]
pub struct Pulse {
    signs: Mutex<Signs>,
}

#[derive(Debug)]
struct Signs {
    /// When the loop came round the last time.
    loop_beat: Instant,
    /// Whether the schedule runs and nobody has asked for a stop.
    collecting: bool,
}

impl Default for Pulse {
    fn default() -> Self {
        Self { signs: Mutex::new(Signs { loop_beat: Instant::now(), collecting: false }) }
    }
}

impl Pulse {
    /// The loop came round.
    pub(super) fn beat(&self) {
        self.signs().loop_beat = Instant::now();
    }

    /// The schedule runs, or does not run any more.
    pub(super) fn set_collecting(&self, collecting: bool) {
        self.signs().collecting = collecting;
    }

    /// Whether the daemon makes progress.
    #[must_use]
    pub fn is_alive(&self) -> bool {
        self.signs().loop_beat.elapsed() < STUCK_AFTER
    }

    /// Whether the schedule runs.
    #[must_use]
    pub fn is_collecting(&self) -> bool {
        self.signs().collecting
    }

    fn signs(&self) -> std::sync::MutexGuard<'_, Signs> {
        self.signs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
