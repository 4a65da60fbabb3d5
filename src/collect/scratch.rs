//! A scratch database for what does not fit into memory: made when it is needed, gone with its owner.

use std::path::{Path, PathBuf};

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
