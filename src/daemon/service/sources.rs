//! Which sources are collected, and how the daemon goes over to others.

use std::sync::Arc;

use tokio::{task::JoinError, time::Instant};
use tokio_util::sync::CancellationToken;

use crate::{
    atlas::Client,
    config::{Config, ConfigError},
    daemon::{
        Excuse,
        overview::Expected,
        patrol::Watched,
        roster::Member,
        service::{Service, timetable::NO_INTERVAL},
    },
    discovery::Lists,
    source::{Source, SourceId},
    state::StateError,
};

impl Service {
    /// Goes over to a new configuration. The clients that were replaced, if it was taken.
    pub(super) fn reload(&mut self, reload: Result<Config, ConfigError>) -> Option<Vec<Client>> {
        let config = match reload {
            Ok(config) => config,
            Err(error) => {
                tracing::error!(
                    event = "reload-refused",
                    "the new configuration was refused, the old one stays in force:\n{error}"
                );
                return None;
            }
        };
        let fixed = self.station.config.needs_restart(&config);
        if !fixed.is_empty() {
            tracing::error!(
                event = "reload-refused",
                keys = fixed.join(", "),
                "the new configuration was refused, the old one stays in force: these keys change only with a restart",
            );
            return None;
        }
        let replaced = match self.station.change(config) {
            Ok(replaced) => replaced,
            Err(error) => {
                tracing::error!(
                    event = "reload-refused",
                    "the new configuration was refused, the old one stays in force: {error}"
                );
                return None;
            }
        };
        self.vitals.set_patience(self.station.config.collect.stuck_after);
        let (added, removed) = self.go_over();
        tracing::info!(
            event = "reloaded",
            sources = self.roster.len(),
            added,
            removed,
            "the new configuration is in force",
        );
        self.explorer.begin_anew(&self.station);
        self.explorer.tell_sources(self.roster.len());
        Some(replaced)
    }

    /// Goes over to the sources of the station: how many are new, and how many are gone.
    pub(super) fn go_over(&mut self) -> (usize, usize) {
        let members = self.members();
        self.watch_over(&members);
        let (added, removed) = self.roster.replace(members);
        let counts = (added.len(), removed.len());
        let now = Instant::now();
        added.into_iter().for_each(|id| self.roster.schedule(id, now, NO_INTERVAL));
        removed.into_iter().for_each(|member| self.retire(member.task.source));
        counts
    }

    /// Takes in what the lists of Atlas show.
    pub(super) async fn learn(&mut self, lists: Result<Lists, JoinError>) {
        if self.explorer.take_again() {
            // They are those of the configuration before.
            self.explorer.begin(&self.station);
            return;
        }
        match lists {
            Ok(lists) => match self.station.learn(&lists).await {
                Ok(learnt) => self.explorer.tell(&learnt, &self.station),
                Err(error) => tracing::error!(
                    event = "state-unwritable",
                    "failed to remember what the lists of Atlas show: {error}"
                ),
            },
            Err(error) => tracing::error!(
                event = "defect",
                "asking for the lists of Atlas stopped unexpectedly ({error}); this is a defect in atlas-logd, please report it",
            ),
        }
        self.go_over();
        self.explorer.tell_sources(self.roster.len());
    }

    /// Leaves the sources that are gone from Atlas.
    pub(super) async fn leave_absent(&mut self) {
        let absent = self.explorer.take_absent();
        if absent.is_empty() {
            return;
        }
        match self.station.note_absent(&absent).await {
            Ok(gone) => gone
                .iter()
                .for_each(|source| tracing::warn!(event = "source-gone", source = %source, "{}", Excuse::Gone)),
            Err(error) => tracing::error!(
                event = "state-unwritable",
                "failed to remember which sources are gone from Atlas: {error}"
            ),
        }
        self.go_over();
        self.explorer.tell_sources(self.roster.len());
    }

    /// Watches over these sources from now on.
    pub(super) fn watch_over(&mut self, members: &[Member]) {
        let intervals = self.intervals();
        let interval = |pattern: &String| intervals.get(pattern).copied().unwrap_or(NO_INTERVAL);
        let is_paused = |id: &SourceId| self.station.found(id).is_some_and(|found| found.paused);
        self.lookout.expect(members.iter().map(|Member { task, pattern, .. }| {
            let id = &task.source.id;
            match is_paused(id) {
                true => Expected::paused(id.clone()),
                false => Expected::new(id.clone(), task.settle, interval(pattern)),
            }
        }));
        let running = members.iter().filter(|member| !is_paused(&member.task.source.id));
        self.patrol.watch(running.map(|Member { task, pattern, .. }| Watched {
            source: task.source.clone(),
            pattern: pattern.clone(),
            settle: task.settle,
        }));
    }

    /// Seals what was left open by sources that are no longer in the configuration.
    pub(super) fn retire_removed(&mut self) -> Result<(), StateError> {
        self.station.to_retire()?.into_iter().for_each(|source| self.retire(source));
        Ok(())
    }

    pub(super) fn retire(&mut self, source: Source) {
        // It would go on after the segment was sealed.
        let reconciled = self.under_way.values().filter(|under_way| under_way.source.id == source.id);
        reconciled.filter_map(|under_way| under_way.reconciliation.as_ref()).for_each(CancellationToken::cancel);
        self.orders.end(&source.id);
        let (collector, what) = (Arc::clone(&self.station.collector), format!("the sealing of {source}"));
        let retire = async move {
            match collector.retire(&source).await {
                Ok(()) => tracing::info!(
                    event = "source-retired",
                    source = %source,
                    "no longer collected; its segment is sealed"
                ),
                Err(error) => {
                    tracing::error!(
                        event = "retire-failed",
                        source = %source,
                        "failed to seal the segment of a removed source: {error}"
                    );
                }
            }
        };
        self.retiring.spawn(self.vitals.watch(what, retire));
    }
}
