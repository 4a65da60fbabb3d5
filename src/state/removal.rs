//! Old segments that are decided to go: the next digest tells of it, and then the file goes.

use std::collections::BTreeSet;

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
        insert(transaction, source.key, &removed.segment)?;
        told::note(transaction, source.key, Untold::Removed(removed))
    })?;
    source.save(transaction)
}

pub(super) fn insert(transaction: &Transaction<'_>, key: SourceKey, segment: &SegmentName) -> Result<(), StateError> {
    let row = (key, segment.as_str());
    transaction.execute("INSERT OR REPLACE INTO removal (source, segment) VALUES (?1, ?2)", row)?;
    Ok(())
}

fn delete<'a>(
    transaction: &Transaction<'_>,
    key: SourceKey,
    segments: impl IntoIterator<Item = &'a SegmentName>,
) -> Result<(), StateError> {
    for segment in segments {
        let row = (key, segment.as_str());
        transaction.execute("DELETE FROM removal WHERE source = ?1 AND segment = ?2", row)?;
    }
    Ok(())
}

impl SourceState {
    /// Takes back the decision that segments go, of those that no digest has told of and that are `withdrawn`. The source is not
    /// saved.
    ///
    /// # Errors
    /// When the rows of the source are damaged, or whatever SQLite gives.
    pub fn withdraw_removals(
        &mut self,
        transaction: &Transaction<'_>,
        withdrawn: impl Fn(&Removed) -> bool,
    ) -> Result<(), StateError> {
        let events = told::untold(transaction, self.key)?.into_iter();
        let decided = events.filter_map(|event| match event {
            Untold::Removed(removed) => Some(removed),
            _ => None,
        });
        let segments: BTreeSet<SegmentName> = decided.filter(withdrawn).map(|removed| removed.segment).collect();
        if segments.is_empty() {
            return Ok(());
        }
        self.amend(transaction, |source| {
            delete(transaction, source.key, &segments)?;
            let is_withdrawn =
                |event: &Untold| matches!(event, Untold::Removed(removed) if segments.contains(&removed.segment));
            told::take_back(transaction, source.key, is_withdrawn)
        })?;
        // They are missed again if they are not there.
        for segment in segments.iter().rev() {
            if segment.sequence() == self.told.removed_to {
                self.told.removed_to -= 1;
            }
        }
        Ok(())
    }

    /// The files of these segments are gone. The source is saved.
    ///
    /// # Errors
    /// When the rows of the source are damaged, or whatever SQLite gives.
    pub fn forget_removals(
        &mut self,
        transaction: &Transaction<'_>,
        segments: &[SegmentName],
    ) -> Result<(), StateError> {
        self.amend(transaction, |source| delete(transaction, source.key, segments))?;
        self.save(transaction)
    }
}
