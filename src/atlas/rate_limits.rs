//! Rate limits, one for each project and kind: nobody waits for another one's limit.
//!
//! Atlas keeps a token bucket for each project and set of endpoints: 1200 requests, refilled by 500 every 60 s
//! (documented). `RateLimit-Limit` and `RateLimit-Remaining` tell its state and `Retry-After` how long a 429 holds;
//! any of them may be missing. Where in its minute a bucket is, nobody tells.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

use crate::source::Kind;

/// A bucket gets its next refill at the latest this long after it was seen.
const REFILL_EVERY: Duration = Duration::from_secs(60);
/// The refill is this part of the limit (500 of 1200).
const REFILL: (u64, u64) = (500, 1200);
/// This part of the limit is left untouched, for others who use the same project: 1 of 60 is 20 of 1200.
const RESERVE_PART: u64 = 60;
/// The limit of the two endpoints, for answers that do not tell it.
const USUAL_LIMIT: u64 = 1200;
/// The first wait after a 429 without `Retry-After`; it doubles with each further one …
const FIRST_WAIT: Duration = Duration::from_secs(10);
/// … this many times (to 160 s).
const DOUBLINGS: u32 = 4;
/// More buckets than any configuration has; the ones unused for longest are forgotten.
const BUCKETS_LIMIT: usize = 20_000;

/// The buckets by project id and kind.
#[derive(Debug, Default)]
pub(super) struct RateLimits(Mutex<HashMap<(String, Kind), Bucket>>);

#[derive(Debug)]
struct Bucket {
    /// `RateLimit-Limit` and `RateLimit-Remaining` of the last answer that told, and when.
    seen: Option<Seen>,
    /// Requests sent whose answer has not begun.
    in_flight: u64,
    /// Nothing is to be asked before.
    held_until: Option<Instant>,
    /// Times that a 429 came for a request sent after the hold of the one before.
    refusals: u32,
    /// When the last of them came.
    refused_at: Option<Instant>,
    used_at: Instant,
}

#[derive(Clone, Copy, Debug)]
struct Seen {
    limit: u64,
    remaining: u64,
    at: Instant,
}

impl Seen {
    fn reserve(self) -> u64 {
        self.limit / RESERVE_PART
    }

    /// What is left at `now` at the least, requests in flight not counted.
    fn estimate(self, now: Instant) -> u64 {
        let refills = now.duration_since(self.at).as_secs() / REFILL_EVERY.as_secs();
        let refill = (self.limit.saturating_mul(REFILL.0) / REFILL.1).max(1);
        self.remaining.saturating_add(refill.saturating_mul(refills)).min(self.limit)
    }
}

/// A request on its way; it counts until its answer begins or it is dropped.
#[derive(Debug)]
pub(super) struct Flight<'a> {
    limits: &'a RateLimits,
    key: (String, Kind),
    sent_at: Instant,
}

impl RateLimits {
    /// How long to wait before asking; None: ask now.
    pub(super) fn hold(&self, project_id: &str, kind: Kind, now: Instant) -> Option<Duration> {
        let buckets = self.buckets();
        let bucket = buckets.get(&(project_id.to_owned(), kind))?;
        if let Some(until) = bucket.held_until
            && now < until
        {
            return Some(until - now);
        }
        let seen = bucket.seen?;
        if seen.estimate(now).saturating_sub(bucket.in_flight) > seen.reserve() {
            return None;
        }
        // One at a time finds out, when the estimate says that nothing is left though a refill must have come.
        let since = now.duration_since(seen.at);
        if since >= REFILL_EVERY && bucket.in_flight == 0 {
            return None;
        }
        let into_minute = Duration::from_nanos((since.as_nanos() % REFILL_EVERY.as_nanos()) as u64);
        Some(REFILL_EVERY - into_minute)
    }

    /// Counts a request that is sent now.
    pub(super) fn depart(&self, project_id: &str, kind: Kind, now: Instant) -> Flight<'_> {
        let key = (project_id.to_owned(), kind);
        let mut buckets = self.buckets();
        if buckets.len() >= BUCKETS_LIMIT && !buckets.contains_key(&key) {
            let oldest = buckets.iter().filter(|(_, bucket)| bucket.in_flight == 0);
            let oldest = oldest.min_by_key(|(_, bucket)| bucket.used_at).map(|(key, _)| key.clone());
            oldest.map(|key| buckets.remove(&key));
        }
        let bucket = buckets.entry(key.clone()).or_insert_with(|| Bucket::new(now));
        bucket.in_flight += 1;
        bucket.used_at = now;
        Flight { limits: self, key, sent_at: now }
    }

    fn buckets(&self) -> MutexGuard<'_, HashMap<(String, Kind), Bucket>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Bucket {
    fn new(now: Instant) -> Self {
        Self { seen: None, in_flight: 0, held_until: None, refusals: 0, refused_at: None, used_at: now }
    }
}

impl Flight<'_> {
    /// Notes what an answer told of the bucket, refused or not.
    pub(super) fn observe(&self, limit: Option<u64>, remaining: Option<u64>, now: Instant) {
        if let (Some(remaining), Some(bucket)) = (remaining, self.limits.buckets().get_mut(&self.key)) {
            let limit = limit.unwrap_or(USUAL_LIMIT).max(remaining).max(1);
            bucket.seen = Some(Seen { limit, remaining, at: now });
        }
    }

    /// Notes an answer other than 429.
    pub(super) fn accepted(&self) {
        if let Some(bucket) = self.limits.buckets().get_mut(&self.key) {
            // An answer to a request from before the last 429 says nothing about it.
            if bucket.refused_at.is_none_or(|at| self.sent_at >= at) {
                bucket.refusals = 0;
            }
        }
    }

    /// Notes a 429 and returns how long nothing may be asked: `retry_after`, else 10, 20, 40 … s and up to a quarter
    /// more.
    pub(super) fn refused(&self, retry_after: Option<Duration>, now: Instant) -> Duration {
        let mut buckets = self.limits.buckets();
        let Some(bucket) = buckets.get_mut(&self.key) else { return retry_after.unwrap_or(FIRST_WAIT) };
        // Requests that were on their way together are refused together: that is one refusal.
        if bucket.refused_at.is_none_or(|at| self.sent_at >= at) {
            bucket.refusals += 1;
            bucket.refused_at = Some(now);
        }
        let wait = retry_after.unwrap_or_else(|| {
            let doubled = FIRST_WAIT * 2_u32.pow(bucket.refusals.saturating_sub(1).min(DOUBLINGS));
            doubled.mul_f64(1.0 + rand::random_range(0.0..0.25))
        });
        let until = bucket.held_until.map_or(now + wait, |until| until.max(now + wait));
        bucket.held_until = Some(until);
        until - now
    }
}

impl Drop for Flight<'_> {
    fn drop(&mut self) {
        if let Some(bucket) = self.limits.buckets().get_mut(&self.key) {
            bucket.in_flight = bucket.in_flight.saturating_sub(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KIND: Kind = Kind::AccessHistory;

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn nothing_is_held_while_nothing_is_known() {
        let (limits, now) = (RateLimits::default(), Instant::now());
        assert_eq!(limits.hold("p", KIND, now), None);
        let flights: Vec<_> = (0..2000).map(|_| limits.depart("p", KIND, now)).collect();
        flights[0].observe(Some(1200), None, now);
        assert_eq!(limits.hold("p", KIND, now), None);
    }

    #[test]
    fn a_429_holds_its_own_project_and_kind_only() {
        let (limits, now) = (RateLimits::default(), Instant::now());
        let flight = limits.depart("p", KIND, now);
        assert_eq!(flight.refused(Some(seconds(17)), now), seconds(17));
        assert_eq!(limits.hold("p", KIND, now + seconds(7)), Some(seconds(10)));
        assert_eq!(limits.hold("p", KIND, now + seconds(17)), None);
        assert_eq!(limits.hold("p", Kind::StreamAudit, now), None);
        assert_eq!(limits.hold("q", KIND, now), None);
    }

    #[test]
    fn without_retry_after_the_wait_doubles_until_an_answer_comes() {
        let (limits, mut now) = (RateLimits::default(), Instant::now());
        for expected in [10.0, 20.0, 40.0, 80.0, 160.0, 160.0] {
            let wait = limits.depart("p", KIND, now).refused(None, now);
            assert!((expected..expected * 1.25).contains(&wait.as_secs_f64()), "{wait:?}, not {expected}");
            now += wait;
        }
        limits.depart("p", KIND, now).accepted();
        assert!(limits.depart("p", KIND, now).refused(None, now) < seconds(13));
    }

    #[test]
    fn requests_refused_together_are_one_refusal() {
        let (limits, sent) = (RateLimits::default(), Instant::now());
        let flights: Vec<_> = (0..16).map(|_| limits.depart("p", KIND, sent)).collect();
        let now = sent + seconds(1);
        for flight in &flights {
            assert!(flight.refused(None, now) < seconds(13));
        }
        // An answer that was on its way before does not end it.
        flights[0].accepted();
        assert!(limits.depart("p", KIND, now + seconds(13)).refused(None, now + seconds(13)) >= seconds(20));
    }

    #[test]
    fn a_longer_hold_is_not_shortened() {
        let (limits, now) = (RateLimits::default(), Instant::now());
        let flights = [limits.depart("p", KIND, now), limits.depart("p", KIND, now)];
        flights[0].refused(Some(seconds(50)), now);
        assert_eq!(flights[1].refused(Some(seconds(5)), now), seconds(50));
    }

    #[test]
    fn an_almost_empty_bucket_waits_for_its_refill() {
        let (limits, now) = (RateLimits::default(), Instant::now());
        limits.depart("p", KIND, now).observe(Some(1200), Some(21), now);
        assert_eq!(limits.hold("p", KIND, now), None);
        let flight = limits.depart("p", KIND, now);
        assert_eq!(limits.hold("p", KIND, now + seconds(20)), Some(seconds(40)));
        drop(flight);
        assert_eq!(limits.hold("p", KIND, now + seconds(20)), None);

        limits.depart("p", KIND, now).observe(Some(1200), Some(20), now);
        assert_eq!(limits.hold("p", KIND, now + seconds(59)), Some(seconds(1)));
        assert_eq!(limits.hold("p", KIND, now + seconds(60)), None);
    }

    #[test]
    fn a_long_backlog_never_empties_the_bucket() {
        let (limits, start) = (RateLimits::default(), Instant::now());
        let (mut sent, mut remaining) = (0, 1200_u64);
        for second in 0..900 {
            let now = start + seconds(second);
            // The server refills at a time of its own.
            if second % 60 == 37 {
                remaining = (remaining + 500).min(1200);
            }
            for _ in 0..30 {
                if limits.hold("p", KIND, now).is_some() {
                    break;
                }
                let flight = limits.depart("p", KIND, now);
                assert!(remaining > 0, "empty after {sent} requests in {second} s");
                (sent, remaining) = (sent + 1, remaining - 1);
                flight.observe(Some(1200), Some(remaining), now);
            }
        }
        // At least half of what was to be had: a hold lasts up to a minute from the last answer.
        assert!(sent > 1200 + 500 * 7, "only {sent} requests");
    }
}
