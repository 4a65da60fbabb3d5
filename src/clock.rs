//! The clock: one of the three seams that tests replace.

use std::{
    fmt::Debug,
    sync::atomic::{AtomicI64, Ordering},
};

use crate::instant::Instant;

/// Tells the local time. It may be wrong in either direction and may jump: what is built on it must hold all the same.
pub trait Clock: Debug + Send + Sync {
    /// The instant that this clock shows.
    fn now(&self) -> Instant;
}

/// The clock of the machine.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Instant {
        jiff::Timestamp::now().into()
    }
}

/// A clock that shows what it was told to show.
#[derive(Debug)]
pub struct ManualClock(AtomicI64);

impl ManualClock {
    /// A clock that shows `instant`.
    #[must_use]
    pub fn new(instant: Instant) -> Self {
        Self(AtomicI64::new(instant.millis()))
    }

    /// Lets the clock show `instant` from now on.
    pub fn set(&self, instant: Instant) {
        self.0.store(instant.millis(), Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Instant {
        Instant::from_millis(self.0.load(Ordering::SeqCst))
    }
}
