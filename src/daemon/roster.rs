//! The sources, when each is due, and which is polled or reconciled now.

use std::{collections::HashMap, time::Duration};

use tokio::time::Instant;

use crate::{collect::Task, daemon::queue::Queue, source::SourceId};

/// How far apart two polls of one tick begin at least, on average.
const APART: Duration = Duration::from_millis(20);

/// A source that is collected.
#[derive(Clone, Debug)]
pub(super) struct Member {
    /// How it is polled.
    pub(super) task: Task,
    /// The cron pattern that it is polled by.
    pub(super) pattern: String,
    /// The cron pattern that it is reconciled by, if it is.
    pub(super) reconcile: Option<String>,
}

/// All sources that are collected.
#[derive(Debug, Default)]
pub(super) struct Roster {
    members: HashMap<SourceId, Member>,
    polls: Queue,
    reconciliations: Queue,
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
        let at = now + self.turn(&id, interval);
        self.polls.schedule(id, at);
    }

    /// The same for its reconciliation.
    pub(super) fn schedule_reconciliation(&mut self, id: SourceId, now: Instant, interval: Duration) {
        let at = now + self.turn(&id, interval);
        self.reconciliations.schedule(id, at);
    }

    fn turn(&self, id: &SourceId, interval: Duration) -> Duration {
        turn(id, self.members.len(), interval)
    }

    /// Makes all sources with this pattern due.
    pub(super) fn tick(&mut self, pattern: &str, now: Instant, interval: Duration) {
        let with = |pattern_of: fn(&Member) -> Option<&String>| -> Vec<SourceId> {
            let ids = self.members.iter().filter(|(_, member)| pattern_of(member).is_some_and(|its| its == pattern));
            ids.map(|(id, _)| id.clone()).collect()
        };
        let (polls, reconciliations) = (with(|member| Some(&member.pattern)), with(|member| member.reconcile.as_ref()));
        polls.into_iter().for_each(|id| self.schedule(id, now, interval));
        reconciliations.into_iter().for_each(|id| self.schedule_reconciliation(id, now, interval));
    }

    /// When the next source is due, for a poll or a reconciliation.
    pub(super) fn next_due(&self) -> Option<Instant> {
        self.polls.next_due().into_iter().chain(self.reconciliations.next_due()).min()
    }

    /// A source that is due and not polled now; it counts as polled from here on.
    pub(super) fn begin(&mut self, now: Instant) -> Option<Task> {
        let id = self.polls.begin(now, |id| self.members.contains_key(id))?;
        self.members.get(&id).map(|member| member.task.clone())
    }

    /// A source that is due for a reconciliation and not reconciled now; it counts as reconciled from here on. It may be
    /// polled at the same time.
    pub(super) fn begin_reconciliation(&mut self, now: Instant) -> Option<Task> {
        let id = self.reconciliations.begin(now, |id| self.members.contains_key(id))?;
        self.members.get(&id).map(|member| member.task.clone())
    }

    /// The poll of a source is over.
    pub(super) fn end(&mut self, id: &SourceId) {
        self.polls.end(id);
    }

    /// The reconciliation of a source is over.
    pub(super) fn end_reconciliation(&mut self, id: &SourceId) {
        self.reconciliations.end(id);
    }
}

/// The polls of one tick are spread over this part of the interval at most: four fifths. What is left is for those that take
/// longer, before the next tick.
const SPREAD: (u32, u32) = (4, 5);

/// How long the polls of so many sources of one tick are spread over, with `interval` from tick to tick.
#[must_use]
pub fn spread(sources: usize, interval: Duration) -> Duration {
    let everyone = APART * u32::try_from(sources).unwrap_or(u32::MAX);
    everyone.min(interval / SPREAD.1 * SPREAD.0)
}

/// A source's turn after each tick, one of so many sources: always the same, and evenly distributed over all of them.
#[must_use]
pub fn turn(id: &SourceId, sources: usize, interval: Duration) -> Duration {
    let hash = blake3::hash(format!("{}\0{}\0{}\0{}", id.project_id, id.kind, id.name, id.filter).as_bytes());
    let share = hash.as_bytes().first_chunk().map_or(0, |bytes| u32::from_le_bytes(*bytes));
    spread(sources, interval).mul_f64(f64::from(share) / f64::from(u32::MAX))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::{
        atlas::Client,
        clock::SystemClock,
        collect::Slots,
        config::{Config, load},
    };

    const PATTERN: &str = "0 * * * * *";
    const NIGHTLY: &str = "0 0 3 * * *";
    const MINUTE: Duration = Duration::from_secs(60);

    /// A configuration with so many clusters.
    fn config(clusters: usize) -> Config {
        let folder = tempfile::tempdir().unwrap();
        let names: Vec<String> = (0..clusters).map(|number| format!("\"c{number}\"")).collect();
        let text = format!(
            "[credentials.main]\npublic_key = \"abcdefgh\"\nprivate_key_file = \"key\"\n[[project]]\nid = \
             \"32b6e34b3d91647abb20e7b8\"\nname = \"p\"\ncredentials = \"main\"\nclusters = [{}]\n",
            names.join(", ")
        );
        std::fs::write(folder.path().join("key"), "01234567-89ab-cdef-0123-456789abcdef").unwrap();
        std::fs::write(folder.path().join("config.toml"), text).unwrap();
        load(&folder.path().join("config.toml")).unwrap()
    }

    fn members(clusters: usize) -> Vec<Member> {
        let config = config(clusters);
        let client = Client::new(&config.atlas, &config.credentials["main"], Arc::new(SystemClock)).unwrap();
        let slots = Slots::new(1);
        let task = |source| Task::new(&config, source, client.clone(), slots.clone());
        let sources = config.sources();
        sources
            .map(|source| Member {
                task: task(source),
                pattern: PATTERN.to_owned(),
                reconcile: Some(NIGHTLY.to_owned()),
            })
            .collect()
    }

    fn roster(clusters: usize) -> Roster {
        let mut roster = Roster::default();
        roster.replace(members(clusters));
        roster
    }

    /// All that are due by `now`, in their order.
    fn begun(roster: &mut Roster, now: Instant) -> Vec<SourceId> {
        std::iter::from_fn(|| roster.begin(now)).map(|task| task.source.id).collect()
    }

    #[test]
    fn the_sources_of_a_tick_are_spread_evenly_over_four_fifths_of_the_interval() {
        let mut roster = roster(6000);
        let tick = Instant::now();
        roster.tick(PATTERN, tick, MINUTE);
        let mut counts = Vec::new();
        for second in 1..=48 {
            counts.push(begun(&mut roster, tick + Duration::from_secs(second)).len());
        }
        assert_eq!(counts.iter().sum::<usize>(), 6000, "all within four fifths of the interval");
        assert!(counts.iter().all(|count| (60..190).contains(count)), "125 a second: {counts:?}");
    }

    #[test]
    fn few_sources_do_not_wait_for_long() {
        let mut roster = roster(5);
        let tick = Instant::now();
        roster.tick(PATTERN, tick, MINUTE);
        assert_eq!(begun(&mut roster, tick + Duration::from_millis(100)).len(), 5);
    }

    #[test]
    fn a_source_always_has_the_same_turn() {
        let mut roster = roster(50);
        let turns = |roster: &mut Roster, tick: Instant| {
            roster.tick(PATTERN, tick, MINUTE);
            let turns: Vec<_> = std::iter::from_fn(|| {
                let due = roster.next_due()?;
                let task = roster.begin(due)?;
                Some((task.source.id, due.duration_since(tick)))
            })
            .collect();
            turns.iter().for_each(|(id, _)| roster.end(id));
            turns
        };
        let first = Instant::now();
        let expected = turns(&mut roster, first);
        assert_eq!(expected.len(), 50);
        assert_eq!(turns(&mut roster, first + MINUTE), expected);
        // Also after a restart.
        assert_eq!(turns(&mut self::roster(50), first + MINUTE * 5), expected);
    }

    #[test]
    fn a_source_that_is_polled_does_not_begin_again_before_its_poll_is_over() {
        let mut roster = roster(2);
        let mut tick = Instant::now();
        roster.tick(PATTERN, tick, MINUTE);
        let both = begun(&mut roster, tick + MINUTE);
        assert_eq!(both.len(), 2);
        roster.end(&both[1]);
        tick += MINUTE;
        roster.tick(PATTERN, tick, MINUTE);
        assert_eq!(begun(&mut roster, tick + MINUTE), both[1..]);
        // What was missed is not made up for: the next tick asks for everything since.
        roster.end(&both[0]);
        assert_eq!(begun(&mut roster, tick + MINUTE), []);
        tick += MINUTE;
        roster.tick(PATTERN, tick, MINUTE);
        assert_eq!(begun(&mut roster, tick + MINUTE), both[..1]);
    }

    #[test]
    fn ticks_before_a_source_has_its_turn_are_one() {
        let mut roster = roster(3);
        let tick = Instant::now();
        (0..5).for_each(|_| roster.tick(PATTERN, tick, MINUTE));
        assert_eq!(begun(&mut roster, tick + MINUTE).len(), 3);
    }

    #[test]
    fn only_the_sources_of_a_pattern_are_made_due_by_it() {
        let mut roster = Roster::default();
        let mut all = members(3);
        "1 * * * * *".clone_into(&mut all[1].pattern);
        let expected = all[1].task.source.id.clone();
        roster.replace(all);
        let tick = Instant::now();
        roster.tick("1 * * * * *", tick, MINUTE);
        assert_eq!(begun(&mut roster, tick + MINUTE), [expected]);
    }

    #[test]
    fn sources_are_reconciled_by_a_pattern_of_their_own_while_they_are_polled() {
        let mut roster = Roster::default();
        let mut all = members(3);
        all[1].reconcile = None;
        let never = all[1].task.source.id.clone();
        roster.replace(all);
        let mut tick = Instant::now();
        roster.tick(PATTERN, tick, MINUTE);
        assert!(roster.begin_reconciliation(tick + MINUTE).is_none());
        assert_eq!(begun(&mut roster, tick + MINUTE).len(), 3);
        let mut reconciled = Vec::new();
        for _ in 0..2 {
            tick += MINUTE * 60;
            roster.tick(NIGHTLY, tick, MINUTE);
            assert!(roster.next_due().is_some_and(|due| due >= tick));
            while let Some(task) = roster.begin_reconciliation(tick + MINUTE) {
                reconciled.push(task.source.id);
            }
            assert_eq!(reconciled.len(), 2, "those under way are not begun again");
            assert!(!reconciled.contains(&never));
        }
        roster.end_reconciliation(&reconciled[0]);
        assert!(roster.begin_reconciliation(tick + MINUTE).is_none(), "what was missed is not made up for");
        roster.tick(NIGHTLY, tick, MINUTE);
        let again = roster.begin_reconciliation(tick + MINUTE).map(|task| task.source.id);
        assert_eq!(again.as_ref(), Some(&reconciled[0]));
        assert_eq!(begun(&mut roster, tick + MINUTE), []);
    }

    #[test]
    fn a_source_that_is_gone_has_no_turn_any_more_and_one_that_is_new_is_told() {
        let mut roster = roster(3);
        let tick = Instant::now();
        roster.tick(PATTERN, tick, MINUTE);
        let (added, removed) = roster.replace(members(1));
        assert_eq!((added.len(), removed.len(), roster.len()), (0, 2, 1));
        let (added, removed) = roster.replace(members(2));
        assert_eq!((added.len(), removed.len()), (1, 0));
        // The one that was there all the time, and the one that came back with its turn.
        assert_eq!(begun(&mut roster, tick + MINUTE).len(), 2);
        assert_eq!(roster.next_due(), None);
    }
}
