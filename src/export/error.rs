//! Why nothing, or no more, is exported.

use std::{io, path::PathBuf};

use thiserror::Error;

use crate::archive::explain;

/// Why nothing, or no more, is exported.
#[derive(Debug, Error)]
pub enum ExportError {
    /// No source has this name or folder.
    #[error("there is no source {name:?} in the archive; {hint}{known}")]
    UnknownSource {
        /// What was asked for.
        name: String,
        /// What may have been meant; possibly empty.
        hint: String,
        /// The folders that are there, as a part of a sentence.
        known: String,
    },
    /// Several sources have this name.
    #[error("several sources of the archive have the name {name:?}; give the folder of one: {folders}")]
    Ambiguous {
        /// What was asked for.
        name: String,
        /// Their folders, as a part of a sentence.
        folders: String,
    },
    /// A folder of the archive cannot be looked into.
    #[error("failed to look into {path}: {}", why(cause))]
    Folder {
        /// The archive's root, or a folder below it.
        path: PathBuf,
        /// Why.
        cause: io::Error,
    },
    /// The output takes no more.
    #[error("failed to write the records: {0}")]
    Output(io::Error),
}

impl ExportError {
    /// Whether whoever read the output has read enough: `head`, or a pager that was closed.
    #[must_use]
    pub fn is_reader_gone(&self) -> bool {
        matches!(self, Self::Output(cause) if cause.kind() == io::ErrorKind::BrokenPipe)
    }
}

/// Why something cannot be read, as a sentence.
pub(super) fn why(cause: &io::Error) -> String {
    match cause.kind() {
        io::ErrorKind::NotFound => "it is not there".to_owned(),
        io::ErrorKind::PermissionDenied => "permission denied; export as a user who may read the archive".to_owned(),
        _ => explain(cause),
    }
}
