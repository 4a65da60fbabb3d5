//! Patience: a writer at work needs a moment between two files that belong together.

use std::{thread, time::Duration};

/// The first wait; each one is twice as long as the one before.
const FIRST_WAIT: Duration = Duration::from_millis(20);

/// How long something may be looked at again.
#[derive(Debug)]
pub(super) struct Patience {
    left: Duration,
    next: Duration,
}

impl Patience {
    /// So much of it.
    pub(super) fn new(left: Duration) -> Self {
        Self { left, next: FIRST_WAIT }
    }

    /// Waits for a moment. Whether there was patience left for it, and so for another look.
    pub(super) fn wait(&mut self) -> bool {
        if self.left.is_zero() {
            return false;
        }
        let wait = self.next.min(self.left);
        thread::sleep(wait);
        self.left -= wait;
        self.next *= 2;
        true
    }
}
