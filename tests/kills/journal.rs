//! Where each commit of each source ended, whoever made it and whether or not he lived to tell.

use std::collections::{BTreeMap, HashMap};

use atlas_logd::source::SourceId;

use crate::{snapshot::Snapshot, victim::Commit};

/// The numbers of records after each commit, by folder.
#[derive(Default)]
pub(crate) struct Journal(BTreeMap<String, Vec<usize>>);

impl Journal {
    /// Notes what a life has committed: what it told, then what the state knows beyond that. A commit is told as soon as
    /// it is applied, so at most one of a source is applied and not told; an intent will be finished by the next life.
    pub(crate) fn note(&mut self, commits: &[Commit], names: &HashMap<String, SourceId>, after: &Snapshot) {
        let folder_of = |id: &SourceId| {
            let known = after.0.values().map(|standing| &standing.state);
            let mut own = known.filter(|state| state.source().is_some_and(|source| source.id == *id));
            own.next().map(|state| state.folder.clone())
        };
        for (name, records) in commits {
            let id = names.get(name).unwrap_or_else(|| panic!("{name} is not in the configuration"));
            let folder = folder_of(id).unwrap_or_else(|| panic!("{name} has committed and is not in the state"));
            let end = self.last(&folder) + usize::try_from(*records).unwrap();
            self.push(folder, end);
        }
        for (folder, standing) in &after.0 {
            // An intent may be one that an earlier kill left already.
            let applied = usize::try_from(standing.state.records).unwrap();
            let intended = standing.intent.as_ref().map_or(0, |intent| usize::try_from(intent.records).unwrap());
            let told = self.last(folder);
            let certain = applied + intended;
            assert!(certain >= told, "{folder}: {told} records were told to be archived, and the state has {certain}");
            self.push(folder.clone(), applied);
            self.push(folder.clone(), certain);
        }
    }

    pub(crate) fn ends(&self, folder: &str) -> &[usize] {
        self.0.get(folder).map_or(&[], Vec::as_slice)
    }

    pub(crate) fn commits(&self) -> usize {
        self.0.values().map(Vec::len).sum()
    }

    fn last(&self, folder: &str) -> usize {
        self.ends(folder).last().copied().unwrap_or(0)
    }

    fn push(&mut self, folder: String, end: usize) {
        if end > self.last(&folder) {
            self.0.entry(folder).or_default().push(end);
        }
    }
}
