//! When Atlas' lists are asked for, and what is told of it.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use tokio::task::{JoinError, JoinSet};

use crate::{
    daemon::{
        Station,
        watch::{REMIND_EVERY, kind_of},
    },
    discovery::{Change, Learnt, Lists, Subject, Trouble, no_sources},
    instant::Instant,
    source::{Source, SourceId},
};

/// More of one kind are counted instead of told one by one.
const MOST_TOLD: usize = 20;

/// So many things that cannot be collected are remembered as told.
const MOST_REMEMBERED: usize = 10_000;

/// How the failure of a list was told.
#[derive(Debug)]
struct Failing {
    /// With what it fails.
    kind: String,
    told: Instant,
}

impl Failing {
    /// Whether it is told again, as it fails now.
    fn is_news(&self, kind: &str, now: Instant) -> bool {
        self.kind != kind || now.since(self.told) >= REMIND_EVERY
    }
}

/// Asks for the lists, one run at a time.
#[derive(Debug, Default)]
pub(super) struct Explorer {
    running: JoinSet<Lists>,
    /// The configuration has changed since the run began.
    again: bool,
    /// Lists that fail, as they were told.
    failing: BTreeMap<Subject, Failing>,
    /// It was told that nothing is collected.
    idle: bool,
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

    /// Tells what has changed: a list that fails once, again every hour or when it fails with something else, and once when it
    /// is well again.
    pub(super) fn tell(&mut self, learnt: &Learnt, station: &Station) {
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
        self.tell_failing(learnt, station);
    }

    fn tell_failing(&mut self, learnt: &Learnt, station: &Station) {
        let now = station.clock.now();
        let since: BTreeMap<&str, Instant> =
            station.failing_lists().map(|failing| (failing.list.as_str(), failing.since)).collect();
        for Trouble { subject, message } in &learnt.troubles {
            let kind = kind_of(message);
            if self.failing.get(subject).is_some_and(|known| !known.is_news(&kind, now)) {
                continue;
            }
            tracing::error!(
                event = "discovery-failed",
                failing_since = %since.get(&*subject.to_string()).copied().unwrap_or(now),
                "failed to get the {subject}; all that is known goes on being collected, and new ones are not found until it is \
                 there: {message}",
            );
            self.failing.insert(subject.clone(), Failing { kind, told: now });
        }
        for subject in self.failing.keys().filter(|subject| learnt.got.contains(subject)) {
            tracing::info!(event = "discovery-recovered", "got the {subject} again");
        }
        // What is no longer asked for is forgotten; what was not asked for because its credentials get nothing is not.
        self.failing.retain(|subject, _| !learnt.got.contains(subject) && learnt.wanted.contains(subject));
    }

    /// Tells that nothing is collected, once, and once when something is again. Lists that are under way may change that.
    pub(super) fn tell_sources(&mut self, sources: usize) {
        if !self.running.is_empty() || self.idle == (sources == 0) {
            return;
        }
        self.idle = sources == 0;
        match self.idle {
            true => tracing::warn!(event = "no-sources", "{}", no_sources()),
            false => tracing::info!(event = "sources-found", sources, "there are sources again"),
        }
    }

    /// Ends what is under way: nothing of it is in force yet.
    pub(super) async fn stop(&mut self) {
        self.running.shutdown().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_that_fails_is_told_again_after_an_hour_or_with_another_cause() {
        let told = Instant::from_millis(0);
        let failing = Failing { kind: kind_of("the answer is 503"), told };
        let after = |seconds: u64| told + std::time::Duration::from_secs(seconds);
        assert!(!failing.is_news(&kind_of("the answer is 502"), after(3599)));
        assert!(failing.is_news(&kind_of("the answer is 503"), after(3600)));
        assert!(failing.is_news(&kind_of("no connection"), after(1)));
    }
}
