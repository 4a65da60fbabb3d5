//! Why a daemon did not do what it was asked.

use std::{io, path::PathBuf, time::Duration};

use thiserror::Error;

use crate::{shown::shown, words};

/// Why a daemon did not do, or not to the end, what it was asked.
#[derive(Debug, Error)]
pub(crate) enum ControlError {
    /// It will not.
    #[error("the running daemon refuses: {}", shown(.0))]
    Refused(String),
    /// It does not answer.
    #[error(
        "the daemon that uses the state in {folder} did not answer within {}; look into its log, and restart it if it hangs; \
         nothing was done",
        words::duration(*within)
    )]
    Silent {
        /// The state folder.
        folder: PathBuf,
        /// For how long it was waited.
        within: Duration,
    },
    /// It heard an order, and does not say whether it takes it up.
    #[error(
        "the daemon that uses the state in {folder} heard this, and did not say within {} whether it does it: it may still do \
         it; look into its log, and at `atlas-logd status`, before you run the same again",
        words::duration(*within)
    )]
    Unknown {
        /// The state folder.
        folder: PathBuf,
        /// For how long it was waited.
        within: Duration,
    },
    /// It is gone.
    #[error(
        "the daemon has stopped before it was done; what was archived stays, nothing is lost: run the same again when the \
         daemon is back"
    )]
    Gone,
    /// Something else listens there, or another version.
    #[error(
        "what the daemon answers cannot be understood ({0}); it is of another version than this program: restart it, so that \
         both are the same"
    )]
    NotUnderstood(String),
    /// The connection.
    #[error("failed to talk to the daemon at {path}: {cause}")]
    Io {
        /// The socket.
        path: PathBuf,
        /// Why.
        cause: io::Error,
    },
}

impl ControlError {
    /// An answer that nothing was asked for.
    pub(crate) fn out_of_turn() -> Self {
        Self::NotUnderstood("an answer that nothing was asked for".to_owned())
    }
}
