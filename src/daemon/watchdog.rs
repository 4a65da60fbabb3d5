//! Looks whether the daemon makes progress, and tells the log what does not.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use crate::daemon::Pulse;

/// What hangs is told again so often.
const REMIND_EVERY: Duration = Duration::from_secs(3600);

/// Looks at the pulse of a daemon. It has to run on a thread of its own: those of the daemon may all be stuck.
#[derive(Debug)]
pub struct Watchdog {
    pulse: Arc<Pulse>,
    told: Option<Instant>,
}

impl Watchdog {
    /// One that watches over this daemon.
    #[must_use]
    pub fn new(pulse: Arc<Pulse>) -> Self {
        Self { pulse, told: None }
    }

    /// Whether the configuration on disk is not the one in force, because it was refused.
    #[must_use]
    pub fn sees_refused_reload(&self) -> bool {
        self.pulse.is_reload_refused()
    }

    /// Looks, which has to be done every few seconds. Nothing where the daemon makes progress, else what hangs.
    pub fn look(&mut self) -> Option<String> {
        let stuck = self.pulse.examine(Instant::now());
        match &stuck {
            Some(what) if self.told.is_none_or(|told| told.elapsed() >= REMIND_EVERY) => {
                self.told = Some(Instant::now());
                tracing::error!(
                    event = "stuck",
                    "the daemon does not get on: {what}. Most often a disk or a network file system does not answer (`dmesg` may \
                     say which). systemd is not told any more that it is well, and restarts it after WatchdogSec"
                );
            }
            Some(_) => {}
            None if self.told.take().is_some() => tracing::info!(event = "unstuck", "the daemon gets on again"),
            None => {}
        }
        stuck
    }
}
