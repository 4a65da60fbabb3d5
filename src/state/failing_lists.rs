//! Which lists of Atlas cannot be had, and since when: for people, whether the daemon runs or not.
//!
//! The table has no checksum: nothing is decided by it, and the next run of discovery writes it anew.

use rusqlite::{Connection, Transaction};

use crate::{instant::Instant, state::StateError};

/// Brings the table for it into a database that has none.
pub(super) const TABLE: &str = "
    CREATE TABLE failing_list (
        list TEXT PRIMARY KEY,
        since_ms INTEGER NOT NULL,
        message TEXT NOT NULL
    ) STRICT, WITHOUT ROWID;
";

/// A list that cannot be had, or not be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FailingList {
    /// Which, in words.
    pub list: String,
    /// Since when.
    pub since: Instant,
    /// Why, and what to do about it.
    pub message: String,
}

/// All of them, by their names.
///
/// # Errors
/// Whatever SQLite gives.
pub fn failing_lists(connection: &Connection) -> Result<Vec<FailingList>, StateError> {
    let mut statement = connection.prepare("SELECT list, since_ms, message FROM failing_list ORDER BY list")?;
    let rows = statement.query_map([], |row| {
        Ok(FailingList { list: row.get(0)?, since: Instant::from_millis(row.get(1)?), message: row.get(2)? })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Puts these in the place of all that failed before.
///
/// # Errors
/// Whatever SQLite gives.
pub fn replace_failing_lists<'a>(
    transaction: &Transaction<'_>,
    failing: impl Iterator<Item = &'a FailingList>,
) -> Result<(), StateError> {
    transaction.execute("DELETE FROM failing_list", [])?;
    let sql = "INSERT INTO failing_list (list, since_ms, message) VALUES (?1, ?2, ?3)";
    let mut insert = transaction.prepare_cached(sql)?;
    for FailingList { list, since, message } in failing {
        insert.execute((list, since.millis(), message))?;
    }
    Ok(())
}
