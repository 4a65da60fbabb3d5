//! All sources at a glance, for `status`, `collect` and `demo`.

use std::time::Duration;

use comfy_table::{CellAlignment, Table, presets};
use serde::Serialize;

use crate::{
    cli::terminal,
    config::Config,
    instant::Instant,
    plan::Gap,
    shown::shown,
    source::Source,
    state::{
        DamagedSegment, Health, PollRecord, Reconciled, SourceState, StateError, Store, damaged_segments, health,
        last_reconciliation, missing, recent_polls,
    },
};

/// One source.
#[derive(Debug)]
pub(crate) struct Row {
    /// The source as it is named on the command line.
    pub(crate) name: String,
    /// Whether it is in the configuration.
    pub(crate) configured: bool,
    /// What the state knows, if it was ever seen.
    pub(crate) state: Option<SourceState>,
    /// Why the state cannot be read.
    pub(crate) damage: Option<String>,
    pub(crate) gaps: Vec<Gap>,
    pub(crate) damaged_segments: Vec<DamagedSegment>,
    pub(crate) health: Option<Health>,
    pub(crate) polls: Vec<PollRecord>,
    pub(crate) reconciliation: Option<Reconciled>,
    pub(crate) now: Instant,
}

impl Row {
    /// How far the end watermark is behind.
    pub(crate) fn lag(&self) -> Option<Duration> {
        self.state.as_ref()?.end.map(|end| self.now.since(end))
    }

    /// How the last poll went, in words.
    fn outcome(&self) -> String {
        if self.damage.is_some() {
            return "state damaged".to_owned();
        }
        match &self.health {
            None if self.state.as_ref().is_some_and(|state| state.start.is_some()) => "not finished yet".to_owned(),
            None => "never polled".to_owned(),
            Some(health) => match health.failing_since {
                Some(since) => format!("failing for {}", terminal::duration(self.now.since(since))),
                None => format!("ok {} ago", terminal::duration(self.now.since(health.polled))),
            },
        }
    }
}

/// The rows of all sources: those of the configuration first, then those that were removed from it.
pub(crate) fn rows(store: &Store, config: &Config, now: Instant) -> Result<Vec<Row>, StateError> {
    let configured: Vec<Source> = config.sources().collect();
    let mut rows = Vec::new();
    for source in &configured {
        let state = store.read(|connection| SourceState::load(connection, &source.id));
        rows.push(row(store, source.to_string(), true, state, now)?);
    }
    for state in store.read(SourceState::load_all)? {
        let state = match state {
            Ok(state) => state,
            Err(StateError::DamagedSource { source_name, detail }) => {
                // What its name is cannot be told; where its files lie can.
                let error = StateError::DamagedSource { source_name: source_name.clone(), detail };
                if rows.iter().all(|row| row.damage.as_deref() != Some(&error.to_string())) {
                    rows.push(row(store, source_name, false, Err(error), now)?);
                }
                continue;
            }
            Err(error) => return Err(error),
        };
        let here = configured.iter().any(|source| {
            let id = &source.id;
            id.project_id == state.project_id
                && id.kind == state.kind
                && id.name == state.name
                && id.filter.to_string() == state.filter
        });
        if !here {
            rows.push(row(store, state.display_name(), false, Ok(Some(state)), now)?);
        }
    }
    Ok(rows)
}

fn row(
    store: &Store,
    name: String,
    configured: bool,
    state: Result<Option<SourceState>, StateError>,
    now: Instant,
) -> Result<Row, StateError> {
    let (state, damage) = match state {
        Ok(state) => (state, None),
        Err(error @ StateError::DamagedSource { .. }) => (None, Some(error.to_string())),
        Err(error) => return Err(error),
    };
    let mut row = Row {
        name,
        configured,
        state,
        damage,
        gaps: Vec::new(),
        damaged_segments: Vec::new(),
        health: None,
        polls: Vec::new(),
        reconciliation: None,
        now,
    };
    if let Some(state) = &row.state {
        store.read(|connection| {
            row.gaps = missing(connection, state)?;
            row.damaged_segments = damaged_segments(connection, state.key)?;
            row.health = health(connection, state.key)?;
            row.polls = recent_polls(connection, state.key)?;
            row.reconciliation = last_reconciliation(connection, state.key)?;
            Ok::<_, StateError>(())
        })?;
    }
    Ok(row)
}

/// A table for people.
pub(crate) fn table(rows: &[Row]) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header(["source", "start", "end", "lag", "records", "bytes", "requests", "gaps", "last poll"]);
    for index in [3, 4, 5, 6, 7] {
        if let Some(column) = table.column_mut(index) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    for row in rows {
        let instant = |instant: Option<Instant>| instant.map_or("–".to_owned(), |instant| instant.to_string());
        let state = row.state.as_ref();
        let name = if row.configured { row.name.clone() } else { format!("{} (removed)", row.name) };
        table.add_row([
            name,
            instant(state.and_then(|state| state.start)),
            instant(state.and_then(|state| state.end)),
            row.lag().map_or("–".to_owned(), terminal::duration),
            terminal::number(state.map_or(0, |state| state.records)),
            terminal::bytes(state.map_or(0, |state| state.bytes)),
            terminal::number(row.health.as_ref().map_or(0, |health| health.requests)),
            terminal::number(row.gaps.len() as u64),
            row.outcome(),
        ]);
    }
    let mut text = table.trim_fmt();
    for row in rows {
        if let Some(damage) = &row.damage {
            text.push_str(&format!("\ndamaged: {}: {}", row.name, shown(damage)));
        }
        if let Some(health) = row.health.as_ref().filter(|health| health.failing_since.is_some()) {
            text.push_str(&format!("\nfailing: {}: {}", row.name, shown(&health.message)));
        }
        if let Some(failed) = row.reconciliation.as_ref().filter(|last| !last.message.is_empty()) {
            let message = shown(&failed.message);
            text.push_str(&format!("\nreconciliation failed at {}: {}: {message}", failed.begun, row.name));
        }
        if let Some(state) = row.state.as_ref().filter(|state| state.late_records > 0) {
            text.push_str(&format!(
                "\nlate: {}: {} came later than the settle time, the latest at least {} after it happened",
                row.name,
                terminal::count(state.late_records, "record"),
                terminal::duration(state.lateness),
            ));
        }
        for segment in &row.damaged_segments {
            let DamagedSegment { name, good_length, detail, .. } = segment;
            text.push_str(&format!(
                "\ndamaged segment of {}: {}: only its first {good_length} bytes count: {}",
                row.name,
                name.as_str(),
                shown(detail),
            ));
        }
        for gap in &row.gaps {
            let detail = terminal::in_brackets(&gap.detail);
            text.push_str(&format!("\ngap in {}: {}: {}{detail}", row.name, gap.window, gap.reason.sentence()));
        }
    }
    text
}

/// A source for programs. Instants are RFC 3339, durations are milliseconds.
#[derive(Debug, Serialize)]
pub(crate) struct JsonRow<'a> {
    source: &'a str,
    configured: bool,
    folder: Option<&'a str>,
    start: Option<String>,
    end: Option<String>,
    lag_ms: Option<u64>,
    records: u64,
    bytes: u64,
    late_records: u64,
    lateness_ms: u64,
    requests: u64,
    polls: u64,
    last_poll: Option<String>,
    last_success: Option<String>,
    failing_since: Option<String>,
    message: Option<&'a str>,
    gaps: Vec<JsonGap<'a>>,
    damaged_segments: Vec<JsonDamagedSegment<'a>>,
    recent_polls: Vec<JsonPoll<'a>>,
    reconciliation: Option<JsonReconciliation<'a>>,
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

/// All rows for programs.
pub(crate) fn json(rows: &[Row]) -> Vec<JsonRow<'_>> {
    rows.iter().map(json_row).collect()
}

fn json_row(row: &Row) -> JsonRow<'_> {
    let state = row.state.as_ref();
    let health = row.health.as_ref();
    let text = |instant: Option<Instant>| instant.map(|instant| instant.to_string());
    let millis = |duration: Duration| u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    let message = health.map(|health| health.message.as_str()).filter(|message| !message.is_empty());
    JsonRow {
        source: &row.name,
        configured: row.configured,
        folder: state.map(|state| state.folder.as_str()),
        start: text(state.and_then(|state| state.start)),
        end: text(state.and_then(|state| state.end)),
        lag_ms: row.lag().map(millis),
        records: state.map_or(0, |state| state.records),
        bytes: state.map_or(0, |state| state.bytes),
        late_records: state.map_or(0, |state| state.late_records),
        lateness_ms: state.map_or(0, |state| millis(state.lateness)),
        requests: health.map_or(0, |health| health.requests),
        polls: health.map_or(0, |health| health.polls),
        last_poll: text(health.map(|health| health.polled)),
        last_success: text(health.and_then(|health| health.succeeded)),
        failing_since: text(health.and_then(|health| health.failing_since)),
        message: row.damage.as_deref().or(message),
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
    }
}
