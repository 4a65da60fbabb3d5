//! Cron patterns into ticks.

use std::collections::BTreeSet;

use thiserror::Error;
use tokio::sync::mpsc;
use tokio_cron_scheduler::{Job, JobScheduler, JobSchedulerError};

/// The scheduler could not be started.
#[derive(Debug, Error)]
#[error("failed to start the schedule {pattern:?}: {cause}")]
pub(super) struct ScheduleError {
    pattern: String,
    cause: JobSchedulerError,
}

/// One job for each distinct pattern; its ticks come out of a channel. What is done at a tick, and whether it is done
/// already, is not the scheduler's business.
pub(super) struct Ticks {
    scheduler: JobScheduler,
    ticks: mpsc::Receiver<String>,
}

impl Ticks {
    /// Starts the scheduler for these patterns, in UTC.
    pub(super) async fn start(patterns: &BTreeSet<String>) -> Result<Self, ScheduleError> {
        let failed = |pattern: &str| {
            let pattern = pattern.to_owned();
            move |cause| ScheduleError { pattern, cause }
        };
        let scheduler = JobScheduler::new().await.map_err(failed("all"))?;
        // Room for a tick of each pattern: one that is still waiting stands for the next one too.
        let (sender, ticks) = mpsc::channel(patterns.len().max(1));
        for pattern in patterns {
            let (sender, tick) = (sender.clone(), pattern.clone());
            let job = Job::new(pattern, move |_, _| {
                let _ = sender.try_send(tick.clone());
            });
            let job = job.map_err(failed(pattern))?;
            scheduler.add(job).await.map_err(failed(pattern))?;
        }
        scheduler.start().await.map_err(failed("all"))?;
        Ok(Self { scheduler, ticks })
    }

    /// The pattern that ticks next.
    pub(super) async fn next(&mut self) -> String {
        match self.ticks.recv().await {
            Some(pattern) => pattern,
            // The scheduler holds the senders for as long as it lives.
            None => std::future::pending().await,
        }
    }

    pub(super) async fn stop(mut self) {
        if let Err(error) = self.scheduler.shutdown().await {
            tracing::debug!("the scheduler did not stop: {error}");
        }
    }
}
