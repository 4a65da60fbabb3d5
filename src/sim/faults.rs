//! What can go wrong on purpose: rules that strike requests.

use std::{sync::Mutex, time::Duration};

use bytes::Bytes;

use super::{requests::Request, world::lock};
use crate::{instant::Instant, source::SourceId, window::Window};

/// Which requests are meant. Everything that is given has to fit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Match {
    method: Option<String>,
    path: Option<String>,
    query: Option<String>,
    source: Option<SourceId>,
    about: Option<Instant>,
    longer_than: Option<Duration>,
    authenticated: bool,
    skip: usize,
    times: Option<usize>,
}

impl Match {
    /// Every request, also one for a token and a Digest client's first try without credentials.
    #[must_use]
    pub fn any() -> Self {
        Self::default()
    }

    /// Requests whose path, as sent, contains `part`.
    #[must_use]
    pub fn path(part: &str) -> Self {
        Self { path: Some(part.to_owned()), ..Self::default() }
    }

    /// Requests for a source; its filter does not matter.
    #[must_use]
    pub fn source(source: &SourceId) -> Self {
        Self { source: Some(source.clone()), ..Self::default() }
    }

    /// Only requests with this method.
    #[must_use]
    pub fn method(mut self, method: &str) -> Self {
        self.method = Some(method.to_owned());
        self
    }

    /// Only requests whose query, as sent, contains `part`.
    #[must_use]
    pub fn query(mut self, part: &str) -> Self {
        self.query = Some(part.to_owned());
        self
    }

    /// Only requests for a range that holds `instant`.
    #[must_use]
    pub fn about(mut self, instant: Instant) -> Self {
        self.about = Some(instant);
        self
    }

    /// Only requests for a range that is longer than this.
    #[must_use]
    pub fn longer_than(mut self, duration: Duration) -> Self {
        self.longer_than = Some(duration);
        self
    }

    /// Only requests with an `Authorization` header: not the first try of a Digest client.
    #[must_use]
    pub fn authenticated(mut self) -> Self {
        self.authenticated = true;
        self
    }

    /// A fault spares the first `count` requests that fit. (Counting and holding do not look at it.)
    #[must_use]
    pub fn skip(mut self, count: usize) -> Self {
        self.skip = count;
        self
    }

    /// A fault strikes `count` requests, not every one. (Counting and holding do not look at it.)
    #[must_use]
    pub fn times(mut self, count: usize) -> Self {
        self.times = Some(count);
        self
    }

    /// The `number`th request that fits, counted from 1, and no other.
    #[must_use]
    pub fn nth(self, number: usize) -> Self {
        self.skip(number.saturating_sub(1)).times(1)
    }

    /// Whether a request fits, whatever number it has.
    pub(super) fn covers(&self, request: &Request) -> bool {
        let same_source = |wanted: &SourceId| {
            request.source.as_ref().is_some_and(|asked| {
                (&asked.project_id, asked.kind, &asked.name) == (&wanted.project_id, wanted.kind, &wanted.name)
            })
        };
        let asked = |fits: &dyn Fn(Window) -> bool| request.asked().is_some_and(fits);
        self.method.as_ref().is_none_or(|method| *method == request.method)
            && self.about.is_none_or(|instant| asked(&|asked| asked.contains(instant)))
            && self.longer_than.is_none_or(|longest| asked(&|asked| asked.duration() > longest))
            && self.path.as_ref().is_none_or(|part| request.path.contains(part))
            && self.query.as_ref().is_none_or(|part| request.query.contains(part))
            && self.source.as_ref().is_none_or(same_source)
            && (!self.authenticated || request.auth != super::AuthKind::None)
    }
}

/// What goes wrong. Several can strike one request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// This instead of any other answer: nobody is authenticated, no token is taken.
    Answer {
        /// The status.
        status: u16,
        /// All headers but `Date`, `Content-Length` and `Server`.
        headers: Vec<(String, String)>,
        /// The body.
        body: Bytes,
    },
    /// 429 with the documented body, and `Retry-After` with so many seconds.
    RateLimited {
        /// Without a number no header.
        retry_after: Option<u64>,
    },
    /// The connection is reset instead of an answer.
    Reset,
    /// There never is an answer.
    Hang,
    /// The connection is closed after exactly so many bytes of the body, in the middle of its framing.
    Cut(usize),
    /// The connection is reset after so many bytes of the body. Some of them may be lost on the way.
    ResetAfter(usize),
    /// The body ends after so many bytes, with correct framing: a gzip cut at any place.
    Truncate(usize),
    /// The byte at this place of the body (from 0) is inverted.
    Corrupt(usize),
    /// More bytes after the end of the body, with correct framing.
    Append(Bytes),
    /// `Content-Length` says so. If it is more than there is, the connection is closed after the last byte.
    Length(u64),
    /// After so many bytes of the body nothing more comes, and the connection stays.
    Stall(usize),
    /// After so many bytes of the body the rest comes byte by byte.
    Trickle {
        /// So many bytes come at once.
        after: usize,
        /// Real time between two of the others.
        every: Duration,
    },
    /// The body is `unit`, again and again. It is compressed where the body is a gzip.
    Repeat {
        /// What is repeated.
        unit: Bytes,
        /// How often; without a number for ever.
        times: Option<u64>,
    },
    /// Another body under the same status and headers, with correct framing.
    Body(Bytes),
    /// Another value of a header, or none of it.
    Header(String, Option<String>),
    /// The `Date` header is off by so many milliseconds, beside what is set for the world.
    DateOffset(i64),
    /// So much of an audit range is left out at its start and at its end, and the `Content-Disposition` says so.
    NarrowRange(Duration, Duration),
}

impl Fault {
    /// A proxy's HTML page.
    #[must_use]
    pub fn html(status: u16) -> Self {
        let body = format!("<html><head><title>{status}</title></head><body><h1>{status}</h1>\n</body></html>\n");
        let headers = vec![("Content-Type".to_owned(), "text/html".to_owned())];
        Self::Answer { status, headers, body: body.into() }
    }

    /// An error of Atlas itself, with every documented field.
    #[must_use]
    pub fn json(status: u16, error_code: &str) -> Self {
        let body = serde_json::json!({
            "badRequestDetail": null,
            "detail": "An unexpected error occurred.",
            "error": status,
            "errorCode": error_code,
            "parameters": [],
            "reason": "Unexpected",
        });
        let headers = vec![("Content-Type".to_owned(), "application/json".to_owned())];
        Self::Answer { status, headers, body: body.to_string().into() }
    }

    /// A redirect.
    #[must_use]
    pub fn redirect(location: &str) -> Self {
        let headers = vec![("Location".to_owned(), location.to_owned())];
        Self::Answer { status: 302, headers, body: Bytes::new() }
    }

    /// No `Date` header.
    #[must_use]
    pub fn no_date() -> Self {
        Self::Header("Date".to_owned(), None)
    }

    /// A line that never ends.
    #[must_use]
    pub fn endless_line() -> Self {
        Self::Repeat { unit: vec![b'x'; 64 * 1024].into(), times: None }
    }

    /// A well-formed gzip that expands to so many MiB of zeros.
    #[must_use]
    pub fn gzip_bomb(mebibytes: u64) -> Self {
        Self::Repeat { unit: vec![0; 1024 * 1024].into(), times: Some(mebibytes) }
    }
}

/// All rules.
#[derive(Debug, Default)]
pub(super) struct Faults(Mutex<Vec<Rule>>);

#[derive(Debug)]
struct Rule {
    when: Match,
    fault: Fault,
    seen: usize,
}

impl Faults {
    pub(super) fn add(&self, when: Match, fault: Fault) {
        lock(&self.0).push(Rule { when, fault, seen: 0 });
    }

    pub(super) fn clear(&self) {
        lock(&self.0).clear();
    }

    /// The faults that strike a request, in the order of their rules.
    pub(super) fn strike(&self, request: &Request) -> Vec<Fault> {
        let mut struck = Vec::new();
        for rule in lock(&self.0).iter_mut().filter(|rule| rule.when.covers(request)) {
            rule.seen += 1;
            let place = rule.seen.checked_sub(rule.when.skip + 1);
            if place.is_some_and(|place| rule.when.times.is_none_or(|times| place < times)) {
                struck.push(rule.fault.clone());
            }
        }
        struck
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        sim::{AuthKind, World},
        source::Kind,
    };

    fn request(path: &str, auth: AuthKind) -> Request {
        Request {
            number: 0,
            at: Instant::from_seconds(0),
            method: "GET".into(),
            path: path.into(),
            query: "nLogs=5".into(),
            auth,
            user_agent: None,
            accept: None,
            source: Some(World::source("p", Kind::AccessHistory, "prod-0")),
            status: None,
        }
    }

    #[test]
    fn a_rule_strikes_the_requests_that_it_names_and_no_others() {
        let faults = Faults::default();
        faults.add(Match::path("auditLogs").authenticated().skip(1).times(2), Fault::Reset);
        let strike = |path, auth| faults.strike(&request(path, auth)).len();
        assert_eq!(strike("/auditLogs", AuthKind::None), 0);
        assert_eq!(strike("/auditLogs", AuthKind::Bearer), 0);
        assert_eq!(strike("/other", AuthKind::Bearer), 0);
        assert_eq!(strike("/auditLogs", AuthKind::Digest), 1);
        assert_eq!(strike("/auditLogs", AuthKind::Bearer), 1);
        assert_eq!(strike("/auditLogs", AuthKind::Bearer), 0);
    }

    #[test]
    fn a_source_matches_under_any_filter() {
        let asked = request("/x", AuthKind::Bearer);
        assert!(Match::source(&World::source("p", Kind::AccessHistory, "prod-0")).query("nLogs").covers(&asked));
        assert!(!Match::source(&World::source("p", Kind::StreamAudit, "prod-0")).covers(&asked));
        assert!(!Match::any().method("POST").covers(&asked));
    }

    #[test]
    fn a_range_matches_by_what_it_holds_and_by_its_length() {
        let mut asked = request("/x", AuthKind::Bearer);
        assert_eq!(asked.asked(), None);
        let second = Instant::from_seconds;
        for query in ["startDate=100&endDate=200", "nLogs=5&start=100000&end=200000"] {
            asked.query = query.to_owned();
            assert!(Match::any().about(second(100)).longer_than(Duration::from_secs(99)).covers(&asked));
            assert!(!Match::any().about(second(200)).covers(&asked));
            assert!(!Match::any().longer_than(Duration::from_secs(100)).covers(&asked));
        }
    }
}
