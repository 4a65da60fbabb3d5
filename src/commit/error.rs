//! Why a commit failed. Nothing of it is lost: it is finished, or made again, by the next poll.

use std::{
    io,
    path::{Path, PathBuf},
};

use thiserror::Error;

use crate::{
    archive::{LowDisk, explain},
    shell::quoted,
    state::StateError,
};

/// Why records could not be committed, or a source not be opened.
#[derive(Debug, Error)]
pub enum CommitError {
    /// The state.
    #[error(transparent)]
    State(#[from] StateError),
    /// A file or folder.
    #[error("failed to {doing} {path}: {}", explain(cause))]
    Io {
        /// What was tried.
        doing: &'static str,
        /// On what.
        path: PathBuf,
        /// Why it failed.
        cause: io::Error,
    },
    /// Nearly nothing is left of the archive's disk.
    #[error(transparent)]
    LowDisk(#[from] LowDisk),
    /// A segment has bytes that neither state nor intent explain.
    #[error(
        "the segment {path} has {actual} bytes, but only {expected} of them were written by this state; either someone \
         else wrote to the file (then keep a copy of it as evidence and cut it back: truncate -s {expected} {}), or an \
         older copy of the state was put back (then put back the newest one; only where that is lost, and nobody wrote to \
         the file, make the state again from the archive: atlas-logd rebuild --replace, which takes the segment as it lies \
         there); nothing was archived, because it might be archived twice",
        quoted(&path.display().to_string())
    )]
    Longer {
        /// The segment.
        path: PathBuf,
        /// Its length according to the state.
        expected: u64,
        /// Its length.
        actual: u64,
    },
    /// The archive's folder is not the one that was opened.
    #[error(
        "the archive folder {path} was moved, deleted, emptied or covered by a mount while it was in use, or its marker was; \
         nothing is archived until it is back: put it back, or stop atlas-logd, mount the archive, and start it again"
    )]
    Moved {
        /// The root folder.
        path: PathBuf,
    },
    /// A segment lies there that the state does not know.
    #[error(
        "{path} lies in the archive, but the state does not know it; an older copy of the state was put back, or the folder \
         was used by someone else: put back the newest copy of the state, or, where it is lost, make the state again \
         from the archive: atlas-logd rebuild --replace; or move the file away; nothing was archived, because it might be \
         archived twice"
    )]
    Unknown {
        /// The segment.
        path: PathBuf,
    },
    /// Something lies where a digest belongs.
    #[error(
        "{path} lies in the archive and is not what atlas-logd is about to write there; either an older copy of the state was \
         put back (then put back the newest one, or, where it is lost, make the state again from the archive: atlas-logd \
         rebuild --replace), or somebody else wrote it (then move it away: collection goes on by itself)"
    )]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// What Atlas shows again cannot be compared with what was archived.
    #[error(
        "{path} {detail}; what Atlas shows again might be archived twice, so nothing was: put back what belongs there from a \
         copy (atlas-logd verify {} names all that is wrong); where it is lost for good, `collect` with --from, --to and --lost \
         archives what Atlas still shows of it",
        quoted(&archive.display().to_string())
    )]
    Unproven {
        /// The segment or digest.
        path: PathBuf,
        /// What is wrong with it.
        detail: String,
        /// The root folder.
        archive: PathBuf,
    },
    /// The records of an interrupted commit are gone.
    #[error("the records of an interrupted commit are lost ({detail}); the window is asked again by the next poll")]
    SpoolLost {
        /// What was found.
        detail: String,
    },
    /// The disk refused to make bytes durable even after the records went into a new segment.
    #[error("the segment {path} could not be written twice in a row ({detail}); the next poll goes on")]
    DamagedAgain {
        /// The segment.
        path: PathBuf,
        /// What was found.
        detail: String,
    },
}

impl CommitError {
    /// Wraps an I/O error with what was tried on what.
    pub(crate) fn io(doing: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |cause| Self::Io { doing, path, cause }
    }

    /// Errors name files as the one who reads them has to: with the archive's folder.
    pub(crate) fn below(self, root: &Path) -> Self {
        match self {
            Self::Io { doing, path, cause } => Self::Io { doing, path: root.join(path), cause },
            Self::Foreign { path } => Self::Foreign { path: root.join(path) },
            Self::Longer { path, expected, actual } => Self::Longer { path: root.join(path), expected, actual },
            other => other,
        }
    }
}
