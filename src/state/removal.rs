//! Old segments that are decided to go: the next digest tells of it, and then the file goes.

use rusqlite::{Connection, Transaction};

use crate::{
    archive::SegmentName,
    evidence::Removed,
    state::{SourceKey, SourceState, StateError, Untold, told},
};

/// The segments of a source that are decided to go, in no particular order.
///
/// # Errors
/// When they are not what was written, or whatever SQLite gives.
pub fn removals(connection: &Connection, key: SourceKey) -> Result<Vec<SegmentName>, StateError> {
    let mut statement = connection.prepare_cached("SELECT segment FROM removal WHERE source = ?1")?;
    let rows = statement.query_map([key], |row| row.get::<_, String>(0))?;
    let mut segments = Vec::new();
    for row in rows {
        let name = row?;
        segments.push(name.parse().map_err(|()| StateError::Damaged(format!("a removal has the name {name:?}")))?);
    }
    Ok(segments)
}

/// Decides that a segment goes: the next digest of its source tells of it. The source is saved.
///
/// # Errors
/// When the rows of the source are damaged, or whatever SQLite gives.
pub fn decide_removal(
    transaction: &Transaction<'_>,
    source: &mut SourceState,
    removed: Removed,
) -> Result<(), StateError> {
    source.told.removed_to = source.told.removed_to.max(removed.segment.sequence());
    source.amend(transaction, |source| {
        transaction.execute(
            "INSERT OR REPLACE INTO removal (source, segment) VALUES (?1, ?2)",
            (source.key, removed.segment.as_str()),
        )?;
        told::note(transaction, source.key, Untold::Removed(removed))
    })?;
    source.save(transaction)
}

impl SourceState {
    /// The files of these segments are gone. The source is saved.
    ///
    /// # Errors
    /// When the rows of the source are damaged, or whatever SQLite gives.
    pub fn forget_removals(
        &mut self,
        transaction: &Transaction<'_>,
        segments: &[SegmentName],
    ) -> Result<(), StateError> {
        self.amend(transaction, |source| {
            for segment in segments {
                let gone = (source.key, segment.as_str());
                transaction.execute("DELETE FROM removal WHERE source = ?1 AND segment = ?2", gone)?;
            }
            Ok(())
        })?;
        self.save(transaction)
    }
}
