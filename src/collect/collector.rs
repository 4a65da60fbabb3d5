//! What all polls share.

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use crate::{
    atlas::Client,
    clock::Clock,
    collect::{IntakeError, Observer, PollError, PollReport, poll::Poll, scratch},
    commit::{CommitError, Committer, Rotation},
    config::{Config, Start},
    source::{Source, SourceId},
    state::{SourceState, record_poll},
    window::Window,
};

/// A source and everything that a poll of it needs to know.
#[derive(Clone, Debug)]
pub struct Task {
    /// The source.
    pub source: Source,
    /// The client with its project's credential.
    pub client: Client,
    /// Whoever talks to Atlas or writes holds one of these.
    pub slots: Arc<Semaphore>,
    /// Where it starts when it is first seen.
    pub start: Start,
    /// How long its records may take to appear.
    pub settle: Duration,
    /// When its segments are sealed.
    pub rotation: Rotation,
    /// How long one request is tried, waits included.
    pub retry_budget: Duration,
    /// The largest answer, in bytes after decompression.
    pub answer_limit: u64,
}

impl Task {
    /// The task for a source of `config`.
    #[must_use]
    pub fn new(config: &Config, source: Source, client: Client, slots: Arc<Semaphore>) -> Self {
        Self {
            client,
            slots,
            start: config.collect.start,
            settle: config.collect.settle(source.id.kind),
            rotation: Rotation::from(&config.archive),
            retry_budget: config.atlas.retry_budget,
            answer_limit: config.collect.answer_limit,
            source,
        }
    }
}

/// What a poll has to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Job {
    /// Everything from the end watermark up to now.
    Regular,
    /// A range that may be archived in part or in whole already.
    Backfill(Window),
}

/// What is remembered of a source between two polls. Whoever holds it is the only one who polls the source.
#[derive(Debug, Default)]
pub(super) struct Lane {
    /// The state as it is in the database; nothing when the source has to be opened (again).
    pub(super) state: Option<SourceState>,
    /// How wide windows could be the last time without a full page.
    pub(super) width: Option<Duration>,
}

/// Collects sources.
pub struct Collector {
    pub(super) committer: Arc<Committer>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) observer: Observer,
    lanes: Mutex<HashMap<SourceId, Arc<tokio::sync::Mutex<Lane>>>>,
}

impl fmt::Debug for Collector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Collector").field("committer", &self.committer).finish_non_exhaustive()
    }
}

impl Collector {
    /// A collector that writes with `committer`.
    ///
    /// # Errors
    /// When what a crash left cannot be removed.
    pub fn new(committer: Arc<Committer>, clock: Arc<dyn Clock>, observer: Observer) -> Result<Self, CommitError> {
        scratch::remove_leftovers(committer.store().folder())?;
        Ok(Self { committer, clock, observer, lanes: Mutex::default() })
    }

    /// The writer.
    #[must_use]
    pub fn committer(&self) -> &Committer {
        &self.committer
    }

    /// Polls a source, and takes note in the state of how it went. A poll of the same source that is under way comes
    /// first.
    ///
    /// When `stop` is cancelled, the window under way is finished and the poll ends.
    pub async fn poll(&self, task: &Task, job: Job, stop: &CancellationToken) -> PollReport {
        let lane = self.lane(&task.source.id);
        let mut lane = lane.lock().await;
        Poll::new(self, task, stop, &mut lane).run(job).await
    }

    /// Seals the open segment of a source that is no longer collected, after the poll of it that is under way.
    ///
    /// # Errors
    /// When state or archive cannot be written.
    pub async fn retire(&self, source: &Source) -> Result<(), PollError> {
        let lane = self.lane(&source.id);
        let mut lane = lane.lock().await;
        lane.state = None;
        let (committer, source) = (Arc::clone(&self.committer), source.clone());
        blocking(move || {
            let mut state = committer.recover(&source)?;
            Ok(committer.retire(&mut state)?)
        })
        .await
    }

    fn lane(&self, id: &SourceId) -> Arc<tokio::sync::Mutex<Lane>> {
        let mut lanes = self.lanes.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(lanes.entry(id.clone()).or_default())
    }
}

/// Notes a poll in the state, where its last window did not do so.
pub(super) async fn note(committer: &Arc<Committer>, id: &SourceId, report: &PollReport) -> Result<(), PollError> {
    let (committer, id, record) = (Arc::clone(committer), id.clone(), report.record());
    blocking(move || {
        let noted = committer.store().transaction(|transaction| match SourceState::key_of(transaction, &id)? {
            Some(key) => record_poll(transaction, key, &record),
            None => Ok(()),
        });
        noted.map_err(|error| PollError::Commit(error.into()))
    })
    .await
}

/// Does what waits for disks on a thread that may wait. A panic there is an error of this one poll.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, PollError> + Send + 'static,
) -> Result<T, PollError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(error) => Err(PollError::Panicked(panic_message(error))),
    }
}

pub(super) fn panic_message(error: tokio::task::JoinError) -> String {
    if error.is_cancelled() {
        return "cancelled".to_owned();
    }
    let panic = error.into_panic();
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "no message".to_owned())
}

impl From<crate::state::StateError> for PollError {
    fn from(error: crate::state::StateError) -> Self {
        Self::Commit(error.into())
    }
}

impl From<crate::state::StateError> for Box<IntakeError> {
    fn from(error: crate::state::StateError) -> Self {
        Self::new(error.into())
    }
}
