//! A lock on a file, which keeps other processes out.

use std::fs::{File, TryLockError};

/// A locked file.
#[derive(Debug)]
pub(crate) struct Lock(File);

impl Lock {
    /// Locks `file` for this process alone.
    ///
    /// # Errors
    /// When another process has it, or whatever the file system gives.
    pub(crate) fn take(file: File) -> Result<Self, TryLockError> {
        file.try_lock()?;
        Ok(Self(file))
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // Closing the file is not enough: a process that was forked off at this moment, and has not gone over to its own
        // program yet, has it open too. That it cannot be unlocked can only mean that it is not locked.
        let _ = self.0.unlock();
    }
}
