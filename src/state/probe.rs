//! A write that nobody reads, to see whether the state can be written to.
//!
//! The table has no checksum: nothing is decided by it.

use rusqlite::Transaction;

use crate::state::StateError;

/// Brings the table for it into a database that has none.
pub(super) const TABLE: &str = "
    CREATE TABLE probe (
        one INTEGER PRIMARY KEY CHECK (one = 1),
        side INTEGER NOT NULL
    ) STRICT;
";

/// Changes a page: SQLite writes none where a value stays what it was.
///
/// # Errors
/// Whatever SQLite gives.
pub fn write_probe(transaction: &Transaction<'_>) -> Result<(), StateError> {
    let turn = "INSERT INTO probe (one, side) VALUES (1, 0) ON CONFLICT (one) DO UPDATE SET side = (side = 0)";
    transaction.execute(turn, [])?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use rusqlite::Connection;

    use super::*;
    use crate::state::Store;

    #[test]
    fn each_probe_changes_the_database() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        let other = Connection::open(folder.path().join("state.db")).unwrap();
        let version = || other.pragma_query_value(None, "data_version", |row| row.get::<_, i64>(0)).unwrap();
        for _ in 0..3 {
            let before = version();
            store.transaction(write_probe).unwrap();
            assert_ne!(version(), before);
        }
    }
}
