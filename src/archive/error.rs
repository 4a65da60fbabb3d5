//! What can be wrong with the archive as a whole.

use std::{io, path::PathBuf};

use thiserror::Error;

use crate::state::StateError;

/// Why nothing can be archived.
#[derive(Debug, Error)]
pub enum ArchiveError {
    /// The root folder is not there.
    #[error(
        "the archive folder {0} does not exist; create it, owned by the user that atlas-logd runs as, with mode 0750, or \
         mount the volume that holds it"
    )]
    NoFolder(PathBuf),
    /// The root folder cannot be used.
    #[error("failed to use the archive {path}: {}", explain(cause))]
    Folder {
        /// The folder or file.
        path: PathBuf,
        /// Why.
        cause: io::Error,
    },
    /// Another process writes to the archive.
    #[error("another atlas-logd is writing to the archive {0}; stop it first, or wait until it is done")]
    Locked(PathBuf),
    /// The state knows this archive, but its marker is not there.
    #[error(
        "the archive {0} has no marker (.atlas-logd), though the state says that it was used before; its volume is \
         probably not mounted: mount it and start again; nothing was collected"
    )]
    NotMounted(PathBuf),
    /// There is no state, and no marker either.
    #[error(
        "the folder {0} has no marker (.atlas-logd), so that it is no archive of which the state can be made again; its volume \
         is probably not mounted, or [archive] dir is another folder"
    )]
    Unmarked(PathBuf),
    /// The archive holds something, but the state is new.
    #[error(
        "the archive {0} was used before, but the state database knows nothing of it; put back the state folder that \
         belongs to it, or, where it is lost, make it again from the archive: atlas-logd rebuild; or set [archive] dir to an \
         empty folder; nothing was collected, because it would be archived twice"
    )]
    StateMissing(PathBuf),
    /// Something lies in a folder that is to become an archive.
    #[error(
        "the folder {path} is to become an archive but is not empty ({found} lies there); set [archive] dir to an empty folder"
    )]
    NotEmpty {
        /// The folder.
        path: PathBuf,
        /// One of the things in it.
        found: String,
    },
    /// State and archive belong to others.
    #[error(
        "the archive {path} belongs to another state (its id is {found}, the state's is {expected}); set [archive] dir and \
         [state] dir to folders that belong together; nothing was collected"
    )]
    Foreign {
        /// The root folder.
        path: PathBuf,
        /// The id in the marker.
        found: String,
        /// The id in the state.
        expected: String,
    },
    /// The marker is not what was written.
    #[error("the marker {path} cannot be understood ({detail}); put it back from a backup of the archive")]
    Marker {
        /// The marker.
        path: PathBuf,
        /// What is wrong.
        detail: String,
    },
    /// The archive was made by a newer program.
    #[error(
        "the archive {path} has format version {found}, and this program knows version {known}; run the version of \
         atlas-logd that made it, or a newer one"
    )]
    Newer {
        /// The root folder.
        path: PathBuf,
        /// Its version.
        found: u64,
        /// The version that this program knows.
        known: u64,
    },
    /// The state.
    #[error(transparent)]
    State(#[from] StateError),
}

/// An I/O error as a sentence for the one who has to mend it.
#[must_use]
pub fn explain(cause: &io::Error) -> String {
    match cause.kind() {
        io::ErrorKind::StorageFull => "the disk is full; free some space, collection goes on by itself".to_owned(),
        io::ErrorKind::QuotaExceeded => "the disk quota is used up; raise it, collection goes on by itself".to_owned(),
        io::ErrorKind::ReadOnlyFilesystem => "the file system is read-only; remount it writable".to_owned(),
        io::ErrorKind::PermissionDenied => {
            "permission denied; it must be writable for the user that atlas-logd runs as".to_owned()
        }
        _ if cause.raw_os_error() == Some(rustix::io::Errno::LOOP.raw_os_error()) => {
            "it is a link, and links are refused below the archive's root: put what it leads to in its place".to_owned()
        }
        _ if cause.raw_os_error() == Some(rustix::io::Errno::IO.raw_os_error()) => {
            "the disk reports an error; look into the system's log and mend the disk, collection goes on by itself"
                .to_owned()
        }
        io::ErrorKind::IsADirectory => "it is a folder, where a file has to be: move it away".to_owned(),
        io::ErrorKind::NotADirectory => {
            "a part of the path is a link or a file, where a folder has to be: put the folder in its place".to_owned()
        }
        _ => cause.to_string(),
    }
}
