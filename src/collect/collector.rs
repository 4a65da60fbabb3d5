//! Collects sources, one poll at a time for each.

use std::{
    collections::{BTreeSet, HashMap},
    sync::{Arc, Mutex, PoisonError},
};

use tokio_util::sync::CancellationToken;

use crate::{
    clock::Clock,
    collect::{
        Job, Observer, PollError, PollReport, Task,
        blocking::blocking,
        desk::{Desk, Lane, turn},
        held::Trust,
        poll::Poll,
        reconcile::Reconciliation,
        scratch,
    },
    commit::{CommitError, Committer, Upkeep},
    source::{Source, SourceId},
    state::{Head, SourceState},
    vitals,
};

/// Collects sources.
#[derive(Debug)]
pub struct Collector {
    desk: Desk,
    lanes: Mutex<HashMap<SourceId, Arc<tokio::sync::Mutex<Lane>>>>,
}

impl Collector {
    /// A collector that writes with `committer`.
    ///
    /// # Errors
    /// When what a crash left cannot be removed.
    pub fn new(committer: Arc<Committer>, clock: Arc<dyn Clock>, observer: Observer) -> Result<Self, CommitError> {
        scratch::remove_leftovers(committer.store().folder())?;
        Ok(Self { desk: Desk::new(committer, clock, observer), lanes: Mutex::default() })
    }

    /// The writer.
    #[must_use]
    pub fn committer(&self) -> &Committer {
        &self.desk.committer
    }

    /// The same, to be kept.
    #[must_use]
    pub fn shared_committer(&self) -> Arc<Committer> {
        Arc::clone(&self.desk.committer)
    }

    /// Polls a source, and takes note in the state of how it went. A poll of the same source that is under way comes
    /// first; polls that wait for the source come between two windows of a reconciliation.
    ///
    /// When `stop` is cancelled, the window under way is finished and the poll ends.
    pub async fn poll(&self, task: &Task, job: Job, stop: &CancellationToken) -> PollReport {
        let lane = self.lane(&task.source.id);
        let (backfill, trust) = match job {
            Job::Regular => (None, Trust::Proven),
            Job::Backfill(range) => (Some(range), Trust::Proven),
            Job::BackfillLost(range) => (Some(range), Trust::AsTheyLie),
            Job::Reconcile { range } => return Reconciliation::new(&self.desk, task, stop, range).run(&lane).await,
        };
        let mut lane = turn(&lane).await;
        Poll::new(&self.desk, task, stop, &mut lane).with_trust(trust).run(backfill).await
    }

    /// Seals the open segment of a source that is no longer collected, after the poll of it that is under way.
    ///
    /// # Errors
    /// When state or archive cannot be written.
    pub async fn retire(&self, source: &Source) -> Result<(), PollError> {
        let lane = self.lane(&source.id);
        let mut lane = turn(&lane).await;
        lane.state = None;
        let (committer, source) = (Arc::clone(&self.desk.committer), source.clone());
        blocking(move || {
            let mut state = committer.recover(&source)?;
            Ok(committer.retire(&mut state)?)
        })
        .await
    }

    /// Compresses and removes what is due of a source's sealed segments, after the poll of it that is under way, also where
    /// that failed: it may have been for want of room. A fault does not touch collection; the next upkeep goes on.
    pub async fn keep_up(&self, task: &Task) {
        let lane = self.lane(&task.source.id);
        let mut lane = turn(&lane).await;
        let opened = match lane.state.take() {
            Some(state) => Some(state),
            None if task.upkeep == Upkeep::default() => None,
            None => self.recover(task).await,
        };
        let Some(mut state) = opened else { return };
        let newest = state.sealed.as_ref().map(|sealed| sealed.name.sequence());
        if !Committer::is_due(&state, task.upkeep, lane.kept_up == newest) {
            lane.state = Some(state);
            return;
        }
        let waiting = vitals::waits_for_others();
        let Ok(_slot) = Arc::clone(&task.slots.all).acquire_owned().await else { return };
        drop(waiting);
        let (committer, upkeep) = (Arc::clone(&self.desk.committer), task.upkeep);
        let kept_up = blocking(move || {
            committer.keep_up(&mut state, upkeep)?;
            Ok(state)
        });
        match kept_up.await {
            Ok(state) => {
                lane.state = Some(state);
                lane.kept_up = newest;
                if std::mem::take(&mut lane.upkeep_fails) {
                    tracing::info!(
                        event = "upkeep-recovered",
                        source = %task.source,
                        "sealed segments are compressed and removed again"
                    );
                }
            }
            // What is in the database now is what counts; it is read again by the next poll.
            Err(error) if std::mem::replace(&mut lane.upkeep_fails, true) => {
                tracing::debug!(source = %task.source, "failed again to compress or remove sealed segments: {error}");
            }
            Err(error) => tracing::error!(
                event = "upkeep-failed",
                source = %task.source,
                "failed to compress or remove sealed segments; collection goes on, and it is tried again after each poll: \
                 {error}"
            ),
        }
    }

    /// The state of a source whose last poll left it closed; nothing where it cannot be opened, as that poll has told.
    async fn recover(&self, task: &Task) -> Option<SourceState> {
        let (committer, source) = (Arc::clone(&self.desk.committer), task.source.clone());
        blocking(move || Ok(committer.recover(&source)?)).await.ok()
    }

    /// Makes the archive digest of today, unless there is one, and logs it. `configured` are the sources of the configuration.
    /// Those that came into their places now.
    ///
    /// # Errors
    /// When state or archive cannot be read or written.
    pub async fn make_head(&self, configured: BTreeSet<SourceId>) -> Result<Vec<Head>, PollError> {
        let committer = Arc::clone(&self.desk.committer);
        let made = blocking(move || Ok(committer.make_head(&configured)?)).await?;
        for head in &made {
            tracing::info!(
                event = "head-made",
                date = %head.date,
                head = %head.sha256,
                "archive digest made; keep its head on another machine: `atlas-logd verify --head` proves with it that nothing \
                 was cut off since",
            );
        }
        Ok(made)
    }

    fn lane(&self, id: &SourceId) -> Arc<tokio::sync::Mutex<Lane>> {
        let mut lanes = self.lanes.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(lanes.entry(id.clone()).or_default())
    }
}
