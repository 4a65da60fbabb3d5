//! Tables and what is known, into projects with their sources.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use super::{known::Known, naming};
use crate::{
    config::{Config, ProjectTable, Which},
    instant::Instant,
    source::{Kind, Source, SourceId},
    state::{FoundSource, Store},
};

/// A project that a table means.
#[derive(Clone, Debug)]
pub(super) struct Chosen<'c> {
    pub(super) table: &'c ProjectTable,
    pub(super) id: String,
    pub(super) name: String,
    /// Whether its own lists can be asked for: it is named, or the last list of projects showed it.
    pub(super) listed: bool,
}

/// A list of sources that is needed to know what a configuration means.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Wanted {
    /// The project.
    pub project_id: String,
    /// What it is called here.
    pub project_name: String,
    /// The name of the credential to ask with.
    pub credentials: String,
    /// Stream instances or clusters.
    pub kind: Kind,
}

/// A source that the configuration means and that is not collected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotCollected {
    /// Which.
    pub source: Source,
    /// Why.
    pub why: Why,
}

/// Why a source is not collected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// Atlas has no access history of it.
    SharedTier,
    /// Since then there is none at Atlas.
    Gone(Instant),
}

impl Why {
    fn of(found: &FoundSource) -> Option<Self> {
        match found.gone {
            Some(gone) => Some(Self::Gone(gone)),
            None => found.shared_tier.then_some(Self::SharedTier),
        }
    }
}

impl std::fmt::Display for Why {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::SharedTier => {
                f.write_str("a shared-tier cluster (M0, M2, M5 or Flex), of which Atlas has no access history")
            }
            Self::Gone(since) => write!(f, "gone from Atlas since {since}; it goes on where it was if it comes back"),
        }
    }
}

impl Known {
    /// Makes the projects of `config` out of its tables and what is known.
    pub fn resolve(&self, config: &mut Config) {
        let mut seen = HashSet::new();
        let projects = self.chosen(config).into_iter().map(|Chosen { table, id, name, .. }| {
            table.project(&id, &name, |kind| {
                let is_new = |name: &String| {
                    let (project_id, filter) = (id.clone(), table.filter(kind));
                    seen.insert(SourceId { project_id, kind, name: name.clone(), filter })
                };
                self.names_of(table, &id, kind).filter(is_new).collect()
            })
        });
        config.projects = projects.collect();
    }

    /// The names that a table means in a project and that can be collected, those that are written out first.
    fn names_of<'a>(&'a self, table: &'a ProjectTable, id: &'a str, kind: Kind) -> impl Iterator<Item = String> {
        let written = table.selection(kind).names.iter().cloned();
        let found = self.meant(table, id, kind).filter(|found| Why::of(found).is_none());
        written.chain(found.map(|found| found.name.clone()))
    }

    /// What of the list of a project a table means.
    fn meant<'a>(&'a self, table: &'a ProjectTable, id: &str, kind: Kind) -> impl Iterator<Item = &'a FoundSource> {
        let patterns = table.selection(kind).listed.as_ref();
        let found = patterns.into_iter().flat_map(move |patterns| {
            self.sources
                .get(&(id.to_owned(), kind))
                .into_iter()
                .flat_map(BTreeMap::values)
                .filter(|found| patterns.match_name(&found.name))
        });
        found.collect::<Vec<_>>().into_iter()
    }

    /// What the configuration means and what is not collected all the same.
    #[must_use]
    pub fn not_collected(&self, config: &Config) -> Vec<NotCollected> {
        let mut seen: BTreeSet<SourceId> = config.sources().map(|source| source.id).collect();
        let mut all = Vec::new();
        for Chosen { table, id, name, .. } in self.chosen(config) {
            for kind in Kind::ALL {
                for (found, why) in self.meant(table, &id, kind).filter_map(|found| Some((found, Why::of(found)?))) {
                    let filter = table.filter(kind);
                    let source = SourceId { project_id: id.clone(), kind, name: found.name.clone(), filter };
                    if seen.insert(source.clone()) {
                        all.push(NotCollected { source: Source { id: source, project_name: name.clone() }, why });
                    }
                }
            }
        }
        all
    }

    /// The projects of all tables, in their order. One that is named belongs to the tables that name it, any other one to the
    /// first that means it.
    pub(super) fn chosen<'c>(&self, config: &'c Config) -> Vec<Chosen<'c>> {
        let mut taken: BTreeSet<&str> = BTreeSet::new();
        let mut named = BTreeSet::new();
        for table in &config.tables {
            if let Which::One { id, name } = &table.which {
                taken.insert(id);
                named.insert(name.as_str());
            }
        }
        let mut taken: BTreeSet<String> = taken.into_iter().map(str::to_owned).collect();
        let mut names = naming::names(self, named.into_iter());
        let mut chosen = Vec::new();
        for table in &config.tables {
            match &table.which {
                Which::One { id, name } => {
                    chosen.push(Chosen { table, id: id.clone(), name: name.clone(), listed: true });
                }
                Which::Discovered(patterns) => {
                    let seen = self.projects.values().filter(|found| found.credentials == table.credentials);
                    for found in seen.filter(|found| patterns.match_name(&found.atlas_name)) {
                        if taken.insert(found.id.clone())
                            && let Some(name) = names.remove(&found.id)
                        {
                            chosen.push(Chosen { table, id: found.id.clone(), name, listed: found.listed });
                        }
                    }
                }
            }
        }
        chosen
    }
}

/// The lists of sources that are needed to know what `config` means.
#[must_use]
pub fn wanted_names(config: &Config, known: &Known) -> Vec<Wanted> {
    let mut seen = BTreeSet::new();
    let mut wanted = Vec::new();
    for Chosen { table, id, name, .. } in known.chosen(config).into_iter().filter(|chosen| chosen.listed) {
        for kind in Kind::ALL {
            if table.selection(kind).listed.is_some() && seen.insert((id.clone(), kind)) {
                let (project_id, project_name) = (id.clone(), name.clone());
                wanted.push(Wanted { project_id, project_name, credentials: table.credentials.clone(), kind });
            }
        }
    }
    wanted
}

/// Resolves `config` with what the state remembers, for a command that looks at sources before it opens anything. A state
/// that is not there or cannot be read is the business of whoever opens it.
pub fn recall(config: &mut Config) {
    if !config.asks() {
        return;
    }
    if let Ok(known) = Store::open_read_only(&config.state_dir).and_then(|store| Known::load(&store)) {
        known.resolve(config);
    }
}
