//! What the lists of Atlas have shown: projects, clusters and stream instances.
//!
//! Neither table has a checksum. A row that is wrong or gone is put right by the next list; until then, at worst a source is
//! not polled or another one is asked for, and watermarks are not moved by either.

use rusqlite::{Connection, Transaction};

use crate::{instant::Instant, source::Kind, state::StateError};

/// Brings the tables for it into a database that has none.
pub(super) const TABLES: &str = "
    CREATE TABLE found_project (
        credentials TEXT NOT NULL,
        id TEXT NOT NULL,
        atlas_name TEXT NOT NULL,
        name TEXT NOT NULL,
        listed INTEGER NOT NULL,
        PRIMARY KEY (credentials, id)
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE found_source (
        project_id TEXT NOT NULL,
        kind TEXT NOT NULL,
        name TEXT NOT NULL,
        listed INTEGER NOT NULL,
        paused INTEGER NOT NULL,
        shared_tier INTEGER NOT NULL,
        gone_ms INTEGER,
        PRIMARY KEY (project_id, kind, name)
    ) STRICT, WITHOUT ROWID;
";

/// A project that a credential was shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundProject {
    /// The name of the credential.
    pub credentials: String,
    /// The project's id.
    pub id: String,
    /// What it is called at Atlas.
    pub atlas_name: String,
    /// What it is called here.
    pub name: String,
    /// Whether the last list showed it.
    pub listed: bool,
}

/// A cluster or stream instance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundSource {
    /// Its project.
    pub project_id: String,
    /// Which of the two it is.
    pub kind: Kind,
    /// Its name.
    pub name: String,
    /// Whether the last list showed it.
    pub listed: bool,
    /// Whether the last list that showed it said that it is paused.
    pub paused: bool,
    /// Whether there is no access history of it, because of its tier.
    pub shared_tier: bool,
    /// When Atlas said that there is no such cluster or instance, and no list showed it any more.
    pub gone: Option<Instant>,
}

/// All projects that were found. Rows that nobody wrote are left out.
///
/// # Errors
/// Whatever SQLite gives.
pub fn found_projects(connection: &Connection) -> Result<Vec<FoundProject>, StateError> {
    let mut statement = connection.prepare("SELECT credentials, id, atlas_name, name, listed FROM found_project")?;
    let rows = statement.query_map([], |row| {
        Ok(FoundProject {
            credentials: row.get(0)?,
            id: row.get(1)?,
            atlas_name: row.get(2)?,
            name: row.get(3)?,
            listed: row.get(4)?,
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// All clusters and stream instances that were found. Rows that nobody wrote are left out.
///
/// # Errors
/// Whatever SQLite gives.
pub fn found_sources(connection: &Connection) -> Result<Vec<FoundSource>, StateError> {
    let sql = "SELECT project_id, kind, name, listed, paused, shared_tier, gone_ms FROM found_source";
    let mut statement = connection.prepare(sql)?;
    let rows = statement.query_map([], |row| {
        let Ok(kind) = row.get::<_, String>(1)?.parse() else { return Ok(None) };
        Ok(Some(FoundSource {
            project_id: row.get(0)?,
            kind,
            name: row.get(2)?,
            listed: row.get(3)?,
            paused: row.get(4)?,
            shared_tier: row.get(5)?,
            gone: row.get::<_, Option<i64>>(6)?.map(Instant::from_millis),
        }))
    })?;
    Ok(rows.filter_map(Result::transpose).collect::<Result<_, _>>()?)
}

/// Puts these in the place of all that was found before.
///
/// # Errors
/// Whatever SQLite gives.
pub fn replace_found<'a>(
    transaction: &Transaction<'_>,
    projects: impl Iterator<Item = &'a FoundProject>,
    sources: impl Iterator<Item = &'a FoundSource>,
) -> Result<(), StateError> {
    transaction.execute_batch("DELETE FROM found_project; DELETE FROM found_source")?;
    let mut insert = transaction.prepare_cached(
        "INSERT INTO found_project (credentials, id, atlas_name, name, listed) VALUES (?1, ?2, ?3, ?4, ?5)",
    )?;
    for FoundProject { credentials, id, atlas_name, name, listed } in projects {
        insert.execute((credentials, id, atlas_name, name, listed))?;
    }
    let mut insert = transaction.prepare_cached(
        "INSERT INTO found_source (project_id, kind, name, listed, paused, shared_tier, gone_ms)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    )?;
    for FoundSource { project_id, kind, name, listed, paused, shared_tier, gone } in sources {
        let gone = gone.map(Instant::millis);
        insert.execute((project_id, kind.as_str(), name, listed, paused, shared_tier, gone))?;
    }
    Ok(())
}
