//! What begins and ends: polls, reconciliations, and what commands ordered.

use std::sync::Arc;

use tokio::{
    task::{Id, JoinError},
    time::Instant,
};

use crate::{
    collect::{Compared, Job, PollReport},
    daemon::{
        Excuse,
        orders::Polled,
        service::{Service, UnderWay, end::revoke, timetable::NO_INTERVAL},
    },
    source::Source,
};

impl Service {
    /// Makes every source due in its turn.
    pub(super) fn poll_everything(&mut self) {
        let now = Instant::now();
        self.members().into_iter().for_each(|member| self.roster.schedule(member.task.source.id, now, NO_INTERVAL));
    }

    pub(super) fn begin_due(&mut self) {
        while let Some(task) = self.roster.begin(Instant::now()) {
            let source = task.source.clone();
            let (collector, stop) = (Arc::clone(&self.station.collector), self.wind_down.clone());
            let poll = self.polls.spawn(self.vitals.watch(format!("the poll of {source}"), async move {
                let report = collector.poll(&task, Job::Regular, &stop).await;
                collector.keep_up(&task).await;
                report
            }));
            self.under_way.insert(poll.id(), UnderWay { source, reconciliation: None });
        }
        while let Some(task) = self.roster.begin_reconciliation(Instant::now()) {
            let source = task.source.clone();
            let (collector, stop) = (Arc::clone(&self.station.collector), self.wind_down.child_token());
            let reconciliation = Some(stop.clone());
            let job = Job::Reconcile { range: None };
            let compare = async move { collector.poll(&task, job, &stop).await };
            let poll = self.polls.spawn(self.vitals.watch(format!("the reconciliation of {source}"), compare));
            self.under_way.insert(poll.id(), UnderWay { source, reconciliation });
        }
    }

    pub(super) fn end_poll(&mut self, done: Result<(Id, PollReport), JoinError>) {
        let id = match &done {
            Ok((id, _)) => *id,
            Err(error) => error.id(),
        };
        let Some(UnderWay { source, reconciliation }) = self.under_way.remove(&id) else { return };
        match reconciliation {
            None => self.roster.end(&source.id),
            Some(_) => self.roster.end_reconciliation(&source.id),
        }
        self.lookout.note_poll();
        self.revoke_replaced();
        match done {
            Ok((_, report)) => match report.compared {
                None => {
                    self.station.meters().polls(source.id.kind).observe(report.figures.duration);
                    self.note_poll(&source, &report);
                }
                Some(compared) => {
                    self.station.meters().reconciliations(source.id.kind).observe(report.figures.duration);
                    self.note_reconciliation(&source, &report, compared);
                }
            },
            Err(error) if error.is_cancelled() => {}
            Err(error) => tracing::error!(
                event = "defect",
                source = %source,
                "a poll stopped unexpectedly ({error}); this is a defect in atlas-logd, please report it",
            ),
        }
    }

    pub(super) fn end_order(&mut self, done: Option<Polled>) {
        self.revoke_replaced();
        let Some(Polled { source, job, report }) = done else { return };
        match report.compared {
            Some(compared) => self.note_reconciliation(&source, &report, compared),
            None if job == Job::Regular => self.note_poll(&source, &report),
            None => tell_of_backfill(&source, &report),
        }
    }

    /// Takes note of a poll, and of what it says of a source that was found.
    pub(super) fn note_poll(&mut self, source: &Source, report: &PollReport) {
        match self.station.excuse(&source.id, report) {
            Some(Excuse::Gone) => return self.explorer.note_absent(source),
            Some(Excuse::Paused) => return self.watch.note_paused(source, report),
            None => {}
        }
        if self.station.found(&source.id).is_some() {
            if report.says_gone() {
                self.explorer.doubt(&source.id, &self.station);
            } else if report.failure.is_none() {
                self.explorer.trust(&source.id);
            }
        }
        self.watch.note(source, report);
    }

    /// Takes note of a reconciliation. Where it failed and nothing is wrong with that, the polls have told of it.
    fn note_reconciliation(&self, source: &Source, report: &PollReport, compared: Compared) {
        match self.station.excuse(&source.id, report) {
            Some(excuse) => tracing::debug!(source = %source, "not reconciled: {excuse}"),
            None => tell_of_reconciliation(source, report, compared),
        }
    }

    /// Revokes the tokens of clients that were replaced, once nobody uses them any more.
    pub(super) fn revoke_replaced(&mut self) {
        if self.under_way.is_empty() && self.orders.len() == 0 && !self.replaced.is_empty() {
            self.retiring.spawn(revoke(std::mem::take(&mut self.replaced)));
        }
    }
}

pub(super) fn tell_of_reconciliation(source: &Source, report: &PollReport, Compared { range, tally }: Compared) {
    match (&report.failure, range) {
        (Some(_), _) if report.is_stopped() => {}
        (Some(failure), _) => {
            tracing::error!(event = "reconciliation-failed", source = %source, "reconciliation: {failure}")
        }
        (None, None) => tracing::debug!(source = %source, "nothing to reconcile yet"),
        (None, Some(range)) => tracing::info!(
            event = "reconciled",
            source = %source,
            from = %range.from,
            to = %range.to,
            compared = tally.shown,
            missing = tally.missing,
            late = report.times.late,
            requests = report.figures.requests,
            duration_ms = u64::try_from(report.figures.duration.as_millis()).unwrap_or(u64::MAX),
            "reconciled",
        ),
    }
}

pub(super) fn tell_of_backfill(source: &Source, report: &PollReport) {
    match &report.failure {
        Some(_) if report.is_stopped() => {}
        Some(failure) => tracing::error!(event = "backfill-failed", source = %source, "backfill: {failure}"),
        None => tracing::info!(
            event = "backfilled",
            source = %source,
            records = report.figures.records,
            bytes = report.figures.bytes,
            requests = report.figures.requests,
            duration_ms = u64::try_from(report.figures.duration.as_millis()).unwrap_or(u64::MAX),
            "backfilled",
        ),
    }
}
