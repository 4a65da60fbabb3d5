//! Cron patterns into ticks.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, PoisonError},
};

use thiserror::Error;
use tokio::sync::Notify;
use tokio_cron_scheduler::{Job, JobScheduler, JobSchedulerError};

/// The scheduler could not be started.
#[derive(Debug, Error)]
#[error("failed to start the schedule {pattern:?}: {cause}")]
pub(super) struct ScheduleError {
    pattern: String,
    cause: JobSchedulerError,
}

/// One job for each distinct pattern; its ticks wait until they are asked for. What is done at a tick, and whether it is done
/// already, is not the scheduler's business.
pub(super) struct Ticks {
    scheduler: JobScheduler,
    due: Arc<Due>,
}

/// The patterns that have ticked and were not asked for yet. A pattern that ticks twice meanwhile is due once.
#[derive(Default)]
struct Due {
    patterns: Mutex<BTreeSet<String>>,
    ticked: Notify,
}

impl Due {
    fn tick(&self, pattern: &str) {
        self.patterns.lock().unwrap_or_else(PoisonError::into_inner).insert(pattern.to_owned());
        self.ticked.notify_one();
    }

    fn take(&self) -> Option<String> {
        self.patterns.lock().unwrap_or_else(PoisonError::into_inner).pop_first()
    }
}

impl Ticks {
    /// Starts the scheduler for these patterns, in UTC.
    pub(super) async fn start(patterns: &BTreeSet<String>) -> Result<Self, ScheduleError> {
        let failed = |pattern: &str| {
            let pattern = pattern.to_owned();
            move |cause| ScheduleError { pattern, cause }
        };
        let scheduler = JobScheduler::new().await.map_err(failed("all"))?;
        let due = Arc::new(Due::default());
        for pattern in patterns {
            let (ticking, tick) = (Arc::clone(&due), pattern.clone());
            let job = Job::new(pattern, move |_, _| {
                ticking.tick(&tick);
            });
            let job = job.map_err(failed(pattern))?;
            scheduler.add(job).await.map_err(failed(pattern))?;
        }
        scheduler.start().await.map_err(failed("all"))?;
        Ok(Self { scheduler, due })
    }

    /// The pattern that ticks next.
    pub(super) async fn next(&mut self) -> String {
        loop {
            if let Some(pattern) = self.due.take() {
                return pattern;
            }
            self.due.ticked.notified().await;
        }
    }

    pub(super) async fn stop(mut self) {
        if let Err(error) = self.scheduler.shutdown().await {
            tracing::debug!("the scheduler did not stop: {error}");
        }
    }
}
