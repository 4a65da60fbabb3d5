//! What becomes of what is known with new lists.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    change::{Change, Learnt},
    known::{Known, check_name},
    lists::{Lists, Subject, Trouble},
    naming,
    resolve::{Chosen, NotCollected, Wanted},
};
use crate::{
    atlas::Listed,
    config::{Config, Which, check_project_id},
    source::{Kind, SourceId},
    state::{FoundProject, FoundSource},
};

/// A longer list is not Atlas'.
const MOST_LISTED: usize = 10_000;

/// More clusters and stream instances than this are not kept: somebody has to look first.
const MOST_KNOWN: usize = 50_000;

/// Of so many items of one list it is told that they cannot be collected.
const MOST_REFUSED_TOLD: usize = 10;

impl Known {
    /// Adds what the lists show. `config` is the configuration in force; it is not resolved again by this.
    pub fn learn(&mut self, config: &Config, lists: &Lists) -> Learnt {
        let (collected, skipped) = self.outcome(config);
        let mut learnt = self.learn_projects(&lists.projects);
        learnt.troubles = lists.troubles.clone();
        self.unlist_projects_without_list(config);
        for (wanted, listed) in &lists.names {
            self.learn_names(wanted, listed, &collected, &mut learnt);
        }
        self.name_projects(config);
        self.forget_unwanted(config);
        let before = (collected, skipped);
        let mut after = config.clone();
        self.resolve(&mut after);
        let found = after.sources().filter(|source| !before.0.contains(&source.id)).map(Change::Found);
        let skipped = self.not_collected(&after).into_iter().filter(|skipped| !before.1.contains(&skipped.source.id));
        let changes: Vec<Change> = found.chain(skipped.filter_map(Change::of_skipped)).collect();
        learnt.changes.splice(0..0, changes);
        let unusable = learnt.troubles.iter().map(|trouble| trouble.subject.clone()).collect();
        learnt.got = lists.got().difference(&unusable).cloned().collect();
        learnt.wanted = self.wanted(config);
        learnt
    }

    /// What is collected and what is not, by what is known so far.
    fn outcome(&self, config: &Config) -> (BTreeSet<SourceId>, BTreeSet<SourceId>) {
        let mut resolved = config.clone();
        self.resolve(&mut resolved);
        let skipped = self.not_collected(&resolved).into_iter().map(|NotCollected { source, .. }| source.id);
        (resolved.sources().map(|source| source.id).collect(), skipped.collect())
    }

    /// Adds lists of projects, by the credential that they were shown to.
    pub(super) fn learn_projects(&mut self, lists: &BTreeMap<String, Vec<Listed>>) -> Learnt {
        let mut learnt = Learnt::default();
        for (credentials, listed) in lists {
            let subject = Subject::Projects { credentials: credentials.clone() };
            if listed.len() > MOST_LISTED {
                learnt.troubles.push(too_long(subject, listed.len()));
                continue;
            }
            let mut refusals = Refusals::new(subject);
            for found in self.projects.values_mut().filter(|found| found.credentials == *credentials) {
                found.listed = false;
            }
            for Listed { id, name, .. } in listed {
                let id = id.clone().unwrap_or_default();
                if let Err(why) = check_project_id(&id) {
                    refusals.add(why);
                    continue;
                }
                let key = (credentials.clone(), id.clone());
                let found = self.projects.entry(key).or_insert_with(|| FoundProject {
                    credentials: credentials.clone(),
                    id,
                    atlas_name: String::new(),
                    name: String::new(),
                    listed: true,
                });
                found.listed = true;
                found.atlas_name.clone_from(name);
            }
            learnt.changes.extend(refusals.told());
        }
        learnt
    }

    /// Who is not shown a project any more is not shown its clusters either.
    fn unlist_projects_without_list(&mut self, config: &Config) {
        let unlisted: Vec<String> =
            self.chosen(config).into_iter().filter(|chosen| !chosen.listed).map(|chosen| chosen.id).collect();
        for (id, kind) in unlisted.iter().flat_map(|id| Kind::ALL.map(|kind| (id, kind))) {
            self.names_mut(id, kind).values_mut().for_each(|found| found.listed = false);
        }
    }

    fn learn_names(&mut self, wanted: &Wanted, listed: &[Listed], collected: &BTreeSet<SourceId>, learnt: &mut Learnt) {
        if listed.len() > MOST_LISTED {
            learnt.troubles.push(too_long(wanted.subject(), listed.len()));
            return;
        }
        let (project_id, kind) = (&wanted.project_id, wanted.kind);
        let mut room = MOST_KNOWN.saturating_sub(self.sources().count());
        let mut refusals = Refusals::new(wanted.subject());
        let names = self.names_mut(project_id, kind);
        names.values_mut().for_each(|found| found.listed = false);
        let mut left_out = 0;
        for Listed { name, paused, shared_tier, .. } in listed {
            if let Err(why) = check_name(kind, name) {
                refusals.add(why);
                continue;
            }
            if room == 0 && !names.contains_key(name) {
                left_out += 1;
                continue;
            }
            let (paused, shared_tier) = (*paused, *shared_tier);
            let (project_id, name) = (project_id.clone(), name.clone());
            let found =
                FoundSource { project_id, kind, name: name.clone(), listed: true, paused, shared_tier, gone: None };
            if names.insert(name, found).is_none() {
                room -= 1;
            }
        }
        // What was collected is polled on until Atlas says itself that it is gone, and is remembered then.
        let here = collected.iter().filter(|id| id.project_id == *project_id && id.kind == kind);
        let were_collected: BTreeSet<&str> = here.map(|id| id.name.as_str()).collect();
        names.retain(|name, found| found.listed || found.gone.is_some() || were_collected.contains(name.as_str()));
        learnt.changes.extend(refusals.told());
        if left_out > 0 {
            learnt.troubles.push(Trouble {
                subject: wanted.subject(),
                message: format!(
                    "more than {MOST_KNOWN} clusters and stream instances were found in all: {left_out} of this list are \
                     not collected; exclude some with patterns"
                ),
            });
        }
    }

    /// Remembers what the projects are called here.
    fn name_projects(&mut self, config: &Config) {
        let taken = config.tables.iter().filter_map(|table| match &table.which {
            Which::One { name, .. } => Some(name.as_str()),
            Which::Discovered(_) => None,
        });
        let names = naming::names(self, taken);
        for found in self.projects.values_mut() {
            if let Some(name) = names.get(&found.id) {
                found.name.clone_from(name);
            }
        }
    }

    /// Forgets what no table of `config` has a use for.
    fn forget_unwanted(&mut self, config: &Config) {
        let wanted: BTreeSet<(String, Kind)> = self
            .chosen(config)
            .into_iter()
            .flat_map(|Chosen { table, id, .. }| {
                let asked = Kind::ALL.into_iter().filter(|kind| table.selection(*kind).listed.is_some());
                asked.map(move |kind| (id.clone(), kind)).collect::<Vec<_>>()
            })
            .collect();
        self.sources.retain(|key, names| wanted.contains(key) && !names.is_empty());
        let discovers = |credentials: &String| {
            let mut tables = config.tables.iter();
            tables.any(|table| matches!(table.which, Which::Discovered(_)) && table.credentials == *credentials)
        };
        let sources = &self.sources;
        let has_sources = |id: &String| Kind::ALL.iter().any(|kind| sources.contains_key(&(id.clone(), *kind)));
        self.projects.retain(|(credentials, id), found| discovers(credentials) && (found.listed || has_sources(id)));
    }
}

fn too_long(subject: Subject, items: usize) -> Trouble {
    let message = format!("it has {items} items, more than the {MOST_LISTED} that are believed; nothing of it is used");
    Trouble { subject, message }
}

/// Items of one list that cannot be collected.
struct Refusals {
    subject: Subject,
    why: Vec<String>,
    more: usize,
}

impl Refusals {
    fn new(subject: Subject) -> Self {
        Self { subject, why: Vec::new(), more: 0 }
    }

    fn add(&mut self, why: String) {
        if self.why.len() < MOST_REFUSED_TOLD {
            self.why.push(why);
        } else {
            self.more += 1;
        }
    }

    fn told(self) -> impl Iterator<Item = Change> {
        let Self { subject, mut why, more } = self;
        if more > 0 {
            why.push(format!("{more} more items"));
        }
        why.into_iter().map(move |why| Change::Refused { subject: subject.clone(), why })
    }
}
