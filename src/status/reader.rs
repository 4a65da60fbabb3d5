//! Reads rows from the state.

use std::{cell::RefCell, collections::HashSet};

use rusqlite::Connection;

use crate::{
    config::Config,
    discovery::{Known, NotCollected, Why},
    instant::Instant,
    source::Source,
    state::{
        RowDigests, SourceKey, SourceState, StateError, Store, damaged_segments, health, islands, last_reconciliation,
        missing, recent_polls,
    },
    status::{Rhythms, Row, rhythm::Timetable},
};

/// A source that there is something to say of.
#[derive(Clone, Debug)]
pub(crate) enum Entry {
    /// It is in the configuration.
    Configured(Source),
    /// The configuration means it, but it cannot be collected.
    NotCollected(Source, Why),
    /// It is not in the configuration; this is its row in the state.
    Removed(SourceKey),
}

/// How much of a source is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Depth {
    /// Everything but its recent polls.
    Present,
    /// Everything.
    Full,
}

/// Reads rows out of one view of the state.
#[derive(Debug)]
pub(crate) struct Reader<'a> {
    connection: &'a Connection,
    digests: RowDigests<'a>,
    timetable: RefCell<Timetable<'a>>,
    config: &'a Config,
    known: Known,
    now: Instant,
}

impl<'a> Reader<'a> {
    /// Reads by a connection that sees one state of the database.
    ///
    /// # Errors
    /// Whatever SQLite gives.
    pub(crate) fn new(
        connection: &'a Connection,
        config: &'a Config,
        rhythms: &'a Rhythms,
        now: Instant,
    ) -> Result<Self, StateError> {
        let digests = RowDigests::read(connection)?;
        let known = if config.asks() { Known::read(connection)? } else { Known::default() };
        Ok(Self { connection, digests, timetable: RefCell::new(Timetable::new(rhythms, now)), config, known, now })
    }

    /// All sources: those of the configuration first, then those that it means and that are not collected, then those that were
    /// removed from it.
    pub(crate) fn entries(&self, configured: &[Source]) -> Result<Vec<Entry>, StateError> {
        let mut known = HashSet::new();
        for source in configured {
            known.extend(SourceState::key_of(self.connection, &source.id)?);
        }
        let mut entries: Vec<Entry> = configured.iter().cloned().map(Entry::Configured).collect();
        for NotCollected { source, why } in self.known.not_collected(self.config) {
            known.extend(SourceState::key_of(self.connection, &source.id)?);
            entries.push(Entry::NotCollected(source, why));
        }
        let keys = SourceState::keys(self.connection)?;
        entries.extend(keys.into_iter().filter(|key| !known.contains(key)).map(Entry::Removed));
        Ok(entries)
    }

    /// What there is to say of a source.
    pub(crate) fn row(&self, entry: &Entry, depth: Depth) -> Result<Row, StateError> {
        let state = match entry {
            Entry::Configured(source) | Entry::NotCollected(source, _) => {
                SourceState::load_with(&self.digests, &source.id)
            }
            Entry::Removed(key) => SourceState::load_by_key(self.connection, *key),
        };
        let (state, damage) = match state {
            Ok(state) => (state, None),
            Err(error @ StateError::DamagedSource { .. }) => (None, Some(error)),
            Err(error) => return Err(error),
        };
        let name = match (entry, &state, &damage) {
            (Entry::Configured(source) | Entry::NotCollected(source, _), ..) => source.to_string(),
            (Entry::Removed(_), Some(state), _) => state.display_name(),
            // What its name is cannot be told; where its files lie can.
            (Entry::Removed(_), None, Some(StateError::DamagedSource { source_name, .. })) => source_name.clone(),
            (Entry::Removed(key), None, _) => format!("source {key}"),
        };
        let rhythm = match entry {
            Entry::Configured(source) => Some(self.timetable.borrow_mut().of(&source.id)),
            Entry::NotCollected(..) | Entry::Removed(_) => None,
        };
        let found = match entry {
            Entry::Configured(source) => self.known.found(self.config, &source.id).cloned(),
            Entry::NotCollected(..) | Entry::Removed(_) => None,
        };
        let not_collected = match entry {
            Entry::NotCollected(_, why) => Some(*why),
            Entry::Configured(_) | Entry::Removed(_) => None,
        };
        let mut row = Row {
            name,
            rhythm,
            state,
            damage: damage.map(|damage| damage.to_string()),
            gaps: Vec::new(),
            islands: Vec::new(),
            damaged_segments: Vec::new(),
            health: None,
            polls: Vec::new(),
            reconciliation: None,
            found,
            not_collected,
            now: self.now,
        };
        let Some(state) = &row.state else { return Ok(row) };
        // Most have none of these, and there may be very many sources.
        if self.digests.has_rows(state.key) {
            row.gaps = missing(self.connection, state)?;
            row.islands = islands(self.connection, state.key)?;
            row.damaged_segments = damaged_segments(self.connection, state.key)?;
        }
        row.health = health(self.connection, state.key)?;
        if depth == Depth::Full {
            row.polls = recent_polls(self.connection, state.key)?;
        }
        row.reconciliation = last_reconciliation(self.connection, state.key)?;
        Ok(row)
    }
}

/// The rows of all sources, in the order of [`Reader::entries`].
pub(crate) fn rows(store: &Store, config: &Config, now: Instant) -> Result<Vec<Row>, StateError> {
    let (sources, rhythms) = (config.sources().collect::<Vec<_>>(), Rhythms::of(config));
    store.read(|connection| {
        let reader = Reader::new(connection, config, &rhythms, now)?;
        reader.entries(&sources)?.iter().map(|entry| reader.row(entry, Depth::Full)).collect()
    })
}
