//! Where all sources stand, for whoever watches them.

use std::collections::HashMap;

use rusqlite::Connection;

use crate::{instant::Instant, source::SourceId, state::StateError};

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
