//! What can be set about the simulated Atlas as a whole: the open facts, the limits and how answers are framed.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
    time::Duration,
};

use jiff::civil::Date;

use super::truth::{Bounds, RangeClock};

/// What stands in the `Date` header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DateHeader {
    /// The clock of the world, off by so many milliseconds.
    Offset(i64),
    /// No header.
    Missing,
}

/// The body of an audit log without a line. All forms were recorded, here or at sibling endpoints.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EmptyAudit {
    /// The 23-byte gzip of nothing.
    Gzip,
    /// No byte at all.
    NoBytes,
    /// Two gzip members of nothing.
    TwoMembers,
}

impl EmptyAudit {
    /// All forms.
    pub const ALL: [Self; 3] = [Self::Gzip, Self::NoBytes, Self::TwoMembers];
}

/// How the end of a body is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// `Content-Length` up to 1 MiB, else chunked: large answers are never held in memory.
    Auto,
    /// Always `Content-Length`.
    Length,
    /// Always chunked.
    Chunked,
}

/// How access-history entries are rendered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rendering {
    /// The bytes of the truth.
    AsHeld,
    /// Other field order and other escapes, same values: only `hostname` and `logLine` can tell that it is the same.
    Anew,
}

/// The status of a denial for lack of a role or a foreign project.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Denial {
    /// 401 `USER_UNAUTHORIZED` and `USER_CANNOT_ACCESS_GROUP`.
    Unauthorized,
    /// 401 `USER_UNAUTHORIZED` and `NOT_IN_GROUP`.
    NotInGroup,
    /// The same as 403.
    Forbidden,
}

/// The set of endpoints that share a token bucket and a history of versions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Endpoint {
    /// The audit logs of stream instances.
    AuditLogs,
    /// The access history of clusters.
    AccessHistory,
    /// The list of projects.
    Groups,
    /// The list of clusters.
    Clusters,
    /// The list of stream instances.
    Streams,
}

/// The versions of an endpoint's resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Versions {
    /// All there ever were, oldest first.
    pub all: Vec<Date>,
    /// Those that were removed: 410.
    pub gone: Vec<Date>,
    /// `Sunset` header of the answers, for example `Thu, 1 Jul 2027 00:00:00 GMT`, with a `Deprecation` header.
    pub sunset: Option<String>,
}

/// A token bucket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BucketSize {
    /// How many tokens it holds at most, and at first.
    pub capacity: u32,
    /// How many are added each time.
    pub refill: u32,
    /// How often.
    pub every: Duration,
}

/// All settings. The defaults are what was recorded or documented.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Open: which clock a range is compared with.
    pub range_clock: RangeClock,
    /// Open: whether the bounds are in the range.
    pub bounds: Bounds,
    /// How long an access-history entry is held.
    pub access_retention: Duration,
    /// The `Date` header.
    pub date: DateHeader,
    /// An audit log without a line.
    pub empty_audit: EmptyAudit,
    /// Lines in a gzip member; without a number all in one.
    pub lines_per_member: Option<usize>,
    /// Whether the last line of an audit log ends in `\n`.
    pub final_newline: bool,
    /// Whether each download of an audit log adds an "Audit log accessed" line to it.
    pub downloads_are_audited: bool,
    /// How much of an asked audit range is left out at its start and at its end, also in the `Content-Disposition`.
    pub audit_range_cut: (Duration, Duration),
    /// How access-history entries are rendered.
    pub rendering: Rendering,
    /// Open: whether JSON is compressed for those who take that.
    pub compresses: bool,
    /// How bodies end.
    pub framing: Framing,
    /// Peers that may use a token or key; without a list all may.
    pub access_list: Option<Vec<IpAddr>>,
    /// How a denial looks.
    pub denial: Denial,
    /// Life of a bearer token.
    pub token_life: Duration,
    /// Token requests of one account in a minute.
    pub tokens_per_minute: usize,
    /// Live tokens of one account.
    pub live_tokens: usize,
    /// Life of a Digest nonce.
    pub nonce_life: Duration,
    /// The token bucket of each project and endpoint set.
    pub bucket: BucketSize,
    /// Projects, clusters and stream instances of these names are not in the lists, but answer all the same: a list can be
    /// partial.
    pub unlisted: BTreeSet<String>,
    /// Whether a 429 says `Retry-After`.
    pub retry_after: bool,
    /// Whether answers have `RateLimit-Limit` and `RateLimit-Remaining`.
    pub rate_limit_headers: bool,
    /// The versions of the resources.
    pub versions: BTreeMap<Endpoint, Versions>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            range_clock: RangeClock::default(),
            bounds: Bounds::default(),
            access_retention: Duration::from_secs(7 * 24 * 3600),
            date: DateHeader::Offset(0),
            empty_audit: EmptyAudit::Gzip,
            lines_per_member: None,
            final_newline: true,
            downloads_are_audited: false,
            audit_range_cut: (Duration::ZERO, Duration::ZERO),
            rendering: Rendering::AsHeld,
            compresses: false,
            framing: Framing::Auto,
            access_list: None,
            denial: Denial::Unauthorized,
            token_life: Duration::from_secs(3600),
            tokens_per_minute: 10,
            live_tokens: 100,
            nonce_life: Duration::from_secs(60),
            bucket: BucketSize { capacity: 1200, refill: 500, every: Duration::from_secs(60) },
            unlisted: BTreeSet::new(),
            retry_after: true,
            rate_limit_headers: true,
            versions: versions(),
        }
    }
}

/// The first version of each resource; of the clusters the one whose shape was recorded.
fn versions() -> BTreeMap<Endpoint, Versions> {
    let first = [
        (Endpoint::AuditLogs, (2023, 2, 1)),
        (Endpoint::AccessHistory, (2023, 1, 1)),
        (Endpoint::Groups, (2023, 1, 1)),
        (Endpoint::Clusters, (2024, 8, 5)),
        (Endpoint::Streams, (2023, 2, 1)),
    ];
    let only = |(year, month, day)| {
        let all = Date::new(year, month, day).into_iter().collect();
        Versions { all, gone: Vec::new(), sunset: None }
    };
    first.into_iter().map(|(endpoint, date)| (endpoint, only(date))).collect()
}
