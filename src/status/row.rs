//! What there is to say of one source.

use std::time::Duration;

use crate::{
    config::Config,
    discovery::{Known, NotCollected, Why},
    instant::Instant,
    plan::Gap,
    source::Source,
    state::{
        DamagedSegment, FoundSource, Health, PollRecord, Reconciled, SourceState, StateError, Store, damaged_segments,
        health, last_reconciliation, missing, recent_polls,
    },
    words,
};

/// One source.
#[derive(Debug)]
pub(crate) struct Row {
    /// The source as it is named on the command line.
    pub(crate) name: String,
    /// Whether it is in the configuration.
    pub(crate) configured: bool,
    /// What the state knows, if it was ever seen.
    pub(crate) state: Option<SourceState>,
    /// Why the state cannot be read.
    pub(crate) damage: Option<String>,
    pub(crate) gaps: Vec<Gap>,
    pub(crate) damaged_segments: Vec<DamagedSegment>,
    pub(crate) health: Option<Health>,
    pub(crate) polls: Vec<PollRecord>,
    pub(crate) reconciliation: Option<Reconciled>,
    /// What the last list that showed it said of it, if it was found and is not named in the configuration.
    pub(crate) found: Option<FoundSource>,
    /// Why it is not collected, though the configuration means it.
    pub(crate) not_collected: Option<Why>,
    pub(crate) now: Instant,
}

impl Row {
    /// How far the end watermark is behind.
    pub(crate) fn lag(&self) -> Option<Duration> {
        self.state.as_ref()?.end.map(|end| self.now.since(end))
    }

    /// Whether it is paused, and not answered for by Atlas until it runs again.
    pub(crate) fn is_paused(&self) -> bool {
        let failing = self.health.as_ref().is_some_and(|health| health.failing_since.is_some());
        failing && self.found.as_ref().is_some_and(|found| found.paused)
    }

    /// How the last poll went, in words.
    pub(crate) fn outcome(&self) -> String {
        match self.not_collected {
            Some(Why::SharedTier) => return "not collected: shared tier".to_owned(),
            Some(Why::Gone(since)) => return format!("gone for {}", words::duration(self.now.since(since))),
            None if self.is_paused() => return "paused".to_owned(),
            None => {}
        }
        if self.damage.is_some() {
            return "state damaged".to_owned();
        }
        match &self.health {
            None if self.state.as_ref().is_some_and(|state| state.start.is_some()) => "not finished yet".to_owned(),
            None => "never polled".to_owned(),
            Some(health) => match health.failing_since {
                Some(since) => format!("failing for {}", words::duration(self.now.since(since))),
                None => format!("ok {} ago", words::duration(self.now.since(health.polled))),
            },
        }
    }
}

/// The rows of all sources: those of the configuration first, then those that it means and that are not collected, then those
/// that were removed from it.
pub(crate) fn rows(store: &Store, config: &Config, now: Instant) -> Result<Vec<Row>, StateError> {
    let mut configured: Vec<Source> = config.sources().collect();
    let mut rows = Vec::new();
    let known = if config.asks() { Known::load(store)? } else { Known::default() };
    for source in &configured {
        let state = store.read(|connection| SourceState::load(connection, &source.id));
        let found = known.source(&source.id).filter(|_| !config.names_source(&source.id)).cloned();
        rows.push(Row { found, ..row(store, source.to_string(), true, state, now)? });
    }
    for NotCollected { source, why } in known.not_collected(config) {
        let state = store.read(|connection| SourceState::load(connection, &source.id));
        rows.push(Row { not_collected: Some(why), ..row(store, source.to_string(), false, state, now)? });
        configured.push(source);
    }
    for state in store.read(SourceState::load_all)? {
        let state = match state {
            Ok(state) => state,
            Err(StateError::DamagedSource { source_name, detail }) => {
                // What its name is cannot be told; where its files lie can.
                let error = StateError::DamagedSource { source_name: source_name.clone(), detail };
                if rows.iter().all(|row| row.damage.as_deref() != Some(&error.to_string())) {
                    rows.push(row(store, source_name, false, Err(error), now)?);
                }
                continue;
            }
            Err(error) => return Err(error),
        };
        let here = configured.iter().any(|source| {
            let id = &source.id;
            id.project_id == state.project_id
                && id.kind == state.kind
                && id.name == state.name
                && id.filter.to_string() == state.filter
        });
        if !here {
            rows.push(row(store, state.display_name(), false, Ok(Some(state)), now)?);
        }
    }
    Ok(rows)
}

fn row(
    store: &Store,
    name: String,
    configured: bool,
    state: Result<Option<SourceState>, StateError>,
    now: Instant,
) -> Result<Row, StateError> {
    let (state, damage) = match state {
        Ok(state) => (state, None),
        Err(error @ StateError::DamagedSource { .. }) => (None, Some(error.to_string())),
        Err(error) => return Err(error),
    };
    let mut row = Row {
        name,
        configured,
        state,
        damage,
        gaps: Vec::new(),
        damaged_segments: Vec::new(),
        health: None,
        polls: Vec::new(),
        reconciliation: None,
        found: None,
        not_collected: None,
        now,
    };
    if let Some(state) = &row.state {
        store.read(|connection| {
            row.gaps = missing(connection, state)?;
            row.damaged_segments = damaged_segments(connection, state.key)?;
            row.health = health(connection, state.key)?;
            row.polls = recent_polls(connection, state.key)?;
            row.reconciliation = last_reconciliation(connection, state.key)?;
            Ok::<_, StateError>(())
        })?;
    }
    Ok(row)
}
