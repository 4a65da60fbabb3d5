//! When Atlas' lists are asked for, and what is told of it.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use tokio::task::{JoinError, JoinSet};

use crate::{
    daemon::Station,
    discovery::{Change, Learnt, Lists, Subject},
    source::{Source, SourceId},
};

/// More of one kind are counted instead of told one by one.
const MOST_TOLD: usize = 20;

/// So many things that cannot be collected are remembered as told.
const MOST_REMEMBERED: usize = 10_000;

/// Asks for the lists, one run at a time.
#[derive(Debug, Default)]
pub(super) struct Explorer {
    running: JoinSet<Lists>,
    /// The configuration has changed since the run began.
    again: bool,
    failing: BTreeSet<Subject>,
    /// What cannot be collected, as it was told.
    refused: BTreeSet<String>,
    /// Sources for whose log Atlas answered 404, and that no list shows.
    absent: Vec<Source>,
    /// Sources for whose log it did though the last list showed them: the lists were asked for again because of each.
    doubtful: HashSet<SourceId>,
}

impl Explorer {
    /// Begins a run, unless one is under way or the configuration names everything.
    pub(super) fn begin(&mut self, station: &Station) {
        if station.config.asks() && self.running.is_empty() {
            self.running.spawn(station.ask_for_lists());
        }
    }

    /// The configuration is another one: what is under way asks for too little, or too much.
    pub(super) fn begin_anew(&mut self, station: &Station) {
        self.again = !self.running.is_empty();
        self.begin(station);
    }

    /// Waits until a run is over, if one is under way.
    pub(super) async fn done(&mut self) -> Option<Result<Lists, JoinError>> {
        self.running.join_next().await
    }

    /// Whether the next run begins at once.
    pub(super) fn take_again(&mut self) -> bool {
        std::mem::take(&mut self.again)
    }

    /// Atlas answered 404 for the log of a source that the last list showed: perhaps the list is older than that. It is asked
    /// for again, but only once for each source that goes on failing so.
    pub(super) fn doubt(&mut self, source: &SourceId, station: &Station) {
        if self.running.is_empty() && self.doubtful.insert(source.clone()) {
            self.begin(station);
        }
    }

    /// Atlas answered for a source.
    pub(super) fn trust(&mut self, source: &SourceId) {
        self.doubtful.remove(source);
    }

    /// Takes note of a source for whose log Atlas answered 404, and that no list shows.
    pub(super) fn note_absent(&mut self, source: &Source) {
        self.absent.push(source.clone());
    }

    /// Those noted since the last time.
    pub(super) fn take_absent(&mut self) -> Vec<Source> {
        std::mem::take(&mut self.absent)
    }

    /// Tells what has changed: a list that fails once, and once when it is well again.
    pub(super) fn tell(&mut self, learnt: &Learnt) {
        let mut refused = BTreeSet::new();
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        for change in &learnt.changes {
            let text = change.to_string();
            match change {
                Change::Refused { .. } => {
                    if !self.refused.contains(&text) {
                        tracing::warn!(event = "name-refused", "{text}");
                    }
                    refused.insert(text);
                }
                Change::Found(_) | Change::Skipped(_) => {
                    let what = if matches!(change, Change::Found(_)) { "found" } else { "not collected" };
                    let count = counts.entry(what).or_default();
                    *count += 1;
                    if *count <= MOST_TOLD {
                        tracing::info!(event = "discovered", "{text}");
                    }
                }
            }
        }
        for (what, count) in counts.into_iter().filter(|(_, count)| *count > MOST_TOLD) {
            tracing::info!(
                event = "discovered",
                "and {} more sources: {what}; status names them all",
                count - MOST_TOLD
            );
        }
        if !learnt.troubles.is_empty() && self.refused.len() < MOST_REMEMBERED {
            // Of a list that failed, nothing is known to be well again.
            refused.append(&mut self.refused);
        }
        self.refused = refused;
        let failing: BTreeSet<Subject> = learnt.troubles.iter().map(|trouble| trouble.subject.clone()).collect();
        for trouble in &learnt.troubles {
            if !self.failing.contains(&trouble.subject) {
                tracing::error!(
                    event = "discovery-failed",
                    "failed to get the {}; all that is known goes on being collected, and new ones are not found until it is \
                     there: {}",
                    trouble.subject,
                    trouble.message,
                );
            }
        }
        // While a credential gets nothing, its other lists were not asked for.
        let blocked = failing.iter().any(|subject| matches!(subject, Subject::Credentials(_)));
        let well: Vec<Subject> = self.failing.difference(&failing).cloned().collect();
        for subject in well.into_iter().filter(|subject| !blocked || matches!(subject, Subject::Credentials(_))) {
            tracing::info!(event = "discovery-recovered", "got the {subject} again");
            self.failing.remove(&subject);
        }
        self.failing.extend(failing);
    }

    /// Ends what is under way: nothing of it is in force yet.
    pub(super) async fn stop(&mut self) {
        self.running.shutdown().await;
    }
}
