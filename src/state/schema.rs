//! The tables, and how older ones are brought up to date.

use std::path::Path;

use rusqlite::{Connection, TransactionBehavior};

use crate::state::StateError;

/// The version that the first of [`MIGRATIONS`] makes. Earlier ones were never released: their archives have no digests.
const FIRST: i64 = 4;

/// The first makes a new database; each further one brings the schema from one version to the next. What was once released
/// never changes.
const MIGRATIONS: &[&str] = &[
    "
    CREATE TABLE archive (
        one INTEGER PRIMARY KEY CHECK (one = 1),
        id TEXT NOT NULL,
        marked INTEGER NOT NULL
    ) STRICT;

    CREATE TABLE source (
        key INTEGER PRIMARY KEY,
        project_id TEXT NOT NULL,
        kind TEXT NOT NULL,
        name TEXT NOT NULL,
        filter TEXT NOT NULL,
        project_name TEXT NOT NULL,
        folder TEXT NOT NULL UNIQUE,
        start_ms INTEGER,
        end_ms INTEGER,
        next_sequence INTEGER NOT NULL,
        open TEXT,
        sealed TEXT,
        told TEXT NOT NULL,
        records INTEGER NOT NULL,
        bytes INTEGER NOT NULL,
        day INTEGER NOT NULL,
        day_records INTEGER NOT NULL,
        late_records INTEGER NOT NULL,
        lateness_ms INTEGER NOT NULL,
        fingerprints_lost INTEGER NOT NULL,
        by_arrival INTEGER NOT NULL,
        absent_until_ms INTEGER,
        rows_digest BLOB NOT NULL,
        fingerprints_digest BLOB NOT NULL,
        checksum BLOB NOT NULL,
        UNIQUE (project_id, kind, name, filter)
    ) STRICT;

    CREATE TABLE gap (
        source INTEGER NOT NULL REFERENCES source (key),
        from_ms INTEGER NOT NULL,
        to_ms INTEGER NOT NULL,
        reason TEXT NOT NULL,
        detail TEXT NOT NULL,
        noticed_ms INTEGER NOT NULL,
        told INTEGER NOT NULL,
        PRIMARY KEY (source, from_ms, to_ms, reason)
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE island (
        source INTEGER NOT NULL REFERENCES source (key),
        from_ms INTEGER NOT NULL,
        to_ms INTEGER NOT NULL,
        PRIMARY KEY (source, from_ms)
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE fingerprint (
        source INTEGER NOT NULL REFERENCES source (key),
        fingerprint BLOB NOT NULL,
        from_ms INTEGER NOT NULL,
        to_ms INTEGER NOT NULL,
        count INTEGER NOT NULL,
        seen_until_ms INTEGER NOT NULL,
        keep_until_ms INTEGER NOT NULL,
        PRIMARY KEY (source, fingerprint, from_ms, to_ms)
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE pending_fingerprint (
        source INTEGER NOT NULL REFERENCES source (key),
        fingerprint BLOB NOT NULL,
        from_ms INTEGER NOT NULL,
        to_ms INTEGER NOT NULL,
        count INTEGER NOT NULL,
        seen_until_ms INTEGER NOT NULL,
        keep_until_ms INTEGER NOT NULL,
        PRIMARY KEY (source, fingerprint, from_ms, to_ms)
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE intent (
        source INTEGER PRIMARY KEY REFERENCES source (key),
        spool TEXT NOT NULL,
        placement TEXT NOT NULL,
        segment TEXT NOT NULL,
        offset INTEGER NOT NULL,
        length INTEGER NOT NULL,
        records INTEGER NOT NULL,
        hash BLOB NOT NULL,
        tail BLOB NOT NULL,
        sha256 BLOB NOT NULL,
        times TEXT NOT NULL,
        change TEXT NOT NULL,
        pending_digest BLOB NOT NULL
    ) STRICT;

    CREATE TABLE damaged_segment (
        source INTEGER NOT NULL REFERENCES source (key),
        segment TEXT NOT NULL,
        good_length INTEGER NOT NULL,
        good_sha256 BLOB NOT NULL,
        detail TEXT NOT NULL,
        noticed_ms INTEGER NOT NULL,
        PRIMARY KEY (source, segment)
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE untold (
        source INTEGER NOT NULL REFERENCES source (key),
        number INTEGER NOT NULL,
        event TEXT NOT NULL,
        PRIMARY KEY (source, number)
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE seal (
        source INTEGER NOT NULL REFERENCES source (key),
        segment TEXT NOT NULL,
        digest BLOB NOT NULL,
        signature TEXT,
        PRIMARY KEY (source, segment)
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE removal (
        source INTEGER NOT NULL REFERENCES source (key),
        segment TEXT NOT NULL,
        PRIMARY KEY (source, segment)
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE head (
        one INTEGER PRIMARY KEY CHECK (one = 1),
        sequence INTEGER NOT NULL,
        date TEXT NOT NULL,
        sha256 BLOB NOT NULL,
        made_ms INTEGER NOT NULL,
        configured TEXT NOT NULL,
        digest BLOB,
        signature TEXT
    ) STRICT;

    CREATE TABLE health (
        source INTEGER PRIMARY KEY REFERENCES source (key),
        polls INTEGER NOT NULL,
        failed_polls INTEGER NOT NULL,
        requests INTEGER NOT NULL,
        polled_ms INTEGER NOT NULL,
        succeeded_ms INTEGER,
        failing_since_ms INTEGER,
        message TEXT NOT NULL
    ) STRICT;

    CREATE TABLE poll (
        source INTEGER NOT NULL REFERENCES source (key),
        slot INTEGER NOT NULL,
        at_ms INTEGER NOT NULL,
        duration_ms INTEGER NOT NULL,
        windows INTEGER NOT NULL,
        requests INTEGER NOT NULL,
        records INTEGER NOT NULL,
        bytes INTEGER NOT NULL,
        failure TEXT,
        of_the_answer INTEGER NOT NULL,
        PRIMARY KEY (source, slot)
    ) STRICT, WITHOUT ROWID;
",
    super::reconciliations::TABLE,
    super::found::TABLES,
    super::failing_lists::TABLE,
    super::runs::TABLES,
    super::probe::TABLE,
];

/// The newest version that this program knows.
fn newest() -> i64 {
    i64::try_from(MIGRATIONS.len()).map_or(i64::MAX, |migrations| FIRST - 1 + migrations)
}

/// What SQLite stores of the tables.
fn tables(connection: &Connection) -> Result<Vec<(String, String, Option<String>)>, StateError> {
    let mut statement = connection.prepare("SELECT name, tbl_name, sql FROM sqlite_schema ORDER BY type, name")?;
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Refuses a database of this version whose tables are not those that were made: SQLite reads them from a text, which
/// can be damaged and still be read.
fn check_tables(connection: &Connection) -> Result<(), StateError> {
    let expected = Connection::open_in_memory()?;
    MIGRATIONS.iter().try_for_each(|statements| expected.execute_batch(statements))?;
    if tables(connection)? == tables(&expected)? {
        return Ok(());
    }
    Err(StateError::Damaged("its tables are not those that were made".to_owned()))
}

/// The schema version of an open database.
fn version(connection: &Connection) -> Result<i64, StateError> {
    Ok(connection.pragma_query_value(None, "user_version", |row| row.get(0))?)
}

/// Refuses a database of a version that this program does not know; `exact` refuses an older one too.
pub(super) fn check_version(connection: &Connection, path: &Path, exact: bool) -> Result<(), StateError> {
    let found = version(connection)?;
    if found > newest() {
        return Err(StateError::Newer { path: path.to_owned(), found, known: newest() });
    }
    if (1..FIRST).contains(&found) {
        return Err(StateError::Unreleased { path: path.to_owned(), found });
    }
    if exact && found < newest() {
        return Err(StateError::Older { path: path.to_owned(), found, known: newest() });
    }
    if found == 0 && !tables(connection)?.is_empty() {
        return Err(StateError::Damaged("its schema version is gone".to_owned()));
    }
    if found == newest() { check_tables(connection) } else { Ok(()) }
}

/// Brings the schema up to date.
pub(super) fn migrate(connection: &mut Connection, path: &Path) -> Result<(), StateError> {
    check_version(connection, path, false)?;
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let done = usize::try_from(version(&transaction)? - (FIRST - 1)).unwrap_or(0);
    for statements in MIGRATIONS.iter().skip(done) {
        transaction.execute_batch(statements)?;
    }
    transaction.pragma_update(None, "user_version", newest())?;
    transaction.commit()?;
    check_tables(connection)
}
