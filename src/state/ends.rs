//! Where all sources stand, for whoever watches over them.

use std::collections::HashMap;

use rusqlite::Connection;

use crate::{
    instant::Instant,
    source::SourceId,
    state::{SourceKey, StateError},
};

/// The end watermarks of all sources that have one. They are read as they stand there, without what proves them: whoever
/// collects looks at that. A row whose kind or filter nobody knows is passed over.
///
/// # Errors
/// Whatever SQLite gives.
pub fn source_ends(connection: &Connection) -> Result<HashMap<SourceId, Instant>, StateError> {
    let mut statement = connection
        .prepare_cached("SELECT project_id, kind, name, filter, end_ms FROM source WHERE end_ms IS NOT NULL")?;
    let rows = statement.query_map([], |row| {
        let (kind, filter): (String, String) = (row.get(1)?, row.get(3)?);
        let (Ok(kind), Ok(filter)) = (kind.parse(), filter.parse()) else { return Ok(None) };
        let id = SourceId { project_id: row.get(0)?, kind, name: row.get(2)?, filter };
        Ok(Some((id, Instant::from_millis(row.get(4)?))))
    })?;
    Ok(rows.filter_map(Result::transpose).collect::<Result<_, _>>()?)
}

/// All sources that were ever seen, each with the number of its row, as they stand there: whether a row is what was written says
/// whoever reads the rest of it. Nothing stands for the one whose kind or filter nobody knows.
///
/// # Errors
/// Whatever SQLite gives.
pub fn source_keys(connection: &Connection) -> Result<Vec<(SourceKey, Option<SourceId>)>, StateError> {
    let mut statement = connection.prepare_cached("SELECT key, project_id, kind, name, filter FROM source")?;
    let rows = statement.query_map([], |row| {
        let (kind, filter): (String, String) = (row.get(2)?, row.get(4)?);
        let (project_id, name) = (row.get(1)?, row.get(3)?);
        let id = kind.parse().ok().zip(filter.parse().ok());
        Ok((row.get(0)?, id.map(|(kind, filter)| SourceId { project_id, kind, name, filter })))
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}
