//! Which requests a rule, a hold or a count is about.

use std::time::Duration;

use super::request::{AuthKind, Request};
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

    /// Whether a fault strikes the request that is the `seen`th one that fits, counted from 1.
    pub(super) fn strikes(&self, seen: usize) -> bool {
        let place = seen.checked_sub(self.skip + 1);
        place.is_some_and(|place| self.times.is_none_or(|times| place < times))
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
            && (!self.authenticated || request.auth != AuthKind::None)
    }
}
