//! The sources that have their turn, in order, and those that are being seen to.

use std::{
    cmp::Reverse,
    collections::{BinaryHeap, HashSet},
};

use tokio::time::Instant;

use crate::source::SourceId;

/// Sources that have to be seen to for one purpose. None is seen to twice at a time.
#[derive(Debug, Default)]
pub(super) struct Queue {
    due: BinaryHeap<Reverse<(Instant, SourceId)>>,
    waiting: HashSet<SourceId>,
    busy: HashSet<SourceId>,
}

impl Queue {
    /// Makes a source due at `at`, unless it is due already.
    pub(super) fn schedule(&mut self, id: SourceId, at: Instant) {
        if self.waiting.insert(id.clone()) {
            self.due.push(Reverse((at, id)));
        }
    }

    /// When the next source is due.
    pub(super) fn next_due(&self) -> Option<Instant> {
        self.due.peek().map(|Reverse((at, _))| *at)
    }

    /// A source that is due, that `is_here`, and that is not seen to now; it counts as seen to from here on.
    pub(super) fn begin(&mut self, now: Instant, is_here: impl Fn(&SourceId) -> bool) -> Option<SourceId> {
        while self.next_due().is_some_and(|at| at <= now) {
            let Reverse((_, id)) = self.due.pop()?;
            self.waiting.remove(&id);
            // What is under way is not overtaken: what happens meanwhile is asked by the next one.
            if is_here(&id) && self.busy.insert(id.clone()) {
                return Some(id);
            }
        }
        None
    }

    /// A source has been seen to.
    pub(super) fn end(&mut self, id: &SourceId) {
        self.busy.remove(id);
    }
}
