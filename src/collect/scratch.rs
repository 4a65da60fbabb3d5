//! Scratch databases and files for what does not fit into memory: made when they are needed, gone with their owner.

use std::{
    fs::{File, OpenOptions},
    io,
    os::unix::fs::{FileExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
};

use rusqlite::Connection;

use crate::state::StateError;

/// How the files are called, so that a start can remove what a crash left.
const PREFIX: &str = "scratch-";

/// A database that survives nothing.
#[derive(Debug)]
pub(super) struct Scratch {
    connection: Connection,
    path: PathBuf,
}

impl Scratch {
    /// Makes the scratch database called `name`, with one table, in the state folder.
    pub(super) fn create(folder: &Path, name: &str, table: &str) -> Result<Self, StateError> {
        let path = folder.join(format!("{PREFIX}{name}.db"));
        remove(&path)?;
        let connection = Connection::open(&path)?;
        connection.pragma_update(None, "journal_mode", "OFF")?;
        connection.pragma_update(None, "synchronous", "OFF")?;
        connection.pragma_update(None, "locking_mode", "EXCLUSIVE")?;
        connection.pragma_update(None, "cache_size", -1024)?;
        connection.execute_batch(table)?;
        connection.execute_batch("BEGIN")?;
        Ok(Self { connection, path })
    }

    pub(super) fn connection(&self) -> &Connection {
        &self.connection
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // What cannot be removed now is removed at the next start.
        let _ = std::fs::remove_file(&self.path);
    }
}

/// A file that survives nothing: it has no name any more once it is there.
#[derive(Debug)]
pub(super) struct ScratchFile {
    file: File,
    length: u64,
    path: PathBuf,
}

impl ScratchFile {
    /// Makes one in the state folder.
    pub(super) fn create(folder: &Path, name: &str) -> Result<Self, StateError> {
        let path = folder.join(format!("{PREFIX}{name}.bytes"));
        remove(&path)?;
        let made = OpenOptions::new().read(true).write(true).create_new(true).mode(0o640).open(&path);
        let file = made.map_err(|cause| StateError::Folder { path: path.clone(), cause })?;
        remove(&path)?;
        Ok(Self { file, length: 0, path })
    }

    /// Adds bytes; where they begin.
    pub(super) fn push(&mut self, bytes: &[u8]) -> Result<u64, StateError> {
        let begin = self.length;
        self.file.write_all_at(bytes, begin).map_err(|cause| self.failed(cause))?;
        self.length += bytes.len() as u64;
        Ok(begin)
    }

    /// The bytes that begin somewhere, so many.
    pub(super) fn read(&self, begin: u64, length: usize) -> Result<Vec<u8>, StateError> {
        let mut bytes = vec![0; length];
        self.file.read_exact_at(&mut bytes, begin).map_err(|cause| self.failed(cause))?;
        Ok(bytes)
    }

    fn failed(&self, cause: io::Error) -> StateError {
        StateError::Folder { path: self.path.clone(), cause }
    }
}

fn remove(path: &Path) -> Result<(), StateError> {
    match std::fs::remove_file(path) {
        Err(cause) if cause.kind() != std::io::ErrorKind::NotFound => {
            Err(StateError::Folder { path: path.to_owned(), cause })
        }
        _ => Ok(()),
    }
}

/// Removes scratch databases that a crash left in the state folder.
pub(super) fn remove_leftovers(folder: &Path) -> Result<(), StateError> {
    let entries = std::fs::read_dir(folder).map_err(|cause| StateError::Folder { path: folder.to_owned(), cause })?;
    for entry in entries.flatten() {
        if entry.file_name().to_string_lossy().starts_with(PREFIX) {
            remove(&entry.path())?;
        }
    }
    Ok(())
}
