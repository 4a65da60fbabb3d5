//! What is watched.

use std::sync::Arc;

use tokio::task::JoinError;

use super::{
    Vitals,
    register::Entry,
    sign::{OnThread, Sign, TASK, waits_for_others},
};

/// Who works in a task.
#[derive(Debug)]
pub(super) struct Worker {
    entry: Entry,
    vitals: Vitals,
}

impl Worker {
    pub(super) fn sign(&self) -> &Arc<Sign> {
        self.entry.sign()
    }
}

impl Vitals {
    /// Watches `work` until it is done or dropped; `what` it is completes "… shows no sign of life".
    pub fn watch<F: Future>(&self, what: String, work: F) -> impl Future<Output = F::Output> + use<F> {
        let worker = Worker { entry: self.enter(what.into()), vitals: self.clone() };
        TASK.scope(worker, work)
    }
}

/// Begins what waits for a disk, on a thread that may wait. Where this is watched, so is that, from now on: that no thread takes
/// it up counts as silence.
pub(crate) fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> impl Future<Output = Result<T, JoinError>> {
    let entry = TASK.try_with(|worker| worker.vitals.enter(worker.entry.what())).ok();
    let done = tokio::task::spawn_blocking(move || {
        let _on_thread = entry.as_ref().map(|entry| OnThread::new(Arc::clone(entry.sign())));
        work()
    });
    async {
        let _waiting = waits_for_others();
        done.await
    }
}
