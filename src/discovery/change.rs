//! What new lists have changed, and what is told of it.

use std::{collections::BTreeSet, fmt};

use super::{
    lists::{Subject, Trouble},
    resolve::{NotCollected, Why},
};
use crate::{shown::shown, source::Source};

/// What lists have changed.
#[derive(Debug, Default)]
pub struct Learnt {
    /// What changed.
    pub changes: Vec<Change>,
    /// Lists that could not be got or not be used.
    pub troubles: Vec<Trouble>,
    /// Lists that were got and can be used.
    pub(crate) got: BTreeSet<Subject>,
    /// All lists that the configuration asks for.
    pub(crate) wanted: BTreeSet<Subject>,
}

/// A change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// A source is collected from now on.
    Found(Source),
    /// A source that the configuration means is not.
    Skipped(NotCollected),
    /// An item of a list cannot be a source or project.
    Refused {
        /// Of which list.
        subject: Subject,
        /// Why, with the name.
        why: String,
    },
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Found(source) => {
                write!(f, "{}: found at Atlas, it is collected from now on", shown(&source.to_string()))
            }
            Self::Skipped(NotCollected { source, why }) => {
                write!(f, "{}: not collected: {why}", shown(&source.to_string()))
            }
            Self::Refused { subject, why } => write!(f, "the {subject} shows what cannot be collected: {why}"),
        }
    }
}

impl Change {
    /// Whether somebody has to look at it.
    #[must_use]
    pub fn is_refusal(&self) -> bool {
        matches!(self, Self::Refused { .. })
    }

    /// A source that is skipped from now on; one that is gone was told of when Atlas said so.
    pub(super) fn of_skipped(skipped: NotCollected) -> Option<Self> {
        (skipped.why == Why::SharedTier).then_some(Self::Skipped(skipped))
    }
}
