//! The folder of a run.

use std::path::PathBuf;

use tempfile::TempDir;

/// The folder of the run, which stays when the run fails.
pub(crate) struct Kept {
    folder: Option<TempDir>,
    again: String,
    /// So many so far.
    pub(crate) kills: u32,
}

impl Kept {
    /// A new one; `again` is the command that makes the same choices again.
    pub(crate) fn new(again: String) -> Self {
        Self { folder: Some(tempfile::tempdir().unwrap()), again, kills: 0 }
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.folder.as_ref().unwrap().path().to_owned()
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        if std::thread::panicking()
            && let Some(folder) = self.folder.take()
        {
            let (kills, folder) = (self.kills, folder.keep());
            println!("failed after {kills} kills; all of it lies in {}", folder.display());
            println!("the same choices again: {}", self.again);
        }
    }
}
