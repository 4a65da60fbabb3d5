//! Waits for what a running daemon does, by what it asks.

use atlas_logd::{
    instant::Instant,
    sim::{Match, Request},
    source::Source,
};

use super::Stage;

/// A schedule whose ticks a test waits for.
pub(crate) const EVERY_SECOND: &str = "* * * * * *";

/// A schedule that does not tick during a test.
pub(crate) const ONCE_A_YEAR: &str = "0 0 0 1 1 *";

impl Stage {
    /// The requests for a source's data that came with credentials, since the last
    /// [`clear_requests`](atlas_logd::sim::World::clear_requests).
    pub(crate) fn data_requests(&self, source: &Source) -> Vec<Request> {
        self.world.requests_matching(&Match::source(&source.id).authenticated())
    }

    /// Waits until there are so many of them.
    #[track_caller]
    pub(crate) fn wait_for_data_requests(&self, source: &Source, count: usize) {
        let arrived = self.world.wait_arrived(&Match::source(&source.id).authenticated(), count);
        assert!(arrived, "{source} was asked for {} times, not {count} times", self.data_requests(source).len());
    }

    /// Waits until a daemon has archived what can be seen now. The next request may be that of a poll that was planned
    /// before; the one after it comes of a poll that is planned from now on, and the third one only when that is over.
    #[track_caller]
    pub(crate) fn wait_until_polled(&self, source: &Source) {
        self.wait_for_data_requests(source, self.data_requests(source).len() + 3);
    }
}

/// From where on a request asks.
pub(crate) fn asked_from(request: &Request) -> Instant {
    request.asked().unwrap_or_else(|| panic!("no range in {}", request.query)).from
}
