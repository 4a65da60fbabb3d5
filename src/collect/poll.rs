//! One poll of one source.

use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use crate::{
    atlas,
    collect::{
        Differing, PollError, PollReport, Progress, Task,
        claims::Claims,
        desk::{Desk, Lane, Ranges},
        held::Trust,
        judgement::Purpose,
        kept::Kept,
        report::Failure,
        stock::SharedContents,
        window::Next,
    },
    instant::Instant,
    plan::{GapReason, Planner, subtract},
    record::RecordTimes,
    source::Kind,
    state::{CoverageChange, SourceState},
    window::Window,
};

/// What follows from a 404 for a source that the configuration does not name.
pub(crate) const STILL_LISTED: &str =
    "it was found in a list of Atlas, and is not polled any more once no list shows it";

/// A poll under way.
pub(super) struct Poll<'a> {
    pub(super) desk: &'a Desk,
    pub(super) task: &'a Task,
    pub(super) stop: &'a CancellationToken,
    pub(super) lane: &'a mut Lane,
    pub(super) report: PollReport,
    /// The window that is worked on.
    pub(super) window: Option<Window>,
    /// A fault that does not end the poll, because there is more to archive all the same.
    pub(super) fault: Option<PollError>,
    /// The last window, when it held nothing new: it is committed together with the poll's record.
    pub(super) quiet_end: Option<(CoverageChange, Kept)>,
    /// What the state says of the source's time, as it was read last.
    pub(super) ranges: Option<Arc<Ranges>>,
    /// What was claimed to be archived before a backfill.
    pub(super) claimed: Vec<Window>,
    /// What was claimed to be complete before the poll.
    pub(super) claims: Claims,
    /// What a reconciliation has read of the segments.
    pub(super) contents: SharedContents,
    /// What has to be true of the segments that a backfill is compared with.
    pub(super) trust: Trust,
    /// Of which windows it found that most differs.
    pub(super) differing: Differing,
}

impl<'a> Poll<'a> {
    pub(super) fn new(desk: &'a Desk, task: &'a Task, stop: &'a CancellationToken, lane: &'a mut Lane) -> Self {
        let report = PollReport::begun(desk.clock.now());
        Self {
            desk,
            task,
            stop,
            lane,
            report,
            window: None,
            fault: None,
            quiet_end: None,
            ranges: None,
            claimed: Vec::new(),
            claims: Claims::default(),
            contents: SharedContents::default(),
            trust: Trust::Proven,
            differing: Differing::default(),
        }
    }

    /// A backfill that is compared with segments of which this has to be true.
    pub(super) fn with_trust(self, trust: Trust) -> Self {
        Self { trust, ..self }
    }

    /// Asks for `backfill`, or else for everything from the end watermark up to now.
    pub(super) async fn run(mut self, backfill: Option<Window>) -> PollReport {
        let begun = tokio::time::Instant::now();
        let mut done = self.collect(backfill).await;
        self.report.figures.duration = begun.elapsed();
        if done.is_ok() {
            done = self.end_quietly().await;
        }
        let fault = self.fault.take();
        if let Err(error) = done.and_then(|()| fault.map_or(Ok(()), Err)) {
            // Nobody has to get past what a backfill cannot have.
            self.fail(error, self.window.filter(|_| backfill.is_none())).await;
            self.note().await;
        }
        self.tell_of_late_records();
        self.report
    }

    /// The poll failed; somebody may have to do something about `to_get_past`.
    pub(super) async fn fail(&mut self, error: PollError, to_get_past: Option<Window>) {
        let failures = self.failures_of_answers().await + 1;
        let mut advice = error.advice(&self.task.source, to_get_past, failures, &self.task.program);
        if let PollError::Request(request_error) = &error {
            if request_error.says_absent() {
                self.note_absence().await;
            }
            if self.task.found && request_error.says_gone() {
                advice = Some(STILL_LISTED.to_owned());
            }
        }
        if matches!(error, PollError::Commit(_) | PollError::Panicked(_)) {
            // What is in the database now is what counts; it is read again by the next poll.
            self.lane.state = None;
        }
        // It does not matter which window the disk has no room for.
        let window = self.window.filter(|_| !matches!(error, PollError::LowDisk(_)));
        self.report.failure = Some(Failure { error, window, advice });
    }

    /// Tells how many of the new records came later than the settle time, if any did.
    pub(super) fn tell_of_late_records(&self) {
        let RecordTimes { late, lateness, .. } = self.report.times;
        if late > 0 {
            self.tell(&Progress::Late { records: late, lateness, settle: self.task.settle });
        }
    }

    async fn collect(&mut self, backfill: Option<Window>) -> Result<(), PollError> {
        self.open().await?;
        self.resolve_start().await?;
        let (start, mut end) = self.watermarks();
        let complete = self.ranges().await?.once_complete(self.state());
        // The end watermark trails by the settle time what the last poll of an earlier process had asked.
        let asked_until = self.lane.asked_until.unwrap_or(end + self.task.settle);
        let asked_until = backfill.is_none().then_some(asked_until);
        self.claims = Claims { complete, removed: Vec::new(), asked_until, settle: self.task.settle };
        match backfill {
            Some(window) => {
                self.claimed = self.ranges().await?.claimed(self.state());
                let range = Window::new(window.from, window.to.min(self.now()));
                self.claims.removed = self.desk.removed(self.state(), range).await?;
                self.tell_of_removed(range);
                for part in subtract(range, self.claims.removed.clone()) {
                    self.cover(part, Purpose::Again).await?;
                }
                Ok(())
            }
            None => {
                if self.now() < end {
                    // Either clock may have been set since Atlas was last asked what time it is.
                    let moment = Window::new(end, end + std::time::Duration::from_millis(1));
                    self.cover(moment, Purpose::Forward).await?;
                }
                if self.now() < end && start == end {
                    // It was a wrong clock that said where this source starts, and nothing is claimed yet.
                    self.forget_start();
                    self.resolve_start().await?;
                    (_, end) = self.watermarks();
                }
                let now = self.now();
                if now < end {
                    return Err(PollError::ClockBehind { now, end });
                }
                self.cover(Window::new(end, now), Purpose::Forward).await?;
                for window in self.ranges().await?.gaps(GapReason::Damage) {
                    self.claims.removed = self.desk.removed(self.state(), window).await?;
                    self.cover(window, Purpose::Refill).await?;
                }
                Ok(())
            }
        }
    }

    /// Tells what of `range` is not asked for, because retention removed it.
    pub(super) fn tell_of_removed(&self, range: Window) {
        let removed = subtract(range, subtract(range, self.claims.removed.iter().copied()));
        removed.into_iter().for_each(|range| self.tell(&Progress::Removed { range }));
    }

    /// Asks for `range`, window by window, and commits each.
    async fn cover(&mut self, range: Window, purpose: Purpose) -> Result<(), PollError> {
        if let Some((change, kept)) = self.quiet_end.take() {
            // It was the last window of the range before this one, but not of the poll.
            self.commit_quietly(change, kept, false).await?;
        }
        // An operator's word holds for the way forward; a backfill tries all the same.
        let declared = match purpose {
            Purpose::Forward => self.ranges().await?.gaps(GapReason::Skipped),
            Purpose::Again | Purpose::Refill | Purpose::Reconcile => Vec::new(),
        };
        let limit = (self.state().kind == Kind::AccessHistory).then_some(atlas::PAGE_LIMIT);
        let mut planner = Planner::new(range, self.now(), limit, declared);
        if let Some(width) = self.lane.width {
            planner = planner.with_width(width);
        }
        while let Some(window) = planner.next_window() {
            if self.ask(window, &mut planner, purpose, range).await? == Next::Wait {
                break;
            }
        }
        self.lane.width = Some(planner.width());
        self.window = None;
        Ok(())
    }

    /// What the state says of the source's time; it is read again only where that has changed since.
    async fn ranges(&mut self) -> Result<Arc<Ranges>, PollError> {
        let known = self.ranges.take().filter(|ranges| ranges.are_of(self.state()));
        let ranges = match known {
            Some(ranges) => ranges,
            None => Arc::new(self.desk.ranges(self.state()).await?),
        };
        Ok(Arc::clone(self.ranges.insert(ranges)))
    }

    /// The end of a poll that did not fail: its record goes to the state.
    async fn end_quietly(&mut self) -> Result<(), PollError> {
        match self.quiet_end.take() {
            Some((change, kept)) => self.commit_quietly(change, kept, true).await,
            None if self.fault.is_none() => self.desk.note(&self.task.source.id, &self.report).await,
            None => Ok(()),
        }
    }

    /// Takes note of a poll that failed, if the state can still be written.
    async fn note(&mut self) {
        if self.report.is_stopped() {
            return;
        }
        if let Err(error) = self.desk.note(&self.task.source.id, &self.report).await {
            self.desk.tell_of_state(self.task, "a poll", &error);
        }
    }

    /// Takes note of a reconciliation, if the state can still be written.
    pub(super) async fn note_reconciliation(&mut self) {
        if self.report.is_stopped() {
            return;
        }
        if let Err(error) = self.desk.note_reconciliation(&self.task.source.id, &self.report).await {
            self.desk.tell_of_state(self.task, "a reconciliation", &error);
        }
    }

    /// How many polls in a row, up to the one before this, failed because of an answer.
    pub(super) async fn failures_of_answers(&mut self) -> usize {
        match &self.lane.state {
            Some(state) => self.desk.failures_of_answers(state.key).await,
            None => 0,
        }
    }

    /// The state of the source, which [`Poll::open`] put there before anything else.
    pub(super) fn state(&self) -> &SourceState {
        self.lane.state.as_ref().expect("a poll opens its source first")
    }

    fn watermarks(&self) -> (Instant, Instant) {
        let state = self.state();
        (state.start.unwrap_or(Instant::MAX), state.end.unwrap_or(Instant::MAX))
    }

    /// What time it is at Atlas, as far as that is known.
    pub(super) fn now(&self) -> Instant {
        let offset = self.task.client.clock_offset_ms().unwrap_or(0);
        Instant::from_millis(self.desk.clock.now().millis().saturating_add(offset))
    }

    pub(super) fn tell(&self, progress: &Progress<'_>) {
        self.desk.tell(self.task, progress);
    }
}
