//! One window of a poll: asked for, and what is answered committed.

use std::sync::Arc;

use crate::{
    atlas,
    collect::{
        PollError, Progress, Tally, archived,
        blocking::blocking,
        fetch::{Fetch, Fetched, FetchedAnswer, Question},
        judgement::{Judgement, Purpose, judge},
        kept::Kept,
        poll::Poll,
        uncommitted::Uncommitted,
    },
    commit::Records,
    instant::Instant,
    plan::{self, Gap, GapReason, Planner},
    source::AuthResult,
    state::CoverageChange,
    window::Window,
};

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

impl Poll<'_> {
    /// Asks for one window of `range` and commits what is answered.
    pub(super) async fn ask(
        &mut self,
        window: Window,
        planner: &mut Planner,
        purpose: Purpose,
        range: Window,
    ) -> Result<Next, PollError> {
        self.refuse_low_disk().await?;
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
        let fetched = match self.fetch_anew(question, false, planner, purpose).await {
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
            Fetched::Differs { window, narrower: Some(echoed), .. } if window.is_empty() => {
                Err(PollError::Narrower { asked: question.asked, echoed })
            }
            Fetched::Differs { window, tally, .. } => {
                planner.covered(window, tally.shown);
                self.leave_out(window, tally).await?;
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

    /// Asks a question, and asks it again once it is known what the first answer showed to be needed.
    async fn fetch_anew(
        &mut self,
        question: Question,
        keep_full: bool,
        planner: &Planner,
        purpose: Purpose,
    ) -> Result<Fetched, PollError> {
        loop {
            let fetch = self.fetch(planner, purpose);
            let mut requests = 0;
            let fetched = fetch.ask(question, keep_full, &mut requests).await;
            self.report.figures.requests += requests;
            match fetched? {
                Some(fetched) => return Ok(fetched),
                // Not again: it is known from now on.
                None => self.go_by_arrival().await?,
            }
        }
    }

    /// Atlas compares ranges with the arrival of records, as an answer has just shown: records can come again that were
    /// forgotten because the end watermark has passed their clocks. From now on they are known for longer, and those that
    /// were archived before are read from the segments.
    async fn go_by_arrival(&mut self) -> Result<(), PollError> {
        let (committer, settle, now) = (Arc::clone(&self.desk.committer), self.task.settle, self.desk.clock.now());
        let mut state = self.state().clone();
        let state = blocking(move || {
            archived::remember_by_arrival(&committer, &mut state, now, settle)?;
            Ok(state)
        })
        .await?;
        self.lane.state = Some(state);
        Ok(())
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
        // Between two windows of a reconciliation, others come to the source.
        let last = purpose != Purpose::Reconcile && planner.next_window().is_none() && narrower.is_none();
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
            let fetched = self.fetch_anew(Question { auth_result, ..question }, true, planner, purpose).await?;
            let answer = match fetched {
                Fetched::Answer(answer) => answer,
                Fetched::Full { .. } => continue,
                Fetched::Differs { tally, .. } => {
                    self.leave_out(question.window, tally).await?;
                    break;
                }
            };
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

    /// Most of a window that was claimed differs from what is archived: that is a gap, and a person has to decide about it.
    async fn leave_out(&mut self, window: Window, tally: Tally) -> Result<(), PollError> {
        let (reason, noticed) = (GapReason::Differs, self.desk.clock.now());
        let gap = Gap { window, reason, detail: String::new(), noticed };
        self.tell(&Progress::Gap { gap: &gap });
        let committer = Arc::clone(&self.desk.committer);
        let mut state = self.state().clone();
        let state = blocking(move || {
            committer.store().transaction(|transaction| {
                state.declare(transaction, &gap)?;
                state.save(transaction)
            })?;
            Ok(state)
        })
        .await?;
        self.lane.state = Some(state);
        self.differing.note(window, tally);
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
        let (kept, times) = (answer.taken_in.kept, answer.taken_in.times);
        let tally = answer.taken_in.tally;
        let (records, bytes) = answer.taken_in.spooled.as_ref().map_or((0, 0), Uncommitted::size);
        match answer.taken_in.spooled.and_then(Uncommitted::hand_over) {
            None if last => self.quiet_end = Some((change, kept)),
            None => self.commit_quietly(change, kept, false).await?,
            Some((spooled, claim)) => {
                let (committer, rotation) = (Arc::clone(&self.desk.committer), self.task.rotation);
                let mut state = self.state().clone();
                let state = blocking(move || {
                    let records = Records { spooled, change, times };
                    committer.commit(&mut state, records, |each| kept.for_each(each), rotation)?;
                    drop(claim);
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
    pub(super) async fn commit_quietly(
        &mut self,
        change: CoverageChange,
        kept: Kept,
        ends: bool,
    ) -> Result<(), PollError> {
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

    pub(super) fn fetch<'b>(&'b self, planner: &'b Planner, purpose: Purpose) -> Fetch<'b> {
        let compared = self.report.compared.unwrap_or_default().tally;
        let Self { desk, task, stop, claims, trust, .. } = self;
        let contents = Arc::clone(&self.contents);
        Fetch { desk, task, stop, state: self.state(), planner, purpose, claims, compared, contents, trust: *trust }
    }
}
