//! What Atlas told of its rate limits.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use crate::source::Kind;

/// More than any configuration has; what comes after is not noted.
const LIMIT: usize = 20_000;

/// After so long, what Atlas told says nothing any more: a bucket fills up within 3 minutes.
const FRESH: Duration = Duration::from_secs(5 * 60);

/// What the last answer told of a rate limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateLimit {
    /// How many requests it allows, where that was told.
    pub limit: Option<u64>,
    /// How many of them were left.
    pub remaining: u64,
}

/// What Atlas told of its rate limits, by project id and kind.
#[derive(Debug, Default)]
pub struct RateLimits(Mutex<HashMap<(String, Kind), (RateLimit, Instant)>>);

impl RateLimits {
    /// Notes what an answer told.
    pub fn note(&self, project_id: &str, kind: Kind, told: RateLimit) {
        let mut all = self.all();
        let key = (project_id.to_owned(), kind);
        if all.len() < LIMIT || all.contains_key(&key) {
            all.insert(key, (told, Instant::now()));
        }
    }

    /// What was told within the last minutes.
    #[must_use]
    pub fn fresh(&self, project_id: &str, kind: Kind) -> Option<RateLimit> {
        let (told, at) = *self.all().get(&(project_id.to_owned(), kind))?;
        (at.elapsed() < FRESH).then_some(told)
    }

    fn all(&self) -> MutexGuard<'_, HashMap<(String, Kind), (RateLimit, Instant)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
