//! Reconciliation: what is claimed is asked of Atlas again and compared record by record; what is missing is archived.
//!
//! It goes window by window over the path of a backfill, and claims nothing that was not claimed before. Between two
//! windows it gives its source back: a poll that is due meanwhile need not wait until all is compared. Nothing is asked,
//! slack included, that lies beyond what is claimed. Gaps have ways of their own to be closed.
//!
//! Where most of what Atlas shows of a window is not archived, nothing of it is: the window becomes a gap, and a person has to
//! decide. The windows behind it are compared all the same. Windows before it stay as they are, with what came late of them.

use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use crate::{
    atlas,
    collect::{
        Compared, Differing, PollError, PollReport, Task,
        claims::Claims,
        desk::{Desk, Lane, turn},
        judgement::Purpose,
        poll::Poll,
        stock::SharedContents,
        window::Next,
    },
    instant::Instant,
    plan::{self, Planner, subtract},
    source::Kind,
    vitals,
    window::Window,
};

/// A reconciliation of one source.
pub(super) struct Reconciliation<'a> {
    desk: &'a Desk,
    task: &'a Task,
    stop: &'a CancellationToken,
    /// What somebody asked for; nothing means the last days.
    range: Option<Window>,
    /// What of the range comes next; nothing before the first window.
    left: Option<Window>,
    /// What of it lies in one piece, and the plan for that.
    piece: Option<(Window, Planner)>,
    /// What it has read of the segments.
    contents: SharedContents,
    /// Of which windows most differs.
    differing: Differing,
    /// Whether it was told what retention removed.
    told_of_removed: bool,
    begun: tokio::time::Instant,
    report: PollReport,
}

impl<'a> Reconciliation<'a> {
    pub(super) fn new(desk: &'a Desk, task: &'a Task, stop: &'a CancellationToken, range: Option<Window>) -> Self {
        let mut report = PollReport::begun(desk.clock.now());
        report.compared = Some(Compared::default());
        Self {
            desk,
            task,
            stop,
            range,
            left: None,
            piece: None,
            contents: SharedContents::default(),
            differing: Differing::default(),
            told_of_removed: false,
            begun: tokio::time::Instant::now(),
            report,
        }
    }

    /// Compares all of it. The `lane` of the source is held for a window at a time.
    pub(super) async fn run(mut self, lane: &tokio::sync::Mutex<Lane>) -> PollReport {
        let waiting = vitals::waits_for_others();
        let slot = tokio::select! {
            biased;
            () = self.stop.cancelled() => None,
            slot = self.task.slots.reconciliations.acquire() => slot.ok(),
        };
        drop(waiting);
        loop {
            // Whoever has waited for the source comes first.
            let mut lane = turn(lane).await;
            let mut poll = Poll::new(self.desk, self.task, self.stop, &mut lane);
            poll.contents = Arc::clone(&self.contents);
            std::mem::swap(&mut poll.report, &mut self.report);
            std::mem::swap(&mut poll.differing, &mut self.differing);
            let compared = match slot {
                Some(_) => self.compare_window(&mut poll).await,
                None => Err(PollError::Stopped),
            };
            std::mem::swap(&mut poll.differing, &mut self.differing);
            let compared = compared.and_then(|more| match more || self.differing.count() == 0 {
                true => Ok(more),
                false => Err(PollError::Differs(std::mem::take(&mut self.differing))),
            });
            let more = match compared {
                Ok(more) => more,
                Err(error) => {
                    // Nobody has to get past what is archived already.
                    poll.fail(error, None).await;
                    false
                }
            };
            if !more {
                poll.report.figures.duration = self.begun.elapsed();
                poll.tell_of_late_records();
                if self.range.is_none() {
                    poll.note_reconciliation().await;
                }
            }
            std::mem::swap(&mut poll.report, &mut self.report);
            if !more {
                return self.report;
            }
        }
    }

    /// Compares the next window. Whether there can be more.
    async fn compare_window(&mut self, poll: &mut Poll<'_>) -> Result<bool, PollError> {
        if self.stop.is_cancelled() {
            return Err(PollError::Stopped);
        }
        poll.open().await?;
        let left = self.left.unwrap_or_else(|| self.range(poll));
        self.left = Some(left);
        let removed = self.desk.removed(poll.state(), left).await?;
        let complete = self.desk.complete(poll.state()).await?;
        let complete: Vec<Window> =
            complete.into_iter().flat_map(|part| subtract(part, removed.iter().copied())).collect();
        let settle = self.task.settle;
        poll.claims = Claims { complete: complete.clone(), removed, asked_until: None, settle };
        if !std::mem::replace(&mut self.told_of_removed, true) {
            poll.tell_of_removed(left);
        }
        let mut parts = complete.iter().map(|window| window.intersection(left));
        let Some(range) = parts.find(|part| !part.is_empty()) else { return Ok(false) };
        let mut planner = match self.piece.take() {
            Some((piece, planner)) if piece == range => planner,
            // It is the first one, or what is claimed has changed since the last window.
            _ => {
                let limit = (poll.state().kind == Kind::AccessHistory).then_some(atlas::PAGE_LIMIT);
                let planner = Planner::new(range, poll.now(), limit, Vec::new());
                match poll.lane.width {
                    Some(width) => planner.with_width(width),
                    None => planner,
                }
            }
        };
        let mut compared = Window::new(range.from, range.from);
        while let Some(window) = planner.next_window() {
            if poll.ask(window, &mut planner, Purpose::Reconcile, range).await? != Next::InParts {
                compared = Window::new(range.from, planner.next_window().map_or(range.to, |next| next.from));
                break;
            }
        }
        poll.lane.width = Some(planner.width());
        if let Some(fault) = poll.fault.take() {
            return Err(fault);
        }
        poll.window = None;
        self.left = Some(Window::new(compared.to, left.to));
        self.piece = Some((Window::new(compared.to, range.to), planner));
        if let Some(all) = &mut poll.report.compared {
            all.range = Some(Window::new(all.range.map_or(compared.from, |all| all.from), compared.to));
        }
        Ok(true)
    }

    /// What is to be compared, as far as Atlas still holds it and nothing can join it any more.
    fn range(&self, poll: &Poll<'_>) -> Window {
        let (now, state) = (poll.now(), poll.state());
        let clocks = plan::Clocks { local: self.desk.clock.now(), date: Some(now) };
        let held = Window::new(clocks.horizon(atlas::oldest(state.kind)), state.end.unwrap_or(Instant::MIN));
        self.range.unwrap_or(Window::new(now - self.task.reconcile_range, Instant::MAX)).intersection(held)
    }
}
