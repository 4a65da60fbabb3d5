//! A request that arrived.

use crate::{instant::Instant, source::SourceId, window::Window};

/// How a request authenticated itself, or tried to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AuthKind {
    /// Not at all.
    None,
    /// `Basic`, on the OAuth endpoints.
    Basic,
    /// `Bearer`.
    Bearer,
    /// `Digest`.
    Digest,
    /// Something else.
    Other,
}

/// A request that arrived.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// Counted from 0 over the life of the world.
    pub number: u64,
    /// The world's time of its arrival.
    pub at: Instant,
    /// `GET`
    pub method: String,
    /// As sent, percent-encoded, without the query.
    pub path: String,
    /// As sent, without the `?`; empty without one.
    pub query: String,
    /// How it authenticated itself.
    pub auth: AuthKind,
    /// The `User-Agent` header.
    pub user_agent: Option<String>,
    /// The `Accept` header.
    pub accept: Option<String>,
    /// The source that it asks for, if it does.
    pub source: Option<SourceId>,
    /// The status of its answer, once it was answered.
    pub status: Option<u16>,
}

impl Request {
    /// The range that it asks for, if it names one.
    #[must_use]
    pub fn asked(&self) -> Option<Window> {
        let value = |name: &str| {
            let mut pairs = self.query.split('&').filter_map(|pair| pair.split_once('='));
            pairs.find(|(key, _)| *key == name).and_then(|(_, value)| value.parse::<i64>().ok())
        };
        let in_seconds = |name| value(name).map(Instant::from_seconds);
        let in_millis = |name| value(name).map(Instant::from_millis);
        let from = in_seconds("startDate").or_else(|| in_millis("start"))?;
        Some(Window::new(from, in_seconds("endDate").or_else(|| in_millis("end"))?))
    }
}
