//! The sources, when each is due, and which is polled now.

use std::{
    cmp::Reverse,
    collections::{BinaryHeap, HashMap, HashSet},
    time::Duration,
};

use tokio::time::Instant;

use crate::{collect::Task, source::SourceId};

/// How far apart two polls of one tick begin at least, on average.
const APART: Duration = Duration::from_millis(20);

/// A source that is collected.
#[derive(Clone, Debug)]
pub(super) struct Member {
    /// How it is polled.
    pub(super) task: Task,
    /// The cron pattern that it is polled by.
    pub(super) pattern: String,
}

/// All sources that are collected.
#[derive(Debug, Default)]
pub(super) struct Roster {
    members: HashMap<SourceId, Member>,
    due: BinaryHeap<Reverse<(Instant, SourceId)>>,
    waiting: HashSet<SourceId>,
    polling: HashSet<SourceId>,
}

impl Roster {
    /// Puts `members` in the place of all that were there. Returns those that are new and those that are gone.
    pub(super) fn replace(&mut self, members: Vec<Member>) -> (Vec<SourceId>, Vec<Member>) {
        let members: HashMap<_, _> =
            members.into_iter().map(|member| (member.task.source.id.clone(), member)).collect();
        let before = std::mem::replace(&mut self.members, members);
        let added = self.members.keys().filter(|id| !before.contains_key(id)).cloned().collect();
        let removed = before.into_iter().filter(|(id, _)| !self.members.contains_key(id));
        (added, removed.map(|(_, member)| member).collect())
    }

    pub(super) fn len(&self) -> usize {
        self.members.len()
    }

    /// Makes a source due in its turn: `interval` after `now` at the latest. Sources of one tick are spread, so that
    /// thousands do not begin in one second; each always has the same turn, so that its polls are evenly apart.
    pub(super) fn schedule(&mut self, id: SourceId, now: Instant, interval: Duration) {
        let everyone = APART * u32::try_from(self.members.len()).unwrap_or(u32::MAX);
        let spread = everyone.min(interval / 2);
        if self.waiting.insert(id.clone()) {
            self.due.push(Reverse((now + turn(&id, spread), id)));
        }
    }

    /// Makes all sources with this pattern due.
    pub(super) fn tick(&mut self, pattern: &str, now: Instant, interval: Duration) {
        let ids: Vec<_> = self.members.iter().filter(|(_, member)| member.pattern == pattern).collect();
        let ids: Vec<SourceId> = ids.into_iter().map(|(id, _)| id.clone()).collect();
        ids.into_iter().for_each(|id| self.schedule(id, now, interval));
    }

    /// When the next source is due.
    pub(super) fn next_due(&self) -> Option<Instant> {
        self.due.peek().map(|Reverse((at, _))| *at)
    }

    /// A source that is due and not polled now; it counts as polled from here on.
    pub(super) fn begin(&mut self, now: Instant) -> Option<Task> {
        while self.next_due().is_some_and(|at| at <= now) {
            let Reverse((_, id)) = self.due.pop()?;
            self.waiting.remove(&id);
            let Some(member) = self.members.get(&id) else { continue };
            // A poll under way is not overtaken: what happens meanwhile is asked by the next one.
            if self.polling.insert(id) {
                return Some(member.task.clone());
            }
        }
        None
    }

    /// The poll of a source is over.
    pub(super) fn end(&mut self, id: &SourceId) {
        self.polling.remove(id);
    }
}

/// A source's turn within `spread`: always the same, and evenly distributed over all sources.
fn turn(id: &SourceId, spread: Duration) -> Duration {
    let hash = blake3::hash(format!("{}\0{}\0{}\0{}", id.project_id, id.kind, id.name, id.filter).as_bytes());
    let share = hash.as_bytes().first_chunk().map_or(0, |bytes| u32::from_le_bytes(*bytes));
    spread.mul_f64(f64::from(share) / f64::from(u32::MAX))
}
