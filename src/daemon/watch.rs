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
                    event = "source-recovered",
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
            tracing::error!(event = "source-failing", source = %source, failing_since = %failing.since, "{failure}");
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
