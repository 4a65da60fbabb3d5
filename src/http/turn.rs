//! One reader of the state at a time: whoever asks often must not keep it from being written.

use std::sync::Arc;

use thiserror::Error;
use tokio::{
    sync::{Mutex, Semaphore},
    task::JoinError,
};

/// So many wait for their turn at most.
const QUEUE: usize = 8;

/// Why nothing was read.
#[derive(Debug, Error)]
pub(super) enum NoTurn {
    /// Too many wait already.
    #[error("too many requests at once")]
    Busy,
    /// It ended unexpectedly.
    #[error(transparent)]
    Ended(#[from] JoinError),
}

/// Lets one reader in at a time.
#[derive(Debug)]
pub(super) struct Turn {
    queue: Semaphore,
    one: Arc<Mutex<()>>,
}

impl Default for Turn {
    fn default() -> Self {
        Self { queue: Semaphore::new(QUEUE), one: Arc::default() }
    }
}

impl Turn {
    /// Waits for its turn, and does `work` on a thread that may wait for the disk.
    ///
    /// # Errors
    /// When too many wait, or `work` panicked.
    pub(super) async fn take<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, NoTurn> {
        let _place = self.queue.try_acquire().map_err(|_| NoTurn::Busy)?;
        let turn = Arc::clone(&self.one).lock_owned().await;
        let done = tokio::task::spawn_blocking(move || {
            // Also when nobody waits for the answer any more.
            let _turn = turn;
            work()
        });
        Ok(done.await?)
    }
}
