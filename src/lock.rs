//! A lock on a file, which keeps other processes out.

use std::{
    fs::{File, TryLockError},
    thread,
    time::{Duration, Instant},
};

/// A locked file.
#[derive(Debug)]
pub(crate) struct Lock(File);

/// For how long those who only read may have a file: reading a state takes a moment.
const READERS_TAKE: Duration = Duration::from_secs(10);

/// How often it is looked whether they are done.
const LOOK_EVERY: Duration = Duration::from_millis(10);

impl Lock {
    /// Locks `file` for this process alone. Waits a little for those who [share](Self::share) it.
    ///
    /// # Errors
    /// When another process has it for itself, or whatever the file system gives.
    pub(crate) fn take(file: File) -> Result<Self, TryLockError> {
        let give_up = Instant::now() + READERS_TAKE;
        loop {
            match file.try_lock() {
                Err(TryLockError::WouldBlock) if Instant::now() < give_up => {}
                taken => return taken.map(|()| Self(file)),
            }
            // It cannot be shared with one who has it for himself.
            file.try_lock_shared()?;
            file.unlock().map_err(TryLockError::Error)?;
            thread::sleep(LOOK_EVERY);
        }
    }

    /// Locks `file` together with others who only read.
    ///
    /// # Errors
    /// When another process has it for itself, or whatever the file system gives.
    pub(crate) fn share(file: File) -> Result<Self, TryLockError> {
        file.try_lock_shared()?;
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_writer_waits_for_readers_and_not_for_another_writer() {
        let path = tempfile::NamedTempFile::new().unwrap();
        let open = || File::open(path.path()).unwrap();
        let readers = (Lock::share(open()).unwrap(), Lock::share(open()).unwrap());
        let file = open();
        let writer = thread::spawn(move || Lock::take(file));
        drop(readers);
        let writer = writer.join().unwrap().unwrap();
        let before = Instant::now();
        assert!(matches!(Lock::take(open()), Err(TryLockError::WouldBlock)));
        assert!(before.elapsed() < READERS_TAKE, "nobody waits for a daemon to end");
        assert!(matches!(Lock::share(open()), Err(TryLockError::WouldBlock)));
        drop(writer);
        Lock::share(open()).unwrap();
    }
}
