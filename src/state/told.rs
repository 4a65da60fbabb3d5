//! What the digests of a source have told so far, and what the next one has to tell.

use rusqlite::{Connection, Transaction};
use serde::{Deserialize, Serialize};

use crate::{
    evidence::{Compressed, DamagedPart, LastDigest, Range, Rebuilt, Removed},
    instant::Instant,
    state::{SourceKey, SourceState, StateError},
    window::Window,
};

/// What the digests of a source have told so far.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Told {
    /// The newest digest; nothing before the first segment was sealed.
    pub digest: Option<LastDigest>,
    /// The end watermark that they end with; nothing while they say nothing about coverage.
    pub end: Option<Instant>,
    /// Segments up to this number are compressed, or will never be.
    pub compressed_to: u64,
    /// Segments up to this number were removed because of their age, or lie there as evidence: their digests cannot be read.
    pub removed_to: u64,
}

/// Something that the next digest of a source has to tell, beside gaps and the advance of the watermark.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Untold {
    /// A range was collected that lies before the start watermark or was a gap, or of which records came late.
    Backfilled(Range),
    /// A range was asked again and compared, and nothing was missing.
    Reconciled(Range),
    /// A segment is damaged.
    Damaged(DamagedPart),
    /// A segment was compressed.
    Compressed(Compressed),
    /// A segment is going to be removed.
    Removed(Removed),
    /// The state was made again from the archive.
    Rebuilt(Rebuilt),
}

/// What the next digest of a source has to tell, in the order in which it happened.
///
/// # Errors
/// When that is not what was written, or whatever SQLite gives.
pub fn untold(connection: &Connection, key: SourceKey) -> Result<Vec<Untold>, StateError> {
    Ok(rows(connection, key)?.into_iter().map(|(_, event)| event).collect())
}

fn rows(connection: &Connection, key: SourceKey) -> Result<Vec<(i64, Untold)>, StateError> {
    let mut statement =
        connection.prepare_cached("SELECT number, event FROM untold WHERE source = ?1 ORDER BY number")?;
    let rows = statement.query_map([key], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?)))?;
    let mut events = Vec::new();
    for row in rows {
        let (number, text) = row?;
        let event = serde_json::from_str(&text)
            .map_err(|error| StateError::Damaged(format!("what a digest has to tell cannot be read: {error}")))?;
        events.push((number, event));
    }
    Ok(events)
}

/// Notes something that the next digest has to tell. A range that touches another one of its kind becomes one with it.
pub(super) fn note(transaction: &Transaction<'_>, key: SourceKey, mut event: Untold) -> Result<(), StateError> {
    let before = rows(transaction, key)?;
    let number = before.last().map_or(1, |(number, _)| number + 1);
    for (number, other) in before {
        if let Some(joined) = join(&event, &other) {
            event = joined;
            transaction.execute("DELETE FROM untold WHERE source = ?1 AND number = ?2", (key, number))?;
        }
    }
    let text = serde_json::to_string(&event).map_err(|error| StateError::Damaged(error.to_string()))?;
    transaction.execute("INSERT INTO untold (source, number, event) VALUES (?1, ?2, ?3)", (key, number, text))?;
    Ok(())
}

/// Takes back what no digest has told of yet.
pub(super) fn take_back(
    transaction: &Transaction<'_>,
    key: SourceKey,
    is_it: impl Fn(&Untold) -> bool,
) -> Result<(), StateError> {
    for (number, _) in rows(transaction, key)?.into_iter().filter(|(_, event)| is_it(event)) {
        transaction.execute("DELETE FROM untold WHERE source = ?1 AND number = ?2", (key, number))?;
    }
    Ok(())
}

fn join(event: &Untold, other: &Untold) -> Option<Untold> {
    let joined = |one: &Range, other: &Range| {
        let touches = other.from <= one.to && one.from <= other.to;
        touches.then(|| Window::new(one.from.min(other.from), one.to.max(other.to)).into())
    };
    match (event, other) {
        (Untold::Backfilled(one), Untold::Backfilled(other)) => joined(one, other).map(Untold::Backfilled),
        (Untold::Reconciled(one), Untold::Reconciled(other)) => joined(one, other).map(Untold::Reconciled),
        // It was damaged once more before anyone was told.
        (Untold::Damaged(one), Untold::Damaged(other)) if one.segment == other.segment => {
            Some(Untold::Damaged(one.clone()))
        }
        _ => None,
    }
}

impl SourceState {
    /// Notes something that the next digest has to tell. The source is not saved.
    ///
    /// # Errors
    /// When its rows are damaged, or whatever SQLite gives.
    pub fn note_untold(&mut self, transaction: &Transaction<'_>, event: Untold) -> Result<(), StateError> {
        self.amend(transaction, |source| note(transaction, source.key, event))
    }
}
