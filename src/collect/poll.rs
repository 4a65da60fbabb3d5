//! One poll of one source.

use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use crate::{
    atlas,
    collect::{
        PollError, PollReport, Progress, Task,
        blocking::blocking,
        claims::Claims,
        desk::{Desk, Lane},
        fetch::{Fetch, Fetched, FetchedAnswer, Question},
        judgement::{Judgement, Purpose, judge},
        kept::Kept,
        report::Failure,
        stock::SharedContents,
    },
    commit::Records,
    instant::Instant,
    plan::{self, Gap, GapReason, Planner},
    record::RecordTimes,
    source::{AuthResult, Kind},
    state::{CoverageChange, SourceState},
    window::Window,
};

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
    quiet_end: Option<(CoverageChange, Kept)>,
    /// What was claimed to be archived before a backfill.
    pub(super) claimed: Vec<Window>,
    /// What was claimed to be complete before the poll.
    pub(super) claims: Claims,
    /// What a reconciliation has read of the segments.
    pub(super) contents: SharedContents,
}

/// How it goes on after a question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// The window has to be asked in parts.
    InParts,
    /// What was asked is committed.
    Committed,
    /// The same, and the rest of the range has to wait for the next poll.
    Wait,
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
            claimed: Vec::new(),
            claims: Claims::default(),
            contents: SharedContents::default(),
        }
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
        let advice = error.advice(&self.task.source, to_get_past, failures, &self.task.program);
        if let PollError::Request(request_error) = &error
            && request_error.says_absent()
        {
            self.note_absence().await;
        }
        if matches!(error, PollError::Commit(_) | PollError::Panicked(_)) {
            // What is in the database now is what counts; it is read again by the next poll.
            self.lane.state = None;
        }
        self.report.failure = Some(Failure { error, window: self.window, advice });
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
        let complete = self.desk.complete(self.state()).await?;
        // The end watermark trails by the settle time what the last poll of an earlier process had asked.
        let asked_until = self.lane.asked_until.unwrap_or(end + self.task.settle);
        let asked_until = backfill.is_none().then_some(asked_until);
        self.claims = Claims { complete, asked_until, settle: self.task.settle };
        match backfill {
            Some(window) => {
                self.claimed = self.desk.claimed(self.state()).await?;
                let until = window.to.min(self.now());
                self.cover(Window::new(window.from, until), Purpose::Again).await
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
                for window in self.desk.gap_ranges(self.state(), GapReason::Damage).await? {
                    self.cover(window, Purpose::Refill).await?;
                }
                Ok(())
            }
        }
    }

    /// Asks for `range`, window by window, and commits each.
    async fn cover(&mut self, range: Window, purpose: Purpose) -> Result<(), PollError> {
        if let Some((change, kept)) = self.quiet_end.take() {
            // It was the last window of the range before this one, but not of the poll.
            self.commit_quietly(change, kept, false).await?;
        }
        // An operator's word holds for the way forward; a backfill tries all the same.
        let declared = match purpose {
            Purpose::Forward => self.desk.gap_ranges(self.state(), GapReason::Skipped).await?,
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

    /// Asks for one window of `range` and commits what is answered.
    pub(super) async fn ask(
        &mut self,
        window: Window,
        planner: &mut Planner,
        purpose: Purpose,
        range: Window,
    ) -> Result<Next, PollError> {
        self.window = Some(window);
        if self.stop.is_cancelled() {
            return Err(PollError::Stopped);
        }
        let auth_result = self.task.source.id.filter.auth_result;
        let mut asked = planner.asked(window);
        if purpose == Purpose::Reconcile {
            // What lies beyond what is claimed is missing for good reason.
            asked = self.claims.around(window.from).map_or(window, |claimed| asked.intersection(claimed));
        }
        let question = Question { window, asked, auth_result };
        let fetch = self.fetch(planner, purpose);
        let mut requests = 0;
        let fetched = fetch.ask(question, false, &mut requests).await;
        self.report.figures.requests += requests;
        let fetched = match fetched {
            Ok(fetched) => fetched,
            Err(error) => {
                self.retreat(error, window, planner).await?;
                return Ok(Next::InParts);
            }
        };
        match fetched {
            Fetched::Full { page } if planner.full(window, page) => {
                self.tell(&Progress::Split { window, error: None });
                Ok(Next::InParts)
            }
            Fetched::Full { .. } => {
                self.join_full(question, planner, purpose, range).await?;
                Ok(Next::Committed)
            }
            Fetched::Answer(answer) => {
                if purpose == Purpose::Forward && range.to > self.now() {
                    planner.end_by(self.now().max(window.to));
                }
                let wait = self.take(*answer, question, purpose, planner, range).await?;
                Ok(if wait { Next::Wait } else { Next::Committed })
            }
        }
    }

    /// Commits an answer. Whether the rest of the range has to wait for the next poll.
    async fn take(
        &mut self,
        answer: FetchedAnswer,
        question: Question,
        purpose: Purpose,
        planner: &mut Planner,
        range: Window,
    ) -> Result<bool, PollError> {
        let (window, narrower, clocks) = (answer.window, answer.narrower, answer.clocks);
        let (change, lost_until) = self.judge(window, purpose, clocks);
        planner.covered(window, answer.taken_in.seen);
        if let Some(until) = lost_until {
            planner.jump(until.min(range.to));
        }
        let last = planner.next_window().is_none() && narrower.is_none();
        self.commit(answer, change, window, range, last).await?;
        if purpose == Purpose::Forward {
            self.lane.asked_until = self.lane.asked_until.max(Some(window.to));
        }
        let Some(echoed) = narrower else { return Ok(false) };
        // What is provisional anyway is asked again by the next poll.
        let provisional = clocks.earliest().is_none_or(|now| window.to >= now - self.task.settle);
        if window.is_empty() || !provisional {
            if window.is_empty() {
                return Err(PollError::Narrower { asked: question.asked, echoed });
            }
            return Ok(false);
        }
        Ok(true)
    }

    /// What an answer says about coverage, and up to where Atlas held nothing any more; tells of that.
    fn judge(&mut self, window: Window, purpose: Purpose, clocks: plan::Clocks) -> (CoverageChange, Option<Instant>) {
        let retention = atlas::retention(self.state().kind);
        let Judgement { mut change, lost, fault } = judge(window, purpose, clocks, self.task.settle, retention);
        self.declare_absence(&mut change, purpose, clocks.local);
        if let Some(window) = lost.filter(|_| fault.is_none()) {
            let (reason, noticed) = (GapReason::Retention, clocks.local);
            self.tell(&Progress::Gap { gap: &Gap { window, reason, detail: String::new(), noticed } });
        }
        if fault.is_some() {
            self.fault = fault;
        }
        (change, lost.map(|lost| lost.to))
    }

    /// Archives all that can be had of a window that is full and cannot be narrowed further, and declares it possibly
    /// incomplete.
    async fn join_full(
        &mut self,
        question: Question,
        planner: &mut Planner,
        purpose: Purpose,
        range: Window,
    ) -> Result<(), PollError> {
        let results = match question.auth_result {
            AuthResult::All => vec![AuthResult::All, AuthResult::Success, AuthResult::Failure],
            result => vec![result],
        };
        let mut answers = results.len();
        let mut earliest: Option<plan::Clocks> = None;
        for auth_result in results {
            answers -= 1;
            let fetch = self.fetch(planner, purpose);
            let mut requests = 0;
            let fetched = fetch.ask(Question { auth_result, ..question }, true, &mut requests).await;
            self.report.figures.requests += requests;
            let Fetched::Answer(answer) = fetched? else { continue };
            let clocks = match earliest {
                Some(before) => plan::Clocks {
                    local: before.local.min(answer.clocks.local),
                    date: before.date.zip(answer.clocks.date).map(|(before, date)| before.min(date)),
                },
                None => answer.clocks,
            };
            earliest = Some(clocks);
            let window = question.window;
            let mut change = CoverageChange::none(window.from);
            if answers == 0 {
                (change, _) = self.judge(window, purpose, clocks);
                if let Some(reconciled) = change.reconciled.take() {
                    // It was less than a full page when it was collected; now nobody knows.
                    change.covered = reconciled;
                }
                if !change.covered.is_empty() {
                    let gap = Gap {
                        window: window.intersection(change.covered),
                        reason: GapReason::RowLimit,
                        detail: String::new(),
                        noticed: self.desk.clock.now(),
                    };
                    self.tell(&Progress::Gap { gap: &gap });
                    change.gaps.push(gap);
                }
            }
            self.commit(*answer, change, window, range, false).await?;
        }
        planner.covered(question.window, atlas::PAGE_LIMIT);
        Ok(())
    }

    async fn commit(
        &mut self,
        answer: FetchedAnswer,
        change: CoverageChange,
        window: Window,
        range: Window,
        last: bool,
    ) -> Result<(), PollError> {
        if let Some(state) = &mut self.lane.state {
            state.by_arrival |= answer.taken_in.by_arrival;
        }
        let (kept, times) = (answer.taken_in.kept, answer.taken_in.times);
        let tally = answer.taken_in.tally;
        let (records, bytes) =
            answer.taken_in.spooled.as_ref().map_or((0, 0), |spooled| (spooled.records, spooled.length));
        match answer.taken_in.spooled {
            None if last => self.quiet_end = Some((change, kept)),
            None => self.commit_quietly(change, kept, false).await?,
            Some(spooled) => {
                let (committer, rotation) = (Arc::clone(&self.desk.committer), self.task.rotation);
                let mut state = self.state().clone();
                let state = blocking(move || {
                    let records = Records { spooled, change, times };
                    committer.commit(&mut state, records, |each| kept.for_each(each), rotation)?;
                    Ok(state)
                })
                .await?;
                let damaged = state.fingerprints_lost;
                self.lane.state = Some(state);
                if damaged {
                    return Err(PollError::Damaged);
                }
            }
        }
        drop(answer.slot);
        self.report.figures.windows += 1;
        self.report.figures.records += records;
        self.report.figures.bytes += bytes;
        self.report.times += times;
        if let Some(compared) = &mut self.report.compared {
            compared.tally = compared.tally + tally;
        }
        self.tell(&Progress::Committed { window, records, bytes, range });
        Ok(())
    }

    /// Commits a window without new records: one transaction, together with the poll's record when it ends the poll.
    async fn commit_quietly(&mut self, change: CoverageChange, kept: Kept, ends: bool) -> Result<(), PollError> {
        let committer = Arc::clone(&self.desk.committer);
        let mut state = self.state().clone();
        let record = (ends && self.fault.is_none()).then(|| self.report.record());
        let state = blocking(move || {
            committer.commit_quiet(&mut state, &change, |each| kept.for_each(each), record.as_ref())?;
            Ok(state)
        })
        .await?;
        self.lane.state = Some(state);
        Ok(())
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
            tracing::error!(source = %self.task.source, "failed to note a poll in the state: {error}");
        }
    }

    /// Takes note of a reconciliation, if the state can still be written.
    pub(super) async fn note_reconciliation(&mut self) {
        if self.report.is_stopped() {
            return;
        }
        if let Err(error) = self.desk.note_reconciliation(&self.task.source.id, &self.report).await {
            tracing::error!(source = %self.task.source, "failed to note a reconciliation in the state: {error}");
        }
    }

    /// Goes over to shorter windows where the answer for `window` is wrong again. The first time, the error ends the
    /// poll and the next one tries the whole window: most faults pass by themselves.
    async fn retreat(&mut self, error: PollError, window: Window, planner: &mut Planner) -> Result<(), PollError> {
        if !error.is_of_the_answer() || self.failures_of_answers().await == 0 {
            return Err(error);
        }
        let narrower = planner.retreat(window);
        // The next poll need not find that out again.
        self.lane.width = Some(planner.width());
        if !narrower {
            return Err(error);
        }
        self.tell(&Progress::Split { window, error: Some(&error) });
        Ok(())
    }

    /// How many polls in a row, up to the one before this, failed because of an answer.
    async fn failures_of_answers(&mut self) -> usize {
        match &self.lane.state {
            Some(state) => self.desk.failures_of_answers(state.key).await,
            None => 0,
        }
    }

    pub(super) fn fetch<'b>(&'b self, planner: &'b Planner, purpose: Purpose) -> Fetch<'b> {
        let compared = self.report.compared.unwrap_or_default().tally;
        let Self { desk, task, stop, claims, .. } = self;
        let contents = Arc::clone(&self.contents);
        Fetch { desk, task, stop, state: self.state(), planner, purpose, claims, compared, contents }
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
        (self.desk.observer)(&self.task.source, progress);
    }
}
