//! What a poll tells while it runs and when it is done.

use std::{fmt, sync::Arc, time::Duration};

use crate::{
    atlas::RequestError,
    collect::{PollError, Tally},
    instant::Instant,
    record::RecordTimes,
    source::Source,
    state::{PollFailure, PollFigures, PollRecord, Reconciled},
    window::Window,
};

/// Something happened in a poll.
#[derive(Debug)]
pub enum Progress<'a> {
    /// A window was committed.
    Committed {
        /// The window.
        window: Window,
        /// New records in it.
        records: u64,
        /// Bytes of them.
        bytes: u64,
        /// What the poll has to cover in all.
        range: Window,
    },
    /// A window is asked again in parts.
    Split {
        /// The window.
        window: Window,
        /// What is wrong with its answer; nothing if its page was full.
        error: Option<&'a PollError>,
    },
    /// Something went wrong and is tried again.
    Waiting {
        /// What.
        error: &'a PollError,
        /// In how long.
        wait: Duration,
    },
    /// Records came later than the settle time; told once for each poll.
    Late {
        /// How many.
        records: u64,
        /// How late one of them came at least.
        lateness: Duration,
        /// The settle time.
        settle: Duration,
    },
    /// A gap was declared.
    Gap {
        /// The gap.
        gap: &'a crate::plan::Gap,
    },
    /// A range that was to be asked for is not, because retention removed what was archived of it.
    Removed {
        /// The range.
        range: Window,
    },
}

/// Is told what happens. It must not block.
pub type Observer = Arc<dyn Fn(&Source, &Progress<'_>) + Send + Sync>;

/// An observer of one task.
#[derive(Clone)]
pub struct Listener(pub Observer);

impl fmt::Debug for Listener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Listener")
    }
}

/// How a poll went.
#[derive(Debug)]
pub struct PollReport {
    /// Its figures.
    pub figures: PollFigures,
    /// When the new records happened, and how many of them came late.
    pub times: RecordTimes,
    /// What was compared, if it was a reconciliation.
    pub compared: Option<Compared>,
    /// What it failed with, and at which window.
    pub failure: Option<Failure>,
}

/// What a reconciliation compared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Compared {
    /// From the beginning of the first window to the end of the last one, whatever gaps lie between; nothing when nothing is
    /// claimed of what was to be compared.
    pub range: Option<Window>,
    /// In numbers. What was missing is archived now.
    pub tally: Tally,
}

/// What a poll failed with.
#[derive(Debug)]
pub struct Failure {
    /// What.
    pub error: PollError,
    /// At which window, if at one.
    pub window: Option<Window>,
    /// What to do about it.
    pub advice: Option<String>,
}

impl fmt::Display for Failure {
    /// One sentence: window, cause, and what to do.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(window) = self.window {
            write!(f, "failed to collect {window}: ")?;
        }
        write!(f, "{}", self.error)?;
        match &self.advice {
            Some(advice) => write!(f, "; {advice}"),
            None => Ok(()),
        }
    }
}

impl PollReport {
    /// A poll that has done nothing yet.
    pub(super) fn begun(at: Instant) -> Self {
        let figures = PollFigures { at, duration: Duration::ZERO, windows: 0, requests: 0, records: 0, bytes: 0 };
        Self { figures, times: RecordTimes::default(), compared: None, failure: None }
    }

    /// A poll that was told to stop before it had its turn.
    pub(super) fn stopped(at: Instant) -> Self {
        let failure = Failure { error: PollError::Stopped, window: None, advice: None };
        Self { failure: Some(failure), ..Self::begun(at) }
    }

    /// Whether the poll was only stopped, because the program stops.
    #[must_use]
    pub fn is_stopped(&self) -> bool {
        self.failure.as_ref().is_some_and(|failure| matches!(failure.error, PollError::Stopped))
    }

    /// Whether it failed because Atlas has no such cluster or instance, or no such project that the credential can see.
    #[must_use]
    pub fn says_gone(&self) -> bool {
        self.failure
            .as_ref()
            .is_some_and(|failure| matches!(&failure.error, PollError::Request(error) if error.says_gone()))
    }

    /// Whether Atlas refused to answer for this very source, for another reason than a missing permission.
    #[must_use]
    pub fn is_refused(&self) -> bool {
        let refused = |failure: &Failure| {
            matches!(&failure.error, PollError::Request(RequestError::Refused { status: 400 | 404 | 409, .. }))
        };
        self.failure.as_ref().is_some_and(refused)
    }

    /// What the state remembers of a reconciliation.
    pub(super) fn reconciled(&self) -> Reconciled {
        let Tally { shown, missing } = self.compared.unwrap_or_default().tally;
        let message = self.failure.as_ref().map(ToString::to_string);
        Reconciled {
            begun: self.figures.at,
            succeeded: message.is_none().then_some(self.figures.at),
            compared: shown,
            missing,
            message: message.unwrap_or_default(),
        }
    }

    /// What the state remembers of it.
    pub(super) fn record(&self) -> PollRecord {
        let failure = self.failure.as_ref().map(|failure| PollFailure {
            message: failure.to_string(),
            of_the_answer: failure.error.is_of_the_answer(),
        });
        PollRecord { figures: self.figures.clone(), failure }
    }
}
