//! Requests to Atlas, by what was asked for and what became of it.

use std::sync::atomic::{AtomicU64, Ordering};

/// What was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RequestKind {
    /// An audit log.
    StreamAudit,
    /// An access history.
    AccessHistory,
    /// A list of projects, clusters or stream instances.
    List,
    /// An access token.
    Token,
    /// That an access token ends.
    Revocation,
}

/// What became of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It was answered, with this HTTP status.
    Answered(u16),
    /// There was no connection.
    NoConnection,
    /// No answer began in time.
    NoAnswer,
    /// The connection broke before an answer began, or the answer was not HTTP.
    Broken,
}

/// The statuses that are counted one by one: those that Atlas documents, and those of proxies in between. A server can make up
/// hundreds of others; they are counted by their hundred.
const STATUSES: [u16; 16] = [200, 400, 401, 403, 404, 406, 407, 408, 409, 410, 422, 429, 500, 502, 503, 504];

/// All others, by their hundred; what is above them is among the last.
const HUNDREDS: [&str; 5] = ["1xx", "2xx", "3xx", "4xx", "5xx"];

const UNANSWERED: [&str; 3] = ["connect", "timeout", "broken"];

const OUTCOMES: usize = STATUSES.len() + HUNDREDS.len() + UNANSWERED.len();

/// How many requests there were, by what was asked for and what became of it.
#[derive(Debug, Default)]
pub struct Requests([[AtomicU64; OUTCOMES]; RequestKind::ALL.len()]);

impl RequestKind {
    /// All kinds.
    pub const ALL: [Self; 5] = [Self::StreamAudit, Self::AccessHistory, Self::List, Self::Token, Self::Revocation];

    /// The form in metrics.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::StreamAudit => "stream-audit",
            Self::AccessHistory => "access-history",
            Self::List => "list",
            Self::Token => "token",
            Self::Revocation => "revocation",
        }
    }
}

impl Outcome {
    fn position(self) -> usize {
        let unanswered = STATUSES.len() + HUNDREDS.len();
        match self {
            Self::Answered(status) => match STATUSES.iter().position(|known| *known == status) {
                Some(position) => position,
                None => STATUSES.len() + usize::from(status / 100).clamp(1, HUNDREDS.len()) - 1,
            },
            Self::NoConnection => unanswered,
            Self::NoAnswer => unanswered + 1,
            Self::Broken => unanswered + 2,
        }
    }
}

impl Requests {
    /// Notes a request.
    pub fn note(&self, kind: RequestKind, outcome: Outcome) {
        self.0[kind as usize][outcome.position()].fetch_add(1, Ordering::Relaxed);
    }

    /// How many there were of each kind with each outcome, also where there was none. An outcome is a status, the hundred of one
    /// (`4xx`), or `connect`, `timeout` or `broken`: there are no others, whatever a server answers.
    pub fn counts(&self) -> impl Iterator<Item = (RequestKind, String, u64)> + '_ {
        let statuses = STATUSES.iter().map(ToString::to_string);
        let others = HUNDREDS.iter().chain(&UNANSWERED).map(ToString::to_string);
        let names: Vec<String> = statuses.chain(others).collect();
        RequestKind::ALL.into_iter().zip(&self.0).flat_map(move |(kind, counts)| {
            let names = names.clone().into_iter();
            names.zip(counts).map(move |(name, count)| (kind, name, count.load(Ordering::Relaxed)))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_a_server_answers_there_are_no_more_outcomes() {
        let requests = Requests::default();
        let all = requests.counts().count();
        for status in 0..=u16::MAX {
            requests.note(RequestKind::List, Outcome::Answered(status));
        }
        assert_eq!(requests.counts().count(), all);
        let count = |kind, outcome: &str| {
            let found = requests.counts().find(|(found, name, _)| *found == kind && name == outcome);
            found.map(|(_, _, count)| count)
        };
        assert_eq!(count(RequestKind::List, "200"), Some(1));
        assert_eq!(count(RequestKind::List, "2xx"), Some(99));
        assert_eq!(count(RequestKind::List, "4xx"), Some(100 - 11));
        assert_eq!(count(RequestKind::Token, "200"), Some(0));
        requests.note(RequestKind::Token, Outcome::NoConnection);
        requests.note(RequestKind::Token, Outcome::NoAnswer);
        requests.note(RequestKind::Token, Outcome::Broken);
        for outcome in UNANSWERED {
            assert_eq!(count(RequestKind::Token, outcome), Some(1), "{outcome}");
        }
    }
}
