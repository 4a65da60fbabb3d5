//! Segments that were damaged, and up to where their bytes are good.

use rusqlite::{Connection, Transaction};

use crate::{
    archive::SegmentName,
    evidence::{DamagedPart, Sha256Sum},
    instant::Instant,
    state::{
        SourceKey, SourceState, StateError, Untold,
        source_row::{signed, unsigned},
        told,
    },
};

/// A segment whose bytes are good only up to a length.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DamagedSegment {
    /// Which one.
    pub name: SegmentName,
    /// The records before this length are good; nothing behind it counts.
    pub good_length: u64,
    /// SHA-256 of the bytes before it, as they were found.
    pub good_sha256: Sha256Sum,
    /// What was found.
    pub detail: String,
    /// When, by the local clock.
    pub noticed: Instant,
}

/// The damaged segments of a source.
///
/// # Errors
/// Whatever SQLite gives.
pub fn damaged_segments(connection: &Connection, key: SourceKey) -> Result<Vec<DamagedSegment>, StateError> {
    let mut statement = connection.prepare_cached(
        "SELECT segment, good_length, good_sha256, detail, noticed_ms FROM damaged_segment WHERE source = ?1 ORDER BY segment",
    )?;
    let rows = statement.query_map([key], |row| {
        let name: String = row.get(0)?;
        let good_sha256 = Sha256Sum::from_bytes(row.get(2)?);
        Ok((name, unsigned(row.get(1)?), good_sha256, row.get(3)?, Instant::from_millis(row.get(4)?)))
    })?;
    let mut damaged = Vec::new();
    for row in rows {
        let (name, good_length, good_sha256, detail, noticed) = row?;
        let name =
            name.parse().map_err(|()| StateError::Damaged(format!("a damaged segment has the name {name:?}")))?;
        damaged.push(DamagedSegment { name, good_length, good_sha256, detail, noticed });
    }
    Ok(damaged)
}

impl From<DamagedPart> for DamagedSegment {
    fn from(part: DamagedPart) -> Self {
        let DamagedPart { segment: name, good_bytes: good_length, good_sha256, detail, noticed } = part;
        Self { name, good_length, good_sha256, detail, noticed }
    }
}

pub(super) fn insert(
    transaction: &Transaction<'_>,
    key: SourceKey,
    damaged: &DamagedSegment,
) -> Result<(), StateError> {
    transaction.execute(
        "INSERT OR REPLACE INTO damaged_segment (source, segment, good_length, good_sha256, detail, noticed_ms)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        (
            key,
            damaged.name.as_str(),
            signed(damaged.good_length),
            damaged.good_sha256.as_bytes(),
            &damaged.detail,
            damaged.noticed.millis(),
        ),
    )?;
    Ok(())
}

impl SourceState {
    /// Takes note of a damaged segment, for the next digest too. The source is not saved.
    ///
    /// # Errors
    /// When its rows are damaged, or whatever SQLite gives.
    pub fn record_damage(&mut self, transaction: &Transaction<'_>, damaged: &DamagedSegment) -> Result<(), StateError> {
        self.amend(transaction, |source| {
            insert(transaction, source.key, damaged)?;
            let DamagedSegment { name, good_length, good_sha256, detail, noticed } = damaged.clone();
            let part = DamagedPart { segment: name, good_bytes: good_length, good_sha256, detail, noticed };
            told::note(transaction, source.key, Untold::Damaged(part))
        })
    }
}
