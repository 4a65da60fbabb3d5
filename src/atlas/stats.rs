//! What a client has done.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use crate::{
    meters::{Meters, Outcome, RateLimit, RequestKind},
    source::Kind,
};

/// Counts since the client was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ClientStats {
    /// Requests sent, of all sorts.
    pub requests: u64,
    /// Requests sent to the token endpoints.
    pub token_requests: u64,
    /// Answers with status 429.
    pub rate_limited: u64,
    /// Bytes of bodies received.
    pub received_bytes: u64,
    /// The last `RateLimit-Remaining` of the two endpoints, whatever project it was for.
    pub rate_limit_remaining: Option<u64>,
}

const UNKNOWN: u64 = u64::MAX;

#[derive(Debug)]
pub(super) struct Counters {
    requests: AtomicU64,
    token_requests: AtomicU64,
    rate_limited: AtomicU64,
    received_bytes: AtomicU64,
    rate_limit_remaining: AtomicU64,
    /// Those of the process, which all clients share.
    meters: Arc<Meters>,
}

impl Counters {
    pub(super) fn new(meters: Arc<Meters>) -> Self {
        Self {
            requests: AtomicU64::new(0),
            token_requests: AtomicU64::new(0),
            rate_limited: AtomicU64::new(0),
            received_bytes: AtomicU64::new(0),
            rate_limit_remaining: AtomicU64::new(UNKNOWN),
            meters,
        }
    }

    pub(super) fn stats(&self) -> ClientStats {
        let remaining = self.rate_limit_remaining.load(Ordering::Relaxed);
        ClientStats {
            requests: self.requests.load(Ordering::Relaxed),
            token_requests: self.token_requests.load(Ordering::Relaxed),
            rate_limited: self.rate_limited.load(Ordering::Relaxed),
            received_bytes: self.received_bytes.load(Ordering::Relaxed),
            rate_limit_remaining: Some(remaining).filter(|&remaining| remaining != UNKNOWN),
        }
    }

    pub(super) fn count_request(&self) {
        self.requests.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn count_token_request(&self) {
        self.token_requests.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn count_rate_limited(&self) {
        self.rate_limited.fetch_add(1, Ordering::Relaxed);
    }

    /// What became of a request that was counted.
    pub(super) fn note_outcome(&self, kind: RequestKind, outcome: Outcome) {
        self.meters.requests.note(kind, outcome);
    }

    pub(super) fn count_bytes(&self, bytes: u64) {
        self.received_bytes.fetch_add(bytes, Ordering::Relaxed);
        self.meters.receive(bytes);
    }

    pub(super) fn note_rate_limit(&self, project_id: &str, kind: Kind, told: RateLimit) {
        self.rate_limit_remaining.store(told.remaining, Ordering::Relaxed);
        self.meters.rate_limits.note(project_id, kind, told);
    }
}
