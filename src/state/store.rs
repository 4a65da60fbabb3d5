//! The database behind a small handle.

use std::{
    fs::{File, OpenOptions, TryLockError},
    os::unix::fs::{MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use rusqlite::{Connection, OpenFlags, Transaction, TransactionBehavior};

use crate::{
    lock::Lock,
    state::{SourceState, StateError, schema},
    vitals,
};

/// The one connection to the state database. Calls wait for the disk: make them on a blocking thread.
#[derive(Debug)]
pub struct Store {
    connection: Mutex<Connection>,
    folder: PathBuf,
    /// The device and the number of the database file.
    file: (u64, u64),
    /// Held for as long as the state is open for writing.
    _lock: Option<Lock>,
}

impl Store {
    /// Opens the state in `folder` for writing, and makes the database when there is none.
    ///
    /// # Errors
    /// When the folder is missing or not ours, when another process has it open for writing, when the database is of a
    /// newer version or damaged.
    pub fn open(folder: &Path) -> Result<Self, StateError> {
        let lock = lock(folder)?;
        let path = folder.join("state.db");
        refuse_log_alone(&path)?;
        // SQLite gives its other files the mode of this one.
        drop(open_private(&path)?);
        let mut connection = Connection::open(&path)?;
        connection.busy_timeout(Duration::from_secs(10))?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        // Memory must not follow the size of the database: 2 MiB of cache, in KiB.
        connection.pragma_update(None, "cache_size", -2048)?;
        connection.set_prepared_statement_cache_capacity(64);
        schema::migrate(&mut connection, &path)?;
        check_pages(&connection)?;
        let file = identity(&path).map_err(|cause| StateError::Folder { path: path.clone(), cause })?;
        Ok(Self { connection: Mutex::new(connection), folder: folder.to_owned(), file, _lock: Some(lock) })
    }

    /// Opens the state in `folder` for reading, also while another process writes to it.
    ///
    /// # Errors
    /// When there is no database, or it is of another version or damaged.
    pub fn open_read_only(folder: &Path) -> Result<Self, StateError> {
        let path = folder.join("state.db");
        refuse_log_alone(&path)?;
        match std::fs::metadata(&path).map(|metadata| metadata.len()) {
            Ok(length) if length > 0 => {}
            Ok(_) => return Err(StateError::NoDatabase(path)),
            Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => return Err(StateError::NoDatabase(path)),
            Err(cause) => return Err(StateError::Folder { path, cause }),
        }
        let connection = Connection::open_with_flags(&path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
        connection.busy_timeout(Duration::from_secs(10))?;
        schema::check_version(&connection, &path, true)?;
        let file = identity(&path).map_err(|cause| StateError::Folder { path, cause })?;
        Ok(Self { connection: Mutex::new(connection), folder: folder.to_owned(), file, _lock: None })
    }

    /// Looks over the whole database: what is wrong with it, and with the rows of sources.
    ///
    /// # Errors
    /// Whatever SQLite gives.
    pub fn faults(&self) -> Result<Vec<StateError>, StateError> {
        self.read(|connection| {
            if let Err(fault) = check_pages(connection) {
                return Ok(vec![fault]);
            }
            let mut faults = Vec::new();
            for state in SourceState::load_all(connection)? {
                match state {
                    Err(fault) => faults.push(fault),
                    Ok(state) if !state.knows_its_fingerprints(connection)? => {
                        faults.push(StateError::DamagedFingerprints { source_name: state.folder });
                    }
                    Ok(_) => {}
                }
            }
            Ok(faults)
        })
    }

    /// The folder that the state lies in.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Does `work` in one transaction, which is on stable storage when this returns, or not there at all when it fails.
    ///
    /// # Errors
    /// Whatever `work` or SQLite gives.
    pub fn transaction<T, E: From<StateError>>(
        &self,
        work: impl FnOnce(&Transaction<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        self.refuse_moved()?;
        let mut connection = self.connection();
        let transaction =
            connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(StateError::from)?;
        let done = work(&transaction)?;
        transaction.commit().map_err(StateError::from)?;
        Ok(done)
    }

    /// Reads. All of `work` sees one state of the database: what another process commits meanwhile would make a digest and
    /// what it is the digest of seem not to fit.
    ///
    /// # Errors
    /// Whatever `work` or SQLite gives.
    pub fn read<T, E: From<StateError>>(&self, work: impl FnOnce(&Connection) -> Result<T, E>) -> Result<T, E> {
        let mut connection = self.connection();
        let snapshot = connection.transaction_with_behavior(TransactionBehavior::Deferred).map_err(StateError::from)?;
        work(&snapshot)
    }

    /// Closes the database so that its file holds everything, without a log.
    ///
    /// # Errors
    /// When it still has one: without it, the file would be an older database.
    pub(super) fn close(self) -> Result<(), StateError> {
        let connection = self.connection.into_inner().unwrap_or_else(PoisonError::into_inner);
        connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
        connection.close().map_err(|(_, error)| error)?;
        let log = self.folder.join("state.db-wal");
        match std::fs::metadata(&log) {
            Ok(metadata) if metadata.len() > 0 => {
                let cause = std::io::Error::other("the log of the new database could not be written into it");
                Err(StateError::Folder { path: log, cause })
            }
            _ => Ok(()),
        }
    }

    /// SQLite goes on with a file that has no name any more, and everything is lost with the process.
    fn refuse_moved(&self) -> Result<(), StateError> {
        let path = self.folder.join("state.db");
        match identity(&path) {
            Ok(file) if file == self.file => Ok(()),
            _ => Err(StateError::Moved(path)),
        }
    }

    /// A thread that panicked in a transaction left none behind: dropping it rolled it back.
    fn connection(&self) -> MutexGuard<'_, Connection> {
        let _waiting = vitals::waits_for_others();
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What tells a file from another one of the same name.
fn identity(path: &Path) -> std::io::Result<(u64, u64)> {
    let metadata = std::fs::metadata(path)?;
    Ok((metadata.dev(), metadata.ino()))
}

/// Opens a file, or makes it: nobody but the user and the group needs to read the state.
fn open_private(path: &Path) -> Result<File, StateError> {
    let opened = OpenOptions::new().create(true).truncate(false).write(true).mode(0o640).open(path);
    opened.map_err(|cause| StateError::Folder { path: path.to_owned(), cause })
}

/// SQLite removes the log of a database that is not there; put back, the database would miss what was in it.
fn refuse_log_alone(path: &Path) -> Result<(), StateError> {
    let length = |path: &Path| std::fs::metadata(path).map_or(0, |metadata| metadata.len());
    let log = path.with_extension("db-wal");
    if length(path) == 0 && length(&log) > 0 {
        return Err(StateError::LogAlone { database: path.to_owned(), log });
    }
    Ok(())
}

/// Takes the lock of the state folder.
pub(super) fn lock(folder: &Path) -> Result<Lock, StateError> {
    if !folder.is_dir() {
        return Err(StateError::NoFolder(folder.to_owned()));
    }
    let file = open_private(&folder.join("lock"))?;
    match Lock::take(file) {
        Ok(lock) => Ok(lock),
        Err(TryLockError::WouldBlock) => Err(StateError::Locked(folder.to_owned())),
        Err(TryLockError::Error(cause)) => Err(StateError::Folder { path: folder.to_owned(), cause }),
    }
}

/// Lets SQLite look over its pages and indexes, so that damage is found before anything is built on it: a source that an
/// index no longer finds would be archived once more as a new one.
fn check_pages(connection: &Connection) -> Result<(), StateError> {
    let verdict: String = connection.query_row("PRAGMA integrity_check(1)", [], |row| row.get(0))?;
    if verdict == "ok" { Ok(()) } else { Err(StateError::Damaged(verdict.replace('\n', " "))) }
}
