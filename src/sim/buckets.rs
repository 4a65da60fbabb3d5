//! Rate limits: a token bucket for each project and endpoint set.

use std::collections::BTreeMap;

use super::settings::{BucketSize, Endpoint};
use crate::instant::Instant;

/// All token buckets.
#[derive(Debug, Default)]
pub(super) struct Buckets(BTreeMap<(String, Endpoint), Bucket>);

#[derive(Debug)]
struct Bucket {
    tokens: u32,
    refilled_at: Instant,
}

/// What a bucket said to a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Taken {
    /// Whether there was a token.
    pub(super) granted: bool,
    /// How many there are left.
    pub(super) remaining: u32,
    /// Seconds until there are more.
    pub(super) retry_after: u64,
}

impl Buckets {
    /// Takes a token out of the bucket of `project` (empty for what belongs to no project) for `endpoint`.
    pub(super) fn take(&mut self, project: &str, endpoint: Endpoint, size: BucketSize, now: Instant) -> Taken {
        let full = || Bucket { tokens: size.capacity, refilled_at: now };
        let bucket = self.0.entry((project.to_owned(), shared_set(endpoint))).or_insert_with(full);
        let every = u64::try_from(size.every.as_millis()).unwrap_or(u64::MAX).max(1);
        // A clock that was set back refills nothing until it is where it was.
        let elapsed = u64::try_from(now.since(bucket.refilled_at).as_millis()).unwrap_or(u64::MAX);
        let refills = elapsed / every;
        if refills > 0 {
            let added = u32::try_from(refills).unwrap_or(u32::MAX).saturating_mul(size.refill);
            bucket.tokens = bucket.tokens.saturating_add(added);
            bucket.refilled_at = Instant::from_millis(now.millis() - i64::try_from(elapsed % every).unwrap_or(0));
        }
        bucket.tokens = bucket.tokens.min(size.capacity);
        let granted = bucket.tokens > 0;
        bucket.tokens = bucket.tokens.saturating_sub(1);
        let retry_after = (every - elapsed % every).div_ceil(1000);
        Taken { granted, remaining: bucket.tokens, retry_after }
    }
}

/// Audit logs and the list of instances are one endpoint set.
fn shared_set(endpoint: Endpoint) -> Endpoint {
    if endpoint == Endpoint::AuditLogs { Endpoint::Streams } else { endpoint }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_bucket_runs_dry_and_is_refilled_in_steps_and_never_above_its_capacity() {
        let size = BucketSize { capacity: 2, refill: 1, every: Duration::from_secs(60) };
        let start = Instant::from_seconds(1000);
        let mut buckets = Buckets::default();
        let mut take =
            |seconds: u64| buckets.take("p", Endpoint::AuditLogs, size, start + Duration::from_secs(seconds));
        assert_eq!(take(0), Taken { granted: true, remaining: 1, retry_after: 60 });
        assert_eq!(take(0), Taken { granted: true, remaining: 0, retry_after: 60 });
        assert_eq!(take(18), Taken { granted: false, remaining: 0, retry_after: 42 });
        assert!(!take(59).granted);
        assert!(take(60).granted);
        assert!(!take(61).granted);
        assert_eq!(take(1000).remaining, 1);
        // The list of instances shares the bucket, another project does not.
        assert_eq!(buckets.take("p", Endpoint::Streams, size, start).remaining, 0);
        assert_eq!(buckets.take("q", Endpoint::Streams, size, start).remaining, 1);
    }
}
