//! What a client has done.

use std::sync::atomic::{AtomicU64, Ordering};

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
}

impl Counters {
    pub(super) fn new() -> Self {
        Self {
            requests: AtomicU64::new(0),
            token_requests: AtomicU64::new(0),
            rate_limited: AtomicU64::new(0),
            received_bytes: AtomicU64::new(0),
            rate_limit_remaining: AtomicU64::new(UNKNOWN),
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

    pub(super) fn count_bytes(&self, bytes: u64) {
        self.received_bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    pub(super) fn note_remaining(&self, remaining: u64) {
        self.rate_limit_remaining.store(remaining, Ordering::Relaxed);
    }
}
