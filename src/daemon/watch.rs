//! One line when a source starts to fail and one when it is well again; not one for each try.

use std::{collections::HashMap, time::Duration};

use crate::{collect::PollReport, instant::Instant, source::Source};

/// Which sources are failing, and with what.
#[derive(Debug, Default)]
pub(super) struct Watch {
    failing: HashMap<Source, Failing>,
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
    /// Takes note of a poll and tells what has changed.
    pub(super) fn note(&mut self, source: &Source, report: &PollReport) {
        let Some(failure) = &report.failure else {
            if let Some(failing) = self.failing.remove(source) {
                tracing::info!(
                    source = %source,
                    failing_since = %failing.since,
                    failed_polls = failing.polls,
                    records = report.records,
                    "collected again",
                );
            } else {
                tracing::debug!(
                    source = %source,
                    windows = report.windows,
                    requests = report.requests,
                    records = report.records,
                    bytes = report.bytes,
                    duration_ms = u64::try_from(report.duration.as_millis()).unwrap_or(u64::MAX),
                    "polled",
                );
            }
            return;
        };
        if report.is_stopped() {
            return;
        }
        // The window differs from poll to poll; the cause is what matters.
        let cause = failure.error.to_string();
        let failing = self.failing.entry(source.clone()).or_insert_with(|| Failing {
            since: report.at,
            polls: 0,
            cause: String::new(),
            told: report.at,
        });
        failing.polls += 1;
        let reminder = report.at.since(failing.told) >= REMIND_EVERY;
        if reminder || kind_of(&failing.cause) != kind_of(&cause) {
            failing.told = report.at;
            tracing::error!(source = %source, failing_since = %failing.since, "{failure}");
        } else {
            tracing::debug!(source = %source, failed_polls = failing.polls, "{failure}");
        }
        failing.cause = cause;
    }
}

/// A message without its numbers: two failures that differ only in them are the same failure going on.
fn kind_of(message: &str) -> String {
    message.chars().filter(|character| !character.is_ascii_digit()).collect()
}
