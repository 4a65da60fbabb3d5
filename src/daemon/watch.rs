//! One line when a source starts to fail and one when it is well again; not one for each try.

use std::{
    collections::{HashMap, HashSet},
    time::Duration,
};

use crate::{collect::PollReport, instant::Instant, source::Source};

/// What is told of a source that Atlas does not answer for because its cluster is paused.
pub(crate) const PAUSED: &str = "is paused, and Atlas does not answer for it until it runs again";

/// Which sources are failing, and with what.
#[derive(Debug, Default)]
pub(super) struct Watch {
    failing: HashMap<Source, Failing>,
    /// Paused clusters that Atlas does not answer for.
    paused: HashSet<Source>,
}

#[derive(Debug)]
struct Failing {
    since: Instant,
    polls: u64,
    cause: String,
    told: Instant,
}

/// A failure that goes on is told again so often.
const REMIND_EVERY: Duration = Duration::from_secs(3600);

impl Watch {
    /// Takes note that Atlas does not answer for a paused cluster: told once, and no failure.
    pub(super) fn note_paused(&mut self, source: &Source, report: &PollReport) {
        self.failing.remove(source);
        if self.paused.insert(source.clone()) {
            let why = report.failure.as_ref().map(ToString::to_string).unwrap_or_default();
            tracing::info!(source = %source, "{PAUSED}: {why}");
        }
    }

    /// Takes note of a poll and tells what has changed.
    pub(super) fn note(&mut self, source: &Source, report: &PollReport) {
        let Some(failure) = &report.failure else {
            if self.paused.remove(source) {
                tracing::info!(source = %source, "is collected again after it was paused");
            }
            if let Some(failing) = self.failing.remove(source) {
                tracing::info!(
                    source = %source,
                    failing_since = %failing.since,
                    failed_polls = failing.polls,
                    records = report.figures.records,
                    "collected again",
                );
            } else {
                tracing::debug!(
                    source = %source,
                    windows = report.figures.windows,
                    requests = report.figures.requests,
                    records = report.figures.records,
                    bytes = report.figures.bytes,
                    duration_ms = u64::try_from(report.figures.duration.as_millis()).unwrap_or(u64::MAX),
                    "polled",
                );
            }
            return;
        };
        if report.is_stopped() {
            return;
        }
        let cause = kind_of(&failure.to_string());
        let failing = self.failing.entry(source.clone()).or_insert_with(|| Failing {
            since: report.figures.at,
            polls: 0,
            cause: String::new(),
            told: report.figures.at,
        });
        failing.polls += 1;
        let reminder = report.figures.at.since(failing.told) >= REMIND_EVERY;
        if reminder || failing.cause != cause {
            failing.told = report.figures.at;
            tracing::error!(source = %source, failing_since = %failing.since, "{failure}");
        } else {
            tracing::debug!(source = %source, failed_polls = failing.polls, "{failure}");
        }
        failing.cause = cause;
    }
}

/// A message without its numbers: two failures that differ only in them are the same failure going on. The window, for
/// one, differs from poll to poll.
fn kind_of(message: &str) -> String {
    message.chars().filter(|character| !character.is_ascii_digit() && *character != '.').collect()
}
