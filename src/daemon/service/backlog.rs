//! What was missed while no daemon ran.

use crate::{
    config::next_run,
    daemon::{
        roster::Member,
        service::{Service, timetable::NO_INTERVAL},
    },
    source::SourceId,
    state::{SourceState, StateError, last_reconciliation},
};

impl Service {
    /// The sources that would have been polled by now if the daemon had run, and those never polled.
    pub(super) fn sources_behind(&self) -> Result<Vec<SourceId>, StateError> {
        let now = self.station.clock.now();
        let intervals = self.intervals();
        let mut behind = Vec::new();
        for member in self.members() {
            let interval = intervals.get(&member.pattern).copied().unwrap_or(NO_INTERVAL);
            let settle = member.task.settle;
            let id = member.task.source.id;
            let store = self.station.collector.committer().store();
            let state = store.read(|connection| SourceState::load(connection, &id));
            // A damaged row fails its own poll, with its own message.
            let end = state.ok().flatten().and_then(|state| state.end);
            if end.is_none_or(|end| end + settle + interval <= now) {
                behind.push(id);
            }
        }
        Ok(behind)
    }

    /// The sources that would have been reconciled again by now if the daemon had run. One that never was waits for its
    /// first tick: what it holds is still new.
    pub(super) fn sources_not_reconciled(&self) -> Result<Vec<SourceId>, StateError> {
        let now = self.station.clock.now();
        let mut sources = Vec::new();
        for Member { task, reconcile, .. } in self.members() {
            let Some(pattern) = reconcile else { continue };
            let id = task.source.id;
            let last = self.station.collector.committer().store().read(|connection| {
                let key = SourceState::key_of(connection, &id)?;
                key.map_or(Ok(None), |key| last_reconciliation(connection, key))
            })?;
            if last.is_some_and(|last| next_run(&pattern, last.begun).is_some_and(|due| due <= now)) {
                sources.push(id);
            }
        }
        Ok(sources)
    }
}
