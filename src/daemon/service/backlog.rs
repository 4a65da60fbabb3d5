//! What was missed while no daemon ran.

use std::collections::HashMap;

use rusqlite::Connection;

use crate::{
    config::next_run,
    daemon::{
        roster::Member,
        service::{Service, timetable::NO_INTERVAL},
    },
    instant::Instant,
    source::SourceId,
    state::{SourceState, StateError, last_reconciliation, source_ends},
};

impl Service {
    /// The sources that would have been polled by now if the daemon had run, and those never polled.
    pub(super) fn sources_behind(&self, members: &[Member]) -> Result<Vec<SourceId>, StateError> {
        let now = self.station.clock.now();
        let intervals = self.intervals();
        // A damaged row fails its own poll, with its own message.
        let ends = self.station.collector.committer().store().read(source_ends)?;
        let is_behind = |Member { task, pattern, .. }: &&Member| {
            let interval = intervals.get(pattern).copied().unwrap_or(NO_INTERVAL);
            ends.get(&task.source.id).is_none_or(|end| *end + task.settle + interval <= now)
        };
        let behind = members.iter().filter(is_behind);
        Ok(behind.map(|member| member.task.source.id.clone()).collect())
    }

    /// The sources that would have been reconciled again by now if the daemon had run. One that never was waits for its
    /// first tick: what it holds is still new.
    pub(super) fn sources_not_reconciled(&self, members: &[Member]) -> Result<Vec<SourceId>, StateError> {
        let now = self.station.clock.now();
        let mut ticks: HashMap<&str, LastTick> = HashMap::new();
        let mut sources = Vec::new();
        self.station.collector.committer().store().read(|connection| {
            for Member { task, reconcile, .. } in members {
                let (id, Some(pattern)) = (&task.source.id, reconcile) else { continue };
                let Some(begun) = last_begun(connection, id)? else { continue };
                if ticks.entry(pattern).or_default().is_since(begun, pattern, now) {
                    sources.push(id.clone());
                }
            }
            Ok(sources)
        })
    }
}

/// When the last reconciliation of a source began.
fn last_begun(connection: &Connection, id: &SourceId) -> Result<Option<Instant>, StateError> {
    let Some(key) = SourceState::key_of(connection, id)? else { return Ok(None) };
    Ok(last_reconciliation(connection, key)?.map(|last| last.begun))
}

/// What is known of when a pattern ticked last. To ask it costs much more than to read when a source was reconciled.
#[derive(Debug, Default)]
struct LastTick {
    /// It has ticked since then …
    since: Option<Instant>,
    /// … and not since then.
    not_since: Option<Instant>,
}

impl LastTick {
    /// Whether `pattern` has ticked from `instant` up to `now`.
    fn is_since(&mut self, instant: Instant, pattern: &str, now: Instant) -> bool {
        if self.since.is_some_and(|since| instant <= since) {
            return true;
        }
        if self.not_since.is_some_and(|not_since| not_since <= instant) {
            return false;
        }
        let is_since = next_run(pattern, instant).is_some_and(|due| due <= now);
        if is_since {
            self.since = Some(instant);
        } else {
            self.not_since = Some(instant);
        }
        is_since
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_known_of_a_tick_is_what_the_pattern_says() {
        let at = |text: &str| Instant::parse_or_midnight(text).unwrap();
        let (pattern, now) = ("0 0 3 * * *", at("2026-11-22T10:00:00Z"));
        let mut tick = LastTick::default();
        for text in ["22T09:00", "20T00:00", "22T02:59", "22T03:00", "22T03:01", "22T09:30", "21T23:00", "22T02:58"] {
            let begun = at(&format!("2026-11-{text}:00Z"));
            let expected = next_run(pattern, begun).is_some_and(|due| due <= now);
            assert_eq!(tick.is_since(begun, pattern, now), expected, "{text}");
        }
    }
}
