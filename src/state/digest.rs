//! Digests of rows: the state must notice every row that is not what was written, and every row that is missing.
//!
//! SQLite has no checksums: a flipped bit in a count is another count, and pages of two databases mixed up (an older copy
//! put back beside a newer `state.db-wal`) can make one that its own check finds nothing wrong with. So the row of each
//! source, which has a checksum, holds a digest of all its rows in the other tables by which anything is decided.

use std::collections::HashSet;

use rusqlite::{Connection, types::ValueRef};
use serde::Serialize;

use crate::state::{SourceKey, StateError};

/// The tables with few rows for each source, in the order of their primary keys.
const TABLES: [&str; 7] = [
    "SELECT * FROM gap WHERE source = ?1 ORDER BY from_ms, to_ms, reason",
    "SELECT * FROM island WHERE source = ?1 ORDER BY from_ms",
    "SELECT * FROM intent WHERE source = ?1",
    "SELECT * FROM damaged_segment WHERE source = ?1 ORDER BY segment",
    "SELECT * FROM untold WHERE source = ?1 ORDER BY number",
    "SELECT * FROM seal WHERE source = ?1 ORDER BY segment",
    "SELECT * FROM removal WHERE source = ?1 ORDER BY segment",
];

/// What is hashed behind the rows of a table.
const END_OF_TABLE: &[u8] = b"table";

/// The sources with a row in any of [`TABLES`].
const WITH_ROWS: &str = "SELECT source FROM gap UNION SELECT source FROM island UNION SELECT source FROM intent
    UNION SELECT source FROM damaged_segment UNION SELECT source FROM untold UNION SELECT source FROM seal
    UNION SELECT source FROM removal";

/// The digests of all sources of a database. Most have no rows at all: those are not looked for one by one.
#[derive(Debug)]
pub struct RowDigests<'a> {
    connection: &'a Connection,
    with_rows: HashSet<SourceKey>,
    without: Digest,
}

/// 128 bits that tell sets of rows apart. It guards against accidents, not against whoever can write to the database.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Digest([u8; 16]);

impl Digest {
    /// Puts a row into the set, or takes it out: no row is in it twice.
    pub(crate) fn toggle(&mut self, row: &[u8]) {
        let hash = blake3::hash(row);
        self.0.iter_mut().zip(hash.as_bytes()).for_each(|(mine, theirs)| *mine ^= theirs);
    }

    /// The digest of what the database holds of a source in the tables that are decided by.
    pub(super) fn of_rows(connection: &Connection, key: SourceKey) -> Result<Self, StateError> {
        let mut hasher = blake3::Hasher::new();
        for select in TABLES {
            let mut statement = connection.prepare_cached(select)?;
            let columns = statement.column_count();
            let mut rows = statement.query([key])?;
            while let Some(row) = rows.next()? {
                hasher.update(b"row");
                for column in 0..columns {
                    feed(&mut hasher, row.get_ref(column)?);
                }
            }
            hasher.update(END_OF_TABLE);
        }
        Ok(Self::finish(&hasher))
    }

    fn finish(hasher: &blake3::Hasher) -> Self {
        let mut digest = Self::default();
        digest.0.copy_from_slice(&hasher.finalize().as_bytes()[..16]);
        digest
    }

    /// Back from what is stored; nothing for what nobody stored.
    pub(super) fn from_stored(bytes: &[u8]) -> Option<Self> {
        Some(Self(bytes.try_into().ok()?))
    }

    /// The column that it is stored in.
    pub(super) fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl<'a> RowDigests<'a> {
    /// Reads them of one view of a database.
    ///
    /// # Errors
    /// Whatever SQLite gives.
    pub fn read(connection: &'a Connection) -> Result<Self, StateError> {
        let mut statement = connection.prepare_cached(WITH_ROWS)?;
        let with_rows = statement.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
        let mut hasher = blake3::Hasher::new();
        TABLES.iter().for_each(|_| _ = hasher.update(END_OF_TABLE));
        Ok(Self { connection, with_rows, without: Digest::finish(&hasher) })
    }

    /// Whether there are rows of a source.
    #[must_use]
    pub fn has_rows(&self, key: SourceKey) -> bool {
        self.with_rows.contains(&key)
    }

    /// What reads that view.
    pub(super) fn connection(&self) -> &'a Connection {
        self.connection
    }

    /// That of a source.
    pub(super) fn of(&self, key: SourceKey) -> Result<Digest, StateError> {
        if self.has_rows(key) { Digest::of_rows(self.connection, key) } else { Ok(self.without) }
    }
}

/// Hashes a value with its type and its length, so that two rows are alike only where all their values are.
fn feed(hasher: &mut blake3::Hasher, value: ValueRef<'_>) {
    let (kind, bytes) = match value {
        ValueRef::Null => (0, &[][..]),
        ValueRef::Integer(number) => {
            hasher.update(&[1]).update(&number.to_le_bytes());
            return;
        }
        ValueRef::Real(number) => {
            hasher.update(&[2]).update(&number.to_le_bytes());
            return;
        }
        ValueRef::Text(bytes) => (3, bytes),
        ValueRef::Blob(bytes) => (4, bytes),
    };
    hasher.update(&[kind]).update(&(bytes.len() as u64).to_le_bytes()).update(bytes);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_table_is_left_out_where_rows_are_looked_for() {
        let table = |select: &str| select.split_whitespace().nth(3).unwrap().to_owned();
        let tables: Vec<String> = TABLES.iter().map(|select| table(select)).collect();
        let looked_for: Vec<String> = WITH_ROWS.split("UNION").map(table).collect();
        assert_eq!(looked_for, tables);
    }

    #[test]
    fn a_set_is_the_same_whatever_the_order_and_another_with_every_row() {
        let mut digest = Digest::default();
        digest.toggle(b"a");
        digest.toggle(b"b");
        let mut other = Digest::default();
        other.toggle(b"b");
        assert_ne!(digest, other);
        other.toggle(b"a");
        assert_eq!(digest, other);
        other.toggle(b"a");
        other.toggle(b"b");
        assert_eq!(other, Digest::default());
    }
}
