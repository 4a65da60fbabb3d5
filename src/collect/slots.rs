//! Slots: how many polls talk to Atlas or write at once.

use std::sync::Arc;

use tokio::sync::Semaphore;

/// One of so many slots can be taken by a reconciliation. It can read days of segments for one answer, while polls that
/// wait for a slot only want to look what is new.
const OF_RECONCILIATIONS: usize = 4;

/// The slots that all sources share.
#[derive(Clone, Debug)]
pub struct Slots {
    /// Whoever talks to Atlas or writes holds one of these.
    pub(super) all: Arc<Semaphore>,
    /// Whoever reconciles holds one of these besides, from beginning to end.
    pub(super) reconciliations: Arc<Semaphore>,
}

impl Slots {
    /// So many slots.
    #[must_use]
    pub fn new(polls_at_once: usize) -> Self {
        let reconciliations = (polls_at_once / OF_RECONCILIATIONS).max(1);
        Self {
            all: Arc::new(Semaphore::new(polls_at_once)),
            reconciliations: Arc::new(Semaphore::new(reconciliations)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reconciliations_leave_most_slots_to_polls() {
        for (polls_at_once, reconciliations) in [(1, 1), (2, 1), (7, 1), (8, 2), (16, 4), (1024, 256)] {
            let slots = Slots::new(polls_at_once);
            assert_eq!(slots.all.available_permits(), polls_at_once);
            assert_eq!(slots.reconciliations.available_permits(), reconciliations);
        }
    }
}
