//! What a daemon says to a command.

use serde::{Deserialize, Serialize};

use crate::{
    control::{News, Outcome},
    source::SourceId,
};

/// A line of the daemon.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Answer {
    /// Nothing is done, and why. All versions say it so.
    Refused(String),
    /// Nothing is done: the daemon has no such source.
    Unknown {
        /// As it was named.
        name: String,
        /// What the daemon has, in words.
        known: String,
    },
    /// The order is heard, and waits for its [`GO`](super::order::GO).
    Heard,
    /// These are seen to now. There is one [`Answer::Ended`] for each.
    Begun(Vec<SourceId>),
    /// Something happened.
    News(News),
    /// One source has been seen to.
    Ended(Outcome),
}
