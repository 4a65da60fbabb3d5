//! What the state says, by `atlas-logd status --json`.

use atlas_logd::{instant::Instant, source::Source, window::Window};
use serde::Deserialize;

use super::Stage;

/// A source in the status. Instants are as they are printed.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Status {
    pub(crate) source: String,
    pub(crate) configured: bool,
    pub(crate) not_collected: Option<String>,
    pub(crate) paused: bool,
    pub(crate) folder: Option<String>,
    start: Option<String>,
    end: Option<String>,
    pub(crate) records: u64,
    pub(crate) bytes: u64,
    last_poll: Option<String>,
    pub(crate) failing_since: Option<String>,
    pub(crate) message: Option<String>,
    pub(crate) reconciliation: Option<Reconciliation>,
    gaps: Vec<GapRow>,
}

/// How the last reconciliation went.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Reconciliation {
    pub(crate) last_success: Option<String>,
    pub(crate) compared: u64,
    pub(crate) missing: u64,
    pub(crate) failure: Option<String>,
}

#[derive(Clone, Debug, Deserialize)]
struct GapRow {
    from: String,
    to: String,
    reason: String,
    detail: String,
}

/// A gap.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Gap {
    pub(crate) window: Window,
    pub(crate) reason: String,
    pub(crate) detail: String,
}

impl Gap {
    /// A gap without details.
    pub(crate) fn new(from: Instant, to: Instant, reason: &str) -> Self {
        Self { window: Window::new(from, to), reason: reason.to_owned(), detail: String::new() }
    }
}

impl Status {
    /// `[start, end)`: what the archive covers, less the gaps.
    #[track_caller]
    pub(crate) fn covered(&self) -> Window {
        let instant = |text: &Option<String>| text.as_ref().expect("never polled").parse().unwrap();
        Window::new(instant(&self.start), instant(&self.end))
    }

    #[track_caller]
    pub(crate) fn start(&self) -> Instant {
        self.covered().from
    }

    #[track_caller]
    pub(crate) fn end(&self) -> Instant {
        self.covered().to
    }

    /// When the last poll began.
    pub(crate) fn last_poll(&self) -> Option<Instant> {
        self.last_poll.as_ref().map(|text| text.parse().unwrap())
    }

    pub(crate) fn gaps(&self) -> Vec<Gap> {
        let gap = |row: &GapRow| Gap {
            window: Window::new(row.from.parse().unwrap(), row.to.parse().unwrap()),
            reason: row.reason.clone(),
            detail: row.detail.clone(),
        };
        self.gaps.iter().map(gap).collect()
    }
}

impl Stage {
    /// What the status says of all sources, those that are no longer configured at the end.
    #[track_caller]
    pub(crate) fn statuses(&self) -> Vec<Status> {
        let outcome = self.command(["status", "--json"]).assert_done();
        serde_json::from_str(&outcome.stdout).unwrap()
    }

    /// What the status says of a source of the configuration.
    #[track_caller]
    pub(crate) fn status(&self, source: &Source) -> Status {
        let name = source.to_string();
        let mut statuses = self.statuses();
        statuses.retain(|status| status.configured && status.source == name);
        statuses.pop().unwrap_or_else(|| panic!("{name} is not in the status"))
    }

    /// Its gaps.
    #[track_caller]
    pub(crate) fn gaps(&self, source: &Source) -> Vec<Gap> {
        self.status(source).gaps()
    }
}
