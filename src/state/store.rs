//! The database behind a small handle.

use std::{
    fmt,
    fs::{File, OpenOptions, TryLockError},
    os::unix::{
        ffi::OsStrExt as _,
        fs::{MetadataExt, OpenOptionsExt},
    },
    path::{Path, PathBuf},
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_encode};
use rusqlite::{Connection, InterruptHandle, OpenFlags, Transaction, TransactionBehavior, config::DbConfig};

use crate::{
    lock::Lock,
    state::{SourceState, StateError, schema},
    vitals,
};

/// What a path must not hold as it stands in a URI.
const PATH: &AsciiSet = &NON_ALPHANUMERIC.remove(b'/').remove(b'-').remove(b'_').remove(b'.');

/// How long to wait for another process that has the database to itself for a moment.
const BUSY: Duration = Duration::from_secs(10);

/// Memory must not follow the size of the database: 2 MiB of cache, in KiB, which SQLite tells from pages by the sign.
const CACHE_SIZE: i64 = -2048;

/// The one connection to the state database. Calls wait for the disk: make them on a blocking thread.
#[derive(Debug)]
pub struct Store {
    connection: Mutex<Connection>,
    folder: PathBuf,
    /// The device and the number of the database file.
    file: (u64, u64),
    /// Whether this or another process writes to it.
    writer: bool,
    /// Whether there was no log, or something was written since: until then, the one that was found may be that of another
    /// database.
    trusted: AtomicBool,
    /// Held for as long as the state is open: for this process alone if it writes. Readers have none while there is a writer.
    _lock: Option<Lock>,
}

impl Store {
    /// Opens the state in `folder` for writing, and makes the database when there is none.
    ///
    /// # Errors
    /// When the folder is missing or not ours, when another process has it open for writing, when the database is of a
    /// newer version or damaged.
    pub fn open(folder: &Path) -> Result<Self, StateError> {
        let (store, check) = Self::open_beside_check(folder)?;
        check.wait()?;
        Ok(store)
    }

    /// Opens the state as [`Store::open`] does, while its pages are looked over: that takes the longer the larger it is. Nothing may be
    /// written before [`PageCheck::wait`] says that all is well; what reads may go on.
    ///
    /// # Errors
    /// Those of [`Store::open`], but for damage that the look has not found yet.
    pub fn open_beside_check(folder: &Path) -> Result<(Self, PageCheck), StateError> {
        let lock = lock(folder)?;
        let path = folder.join("state.db");
        refuse_log_alone(&path)?;
        let found_log = log_length(&path) > 0;
        // SQLite gives its other files the mode of this one.
        drop(open_private(&path)?);
        let mut connection = Connection::open(&path)?;
        connection.busy_timeout(BUSY)?;
        keep_log(&connection, found_log)?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        connection.pragma_update(None, "cache_size", CACHE_SIZE)?;
        // Else statements that compare with a range are made anew each time, in case another plan fits the value better.
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
        connection.set_prepared_statement_cache_capacity(64);
        schema::migrate(&mut connection, &path)?;
        let file = identity(&path).map_err(|cause| StateError::Folder { path: path.clone(), cause })?;
        let check = PageCheck::begin(path)?;
        let store = Self {
            connection: Mutex::new(connection),
            folder: folder.to_owned(),
            file,
            writer: true,
            trusted: AtomicBool::new(!found_log),
            _lock: Some(lock),
        };
        Ok((store, check))
    }

    /// Opens the state in `folder` for reading, also while another process writes to it. No file is made or changed.
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
        let (lock, writer) = share(folder)?;
        // SQLite makes the files that readers and writers share where there is no writer that did. A later writer could not
        // open those of another user. Where nobody writes and there is no log, none are needed.
        let connection = if writer || log_length(&path) > 0 {
            Connection::open_with_flags(&path, OpenFlags::SQLITE_OPEN_READ_ONLY)?
        } else {
            open_immutable(&path)?
        };
        connection.busy_timeout(BUSY)?;
        connection.set_prepared_statement_cache_capacity(64);
        schema::check_version(&connection, &path, true)?;
        let file = identity(&path).map_err(|cause| StateError::Folder { path, cause })?;
        let (connection, folder, trusted) = (Mutex::new(connection), folder.to_owned(), AtomicBool::new(false));
        Ok(Self { connection, folder, file, writer, trusted, _lock: lock })
    }

    /// Whether a process had the state open for writing when this one opened it: the daemon, or a command that writes.
    #[must_use]
    pub fn has_writer(&self) -> bool {
        self.writer
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
        if !self.trusted.swap(true, Ordering::Relaxed) {
            keep_log(&connection, false)?;
        }
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
        keep_log(&connection, false)?;
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

/// Whether the log stays as it is when the database is closed, instead of being written into it.
fn keep_log(connection: &Connection, keep: bool) -> Result<(), StateError> {
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, keep)?;
    Ok(())
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
    let length = std::fs::metadata(path).map_or(0, |metadata| metadata.len());
    if length == 0 && log_length(path) > 0 {
        return Err(StateError::LogAlone { database: path.to_owned(), log: log_of(path) });
    }
    Ok(())
}

/// The log of a database.
fn log_of(database: &Path) -> PathBuf {
    database.with_extension("db-wal")
}

/// Its length; nothing where there is none.
fn log_length(database: &Path) -> u64 {
    std::fs::metadata(log_of(database)).map_or(0, |metadata| metadata.len())
}

/// Opens a database that nobody writes to, and that has no log.
fn open_immutable(path: &Path) -> Result<Connection, StateError> {
    let path = percent_encode(path.as_os_str().as_bytes(), PATH).to_string();
    // A path must not be taken for a host.
    let prefix = if path.starts_with('/') { "//" } else { "" };
    let uri = format!("file:{prefix}{path}?immutable=1");
    Ok(Connection::open_with_flags(uri, OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI)?)
}

/// Takes the lock of the state folder together with other readers, so that no writer begins meanwhile; or says that there is
/// a writer. A copy of a state may have no lock.
fn share(folder: &Path) -> Result<(Option<Lock>, bool), StateError> {
    let path = folder.join("lock");
    let shared = match File::open(&path) {
        Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => return Ok((None, false)),
        opened => opened.map_err(TryLockError::Error).and_then(Lock::share),
    };
    match shared {
        Ok(lock) => Ok((Some(lock), false)),
        Err(TryLockError::WouldBlock) => Ok((None, true)),
        Err(TryLockError::Error(cause)) => Err(StateError::Folder { path, cause }),
    }
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

/// A look at all pages of a database, on a thread of its own, which ends with it: nothing is at work in a folder that is not open.
#[must_use = "nothing may be written before it is known that the database is not damaged"]
pub struct PageCheck {
    looking: Option<JoinHandle<Result<(), StateError>>>,
    interrupt: InterruptHandle,
}

impl PageCheck {
    fn begin(path: PathBuf) -> Result<Self, StateError> {
        let connection = Connection::open_with_flags(&path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
        connection.busy_timeout(BUSY)?;
        connection.pragma_update(None, "cache_size", CACHE_SIZE)?;
        let interrupt = connection.get_interrupt_handle();
        let builder = thread::Builder::new().name("page check".to_owned());
        let looking = builder.spawn(move || check_pages(&connection));
        let looking = Some(looking.map_err(|cause| StateError::Folder { path, cause })?);
        Ok(Self { looking, interrupt })
    }

    /// Waits until all pages have been looked at.
    ///
    /// # Errors
    /// When the database is damaged, or whatever SQLite gives.
    pub fn wait(mut self) -> Result<(), StateError> {
        let Some(looking) = self.looking.take() else { return Ok(()) };
        looking.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    }
}

impl Drop for PageCheck {
    fn drop(&mut self) {
        if let Some(looking) = self.looking.take() {
            self.interrupt.interrupt();
            // Nobody asks any more what it found.
            let _ = looking.join();
        }
    }
}

impl fmt::Debug for PageCheck {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("PageCheck").finish_non_exhaustive()
    }
}

/// Lets SQLite look over its pages and indexes, so that damage is found before anything is built on it: a source that an
/// index no longer finds would be archived once more as a new one.
fn check_pages(connection: &Connection) -> Result<(), StateError> {
    let verdict: String = connection.query_row("PRAGMA integrity_check(1)", [], |row| row.get(0))?;
    if verdict == "ok" { Ok(()) } else { Err(StateError::Damaged(verdict.replace('\n', " "))) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_look_at_the_pages_that_nobody_waits_for_ends_before_the_folder_is_given_up() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        let many = "PRAGMA foreign_keys = 0;
            WITH RECURSIVE number(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM number WHERE n < 200000)
            INSERT INTO island (source, from_ms, to_ms) SELECT 1, n, n + 1 FROM number;";
        store.connection().execute_batch(many).unwrap();
        drop(store);

        let (store, check) = Store::open_beside_check(folder.path()).unwrap();
        drop(check);
        drop(store);
        // Whoever closes the database last removes these.
        assert!(!folder.path().join("state.db-wal").exists());
        assert!(!folder.path().join("state.db-shm").exists());
    }
}
