//! Locks of the world.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// A panic of another test thread leaves nothing half done in here.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
