//! What all lists so far have shown.

use std::collections::BTreeMap;

use rusqlite::Connection;

use crate::{
    config::{Config, check_cluster_name, check_instance_name, check_project_id},
    instant::Instant,
    source::{Kind, SourceId},
    state::{
        FailingList, FoundProject, FoundSource, StateError, Store, failing_lists, found_projects, found_sources,
        replace_failing_lists, replace_found,
    },
};

/// What all lists so far have shown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Known {
    /// By credential and id.
    pub(super) projects: BTreeMap<(String, String), FoundProject>,
    /// By project, kind and name.
    pub(super) sources: BTreeMap<(String, Kind), BTreeMap<String, FoundSource>>,
    /// Lists that cannot be had, by their names.
    pub(super) failing: BTreeMap<String, FailingList>,
}

impl Known {
    /// What the state remembers. What cannot be a name is left out: nobody wrote it.
    ///
    /// # Errors
    /// When the state cannot be read.
    pub fn load(store: &Store) -> Result<Self, StateError> {
        store.read(Self::read)
    }

    /// The same, by a connection that reads.
    ///
    /// # Errors
    /// When the state cannot be read.
    pub fn read(connection: &Connection) -> Result<Self, StateError> {
        let (projects, sources) = (found_projects(connection)?, found_sources(connection)?);
        let failing = failing_lists(connection)?.into_iter().map(|failing| (failing.list.clone(), failing));
        let mut known = Self { failing: failing.collect(), ..Self::default() };
        for project in projects.into_iter().filter(|project| check_project_id(&project.id).is_ok()) {
            known.projects.insert((project.credentials.clone(), project.id.clone()), project);
        }
        for source in sources {
            if check_project_id(&source.project_id).is_ok() && check_name(source.kind, &source.name).is_ok() {
                known.names_mut(&source.project_id, source.kind).insert(source.name.clone(), source);
            }
        }
        Ok(known)
    }

    /// Stores it in the place of what the state remembered.
    ///
    /// # Errors
    /// When the state cannot be written.
    pub fn save(&self, store: &Store) -> Result<(), StateError> {
        store.transaction(|transaction| {
            replace_found(transaction, self.projects.values(), self.sources())?;
            replace_failing_lists(transaction, self.failing())
        })
    }

    /// What is known of a source.
    #[must_use]
    pub fn source(&self, id: &SourceId) -> Option<&FoundSource> {
        self.sources.get(&(id.project_id.clone(), id.kind))?.get(&id.name)
    }

    /// The same of a source that `config` does not name: it is collected because it was found.
    #[must_use]
    pub fn found(&self, config: &Config, id: &SourceId) -> Option<&FoundSource> {
        self.source(id).filter(|_| !config.names_source(id))
    }

    /// Takes note that Atlas answered 404 for the log of a source. Whether it is gone with that: not while its list shows it.
    pub fn note_absent(&mut self, id: &SourceId, at: Instant) -> bool {
        let names = self.sources.get_mut(&(id.project_id.clone(), id.kind));
        match names.and_then(|names| names.get_mut(&id.name)) {
            Some(found) if !found.listed => {
                found.gone.get_or_insert(at);
                true
            }
            _ => false,
        }
    }

    pub(super) fn names_mut(&mut self, project_id: &str, kind: Kind) -> &mut BTreeMap<String, FoundSource> {
        self.sources.entry((project_id.to_owned(), kind)).or_default()
    }

    pub(super) fn sources(&self) -> impl Iterator<Item = &FoundSource> {
        self.sources.values().flat_map(BTreeMap::values)
    }
}

/// Checks the name of a source as the configuration does.
pub(super) fn check_name(kind: Kind, name: &str) -> Result<(), String> {
    match kind {
        Kind::StreamAudit => check_instance_name(name),
        Kind::AccessHistory => check_cluster_name(name),
    }
}
