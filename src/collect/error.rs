//! Why a poll failed. The watermark stays, and the next poll tries again.

use std::time::Duration;

use thiserror::Error;

use crate::{
    archive::LowDisk,
    atlas::{RequestError, decode::DecodeError},
    collect::{Closed, Differing},
    commit::{CommitError, SkipError},
    instant::Instant,
    shell::quoted,
    source::Source,
    state::StateError,
    window::Window,
};

/// What passes by itself most of the time is called lasting after so many polls in a row.
const LASTING: usize = 3;

/// Why a poll failed.
#[derive(Debug, Error)]
pub enum PollError {
    /// Atlas did not answer, or not with the data.
    #[error("{0}")]
    Request(#[from] RequestError),
    /// The limit of the project is used up for longer than the poll may go on trying.
    #[error("the rate limit of the project is used up for another {} s, longer than a poll waits; the next poll tries again", wait.as_secs())]
    LimitReached {
        /// For how long.
        wait: Duration,
    },
    /// The answer is not what it has to be.
    #[error("{0}")]
    Decode(DecodeError<Closed>),
    /// The archive or the state.
    #[error(transparent)]
    Commit(CommitError),
    /// Nearly nothing is left of the archive's disk.
    #[error(transparent)]
    LowDisk(LowDisk),
    /// A segment turned out to be damaged.
    #[error("a segment was damaged and records of it were lost; the next poll asks for them again")]
    Damaged,
    /// The local clock is behind what is archived already.
    #[error("the clock shows {now}, but the archive is complete up to {end}: the clock is wrong, or was; set it right")]
    ClockBehind {
        /// The clock, corrected by Atlas' `Date` as far as that is known.
        now: Instant,
        /// The end watermark.
        end: Instant,
    },
    /// Whether Atlas still held the window cannot be told.
    #[error(
        "the local clock shows {local} and Atlas' Date says {date}, so it cannot be told whether Atlas still held the \
         window; its records are archived, but the watermark waits: set the clock right"
    )]
    ClocksDisagree {
        /// The local clock.
        local: Instant,
        /// The `Date` of the answer.
        date: Instant,
    },
    /// A backfill came too late.
    #[error("Atlas no longer holds what is before {horizon}: of the range up to there, nothing is claimed")]
    NoLongerHeld {
        /// Before this, nothing is held.
        horizon: Instant,
    },
    /// Without a `Date`, nothing says how far Atlas had come.
    #[error(
        "the answer has no Date header, so its records are archived, but the watermark waits; a proxy between here and \
         Atlas probably removes it"
    )]
    NoDate,
    /// Atlas answered for another range than was asked.
    #[error(
        "Atlas answered for {echoed} only, when {asked} was asked; what it gave is archived, but the watermark waits"
    )]
    Narrower {
        /// The range that was asked.
        asked: Window,
        /// The range that the answer is for.
        echoed: Window,
    },
    /// Most of what was reconciled differs from what is archived.
    #[error(
        "of what Atlas shows, {0} are not in the archive, though it was complete: so many do not come late, something has \
         changed at Atlas; nothing of that was archived, and it is a gap until somebody decides"
    )]
    Differs(Differing),
    /// There is nothing to skip.
    #[error(transparent)]
    Skip(SkipError),
    /// A defect in this program.
    #[error("a worker stopped unexpectedly ({0}); this is a defect in atlas-logd, please report it")]
    Panicked(String),
    /// The program is stopping.
    #[error("stopped before it was done; it goes on at the next start")]
    Stopped,
}

impl PollError {
    /// Whether the fault is in the answer for this window, so that the answer for a shorter one may be right.
    pub(super) fn is_of_the_answer(&self) -> bool {
        match self {
            Self::Decode(_) => true,
            Self::Request(error) => error.is_of_the_answer(),
            _ => false,
        }
    }

    /// Whether the window will most likely fail in the same way for ever, so that `skip` is worth naming.
    fn lasts(&self, failures: usize) -> bool {
        match self {
            Self::Decode(error) if error.lasts() => true,
            Self::Narrower { .. } => true,
            error => error.is_of_the_answer() && failures >= LASTING,
        }
    }

    /// What to do about it, if there is anything to do. `failures` is the number of polls in a row that failed because
    /// of an answer, this one included; `program` is how the program is called.
    #[must_use]
    pub fn advice(&self, source: &Source, window: Option<Window>, failures: usize, program: &str) -> Option<String> {
        if let Self::Request(error) = self
            && let Some(advice) = error.advice(source)
        {
            return Some(advice);
        }
        if let Self::Differs(differing) = self {
            let Window { from, to } = differing.first()?;
            let (range, source) = (format!("--from {from} --to {to}"), quoted(&source.to_string()));
            let others = if differing.count() > 1 { " (and the other ranges likewise)" } else { "" };
            return Some(format!(
                "compare some records with the archive, and either archive them with: {program} collect \
                 {source} {range}; or, where they are archived in another form, leave it at that with: {program} skip \
                 {source} {range} --reason '…'{others}"
            ));
        }
        let window = window.filter(|_| self.lasts(failures))?;
        let hope = match self {
            Self::Request(_) => {
                "it is tried again at every poll, in shorter windows; most often Atlas is out of order \
                 (https://status.mongodb.com), and it passes; only if it fails for days while other sources do well, get \
                 past it with:"
            }
            _ => "it is tried again at every poll; if it never gets better, get past it with:",
        };
        Some(format!(
            "{hope} {program} skip {} --from {} --to {} --reason '…'",
            quoted(&source.to_string()),
            window.from,
            window.to
        ))
    }
}

impl From<CommitError> for PollError {
    fn from(error: CommitError) -> Self {
        match error {
            CommitError::LowDisk(low) => Self::LowDisk(low),
            error => Self::Commit(error),
        }
    }
}

impl From<SkipError> for PollError {
    fn from(error: SkipError) -> Self {
        match error {
            SkipError::Commit(error) => error.into(),
            error => Self::Skip(error),
        }
    }
}

impl From<StateError> for PollError {
    fn from(error: StateError) -> Self {
        Self::Commit(error.into())
    }
}
