//! When sources are polled and reconciled.

use std::{
    collections::{BTreeSet, HashMap},
    time::Duration,
};

use tokio::time::Instant;

use crate::{
    config::next_run,
    daemon::{roster::Member, service::Service},
    instant,
    source::Kind,
};

/// An interval for patterns that have no next run, which the configuration refuses.
pub(super) const NO_INTERVAL: Duration = Duration::from_secs(3600);

impl Service {
    /// Makes due what may have ticked unheard while one schedule took the place of another. A poll too many costs one
    /// request; one too few would cost a whole interval.
    pub(super) fn tick_since(&mut self, since: instant::Instant) {
        let now = self.station.clock.now();
        for pattern in self.patterns() {
            if next_run(&pattern, since).is_some_and(|tick| tick <= now) {
                self.roster.tick(&pattern, Instant::now(), self.interval(&pattern));
            }
        }
    }

    pub(super) fn members(&self) -> Vec<Member> {
        let members = self.station.tasks().map(|(project, task)| {
            let pattern = project.schedule.of(task.source.id.kind).to_owned();
            Member { task, pattern, reconcile: project.schedule.reconcile.clone() }
        });
        members.collect()
    }

    pub(super) fn patterns(&self) -> BTreeSet<String> {
        let config = &self.station.config;
        let polls = config.projects.iter().flat_map(|project| {
            let names = [(Kind::StreamAudit, &project.stream_instances), (Kind::AccessHistory, &project.clusters)];
            let (polled, schedule) = (names.into_iter().filter(|(_, names)| !names.is_empty()), &project.schedule);
            polled.flat_map(move |(kind, _)| schedule.reconcile.iter().cloned().chain([schedule.of(kind).to_owned()]))
        });
        // Of projects that are found later, too: the schedule need not start anew for them.
        let tables = &config.tables;
        let of_tables = tables.iter().filter(|table| table.asks()).flat_map(|table| table.schedule.patterns().cloned());
        polls.chain(of_tables).collect()
    }

    /// The time between two ticks of a pattern.
    pub(super) fn interval(&self, pattern: &str) -> Duration {
        let first = next_run(pattern, self.station.clock.now());
        let second = first.and_then(|first| next_run(pattern, first));
        second.zip(first).map_or(NO_INTERVAL, |(second, first)| second.since(first))
    }

    /// The time between two ticks of each pattern.
    pub(super) fn intervals(&self) -> HashMap<String, Duration> {
        let patterns = self.patterns().into_iter();
        let with_interval = patterns.map(|pattern| {
            let interval = self.interval(&pattern);
            (pattern, interval)
        });
        with_interval.collect()
    }
}
