//! The nonces of HTTP Digest: short-lived, and each `nc` of one counts once.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use crate::instant::Instant;

/// For so long an ended nonce is remembered as one of ours.
const REMEMBERED: Duration = Duration::from_secs(600);

/// All nonces.
#[derive(Debug, Default)]
pub(in crate::sim) struct Nonces(BTreeMap<String, Nonce>);

#[derive(Debug)]
struct Nonce {
    issued: Instant,
    used: BTreeSet<u32>,
    expired: bool,
}

/// What became of a nonce and its count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::sim) enum Use {
    /// A live nonce with a count that it never had.
    Fresh,
    /// Ours, but too old; or not known at all any more.
    Stale,
    /// The same count again: somebody repeats an old request.
    Replayed,
}

impl Nonces {
    pub(in crate::sim) fn issue(&mut self, nonce: String, now: Instant) {
        self.0.retain(|_, nonce| now.since(nonce.issued) < REMEMBERED);
        self.0.insert(nonce, Nonce { issued: now, used: BTreeSet::new(), expired: false });
    }

    /// Uses a nonce. Counts that overtake each other on several connections are fine, as long as none comes twice.
    pub(in crate::sim) fn take(&mut self, nonce: &str, count: u32, life: Duration, now: Instant) -> Use {
        let Some(nonce) = self.0.get_mut(nonce) else { return Use::Stale };
        if nonce.expired || now.since(nonce.issued) >= life {
            return Use::Stale;
        }
        if count > 0 && nonce.used.insert(count) { Use::Fresh } else { Use::Replayed }
    }

    pub(in crate::sim) fn expire_all(&mut self) {
        self.0.values_mut().for_each(|nonce| nonce.expired = true);
    }
}
