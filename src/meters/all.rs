//! All meters of a process.

use std::sync::{
    Mutex, PoisonError,
    atomic::{AtomicU64, Ordering},
};

use crate::{
    meters::{Histogram, RateLimits, Requests},
    source::Kind,
};

/// All meters of a process. Each part of it that is measured holds the same ones.
#[derive(Debug)]
pub struct Meters {
    /// Requests to Atlas.
    pub requests: Requests,
    /// What Atlas told of its rate limits.
    pub rate_limits: RateLimits,
    /// How long commits of windows with new records took, on stable storage.
    pub commits: Histogram,
    /// How long commits of windows without new records took.
    pub quiet_commits: Histogram,
    polls: [Histogram; Kind::ALL.len()],
    reconciliations: [Histogram; Kind::ALL.len()],
    received_bytes: AtomicU64,
    writable: Mutex<Option<bool>>,
}

impl Default for Meters {
    fn default() -> Self {
        Self {
            requests: Requests::default(),
            rate_limits: RateLimits::default(),
            commits: Histogram::of_writes(),
            quiet_commits: Histogram::of_writes(),
            polls: Kind::ALL.map(|_| Histogram::of_polls()),
            reconciliations: Kind::ALL.map(|_| Histogram::of_polls()),
            received_bytes: AtomicU64::new(0),
            writable: Mutex::default(),
        }
    }
}

impl Meters {
    /// How long polls of sources of `kind` took, waits and failed ones included.
    #[must_use]
    pub fn polls(&self, kind: Kind) -> &Histogram {
        &self.polls[kind as usize]
    }

    /// How long reconciliations of sources of `kind` took, waits and failed ones included.
    #[must_use]
    pub fn reconciliations(&self, kind: Kind) -> &Histogram {
        &self.reconciliations[kind as usize]
    }

    /// Notes bytes of a body that came from Atlas.
    pub fn receive(&self, bytes: u64) {
        self.received_bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Notes whether archive and state could be written to when that was tried.
    pub fn set_writable(&self, writable: bool) {
        *self.writable.lock().unwrap_or_else(PoisonError::into_inner) = Some(writable);
    }

    /// Whether they could the last time; nothing before the first.
    #[must_use]
    pub fn writable(&self) -> Option<bool> {
        *self.writable.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Bytes of bodies that came from Atlas.
    #[must_use]
    pub fn received_bytes(&self) -> u64 {
        self.received_bytes.load(Ordering::Relaxed)
    }
}
