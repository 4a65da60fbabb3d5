//! Where all sources stand, for whoever watches over them.

use std::collections::HashMap;

use rusqlite::Connection;
use serde::Deserialize;

use crate::{
    archive::SegmentName,
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

/// How long the open segment of a source has to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenLength {
    /// The folder of the source, below the archive's root.
    pub folder: String,
    /// The segment.
    pub segment: SegmentName,
    /// So many of its bytes are committed.
    pub committed: u64,
    /// Its length once the commit under way is done, if there is one.
    pub once_done: Option<u64>,
}

/// The open segments of all sources, as they stand there. What cannot be read is passed over: whoever opens the source refuses
/// it.
///
/// # Errors
/// Whatever SQLite gives.
pub fn open_lengths(connection: &Connection) -> Result<Vec<OpenLength>, StateError> {
    #[derive(Deserialize)]
    struct Open {
        name: SegmentName,
        length: u64,
    }
    let mut statement = connection.prepare_cached(
        "SELECT folder, open, offset + length FROM source LEFT JOIN intent ON source = key WHERE open IS NOT NULL",
    )?;
    let rows = statement.query_map([], |row| {
        let once_done = row.get::<_, Option<i64>>(2)?.map(|length| u64::try_from(length).unwrap_or(0));
        let (folder, open): (String, String) = (row.get(0)?, row.get(1)?);
        let open: Option<Open> = serde_json::from_str(&open).ok();
        Ok(open.map(|open| OpenLength { folder, segment: open.name, committed: open.length, once_done }))
    })?;
    Ok(rows.filter_map(Result::transpose).collect::<Result<_, _>>()?)
}
