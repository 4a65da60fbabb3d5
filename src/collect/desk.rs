//! What every poll works with.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use crate::{
    clock::Clock,
    collect::{Listener, Observer, PollError, PollReport, Progress, Task, blocking::blocking, removed},
    commit::Committer,
    instant::Instant,
    plan::{Gap, GapReason, subtract},
    source::SourceId,
    state::{
        Digest, PollRecord, SourceKey, SourceState, StateError, gaps, islands, recent_polls, record_poll,
        record_reconciliation,
    },
    vitals,
    window::Window,
};

/// What concerns all sources alike is told so often, and not once for each answer.
const TELL_EVERY: Duration = Duration::from_secs(3600);

/// Something that concerns all sources alike.
#[derive(Debug, Default)]
pub(super) struct Hourly(Mutex<Option<std::time::Instant>>);

impl Hourly {
    /// Whether it is time to tell of it. It counts as told then.
    pub(super) fn is_due(&self) -> bool {
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let due = last.is_none_or(|last| last.elapsed() >= TELL_EVERY);
        if due {
            *last = Some(std::time::Instant::now());
        }
        due
    }
}

/// What all polls share.
pub(super) struct Desk {
    pub(super) committer: Arc<Committer>,
    pub(super) clock: Arc<dyn Clock>,
    observer: Observer,
    /// The clock is wrong.
    pub(super) wrong_clock: Hourly,
    /// How polls went cannot be noted. Each of them fails, and says why.
    unwritable: Hourly,
}

impl fmt::Debug for Desk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Desk").field("committer", &self.committer).finish_non_exhaustive()
    }
}

/// What is remembered of a source between two polls. Whoever holds it is the only one who polls the source.
#[derive(Debug, Default)]
pub(super) struct Lane {
    /// The state as it is in the database; nothing when the source has to be opened (again).
    pub(super) state: Option<SourceState>,
    /// The newest sealed segment when its segments were last compressed and removed without a fault.
    pub(super) kept_up: Option<u64>,
    /// Whether that failed the last time, which was told then.
    pub(super) upkeep_fails: bool,
    /// How wide windows could be the last time without a full page.
    pub(super) width: Option<Duration>,
    /// Up to when the last poll had asked for what was new.
    pub(super) asked_until: Option<Instant>,
    /// Up to when the last gap of a source that Atlas did not know was told to reach.
    pub(super) absence_told: Option<Instant>,
}

/// What the state says of a source's time beside its watermarks. It is read and proven at once, and holds for as long as the
/// digest of these rows is the same.
#[derive(Debug)]
pub(super) struct Ranges {
    digest: Digest,
    gaps: Vec<Gap>,
    islands: Vec<Window>,
}

impl Ranges {
    /// Whether that is still what the state says.
    pub(super) fn are_of(&self, state: &SourceState) -> bool {
        self.digest == state.rows_digest
    }

    /// The gaps with this reason.
    pub(super) fn gaps(&self, reason: GapReason) -> Vec<Window> {
        self.gaps.iter().filter(|gap| gap.reason == reason).map(|gap| gap.window).collect()
    }

    /// The ranges that are claimed to be archived, also where there are gaps in them. In order.
    pub(super) fn claimed(&self, state: &SourceState) -> Vec<Window> {
        let watermarks = state.start.zip(state.end).map(|(start, end)| Window::new(start, end));
        self.islands.iter().copied().chain(watermarks).collect()
    }

    /// The ranges that are claimed to be complete, with what a reconciliation found to differ: that was claimed until then,
    /// and what comes of it is late. In order.
    pub(super) fn once_complete(&self, state: &SourceState) -> Vec<Window> {
        self.claimed_less(state, |gap| gap.reason != GapReason::Differs)
    }

    fn claimed_less(&self, state: &SourceState, counts: impl Fn(&Gap) -> bool) -> Vec<Window> {
        let gaps: Vec<Window> = self.gaps.iter().filter(|gap| counts(gap)).map(|gap| gap.window).collect();
        let claimed = self.claimed(state).into_iter();
        claimed.flat_map(|window| subtract(window, gaps.iter().copied())).collect()
    }
}

/// Waits for a turn, with a source for one: whoever has it is at work.
pub(super) async fn turn<T>(taken: &tokio::sync::Mutex<T>) -> tokio::sync::MutexGuard<'_, T> {
    let _waiting = vitals::waits_for_others();
    taken.lock().await
}

impl Desk {
    pub(super) fn new(committer: Arc<Committer>, clock: Arc<dyn Clock>, observer: Observer) -> Self {
        Self { committer, clock, observer, wrong_clock: Hourly::default(), unwritable: Hourly::default() }
    }

    /// Tells everybody who wants to know of a poll of `task` what happens in it.
    pub(super) fn tell(&self, task: &Task, progress: &Progress<'_>) {
        (self.observer)(&task.source, progress);
        if let Some(Listener(listener)) = &task.listener {
            listener(&task.source, progress);
        }
    }

    /// Tells that something could not be noted in the state.
    pub(super) fn tell_of_state(&self, task: &Task, what: &str, error: &PollError) {
        if self.unwritable.is_due() {
            tracing::error!(event = "state-unwritable", source = %task.source, "failed to note {what} in the state: {error}");
        } else {
            tracing::debug!(source = %task.source, "failed to note {what} in the state: {error}");
        }
    }

    /// What the state says of a source's time.
    pub(super) async fn ranges(&self, state: &SourceState) -> Result<Ranges, PollError> {
        let (committer, state) = (Arc::clone(&self.committer), state.clone());
        blocking(move || {
            Ok(committer.store().read(|connection| {
                state.verify_rows(connection)?;
                let (gaps, islands) = (gaps(connection, state.key)?, islands(connection, state.key)?);
                Ok::<_, StateError>(Ranges { digest: state.rows_digest, gaps, islands })
            })?)
        })
        .await
    }

    /// The ranges of a source that are claimed to be complete: all that is claimed, less the gaps. In order.
    pub(super) async fn complete(&self, state: &SourceState) -> Result<Vec<Window>, PollError> {
        Ok(self.ranges(state).await?.claimed_less(state, |_| true))
    }

    /// The time of which retention removed what was archived; of a `range`, all that matters.
    pub(super) async fn removed(&self, state: &SourceState, range: Window) -> Result<Vec<Window>, PollError> {
        let claimed = self.ranges(state).await?.claimed(state);
        let (committer, state) = (Arc::clone(&self.committer), state.clone());
        let spans = blocking(move || Ok(removed::removed_spans(&committer, &state, range)?)).await?;
        // What was never collected cannot have been removed, whatever the clock of a record says.
        let spans = spans.iter().flat_map(|span| claimed.iter().map(|claimed| claimed.intersection(*span)));
        Ok(spans.filter(|span| !span.is_empty()).collect())
    }

    /// How many of a source's last polls failed because of an answer, without one between that did not. When that cannot
    /// be read, writing fails as well and tells why.
    pub(super) async fn failures_of_answers(&self, key: SourceKey) -> usize {
        let committer = Arc::clone(&self.committer);
        let polls = blocking(move || {
            committer.store().read(|connection| recent_polls(connection, key).map_err(PollError::from))
        });
        let polls = polls.await.unwrap_or_default();
        let failed = |poll: &PollRecord| poll.failure.as_ref().is_some_and(|failure| failure.of_the_answer);
        polls.iter().rev().take_while(|poll| failed(poll)).count()
    }

    /// Notes a reconciliation in the state.
    pub(super) async fn note_reconciliation(&self, id: &SourceId, report: &PollReport) -> Result<(), PollError> {
        let (committer, id, reconciled) = (Arc::clone(&self.committer), id.clone(), report.reconciled());
        blocking(move || {
            let noted = committer.store().transaction(|transaction| match SourceState::key_of(transaction, &id)? {
                Some(key) => record_reconciliation(transaction, key, &reconciled),
                None => Ok(()),
            });
            noted.map_err(|error| PollError::Commit(error.into()))
        })
        .await
    }

    /// Notes a poll in the state, where its last window did not do so.
    pub(super) async fn note(&self, id: &SourceId, report: &PollReport) -> Result<(), PollError> {
        let (committer, id, record) = (Arc::clone(&self.committer), id.clone(), report.record());
        blocking(move || {
            let noted = committer.store().transaction(|transaction| match SourceState::key_of(transaction, &id)? {
                Some(key) => record_poll(transaction, key, &record),
                None => Ok(()),
            });
            noted.map_err(|error| PollError::Commit(error.into()))
        })
        .await
    }
}
