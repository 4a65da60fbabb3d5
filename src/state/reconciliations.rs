//! How the last reconciliation of a source went.

use rusqlite::{Connection, OptionalExtension, Transaction};

use crate::{
    instant::Instant,
    state::{
        SourceKey, StateError,
        source_row::{signed, unsigned},
    },
};

/// Brings the table for it into a database that has none.
pub(super) const TABLE: &str = "
    CREATE TABLE reconciliation (
        source INTEGER PRIMARY KEY REFERENCES source (key),
        begun_ms INTEGER NOT NULL,
        succeeded_ms INTEGER,
        compared INTEGER NOT NULL,
        missing INTEGER NOT NULL,
        message TEXT NOT NULL
    ) STRICT;
";

/// How the last reconciliation of a source went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reconciled {
    /// When it began, by the local clock.
    pub begun: Instant,
    /// When the last one began that did not fail.
    pub succeeded: Option<Instant>,
    /// How many records it compared.
    pub compared: u64,
    /// How many of them were missing, and are archived now.
    pub missing: u64,
    /// What it failed with; empty if it did not.
    pub message: String,
}

/// Takes note of a reconciliation. One that failed leaves when the last one succeeded as it was.
///
/// # Errors
/// Whatever SQLite gives.
pub fn record_reconciliation(
    transaction: &Transaction<'_>,
    key: SourceKey,
    reconciled: &Reconciled,
) -> Result<(), StateError> {
    transaction
        .prepare_cached(
            "INSERT INTO reconciliation (source, begun_ms, succeeded_ms, compared, missing, message)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)
             ON CONFLICT (source) DO UPDATE SET begun_ms = excluded.begun_ms,
                succeeded_ms = coalesce(excluded.succeeded_ms, succeeded_ms), compared = excluded.compared,
                missing = excluded.missing, message = excluded.message",
        )?
        .execute((
            key,
            reconciled.begun.millis(),
            reconciled.succeeded.map(Instant::millis),
            signed(reconciled.compared),
            signed(reconciled.missing),
            &reconciled.message,
        ))?;
    Ok(())
}

/// How the last reconciliation of a source went; nothing before the first one.
///
/// # Errors
/// Whatever SQLite gives.
pub fn last_reconciliation(connection: &Connection, key: SourceKey) -> Result<Option<Reconciled>, StateError> {
    let mut statement = connection.prepare_cached(
        "SELECT begun_ms, succeeded_ms, compared, missing, message FROM reconciliation WHERE source = ?1",
    )?;
    let reconciled = statement
        .query_row([key], |row| {
            Ok(Reconciled {
                begun: Instant::from_millis(row.get(0)?),
                succeeded: row.get::<_, Option<i64>>(1)?.map(Instant::from_millis),
                compared: unsigned(row.get(2)?),
                missing: unsigned(row.get(3)?),
                message: row.get(4)?,
            })
        })
        .optional()?;
    Ok(reconciled)
}
