//! Whether the daemon is alive and collecting, for whoever watches it.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use crate::vitals::{LONGEST_LOOK, Stuck, Vitals};

/// How often the loop beats while nothing else happens.
pub(super) const BEAT_EVERY: Duration = Duration::from_secs(5);

/// A loop that does not come round for so long is stuck: it waits for nothing but what happens next.
const STUCK_AFTER: Duration = Duration::from_secs(60);

/// The signs of life of a daemon.
#[derive(Debug)]
pub struct Pulse {
    signs: Mutex<Signs>,
    vitals: Vitals,
}

#[derive(Debug, Default)]
struct Signs {
    of_loop: Beat,
    /// Workers need threads that are not all stuck.
    of_runtime: Beat,
    /// Whether the schedule runs and nobody has asked for a stop.
    collecting: bool,
    /// Whether the last reload was refused.
    reload_refused: bool,
    /// What hung at the last look.
    stuck: Option<Stuck>,
    looked: Option<Instant>,
}

/// Whether something comes round again and again.
#[derive(Debug, Default)]
struct Beat {
    /// Since the last look.
    beat: bool,
    /// For how long it has not, as far as somebody looked.
    silent: Duration,
}

impl Beat {
    fn look(&mut self, passed: Duration) {
        self.silent = if std::mem::take(&mut self.beat) { Duration::ZERO } else { self.silent + passed };
    }
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
        self.signs().of_loop.beat = true;
    }

    /// A thread of the runtime had time.
    pub(super) fn beat_of_runtime(&self) {
        self.signs().of_runtime.beat = true;
    }

    /// The schedule runs.
    pub(super) fn begin(&self) {
        self.signs().collecting = true;
    }

    /// The schedule does not run any more, and the loop comes round no more.
    pub(super) fn wind_down(&self) {
        self.signs().collecting = false;
    }

    /// Looks whether the daemon makes progress, which has to be done every few seconds. What does not, else.
    pub(super) fn examine(&self, now: Instant) -> Option<String> {
        let stuck = self.vitals.check(now);
        let mut signs = self.signs();
        let passed = signs.looked.map_or(Duration::ZERO, |looked| now.saturating_duration_since(looked));
        signs.looked = Some(now);
        // Before and after it runs, the time-outs of the service manager for start and stop are enough.
        let passed = if signs.collecting { passed.min(LONGEST_LOOK) } else { Duration::ZERO };
        signs.of_loop.look(passed);
        signs.of_runtime.look(passed);
        signs.stuck.clone_from(&stuck);
        signs.silent().or_else(|| stuck.map(|stuck| stuck.to_string()))
    }

    /// Whether the daemon made progress at the last look.
    #[must_use]
    pub fn is_alive(&self) -> bool {
        let signs = self.signs();
        signs.silent().is_none() && signs.stuck.is_none()
    }

    /// Whether the schedule runs.
    #[must_use]
    pub fn is_collecting(&self) -> bool {
        self.signs().collecting
    }

    /// Whether the configuration on disk is not the one in force, because it was refused: the next start will fail.
    #[must_use]
    pub fn is_reload_refused(&self) -> bool {
        self.signs().reload_refused
    }

    /// A reload is over.
    pub(super) fn note_reload(&self, refused: bool) {
        self.signs().reload_refused = refused;
    }

    fn signs(&self) -> MutexGuard<'_, Signs> {
        self.signs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Signs {
    /// What of the daemon itself does not go on.
    fn silent(&self) -> Option<String> {
        let parts = [("the loop of the daemon", &self.of_loop), ("the runtime", &self.of_runtime)];
        let (part, _) = parts.into_iter().find(|(_, beat)| self.collecting && beat.silent > STUCK_AFTER)?;
        Some(format!("{part} shows no sign of life for more than {} s", STUCK_AFTER.as_secs()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_daemon_is_alive_while_its_loop_and_its_runtime_come_round() {
        let (pulse, mut now) = (Pulse::default(), Instant::now());
        let mut look = |seconds: u64, beats: fn(&Pulse)| {
            let mut stuck = None;
            for _ in 0..seconds {
                now += Duration::from_secs(1);
                beats(&pulse);
                stuck = pulse.examine(now);
                assert_eq!(stuck.is_none(), pulse.is_alive());
            }
            stuck
        };
        let both = |pulse: &Pulse| {
            pulse.beat();
            pulse.beat_of_runtime();
        };
        assert_eq!(look(1000, |_| ()), None, "it has not begun");
        pulse.begin();
        assert_eq!(look(1000, both), None);
        assert_eq!(look(60, Pulse::beat), None);
        let stuck = look(1, Pulse::beat);
        assert_eq!(stuck.as_deref(), Some("the runtime shows no sign of life for more than 60 s"));
        assert_eq!(look(1, both), None);
        let stuck = look(61, Pulse::beat_of_runtime);
        assert_eq!(stuck.as_deref(), Some("the loop of the daemon shows no sign of life for more than 60 s"));
        pulse.wind_down();
        assert_eq!(look(1000, |_| ()), None, "it comes to its end");
    }
}
