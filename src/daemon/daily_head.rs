//! When the archive digest of a day is made.

use std::{sync::Arc, time::Duration};

use jiff::civil::Date;
use tokio::{
    task::{JoinError, JoinSet},
    time::Instant,
};

use crate::{collect::PollError, daemon::Station, vitals::Vitals};

/// How long after midnight (UTC) it is made: by then the sources had the time to seal what the day before left open.
const AFTER_MIDNIGHT: Duration = Duration::from_secs(30 * 60);

/// How long after a try that failed it is tried again.
const TRY_AGAIN_AFTER: Duration = Duration::from_secs(10 * 60);

/// The archive digest of the day.
#[derive(Debug, Default)]
pub(super) struct DailyHead {
    /// The last day whose archive digest is known to be there.
    made: Option<Date>,
    /// The day that is tried now.
    making: JoinSet<(Date, Result<(), PollError>)>,
    /// Before this, it is not tried again.
    again: Option<Instant>,
    failing: bool,
}

impl DailyHead {
    /// Begins to make it, if it is time.
    pub(super) fn begin_when_due(&mut self, station: &Station, vitals: &Vitals) {
        let now = station.clock.now();
        let today = now.date();
        let early = (now - AFTER_MIDNIGHT).date() != today;
        let waits = self.again.is_some_and(|again| Instant::now() < again);
        if early || waits || self.made == Some(today) || !self.making.is_empty() {
            return;
        }
        let (collector, configured) = (Arc::clone(&station.collector), station.configured());
        let make = async move { (today, collector.make_head(configured).await.map(|_| ())) };
        self.making.spawn(vitals.watch("the archive digest of today".to_owned(), make));
    }

    /// Waits until it is made, or could not be, if it is under way.
    pub(super) async fn done(&mut self) -> Option<Result<(Date, Result<(), PollError>), JoinError>> {
        self.making.join_next().await
    }

    /// Takes note of how it went. A fault is told once, until it is over.
    pub(super) fn note(&mut self, done: Result<(Date, Result<(), PollError>), JoinError>) {
        self.again = None;
        let error = match done {
            Ok((day, Ok(()))) => {
                self.made = Some(day);
                if std::mem::take(&mut self.failing) {
                    tracing::info!(event = "head-made-again", "the archive digest can be made again");
                }
                return;
            }
            Ok((_, Err(error))) => error.to_string(),
            Err(error) => format!("a worker stopped unexpectedly: {error}"),
        };
        self.again = Some(Instant::now() + TRY_AGAIN_AFTER);
        if !std::mem::replace(&mut self.failing, true) {
            tracing::error!(
                event = "head-failed",
                "failed to make the archive digest of today; it is tried again every {} minutes: {error}",
                TRY_AGAIN_AFTER.as_secs() / 60
            );
        }
    }

    /// Waits for what is under way.
    pub(super) async fn finish(&mut self) {
        while let Some(done) = self.making.join_next().await {
            self.note(done);
        }
    }
}
