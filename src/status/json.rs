//! All sources for programs.

use std::time::Duration;

use serde::Serialize;

use crate::{instant::Instant, status::Row};

/// A source for programs. Instants are RFC 3339, durations are milliseconds.
#[derive(Debug, Serialize)]
pub(crate) struct JsonRow<'a> {
    source: &'a str,
    configured: bool,
    not_collected: Option<String>,
    paused: bool,
    folder: Option<&'a str>,
    start: Option<String>,
    end: Option<String>,
    lag_ms: Option<u64>,
    /// How far the end watermark trails at least; nothing for a removed source.
    settle_ms: Option<u64>,
    /// Up to where it is archived beyond `end`, and will be asked again.
    provisional_to: Option<String>,
    condition: &'static str,
    records: u64,
    records_today: u64,
    bytes: u64,
    late_records: u64,
    lateness_ms: u64,
    requests: u64,
    polls: u64,
    last_poll: Option<String>,
    /// By the schedule.
    next_poll: Option<String>,
    last_success: Option<String>,
    failing_since: Option<String>,
    message: Option<&'a str>,
    open_segment: Option<JsonOpenSegment<'a>>,
    last_digest: Option<JsonDigest>,
    gaps: Vec<JsonGap<'a>>,
    islands: Vec<JsonRange>,
    damaged_segments: Vec<JsonDamagedSegment<'a>>,
    recent_polls: Vec<JsonPoll<'a>>,
    reconciliation: Option<JsonReconciliation<'a>>,
    next_reconciliation: Option<String>,
    /// Whether a daemon, or a command that writes, had the state open.
    writer: bool,
}

/// The segment that is appended to.
#[derive(Debug, Serialize)]
struct JsonOpenSegment<'a> {
    segment: &'a str,
    opened: String,
    records: u64,
    bytes: u64,
}

/// The newest digest.
#[derive(Debug, Serialize)]
struct JsonDigest {
    digest: String,
    sha256: String,
}

/// A range before `start` that a backfill collected.
#[derive(Debug, Serialize)]
struct JsonRange {
    from: String,
    to: String,
}

/// The last reconciliation.
#[derive(Debug, Serialize)]
struct JsonReconciliation<'a> {
    at: String,
    last_success: Option<String>,
    compared: u64,
    missing: u64,
    failure: Option<&'a str>,
}

#[derive(Debug, Serialize)]
struct JsonGap<'a> {
    from: String,
    to: String,
    reason: &'static str,
    detail: &'a str,
    noticed: String,
}

#[derive(Debug, Serialize)]
struct JsonDamagedSegment<'a> {
    segment: &'a str,
    good_bytes: u64,
    detail: &'a str,
    noticed: String,
}

#[derive(Debug, Serialize)]
struct JsonPoll<'a> {
    at: String,
    duration_ms: u64,
    windows: u64,
    requests: u64,
    records: u64,
    bytes: u64,
    failure: Option<&'a str>,
}

/// All rows for programs. `writer` says whether the state was open for writing.
pub(crate) fn json(rows: &[Row], writer: bool) -> Vec<JsonRow<'_>> {
    rows.iter().map(|row| json_row(row, writer)).collect()
}

fn json_row(row: &Row, writer: bool) -> JsonRow<'_> {
    let state = row.state.as_ref();
    let (health, rhythm) = (row.health.as_ref(), row.rhythm.as_ref());
    let text = |instant: Option<Instant>| instant.map(|instant| instant.to_string());
    let millis = |duration: Duration| u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    let message = health.map(|health| health.message.as_str()).filter(|message| !message.is_empty());
    JsonRow {
        source: &row.name,
        configured: row.configured(),
        not_collected: row.not_collected.map(|why| why.to_string()),
        paused: row.found.as_ref().is_some_and(|found| found.paused),
        folder: state.map(|state| state.folder.as_str()),
        start: text(state.and_then(|state| state.start)),
        end: text(state.and_then(|state| state.end)),
        lag_ms: row.lag().map(millis),
        settle_ms: rhythm.map(|rhythm| millis(rhythm.settle)),
        provisional_to: text(row.provisional().map(|provisional| provisional.to)),
        condition: row.condition().as_str(),
        records: state.map_or(0, |state| state.records),
        records_today: row.records_today(),
        bytes: state.map_or(0, |state| state.bytes),
        late_records: state.map_or(0, |state| state.late_records),
        lateness_ms: state.map_or(0, |state| millis(state.lateness)),
        requests: health.map_or(0, |health| health.requests),
        polls: health.map_or(0, |health| health.polls),
        last_poll: text(health.map(|health| health.polled)),
        next_poll: text(rhythm.and_then(|rhythm| rhythm.next_poll)),
        last_success: text(health.and_then(|health| health.succeeded)),
        failing_since: text(health.and_then(|health| health.failing_since)),
        message: row.damage.as_deref().or(message),
        open_segment: state.and_then(|state| state.open.as_ref()).map(|open| JsonOpenSegment {
            segment: open.name.as_str(),
            opened: open.name.opened().to_string(),
            records: open.records,
            bytes: open.length,
        }),
        last_digest: state
            .and_then(|state| state.told.digest.as_ref())
            .map(|last| JsonDigest { digest: last.segment.digest(), sha256: last.sha256.to_string() }),
        islands: row
            .islands
            .iter()
            .map(|island| JsonRange { from: island.from.to_string(), to: island.to.to_string() })
            .collect(),
        gaps: row
            .gaps
            .iter()
            .map(|gap| JsonGap {
                from: gap.window.from.to_string(),
                to: gap.window.to.to_string(),
                reason: gap.reason.as_str(),
                detail: &gap.detail,
                noticed: gap.noticed.to_string(),
            })
            .collect(),
        damaged_segments: row
            .damaged_segments
            .iter()
            .map(|segment| JsonDamagedSegment {
                segment: segment.name.as_str(),
                good_bytes: segment.good_length,
                detail: &segment.detail,
                noticed: segment.noticed.to_string(),
            })
            .collect(),
        recent_polls: row
            .polls
            .iter()
            .map(|poll| JsonPoll {
                at: poll.figures.at.to_string(),
                duration_ms: millis(poll.figures.duration),
                windows: poll.figures.windows,
                requests: poll.figures.requests,
                records: poll.figures.records,
                bytes: poll.figures.bytes,
                failure: poll.failure.as_ref().map(|failure| failure.message.as_str()),
            })
            .collect(),
        reconciliation: row.reconciliation.as_ref().map(|last| JsonReconciliation {
            at: last.begun.to_string(),
            last_success: text(last.succeeded),
            compared: last.compared,
            missing: last.missing,
            failure: Some(last.message.as_str()).filter(|message| !message.is_empty()),
        }),
        next_reconciliation: text(rhythm.and_then(|rhythm| rhythm.next_reconciliation)),
        writer,
    }
}
