//! Whether the daemon is alive and collecting, for whoever watches it.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use crate::vitals::{Stuck, Vitals};

/// How often the loop beats while nothing else happens.
pub(super) const BEAT_EVERY: Duration = Duration::from_secs(5);

/// A loop that has not come round for so long is stuck: it waits for nothing but what happens next.
const STUCK_AFTER: Duration = Duration::from_secs(60);

/// The signs of life of a daemon.
#[derive(Debug)]
pub struct Pulse {
    signs: Mutex<Signs>,
    vitals: Vitals,
}

#[derive(Debug, Default)]
struct Signs {
    /// When the loop came round the last time; nothing before and after it runs.
    loop_beat: Option<Instant>,
    /// Whether the schedule runs and nobody has asked for a stop.
    collecting: bool,
    /// What hung at the last look.
    stuck: Option<Stuck>,
}

impl Default for Pulse {
    /// That of a daemon whose workers may take their time.
    fn default() -> Self {
        Self::new(Duration::MAX)
    }
}

impl Pulse {
    /// A worker that is silent for more than `patience` hangs.
    #[must_use]
    pub fn new(patience: Duration) -> Self {
        Self { signs: Mutex::default(), vitals: Vitals::new(patience) }
    }

    /// Watches over the workers.
    #[must_use]
    pub fn vitals(&self) -> &Vitals {
        &self.vitals
    }

    /// The loop came round.
    pub(super) fn beat(&self) {
        self.signs().loop_beat = Some(Instant::now());
    }

    /// The schedule runs.
    pub(super) fn begin(&self) {
        self.signs().collecting = true;
    }

    /// The schedule does not run any more, and the loop comes round no more.
    pub(super) fn wind_down(&self) {
        let mut signs = self.signs();
        (signs.loop_beat, signs.collecting) = (None, false);
    }

    /// Looks whether the daemon makes progress. What does not, else.
    pub(super) fn examine(&self) -> Option<String> {
        let stuck = self.vitals.check(Instant::now());
        let mut signs = self.signs();
        signs.stuck.clone_from(&stuck);
        if !signs.loop_is_alive() {
            return Some(format!("the loop of the daemon has not come round for {} s", STUCK_AFTER.as_secs()));
        }
        stuck.map(|stuck| stuck.to_string())
    }

    /// Whether the daemon made progress at the last look.
    #[must_use]
    pub fn is_alive(&self) -> bool {
        let signs = self.signs();
        signs.loop_is_alive() && signs.stuck.is_none()
    }

    /// Whether the schedule runs.
    #[must_use]
    pub fn is_collecting(&self) -> bool {
        self.signs().collecting
    }

    fn signs(&self) -> MutexGuard<'_, Signs> {
        self.signs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Signs {
    fn loop_is_alive(&self) -> bool {
        self.loop_beat.is_none_or(|beat| beat.elapsed() < STUCK_AFTER)
    }
}
