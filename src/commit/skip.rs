//! Skips: an operator declares that a range can never be had.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::{
    commit::{CommitError, Committer},
    instant::Instant,
    plan::{Gap, GapReason},
    source::Source,
    state::{CoverageChange, SourceState, StateError, gaps},
    window::Window,
};

/// What an operator declares.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Skip {
    /// The range that can never be had.
    pub range: Window,
    /// Why; an auditor will read it.
    pub reason: String,
}

/// A part of the range that is a gap now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Skipped {
    /// The part.
    pub window: Window,
    /// Where the end watermark stands with it.
    pub end: Instant,
}

/// Why nothing is skipped.
#[derive(Debug, Error)]
pub enum SkipError {
    /// There is no such range.
    #[error("--from {} is not before --to {}", .0.from, .0.to)]
    Empty(Window),
    /// Nobody knows yet.
    #[error("--to {0} lies in the future; what is still to come can be had")]
    Future(Instant),
    /// It says nothing.
    #[error("--reason is empty; an auditor will want to know why")]
    NoReason,
    /// Nothing is known of the source.
    #[error("{0} was never polled, so that there is nothing to skip; poll it first")]
    NeverPolled(Source),
    /// All of it is archived.
    #[error("{source_name} is collected up to {end} already; there is nothing to skip before that")]
    Collected {
        /// The source.
        source_name: Source,
        /// Its end watermark.
        end: Instant,
    },
    /// State or archive.
    #[error(transparent)]
    Commit(#[from] CommitError),
}

impl From<StateError> for SkipError {
    fn from(error: StateError) -> Self {
        Self::Commit(error.into())
    }
}

impl Skip {
    /// Refuses what cannot be meant.
    ///
    /// # Errors
    /// The fault.
    pub fn check(&self, now: Instant) -> Result<(), SkipError> {
        if self.range.is_empty() {
            return Err(SkipError::Empty(self.range));
        }
        if self.range.to > now {
            return Err(SkipError::Future(self.range.to));
        }
        if self.reason.trim().is_empty() { Err(SkipError::NoReason) } else { Ok(()) }
    }
}

impl Committer {
    /// Declares what of a range is not archived to be gaps: what lies behind the end watermark, what damage took, and what a
    /// reconciliation left to a person.
    ///
    /// # Errors
    /// When there is nothing to skip, or state or archive cannot be written.
    pub fn skip(&self, source: &Source, skip: &Skip) -> Result<Vec<Skipped>, SkipError> {
        let now = self.clock.now();
        skip.check(now)?;
        let known = self.store.read(|connection| SourceState::load(connection, &source.id))?;
        if known.and_then(|state| state.start).is_none() {
            return Err(SkipError::NeverPolled(source.clone()));
        }
        let mut state = self.recover(source)?;
        let end = state.end.unwrap_or(skip.range.from);
        let gaps = self.store.read(|connection| gaps(connection, state.key))?;
        // What damage took is asked for again, and may be what cannot be had; what differs may be meant to stay as it is.
        let undecided = |gap: &&Gap| matches!(gap.reason, GapReason::Damage | GapReason::Differs);
        let undecided = gaps.iter().filter(undecided).map(|gap| gap.window);
        let ahead = Window::new(end, Instant::MAX);
        let parts: Vec<Window> = undecided
            .chain([ahead])
            .map(|missing| missing.intersection(skip.range))
            .filter(|part| !part.is_empty())
            .collect();
        if parts.is_empty() {
            return Err(SkipError::Collected { source_name: source.clone(), end });
        }
        let mut skipped = Vec::new();
        for window in parts {
            let detail = skip.reason.trim().to_owned();
            let gap = Gap { window, reason: GapReason::Skipped, detail, noticed: now };
            let change = CoverageChange { covered: window, gaps: vec![gap], reconciled: None };
            self.commit_quiet(&mut state, &change, |_| Ok(()), None)?;
            skipped.push(Skipped { window, end: state.end.unwrap_or(skip.range.to) });
        }
        Ok(skipped)
    }
}
