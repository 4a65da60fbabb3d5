//! What happens while sources are seen to, and how it ends, as it is told to people: by a command that does it itself, and by
//! one that a daemon does it for.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{
    collect::{Compared, PollError, PollReport, Progress},
    commit::Skipped,
    shown::shown,
    source::Source,
    state::OpenSegment,
    window::Window,
    words,
};

/// Something happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum News {
    /// A window was committed.
    Committed {
        /// The name of the source.
        source: String,
        /// The window.
        window: Window,
        /// New records in it.
        records: u64,
        /// Bytes of them.
        bytes: u64,
        /// What the poll has to cover in all.
        range: Window,
    },
    /// Anything else, as a line.
    Line(String),
}

/// How it ended for one source.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Outcome {
    /// Whether it failed.
    pub(crate) failed: bool,
    /// What there is to say.
    pub(crate) lines: Vec<String>,
}

impl News {
    /// What there is to tell, if there is anything.
    pub(crate) fn of(source: &Source, progress: &Progress<'_>) -> Option<Self> {
        let line = match progress {
            Progress::Committed { window, records, bytes, range } => {
                let source = source.to_string();
                return Some(Self::Committed {
                    source,
                    window: *window,
                    records: *records,
                    bytes: *bytes,
                    range: *range,
                });
            }
            Progress::Waiting { error, wait } => format!("trying again in {}: {error}", words::duration(*wait)),
            Progress::Gap { gap } => format!("gap {}: {}", gap.window, gap.reason.sentence()),
            Progress::Removed { range } => format!("{range} was removed by retention and is not asked again"),
            Progress::Late { records, lateness, settle } => words::late(*records, *lateness, *settle),
            Progress::Split { window, error: Some(error) } => format!("{window}: asking in parts: {error}"),
            Progress::Split { error: None, .. } => return None,
        };
        Some(Self::Line(shown(&format!("{source}: {line}"))))
    }
}

impl Outcome {
    /// Of a poll, backfill or reconciliation.
    pub(crate) fn of_poll(source: &Source, report: &PollReport) -> Self {
        let line = match (&report.failure, report.compared) {
            (Some(failure), _) => shown(&failure.to_string()),
            (None, Some(compared)) => in_words(compared),
            (None, None) => format!(
                "done: {}, {}, asked {}",
                words::count(report.figures.records, "new record"),
                words::bytes(report.figures.bytes),
                words::count(report.figures.requests, "time"),
            ),
        };
        Self { failed: report.failure.is_some(), lines: vec![format!("{source}: {line}")] }
    }

    /// Of a poll that failed where nothing is wrong with that.
    pub(crate) fn excused(source: &Source, excuse: impl fmt::Display) -> Self {
        Self { failed: false, lines: vec![shown(&format!("{source}: {excuse}"))] }
    }

    /// Of a skip.
    pub(crate) fn of_skip(source: &Source, skipped: Result<Vec<Skipped>, PollError>) -> Self {
        match skipped {
            Ok(parts) => {
                let line = |Skipped { window, end }| {
                    format!("{source}: {window} is a gap now; the end watermark stands at {end}")
                };
                Self { failed: false, lines: parts.into_iter().map(line).collect() }
            }
            // It names the source itself.
            Err(error @ PollError::Skip(_)) => Self { failed: true, lines: vec![shown(&error.to_string())] },
            Err(error) => Self::failed(source, &error),
        }
    }

    /// Of a seal.
    pub(crate) fn of_seal(source: &Source, sealed: Result<Option<OpenSegment>, PollError>) -> Self {
        let line = match sealed {
            Ok(Some(sealed)) => {
                let (records, bytes) = (words::count(sealed.records, "record"), words::bytes(sealed.length));
                format!("sealed {} ({records}, {bytes}); its digest is {}", sealed.name, sealed.name.digest())
            }
            Ok(None) => "no segment is open; there is nothing to seal".to_owned(),
            Err(error) => return Self::failed(source, &error),
        };
        Self { failed: false, lines: vec![format!("{source}: {line}")] }
    }

    fn failed(source: &Source, error: &PollError) -> Self {
        Self { failed: true, lines: vec![format!("{source}: {}", shown(&error.to_string()))] }
    }
}

/// What a reconciliation came to, in words.
fn in_words(Compared { range, tally }: Compared) -> String {
    let Some(range) = range else {
        return "nothing to compare: it is not claimed to be archived, or was removed by retention, or Atlas no longer holds it".to_owned();
    };
    let records = words::count(tally.shown, "record");
    let missing = match tally.missing {
        0 => "none was missing".to_owned(),
        1 => "1 was missing and is archived now".to_owned(),
        missing => format!("{} were missing and are archived now", words::number(missing)),
    };
    format!("compared {records} of {range}: {missing}")
}
