//! How far back Atlas holds records.

use std::time::Duration;

use crate::source::Kind;

const MINUTE: Duration = Duration::from_secs(60);
const DAY: Duration = Duration::from_secs(24 * 3600);

/// Atlas drops access history after 7 days (documented). What is so old that it may be dropped while it is asked for
/// counts as dropped.
const MARGIN: Duration = Duration::from_secs(10 * 60);

/// For how long Atlas surely holds records of this kind; nothing where it holds them for as long as their instance
/// exists (documented for audit logs).
#[must_use]
pub fn retention(kind: Kind) -> Option<Duration> {
    match kind {
        Kind::AccessHistory => Some(7 * DAY - MARGIN),
        Kind::StreamAudit => None,
    }
}

/// How far back `start = "oldest"` reaches: for access history what Atlas holds for a minute more, for audit logs
/// the 30 days that Atlas answers with when no range is asked (documented), less an hour: should it cut a longer range
/// off there, a start at that very edge would never be answered for.
#[must_use]
pub fn oldest(kind: Kind) -> Duration {
    match kind {
        Kind::AccessHistory => 7 * DAY - MARGIN - MINUTE,
        Kind::StreamAudit => 30 * DAY - 60 * MINUTE,
    }
}
