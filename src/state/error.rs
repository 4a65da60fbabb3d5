//! What can be wrong with the state.

use std::{io, path::PathBuf};

use thiserror::Error;

/// Why the state could not be opened, read or written.
#[derive(Debug, Error)]
pub enum StateError {
    /// The folder is not there.
    #[error(
        "the state folder {0} does not exist; create it, owned by the user that atlas-logd runs as, with mode 0750"
    )]
    NoFolder(PathBuf),
    /// There is no database where one is needed.
    #[error(
        "there is no state database at {0}; either nothing has been collected with this configuration yet, or it is lost"
    )]
    NoDatabase(PathBuf),
    /// The database is gone, its log is not.
    #[error(
        "{database} is missing or empty, but its log {log} is there, which may hold what was committed last; put back \
         the state.db that was there, and nothing else, or, where it is lost, a copy of the whole state folder that is as \
         new as the archive, or make the state again from the archive: atlas-logd rebuild --replace"
    )]
    LogAlone {
        /// The database.
        database: PathBuf,
        /// Its log.
        log: PathBuf,
    },
    /// The database is not the one that was opened.
    #[error(
        "the state database {0} was moved, replaced or deleted while it was in use; nothing is archived until it is back: \
         put it back, or stop atlas-logd, put back a copy of the state folder that is as new as the archive, and start it \
         again"
    )]
    Moved(PathBuf),
    /// The folder or the database cannot be used.
    #[error("failed to open the state in {path}: {}", explain_file(cause))]
    Folder {
        /// The folder or file.
        path: PathBuf,
        /// Why.
        cause: io::Error,
    },
    /// Another process writes to the state.
    #[error("another atlas-logd is using the state in {0}; stop it first, or wait until it is done")]
    Locked(PathBuf),
    /// The database was made by a newer program.
    #[error(
        "the state database {path} has schema version {found}, and this program knows versions up to {known}; run the \
         version of atlas-logd that wrote it, or a newer one"
    )]
    Newer {
        /// The database.
        path: PathBuf,
        /// Its version.
        found: i64,
        /// The newest version that this program knows.
        known: i64,
    },
    /// The database was made by an older program, and is only to be read.
    #[error(
        "the state database {path} has schema version {found}, which this program brings up to version {known} when it \
         collects; start the daemon, or run collect once"
    )]
    Older {
        /// The database.
        path: PathBuf,
        /// Its version.
        found: i64,
        /// The version that this program makes of it.
        known: i64,
    },
    /// The database was made by a version that was never released.
    #[error(
        "the state database {path} has schema version {found}, of a time before the first release, when archives had no \
         digests; keep that archive and its state as they are, and set [archive] dir and [state] dir to new, empty folders"
    )]
    Unreleased {
        /// The database.
        path: PathBuf,
        /// Its version.
        found: i64,
    },
    /// The database is not what was written.
    #[error(
        "the state database in [state] dir is damaged: {0}; put back a copy of the state folder that is as new as the \
         archive, or make it again from the archive: atlas-logd rebuild --replace"
    )]
    Damaged(String),
    /// One source's row is not what was written.
    #[error(
        "the state of {source_name} is damaged: {detail}; put back a copy of the state folder that is as new as the archive, \
         or make it again from the archive: atlas-logd rebuild --replace"
    )]
    DamagedSource {
        /// The source, as far as it can be told.
        source_name: String,
        /// What is wrong.
        detail: String,
    },
    /// What recognises archived records is not what was written.
    #[error(
        "the fingerprints of {source_name} in the state database are damaged; the next poll makes them again from the \
         segments"
    )]
    DamagedFingerprints {
        /// The source.
        source_name: String,
    },
    /// SQLite failed.
    #[error("failed to use the state database in [state] dir: {}", explain(.0))]
    Sqlite(rusqlite::Error),
}

/// An error of a file as a sentence for the one who has to mend it.
fn explain_file(cause: &io::Error) -> String {
    let what_to_do = match cause.kind() {
        io::ErrorKind::IsADirectory => {
            "it is a folder, where a file has to be: move it away, and put back what was there"
        }
        io::ErrorKind::NotADirectory => {
            "a part of the path is a file, where a folder has to be: put the folder in its place"
        }
        io::ErrorKind::StorageFull => "free some space on its disk",
        io::ErrorKind::PermissionDenied => {
            "it must be writable for the user that atlas-logd runs as; if you are another one, run this as that one (sudo -u)"
        }
        _ => "it must be writable for the user that atlas-logd runs as",
    };
    format!("{cause}; {what_to_do}")
}

/// An error of SQLite as a sentence for the one who has to mend it.
fn explain(error: &rusqlite::Error) -> String {
    use rusqlite::ErrorCode;
    let what_to_do = match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => "free some space on its disk, collection goes on by itself",
        Some(ErrorCode::ReadOnly | ErrorCode::CannotOpen | ErrorCode::PermissionDenied) => {
            "the folder and all state.db files in it must be writable for the user that atlas-logd runs as; look at \
             their owner and mode, and whether the disk is mounted read-only"
        }
        Some(ErrorCode::SystemIoFailure) => {
            // A full disk shows like this too, where SQLite cannot make its shared memory.
            "free some space if its disk is full, else look into the system's log and mend the disk; collection goes on by \
             itself"
        }
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => "another program holds it; it is tried again",
        _ => return error.to_string(),
    };
    format!("{error}; {what_to_do}")
}

impl From<rusqlite::Error> for StateError {
    fn from(error: rusqlite::Error) -> Self {
        use rusqlite::Error;
        let corrupt = matches!(
            error.sqlite_error_code(),
            Some(rusqlite::ErrorCode::DatabaseCorrupt | rusqlite::ErrorCode::NotADatabase)
        );
        // What was written can be read back; nobody wrote this.
        let unreadable = matches!(
            error,
            Error::FromSqlConversionFailure(..)
                | Error::IntegralValueOutOfRange(..)
                | Error::InvalidColumnType(..)
                | Error::Utf8Error(..)
        );
        if corrupt || unreadable { Self::Damaged(error.to_string()) } else { Self::Sqlite(error) }
    }
}
