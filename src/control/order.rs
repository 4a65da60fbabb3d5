//! What is asked of a daemon.

use serde::{Deserialize, Serialize};

use crate::{collect::Job, commit::Skip, instant::Instant, source::SourceId};

/// The version of what is spoken. It changes when an older or newer program would misunderstand it; the first field of a
/// [`Request`], and [`Answer::Refused`](crate::control::Answer::Refused), stay as they are for ever.
pub(super) const VERSION: u32 = 1;

/// The line by which a command says that it is still there, once the daemon has heard the order. Without it nothing is done:
/// whoever was told that nothing was done went away before.
pub(super) const GO: &str = "\"go\"";

/// A request is no longer, in bytes: some thousand names of sources.
pub(super) const LONGEST_REQUEST: usize = 1 << 20;

/// The line that a command begins with.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Request {
    /// The version that it speaks.
    pub(super) version: u32,
    /// The order.
    pub(super) order: Order,
}

/// As much of a [`Request`] as is read first.
#[derive(Debug, Deserialize)]
pub(super) struct Spoken {
    /// The version that is spoken.
    pub(super) version: u32,
}

/// What is to be done, and to which sources.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Order {
    /// What.
    pub(crate) what: What,
    /// Of which sources; of all if none is named.
    pub(crate) sources: Vec<Named>,
}

/// What is to be done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum What {
    /// Poll, backfill or reconcile.
    Poll(Job),
    /// Declare a gap.
    Skip(Skip),
    /// Seal the open segment.
    Seal,
}

/// A source, as it was named.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Named {
    /// Its name.
    pub(crate) name: String,
    /// What it is in the configuration of whoever named it, if it is in that.
    pub(crate) id: Option<SourceId>,
}

impl Order {
    /// Whether it is what the schedule does, for all sources: what is new at Atlas belongs to that.
    pub(crate) fn is_collection_of_all(&self) -> bool {
        self.sources.is_empty() && self.what == What::Poll(Job::Regular)
    }

    /// What cannot be meant, if it is that.
    pub(super) fn fault(&self, now: Instant) -> Option<String> {
        let range = match &self.what {
            What::Poll(Job::Backfill(range) | Job::BackfillLost(range)) => Some(*range),
            What::Poll(Job::Reconcile { range }) => *range,
            What::Skip(skip) if self.sources.is_empty() => {
                return Some(format!("no source is named in which {} is to be skipped", skip.range));
            }
            What::Skip(skip) => return skip.check(now).err().map(|fault| fault.to_string()),
            What::Poll(Job::Regular) | What::Seal => None,
        };
        range.filter(|range| range.is_empty()).map(|range| format!("{range} is no range of time"))
    }
}

impl What {
    /// What it is called.
    pub(crate) fn as_str(&self) -> &'static str {
        match self {
            Self::Poll(Job::Regular) => "collect",
            Self::Poll(Job::Backfill(_) | Job::BackfillLost(_)) => "backfill",
            Self::Poll(Job::Reconcile { .. }) => "reconcile",
            Self::Skip(_) => "skip",
            Self::Seal => "seal",
        }
    }
}
