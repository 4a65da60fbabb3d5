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
