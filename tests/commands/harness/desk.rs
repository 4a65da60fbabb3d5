//! Polls in this process, at times that a test chooses: the same collection as behind `collect` and `run`, on a clock
//! of the test's own.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

use atlas_logd::{
    collect::{Job, PollReport, Progress},
    config,
    daemon::Station,
    source::{Source, SourceId},
    window::Window,
};
use tokio::runtime::Runtime;
use tokio_util::sync::CancellationToken;

use super::{PATIENCE, Stage};

/// An open station: state and archive are locked until it is dropped, as by a daemon.
pub(crate) struct Desk<'a> {
    stage: &'a Stage,
    station: Station,
    runtime: Runtime,
    /// Bytes of each commit since the last poll.
    commits: Arc<Mutex<HashMap<SourceId, Vec<u64>>>>,
    /// What was told to be removed and not asked again.
    removed: Arc<Mutex<Vec<Window>>>,
}

impl Stage {
    /// Opens a station on the stage's configuration and clock. Commands that write wait for nobody: drop it first.
    pub(crate) fn desk(&self) -> Desk<'_> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let commits: Arc<Mutex<HashMap<SourceId, Vec<u64>>>> = Arc::default();
        let removed: Arc<Mutex<Vec<Window>>> = Arc::default();
        let (noted, told) = (Arc::clone(&commits), Arc::clone(&removed));
        let observer = Arc::new(move |source: &Source, progress: &Progress<'_>| match progress {
            Progress::Committed { bytes, .. } => {
                noted.lock().unwrap().entry(source.id.clone()).or_default().push(*bytes);
            }
            Progress::Removed { range } => told.lock().unwrap().push(*range),
            _ => {}
        });
        let config = config::load(&self.config_path()).unwrap();
        let station = Station::open(config, self.local_clock(), observer).unwrap();
        Desk { stage: self, station, runtime, commits, removed }
    }

    /// Opens a station, polls all its sources once, and closes it again, as a restart between every two polls would.
    #[track_caller]
    pub(crate) fn poll_once(&self) {
        self.desk().poll_all();
    }
}

impl Desk<'_> {
    /// The sources of the configuration.
    pub(crate) fn sources(&self) -> Vec<Source> {
        self.station.tasks().map(|(_, task)| task.source).collect()
    }

    /// Goes over to the stage's present configuration, as a daemon does that is told to reload.
    pub(crate) fn reload(&mut self) {
        let before = self.sources();
        let replaced = self.station.change(config::load(&self.stage.config_path()).unwrap()).unwrap();
        let now = self.sources();
        self.runtime.block_on(async {
            for client in replaced {
                client.revoke().await;
            }
            for removed in before.iter().filter(|source| !now.contains(source)) {
                self.station.collector.retire(removed).await.unwrap();
            }
        });
    }

    /// Polls a source of the configuration; it must not fail.
    #[track_caller]
    pub(crate) fn poll(&self, source: &Source) -> PollReport {
        done(source, self.try_poll(source))
    }

    /// Polls a source of the configuration.
    #[track_caller]
    pub(crate) fn try_poll(&self, source: &Source) -> PollReport {
        self.run(source, Job::Regular)
    }

    /// Polls all sources of the configuration at once, as far as there are slots.
    pub(crate) fn try_poll_together(&self) -> Vec<(Source, PollReport)> {
        let stop = CancellationToken::new();
        let tasks: Vec<_> = self.station.tasks().map(|(_, task)| task).collect();
        let polls = tasks.iter().map(|task| self.station.collector.poll(task, Job::Regular, &stop));
        let reports = self.runtime.block_on(futures_util::future::join_all(polls));
        for (id, commits) in self.commits.lock().unwrap().drain() {
            if let Some(task) = tasks.iter().find(|task| task.source.id == id) {
                self.stage.note_commits(&task.source, &commits);
            }
        }
        tasks.into_iter().map(|task| task.source).zip(reports).collect()
    }

    /// Polls all sources of the configuration, one after the other; none must fail.
    #[track_caller]
    pub(crate) fn poll_all(&self) {
        self.sources().iter().for_each(|source| {
            self.poll(source);
        });
    }

    /// Collects a range; it must not fail.
    #[track_caller]
    pub(crate) fn backfill(&self, source: &Source, window: Window) -> PollReport {
        done(source, self.try_backfill(source, window))
    }

    /// Collects a range of which segments are lost; it must not fail.
    #[track_caller]
    pub(crate) fn backfill_lost(&self, source: &Source, window: Window) -> PollReport {
        done(source, self.run(source, Job::BackfillLost(window)))
    }

    /// Collects a range.
    #[track_caller]
    pub(crate) fn try_backfill(&self, source: &Source, window: Window) -> PollReport {
        self.run(source, Job::Backfill(window))
    }

    /// Compares the last days with what Atlas shows now; it must not fail.
    #[track_caller]
    pub(crate) fn reconcile(&self, source: &Source) -> PollReport {
        done(source, self.try_reconcile(source, None))
    }

    /// Compares a range, or the last days.
    #[track_caller]
    pub(crate) fn try_reconcile(&self, source: &Source, range: Option<Window>) -> PollReport {
        self.run(source, Job::Reconcile { range })
    }

    /// Does what is due for the sealed segments of a source that was polled.
    pub(crate) fn keep_up(&self, source: &Source) {
        let (_, task) = self.station.tasks().find(|(_, task)| task.source == *source).unwrap();
        // Whoever reads them finds some gone.
        self.stage.damaged(|| self.runtime.block_on(self.station.collector.keep_up(&task)));
    }

    /// The ranges of which was told since the last call that they were removed and are not asked again.
    pub(crate) fn removed(&self) -> Vec<Window> {
        std::mem::take(&mut self.removed.lock().unwrap())
    }

    /// Reconciles a source, and polls it as soon as that has begun.
    pub(crate) fn reconcile_and_poll(&self, source: &Source) -> (PollReport, PollReport) {
        let (_, task) = self.station.tasks().find(|(_, task)| task.source == *source).unwrap();
        let stop = CancellationToken::new();
        let collector = &self.station.collector;
        let reconciled = collector.poll(&task, Job::Reconcile { range: None }, &stop);
        let polled = collector.poll(&task, Job::Regular, &stop);
        // The first one of them has the source first.
        let reports = self.runtime.block_on(futures_util::future::join(reconciled, polled));
        let commits = self.commits.lock().unwrap().remove(&source.id).unwrap_or_default();
        self.stage.note_commits(source, &commits);
        self.stage.look_at_segments();
        reports
    }

    #[track_caller]
    fn run(&self, source: &Source, job: Job) -> PollReport {
        let (_, task) = self
            .station
            .tasks()
            .find(|(_, task)| task.source == *source)
            .unwrap_or_else(|| panic!("{source} is not in the configuration"));
        let stop = CancellationToken::new();
        let poll = self.station.collector.poll(&task, job, &stop);
        let polled = self.runtime.block_on(async { tokio::time::timeout(PATIENCE, poll).await });
        let report = polled.unwrap_or_else(|_| {
            let requests = self.stage.requests_for(source);
            panic!("the poll of {source} did not end within {PATIENCE:?}; it was asked for {requests} times in all")
        });
        let commits = self.commits.lock().unwrap().remove(&source.id).unwrap_or_default();
        self.stage.note_commits(source, &commits);
        self.stage.look_at_segments();
        report
    }
}

impl Drop for Desk<'_> {
    fn drop(&mut self) {
        self.runtime.block_on(self.station.revoke());
    }
}

#[track_caller]
fn done(source: &Source, report: PollReport) -> PollReport {
    match &report.failure {
        None => report,
        Some(failure) => panic!("{source}: {failure}"),
    }
}
