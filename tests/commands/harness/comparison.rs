//! Compares the archived records of a source with everything that happened: the ground truth of the simulated Atlas.

use std::{collections::HashMap, time::Duration};

use atlas_logd::{
    instant::Instant,
    record::Reading,
    sim::{Clocks, Event, RangeClock, World},
    source::{Kind, Source},
    window::Window,
};

/// All of time.
const EVER: Window = Window { from: Instant::MIN, to: Instant::MAX };

/// Beginnings of records are enough to tell them apart in a message.
const SHOWN: usize = 400;

/// How a record is archived. Newlines within an entry become spaces, which is all that is ever changed.
fn archived_form(source: &Source, event: &Event) -> Vec<u8> {
    match source.id.kind {
        Kind::StreamAudit => event.bytes.to_vec(),
        Kind::AccessHistory => event.bytes.iter().map(|&byte| if byte == b'\n' { b' ' } else { byte }).collect(),
    }
}

fn shown(record: &[u8]) -> String {
    let dots = if record.len() > SHOWN { "…" } else { "" };
    format!("{}{dots} ({} bytes)", record[..record.len().min(SHOWN)].escape_ascii(), record.len())
}

/// What is archived of a source, and what Atlas held.
pub(crate) struct Comparison<'a> {
    source: &'a Source,
    clock: RangeClock,
    /// Later than this after it happened, a record may appear unseen.
    settle: Duration,
    archived: Vec<Vec<u8>>,
    /// All that ever happened and could be seen by now, oldest first, each with how it is archived.
    truth: Vec<(Clocks, Vec<u8>)>,
}

impl<'a> Comparison<'a> {
    /// Of the `archived` records, in the order in which they are archived.
    pub(crate) fn new(world: &World, source: &'a Source, archived: Vec<Vec<u8>>) -> Self {
        let events = world.truth_iter(&source.id, EVER, world.now());
        let truth = events.map(|event| (event.clocks, archived_form(source, &event))).collect();
        Self { source, clock: world.settings().range_clock, settle: Duration::MAX, archived, truth }
    }

    /// How often each record is archived.
    fn counts(&self) -> HashMap<&[u8], usize> {
        let mut counts: HashMap<&[u8], usize> = HashMap::new();
        self.archived.iter().for_each(|record| *counts.entry(record).or_default() += 1);
        counts
    }

    /// How many records are archived.
    pub(crate) fn records(&self) -> usize {
        self.archived.len()
    }

    /// Records that appear later than `settle` after they happened may be missing.
    pub(crate) fn within(self, settle: Duration) -> Self {
        Self { settle, ..self }
    }

    fn is_late(&self, clocks: Clocks) -> bool {
        clocks.visible_at.since(clocks.compared(self.clock)) > self.settle
    }

    /// How many records appeared later than that, and how many of them are archived all the same.
    pub(crate) fn later_than_settle(&self) -> (usize, usize) {
        let late: Vec<_> = self.truth.iter().filter(|(clocks, _)| self.is_late(*clocks)).collect();
        let counts = self.counts();
        let archived = late.iter().filter(|(_, form)| counts.contains_key(form.as_slice())).count();
        (late.len(), archived)
    }

    /// How many records are archived up to each of these bytes of all segments one after the other; one ends at each.
    #[track_caller]
    pub(crate) fn records_up_to(&self, bytes: &[usize]) -> Vec<usize> {
        let (mut records, mut end) = (0, 0);
        let count = |byte: &usize| {
            while end < *byte {
                end += self.archived[records].len() + 1;
                records += 1;
            }
            assert_eq!(end, *byte, "{}: no record ends there", self.source);
            records
        };
        bytes.iter().map(count).collect()
    }

    /// Nothing is archived that Atlas never showed, and nothing more often than it showed it.
    #[track_caller]
    pub(crate) fn nothing_made_up(&self) {
        assert_eq!(self.made_up_but_timeless(), 0, "{}: records without any time were archived again", self.source);
    }

    /// The same where backfills begin and end anywhere: there, a record without any time can be archived again. How many
    /// copies were.
    #[track_caller]
    pub(crate) fn made_up_but_timeless(&self) -> usize {
        let mut held: HashMap<&[u8], usize> = HashMap::new();
        self.truth.iter().for_each(|(_, form)| *held.entry(form).or_default() += 1);
        let mut again = 0;
        for (record, archived) in self.counts() {
            let held = held.get(record).copied().unwrap_or(0);
            let timeless = Reading::of(self.source.id.kind, record, |_| false).clocks.latest().is_none();
            assert!(
                archived <= held || timeless && held > 0,
                "{}: a record is archived {archived} times, but Atlas showed it {held} times: {}",
                self.source,
                shown(record),
            );
            again += archived.saturating_sub(held);
        }
        again
    }

    /// Everything in `range` that could be seen at `as_of` is archived as often as Atlas showed it, except in gaps.
    #[track_caller]
    pub(crate) fn nothing_missing(&self, range: Window, as_of: Instant, gaps: &[Window]) {
        let taken_for_one = self.missing_but_twins(range, as_of, gaps);
        assert_eq!(taken_for_one, 0, "{}: identical records were taken for one", self.source);
    }

    /// The same where backfills begin and end anywhere: there, identical records without any time can be taken for one.
    /// How many were.
    #[track_caller]
    pub(crate) fn missing_but_twins(&self, range: Window, as_of: Instant, gaps: &[Window]) -> usize {
        let counts = self.counts();
        let is_twin = |form: &[u8]| {
            let timeless = Reading::of(self.source.id.kind, form, |_| false).clocks.latest().is_none();
            timeless && counts.contains_key(form) && self.truth.iter().filter(|(_, other)| other == form).count() > 1
        };
        let mut taken_for_one = 0;
        let mut left = counts.clone();
        for (clocks, form) in &self.truth {
            let at = clocks.compared(self.clock);
            if clocks.visible_at > as_of || !range.contains(at) || self.is_late(*clocks) {
                continue;
            }
            if gaps.iter().any(|gap| gap.contains(at)) {
                continue;
            }
            let count = left.get_mut(form.as_slice()).filter(|count| **count > 0);
            if count.is_none() && is_twin(form) {
                taken_for_one += 1;
                continue;
            }
            let Some(count) = count else {
                panic!(
                    "{}: the record of {at} (visible at {}) is missing, or archived too few times, in {range} (gaps \
                     {gaps:?}): {}",
                    self.source,
                    clocks.visible_at,
                    shown(form),
                )
            };
            *count -= 1;
        }
        taken_for_one
    }

    /// Each commit is in the order in which it happened. `ends` are the numbers of records after each commit.
    #[track_caller]
    pub(crate) fn in_order(&self, ends: &[usize]) {
        let mut places: HashMap<&[u8], Vec<usize>> = HashMap::new();
        for (place, (_, form)) in self.truth.iter().enumerate() {
            places.entry(form).or_default().push(place);
        }
        let mut from = 0;
        for &end in ends {
            let mut next = 0;
            for record in &self.archived[from..end] {
                let place =
                    places.get(record.as_slice()).and_then(|places| places.iter().find(|&&place| place >= next));
                let Some(place) = place else {
                    panic!(
                        "{}: in the commit of records {from} to {end}, one comes after one that happened later: {}",
                        self.source,
                        shown(record),
                    )
                };
                next = place + 1;
            }
            from = end;
        }
        assert_eq!(from, self.archived.len(), "{}: records that no command or poll wrote", self.source);
    }
}
