//! Coverage against a model that knows nothing of ranges: a short timeline, unit by unit.

use std::{collections::BTreeSet, path::Path};

use proptest::{collection::vec, prelude::*, sample::select};
use rusqlite::Connection;

use super::{CoverageChange, SourceState, gaps, islands, missing, schema};
use crate::{
    instant::Instant,
    plan::{Gap, GapReason},
    source::{Filter, Kind, Source, SourceId},
    window::Window,
};

/// Units of the timeline.
pub(crate) const UNITS: i64 = 24;

/// What stores gaps. [`GapReason::BeforeStart`] is never stored.
const REASONS: [GapReason; 5] =
    [GapReason::Retention, GapReason::RowLimit, GapReason::Skipped, GapReason::Damage, GapReason::Differs];

/// Something that happens to the coverage of a source.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    /// A range was collected, and parts of it could not be had.
    Commit(CoverageChange),
    /// A gap is declared: an operator skips a range, or a damaged segment lost one.
    Declare(Gap),
    /// Nothing at all.
    Nothing,
}

/// The same, unit by unit.
struct Model {
    start: i64,
    end: i64,
    /// Collected by backfills, before `start`.
    islands: BTreeSet<i64>,
    gaps: BTreeSet<(i64, &'static str)>,
    /// Whether the last that was heard of a unit is that it is archived.
    archived: BTreeSet<i64>,
}

impl Model {
    fn at(start: i64) -> Self {
        Self { start, end: start, islands: BTreeSet::new(), gaps: BTreeSet::new(), archived: BTreeSet::new() }
    }

    fn take(&mut self, step: &Step) {
        match step {
            Step::Commit(change) => self.commit(change),
            Step::Declare(gap) => self.declare(gap),
            Step::Nothing => {}
        }
    }

    fn declare(&mut self, gap: &Gap) {
        for unit in units(gap.window) {
            self.gaps.insert((unit, gap.reason.as_str()));
            self.archived.remove(&unit);
        }
    }

    fn commit(&mut self, change: &CoverageChange) {
        if change.covered.is_empty() {
            return;
        }
        for unit in units(change.covered) {
            self.gaps.retain(|(gap, _)| *gap != unit);
            self.archived.insert(unit);
        }
        change.gaps.iter().for_each(|gap| self.declare(gap));
        let (from, to) = (change.covered.from.millis(), change.covered.to.millis());
        if from < self.start {
            self.islands.extend(units(change.covered).filter(|unit| *unit < self.start));
            while self.islands.remove(&(self.start - 1)) {
                self.start -= 1;
            }
        }
        if from <= self.end {
            self.end = self.end.max(to);
        }
        while self.gaps.contains(&(self.end, GapReason::Skipped.as_str())) {
            self.end += 1;
        }
    }

    /// Between the oldest collected unit and `end`, what is not archived, or not for certain.
    fn missing(&self) -> BTreeSet<i64> {
        let holes = (self.islands.first().copied().unwrap_or(self.start)..self.start)
            .filter(|unit| !self.islands.contains(unit));
        self.gaps.iter().map(|(unit, _)| *unit).chain(holes).collect()
    }
}

pub(crate) fn units(window: Window) -> impl Iterator<Item = i64> {
    window.from.millis()..window.to.millis()
}

fn window() -> impl Strategy<Value = Window> {
    // Also empty ones, and such that end before they begin.
    (0..UNITS, -2..UNITS).prop_map(|(from, length)| {
        Window::new(Instant::from_millis(from), Instant::from_millis((from + length).min(UNITS)))
    })
}

fn gap_in(window: Window) -> impl Strategy<Value = Gap> {
    let (from, to) = (window.from.millis(), window.to.millis().max(window.from.millis() + 1));
    (from..to, from..=to, select(&REASONS[..]), "[ab]").prop_map(|(one, other, reason, detail)| Gap {
        window: Window::new(Instant::from_millis(one.min(other)), Instant::from_millis(one.max(other))),
        reason,
        detail,
        noticed: Instant::from_millis(0),
    })
}

pub(crate) fn step() -> impl Strategy<Value = Step> {
    let commit = window().prop_flat_map(|covered| {
        (vec(gap_in(covered), 0..3), proptest::option::of(window()))
            .prop_map(move |(gaps, reconciled)| Step::Commit(CoverageChange { covered, gaps, reconciled }))
    });
    prop_oneof![4 => commit, 1 => window().prop_flat_map(gap_in).prop_map(Step::Declare)]
}

pub(crate) fn new_source(connection: &mut Connection, start: Instant) -> SourceState {
    schema::migrate(connection, Path::new("memory")).unwrap();
    let id = SourceId {
        project_id: "p".to_owned(),
        kind: Kind::AccessHistory,
        name: "c".to_owned(),
        filter: Filter::default(),
    };
    let transaction = connection.transaction().unwrap();
    let source = Source { id, project_name: "p".to_owned() };
    let mut state = SourceState::create(&transaction, &source, "p/c".to_owned()).unwrap();
    (state.start, state.end) = (Some(start), Some(start));
    state.save(&transaction).unwrap();
    transaction.commit().unwrap();
    state
}

proptest! {
    /// Whatever is collected, backfilled, skipped and lost in whatever order: watermarks, gaps and islands are those of the
    /// model, they are kept as few separate ranges as there are, and what they claim is true.
    #[test]
    fn coverage_is_what_a_timeline_of_units_says(start in 0..UNITS, steps in vec(step(), 0..12)) {
        let mut connection = Connection::open_in_memory().unwrap();
        let mut state = new_source(&mut connection, Instant::from_millis(start));
        let mut model = Model::at(start);
        for step in steps {
            let end_before = state.end;
            let transaction = connection.transaction().unwrap();
            match &step {
                Step::Commit(change) => {
                    // As it comes back from an intent that a crash left.
                    let stored = CoverageChange::from_stored(&change.to_stored().unwrap()).unwrap();
                    prop_assert_eq!(&stored, change);
                    stored.commit(&transaction, &mut state, |_| Ok(())).unwrap();
                }
                Step::Declare(gap) => state.declare(&transaction, gap).unwrap(),
                Step::Nothing => {}
            }
            transaction.commit().unwrap();
            model.take(&step);

            let (start, end) = (state.start.unwrap().millis(), state.end.unwrap().millis());
            prop_assert_eq!((start, end), (model.start, model.end), "watermarks after {:?}", step);
            prop_assert!(state.end >= end_before, "the end watermark moved back");
            let found = gaps(&connection, state.key).unwrap();
            let named = found.iter().flat_map(|gap| units(gap.window).map(|unit| (unit, gap.reason.as_str())));
            prop_assert_eq!(named.collect::<BTreeSet<_>>(), model.gaps.clone(), "gaps after {:?}", step);
            prop_assert!(found.iter().all(|gap| !gap.window.is_empty()));

            let islands = islands(&connection, state.key).unwrap();
            prop_assert_eq!(islands.iter().flat_map(|island| units(*island)).collect::<BTreeSet<_>>(), model.islands.clone());
            let next = islands.iter().skip(1).map(|island| island.from).chain(state.start);
            prop_assert!(islands.iter().zip(next).all(|(island, next)| island.to < next), "{:?} touch", islands);
            let missing = missing(&connection, &state).unwrap();
            let missing: BTreeSet<i64> = missing.iter().flat_map(|gap| units(gap.window)).collect();
            prop_assert_eq!(&missing, &model.missing());

            for unit in start..end {
                prop_assert!(missing.contains(&unit) || model.archived.contains(&unit), "{} is claimed", unit);
            }
        }
    }
}
