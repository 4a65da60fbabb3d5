//! How the polls of a source went.

use std::time::Duration;

use rusqlite::{Connection, OptionalExtension, Transaction};

use crate::{
    instant::Instant,
    state::{
        SourceKey, StateError,
        source_row::{signed, unsigned},
    },
};

/// How many polls of a source are remembered.
const REMEMBERED: i64 = 10;

/// One poll, in figures.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PollFigures {
    /// When it began, by the local clock.
    pub at: Instant,
    /// How long it took.
    pub duration: Duration,
    /// Windows committed.
    pub windows: u64,
    /// Requests for the source's data.
    pub requests: u64,
    /// New records archived.
    pub records: u64,
    /// Bytes of them.
    pub bytes: u64,
}

/// One poll, as it is remembered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PollRecord {
    /// Its figures.
    pub figures: PollFigures,
    /// What it failed with, if it did.
    pub failure: Option<PollFailure>,
}

/// What a poll failed with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PollFailure {
    /// In words.
    pub message: String,
    /// Whether the fault was in the answer for a window, so that the answer for a shorter one may be right.
    pub of_the_answer: bool,
}

/// How a source is doing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Health {
    /// Polls in all.
    pub polls: u64,
    /// How many of them failed.
    pub failed_polls: u64,
    /// Requests for the source's data in all.
    pub requests: u64,
    /// When the last poll began.
    pub polled: Instant,
    /// When the last poll began that did not fail.
    pub succeeded: Option<Instant>,
    /// When the first of an unbroken row of failed polls began.
    pub failing_since: Option<Instant>,
    /// What the last poll failed with; empty if it did not.
    pub message: String,
}

impl Health {
    /// Whether the last poll failed.
    #[must_use]
    pub fn is_failing(&self) -> bool {
        self.failing_since.is_some()
    }
}

/// Takes note of a poll.
///
/// # Errors
/// Whatever SQLite gives.
pub fn record_poll(transaction: &Transaction<'_>, key: SourceKey, poll: &PollRecord) -> Result<(), StateError> {
    let PollRecord { figures: poll, failure } = poll;
    let failed = failure.is_some();
    let message = failure.as_ref().map_or("", |failure| &failure.message);
    let number: i64 = transaction
        .prepare_cached(
            "INSERT INTO health
                (source, polls, failed_polls, requests, polled_ms, succeeded_ms, failing_since_ms, message)
             VALUES (?1, 1, ?4, ?2, ?3, iif(?4, NULL, ?3), iif(?4, ?3, NULL), ?5)
             ON CONFLICT (source) DO UPDATE SET polls = polls + 1, failed_polls = failed_polls + excluded.failed_polls,
                requests = requests + excluded.requests,
                polled_ms = excluded.polled_ms, succeeded_ms = coalesce(excluded.succeeded_ms, succeeded_ms),
                failing_since_ms = iif(?4, coalesce(failing_since_ms, ?3), NULL), message = excluded.message
             RETURNING polls",
        )?
        .query_row((key, signed(poll.requests), poll.at.millis(), failed, message), |row| row.get(0))?;
    transaction
        .prepare_cached(
            "INSERT OR REPLACE INTO poll
                (source, slot, at_ms, duration_ms, windows, requests, records, bytes, failure, of_the_answer)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, iif(?9, ?10, NULL), ?11)",
        )?
        .execute((
            key,
            number % REMEMBERED,
            poll.at.millis(),
            i64::try_from(poll.duration.as_millis()).unwrap_or(i64::MAX),
            signed(poll.windows),
            signed(poll.requests),
            signed(poll.records),
            signed(poll.bytes),
            failed,
            message,
            failure.as_ref().is_some_and(|failure| failure.of_the_answer),
        ))?;
    Ok(())
}

/// How a source is doing; nothing before its first poll.
///
/// # Errors
/// Whatever SQLite gives.
pub fn health(connection: &Connection, key: SourceKey) -> Result<Option<Health>, StateError> {
    let mut statement = connection.prepare_cached(
        "SELECT polls, failed_polls, requests, polled_ms, succeeded_ms, failing_since_ms, message
         FROM health WHERE source = ?1",
    )?;
    let health = statement
        .query_row([key], |row| {
            Ok(Health {
                polls: unsigned(row.get(0)?),
                failed_polls: unsigned(row.get(1)?),
                requests: unsigned(row.get(2)?),
                polled: Instant::from_millis(row.get(3)?),
                succeeded: row.get::<_, Option<i64>>(4)?.map(Instant::from_millis),
                failing_since: row.get::<_, Option<i64>>(5)?.map(Instant::from_millis),
                message: row.get(6)?,
            })
        })
        .optional()?;
    Ok(health)
}

/// The last polls of a source, oldest first, whatever the clock showed.
///
/// # Errors
/// Whatever SQLite gives.
pub fn recent_polls(connection: &Connection, key: SourceKey) -> Result<Vec<PollRecord>, StateError> {
    let mut statement = connection.prepare_cached(
        "SELECT at_ms, duration_ms, windows, requests, records, bytes, failure, of_the_answer
         FROM poll WHERE source = ?1
         ORDER BY ((slot - 1 - (SELECT polls FROM health WHERE source = ?1)) % ?2 + ?2) % ?2",
    )?;
    let rows = statement.query_map((key, REMEMBERED), |row| {
        let of_the_answer = row.get(7)?;
        let message: Option<String> = row.get(6)?;
        Ok(PollRecord {
            figures: PollFigures {
                at: Instant::from_millis(row.get(0)?),
                duration: Duration::from_millis(unsigned(row.get(1)?)),
                windows: unsigned(row.get(2)?),
                requests: unsigned(row.get(3)?),
                records: unsigned(row.get(4)?),
                bytes: unsigned(row.get(5)?),
            },
            failure: message.map(|message| PollFailure { message, of_the_answer }),
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}
