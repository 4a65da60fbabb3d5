//! What is known of every source, read at once: for whoever shows all of them.

use rusqlite::Connection;

use crate::{
    plan::Gap,
    state::{
        DamagedSegment, Health, Reconciled, SourceState, StateError, damaged_segments, health, last_reconciliation,
        missing,
    },
};

/// What is known of one source.
#[derive(Clone, Debug)]
pub struct Overview {
    /// Its state.
    pub state: SourceState,
    /// What is missing of the archived time, in order.
    pub missing: Vec<Gap>,
    /// Its damaged segments.
    pub damaged_segments: Vec<DamagedSegment>,
    /// How it is doing; nothing before its first poll.
    pub health: Option<Health>,
    /// How its last reconciliation went; nothing before the first one.
    pub reconciliation: Option<Reconciled>,
}

/// Reads what is known of every source that was ever seen, one after the other; of one whose row or rows are damaged, the
/// error. Much less is asked of the database than for one source after the other: most have neither gaps nor damage.
///
/// # Errors
/// Whatever `each` or SQLite gives.
pub fn overviews(
    connection: &Connection,
    mut each: impl FnMut(Result<Overview, StateError>) -> Result<(), StateError>,
) -> Result<(), StateError> {
    SourceState::for_each(connection, |state, has_rows| {
        let state = match state {
            Ok(state) => state,
            Err(error @ StateError::DamagedSource { .. }) => return each(Err(error)),
            Err(error) => return Err(error),
        };
        let (missing, damaged_segments) = match has_rows {
            true => (missing(connection, &state)?, damaged_segments(connection, state.key)?),
            false => (Vec::new(), Vec::new()),
        };
        let health = health(connection, state.key)?;
        let reconciliation = last_reconciliation(connection, state.key)?;
        each(Ok(Overview { state, missing, damaged_segments, health, reconciliation }))
    })
}
