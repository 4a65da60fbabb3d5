//! Compares the archive with everything that happened: the ground truth of the simulated Atlas.

use std::{collections::HashMap, time::Duration};

use atlas_logd::{
    instant::Instant,
    sim::{Clocks, Event},
    source::{Kind, Source},
    window::Window,
};

use super::{Stage, Status, archive::lines};

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

/// What is archived of a source, what Atlas held, and what the state claims.
struct Comparison<'a> {
    stage: &'a Stage,
    source: &'a Source,
    status: Status,
    /// Later than this after it happened, a record may appear unseen.
    settle: Duration,
    archived: Vec<Vec<u8>>,
    counts: HashMap<Vec<u8>, usize>,
    /// All that ever happened and could be seen by now, oldest first, each with how it is archived.
    truth: Vec<(Clocks, Vec<u8>)>,
}

impl<'a> Comparison<'a> {
    #[track_caller]
    fn new(stage: &'a Stage, source: &'a Source, settle: Duration) -> Self {
        stage.look_thoroughly_at_segments();
        let archived = stage.lines(source);
        let mut counts: HashMap<Vec<u8>, usize> = HashMap::new();
        archived.iter().for_each(|record| *counts.entry(record.clone()).or_default() += 1);
        let events = stage.world.truth_iter(&source.id, EVER, stage.now());
        let truth = events.map(|event| (event.clocks, archived_form(source, &event))).collect();
        Self { stage, source, status: stage.status(source), settle, archived, counts, truth }
    }

    /// Nothing is archived that Atlas never showed, and nothing more often than it showed it.
    #[track_caller]
    fn nothing_made_up(&self) {
        let mut held: HashMap<&[u8], usize> = HashMap::new();
        self.truth.iter().for_each(|(_, form)| *held.entry(form).or_default() += 1);
        for (place, record) in self.archived.iter().enumerate() {
            let (archived, held) = (self.counts[record], held.get(record.as_slice()).copied().unwrap_or(0));
            assert!(
                archived <= held,
                "{}: record {place} is archived {archived} times, but Atlas showed it {held} times: {}",
                self.source,
                shown(record),
            );
        }
    }

    /// Everything in `range` that could be seen at `as_of` is archived as often as Atlas showed it, except in gaps.
    #[track_caller]
    fn nothing_missing(&self, range: Window, as_of: Instant) {
        let gaps = self.status.gaps();
        let clock = self.stage.world.settings().range_clock;
        let mut left = self.counts.clone();
        for (clocks, form) in &self.truth {
            let at = clocks.compared(clock);
            let too_late = clocks.visible_at.since(at) > self.settle;
            if clocks.visible_at > as_of || !range.contains(at) || too_late {
                continue;
            }
            if gaps.iter().any(|gap| gap.window.contains(at)) {
                continue;
            }
            let count = left.get_mut(form).filter(|count| **count > 0);
            let Some(count) = count else {
                panic!(
                    "{}: the record of {at} (visible at {}) is missing, or archived too few times, in {range} (watermarks \
                     {}, gaps {gaps:?}): {}",
                    self.source,
                    clocks.visible_at,
                    self.status.covered(),
                    shown(form),
                )
            };
            *count -= 1;
        }
    }

    /// Each commit is in the order in which it happened.
    #[track_caller]
    fn in_order(&self) {
        let mut places: HashMap<&[u8], Vec<usize>> = HashMap::new();
        for (place, (_, form)) in self.truth.iter().enumerate() {
            places.entry(form).or_default().push(place);
        }
        let bytes = self.stage.bytes(self.source);
        let mut from = 0;
        for end in self.stage.commit_ends(self.source) {
            let mut next = 0;
            for record in lines(&bytes[from..end]) {
                let place =
                    places.get(record.as_slice()).and_then(|places| places.iter().find(|&&place| place >= next));
                let Some(place) = place else {
                    panic!(
                        "{}: in the commit of bytes {from} to {end}, a record comes after one that happened later: {}",
                        self.source,
                        shown(&record),
                    )
                };
                next = place + 1;
            }
            from = end;
        }
        assert_eq!(from, bytes.len(), "{}: bytes that no command or poll wrote", self.source);
    }

    /// The state counts what is there.
    #[track_caller]
    fn counted(&self) {
        let bytes = self.stage.bytes(self.source).len() as u64;
        assert_eq!(
            (self.status.records, self.status.bytes),
            (self.archived.len() as u64, bytes),
            "{}: records and bytes in the status, and in the archive",
            self.source,
        );
    }
}

impl Stage {
    /// Every record between the watermarks is archived exactly as often as Atlas held it, byte for byte; nothing is
    /// archived that Atlas did not hold, nor more often; each commit is in the order in which it happened; and the
    /// status counts what is there.
    #[track_caller]
    pub(crate) fn assert_exact(&self, source: &Source) {
        let comparison = self.compare(source);
        comparison.in_order();
    }

    /// The same where records that appear later than `settle` after they happened may be missing. How many of those
    /// there are, and how many of them are archived all the same.
    #[track_caller]
    pub(crate) fn assert_exact_but_for_later_than(&self, source: &Source, settle: Duration) -> (usize, usize) {
        let comparison = self.compare_within(source, settle);
        comparison.in_order();
        let clock = self.world.settings().range_clock;
        let is_late = |clocks: &Clocks| clocks.visible_at.since(clocks.compared(clock)) > settle;
        let late: Vec<_> = comparison.truth.iter().filter(|(clocks, _)| is_late(clocks)).collect();
        let archived = late.iter().filter(|(_, form)| comparison.counts.contains_key(form)).count();
        (late.len(), archived)
    }

    /// The same where commits of one window need not be in order: a full page that was joined from several.
    #[track_caller]
    pub(crate) fn assert_exact_in_any_order(&self, source: &Source) {
        self.compare(source);
    }

    /// Besides [`Stage::assert_exact`], everything is archived already that could be seen when the last poll began.
    #[track_caller]
    pub(crate) fn assert_current(&self, source: &Source) {
        let comparison = self.compare(source);
        comparison.in_order();
        let polled = comparison.status.last_poll().unwrap();
        comparison.nothing_missing(Window::new(comparison.status.start(), polled), polled);
    }

    #[track_caller]
    fn compare<'a>(&'a self, source: &'a Source) -> Comparison<'a> {
        self.compare_within(source, Duration::MAX)
    }

    #[track_caller]
    fn compare_within<'a>(&'a self, source: &'a Source, settle: Duration) -> Comparison<'a> {
        let comparison = Comparison::new(self, source, settle);
        comparison.counted();
        comparison.nothing_made_up();
        comparison.nothing_missing(comparison.status.covered(), self.now());
        comparison
    }
}
