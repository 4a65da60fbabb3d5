//! One line when a source starts to fail and one when it is well again; not one for each try, and not ten thousand when all fail
//! for the same reason.

use std::{
    collections::{HashMap, HashSet},
    time::Duration,
};

use crate::{
    atlas::RequestError,
    collect::{Failure, PollError, PollReport},
    daemon::Excuse,
    instant::Instant,
    source::Source,
};

/// Which sources are failing, and with what.
#[derive(Debug, Default)]
pub(super) struct Watch {
    failing: HashMap<Source, Failing>,
    /// With what they fail.
    causes: HashMap<String, Cause>,
    /// Paused clusters that Atlas does not answer for.
    paused: HashSet<Source>,
}

/// What sources fail with.
#[derive(Debug, Default)]
struct Cause {
    /// How many.
    sources: usize,
    /// Whether it was told that there are more than were named.
    told_of_more: bool,
}

#[derive(Debug)]
struct Failing {
    since: Instant,
    polls: u64,
    cause: String,
    told: Instant,
    /// Whether it was named in the log: so many fail with the same that the others were not.
    named: bool,
}

/// A failure that goes on is told again so often.
pub(super) const REMIND_EVERY: Duration = Duration::from_secs(3600);

/// So many sources that fail with the same are named; then it is said that there are more.
const NAMED: usize = 10;

impl Watch {
    /// Takes note that Atlas does not answer for a paused cluster: told once, and no failure.
    pub(super) fn note_paused(&mut self, source: &Source, report: &PollReport) {
        if let Some(failing) = self.failing.remove(source) {
            self.forget(&failing.cause);
        }
        if self.paused.insert(source.clone()) {
            let why = report.failure.as_ref().map(ToString::to_string).unwrap_or_default();
            tracing::info!(event = "source-paused", source = %source, "{}: {why}", Excuse::Paused);
        }
    }

    /// Takes note of a poll and tells what has changed.
    pub(super) fn note(&mut self, source: &Source, report: &PollReport) {
        let Some(failure) = &report.failure else { return self.note_success(source, report) };
        if report.is_stopped() {
            return;
        }
        let (at, cause) = (report.figures.at, kind_of_failure(failure));
        let before = self.failing.remove(source);
        let same = before.as_ref().is_some_and(|before| before.cause == cause);
        if let Some(before) = before.as_ref().filter(|_| !same) {
            self.forget(&before.cause);
        }
        let with_it = self.causes.entry(cause.clone()).or_default();
        with_it.sources += usize::from(!same);
        let mut failing =
            before.unwrap_or(Failing { since: at, polls: 0, cause: String::new(), told: at, named: false });
        failing.polls += 1;
        if same {
            let reminder = failing.named && at.since(failing.told) >= REMIND_EVERY;
            if reminder {
                failing.told = at;
                tracing::error!(event = "source-failing", source = %source, failing_since = %failing.since, "{failure}");
            } else {
                tracing::debug!(source = %source, failed_polls = failing.polls, "{failure}");
            }
        } else {
            failing.told = at;
            failing.named = with_it.sources <= NAMED;
            if failing.named {
                tracing::error!(event = "source-failing", source = %source, failing_since = %failing.since, "{failure}");
            } else {
                tracing::debug!(source = %source, failed_polls = failing.polls, "{failure}");
            }
            if !failing.named && !std::mem::replace(&mut with_it.told_of_more, true) {
                tracing::error!(
                    event = "sources-failing",
                    "more than {NAMED} sources fail with the same; the others are not named here, `atlas-logd status` shows \
                     them: {failure}"
                );
            }
        }
        failing.cause = cause;
        self.failing.insert(source.clone(), failing);
    }

    fn note_success(&mut self, source: &Source, report: &PollReport) {
        if self.paused.remove(source) {
            tracing::info!(event = "source-resumed", source = %source, "is collected again after it was paused");
        }
        let Some(failing) = self.failing.remove(source) else {
            tracing::debug!(
                source = %source,
                windows = report.figures.windows,
                requests = report.figures.requests,
                records = report.figures.records,
                bytes = report.figures.bytes,
                duration_ms = u64::try_from(report.figures.duration.as_millis()).unwrap_or(u64::MAX),
                "polled",
            );
            return;
        };
        if failing.named {
            tracing::info!(
                event = "source-recovered",
                source = %source,
                failing_since = %failing.since,
                failed_polls = failing.polls,
                records = report.figures.records,
                "collected again",
            );
        } else {
            tracing::debug!(source = %source, failed_polls = failing.polls, "collected again");
        }
        self.forget(&failing.cause);
    }

    /// One source less fails with this.
    fn forget(&mut self, cause: &str) {
        let Some(with_it) = self.causes.get_mut(cause) else { return };
        with_it.sources -= 1;
        if with_it.sources > 0 {
            return;
        }
        if self.causes.remove(cause).is_some_and(|cause| cause.told_of_more) {
            tracing::info!(
                event = "sources-recovered",
                "the sources that failed with the same and were not named are collected again, or fail with something else"
            );
        }
    }
}

/// What a source fails with, less what differs from try to try: the window, what Atlas says in its own words, and the advice that
/// only comes after some tries.
fn kind_of_failure(Failure { error, advice, .. }: &Failure) -> String {
    match error {
        PollError::Request(RequestError::Refused { status, error, .. }) => {
            format!("refused {status} {}", error.name.as_deref().unwrap_or_default())
        }
        PollError::Request(RequestError::Server { .. }) => "5xx".to_owned(),
        PollError::Request(error) => kind_of(&error.to_string()),
        error => kind_of(&format!("{error}{}", advice.as_deref().unwrap_or_default())),
    }
}

/// A message without its numbers: two failures that differ only in them are the same failure going on. The window, for
/// one, differs from poll to poll.
pub(super) fn kind_of(message: &str) -> String {
    message.chars().filter(|character| !character.is_ascii_digit() && *character != '.').collect()
}
