//! Any interleaving of late, repeated and identical records, of polls, pauses, restarts, backfills and reconciliations:
//! each record is archived exactly as often as it happened.
//!
//! What is left out, because nothing in the records or in what Atlas promises could decide it (README, *Limits*):
//!
//! - Records later than the settle time. They are lost until their range is collected again.
//! - Where Atlas compares ranges with the arrival of records: identical records that arrive apart from each other. No
//!   answer holds both, so that the second looks like the first, come again.
//! - Identical records without any time where no record with one lies between them and the end of the answer that held
//!   the first: it may have happened at any moment up to that end, and an identical one from there looks like the same.
//! - The same near the bounds of a backfill, or where ranges are compared with arrival.

use std::time::Duration;

use atlas_logd::{
    instant::Instant,
    sim::{Event, RangeClock},
    window::Window,
};
use proptest::{collection::vec, prelude::*};

use crate::harness::{MINUTE, SECOND, Stage, orders, prod};

const NOW: &str = "2026-11-20T12:00:00Z";

/// How long records may take to appear, in seconds: less than the settle time, as `Date` is in whole seconds.
const LATEST: u64 = 15 * 60 - 1;

const MONTH: Duration = Duration::from_secs(31 * 24 * 3600);

/// Times of records lie on a grid of so many seconds, so that some are identical.
const GRID: i64 = 60;

#[derive(Clone, Debug)]
enum Step {
    /// Records that are identical, but need not appear at the same moment: each after its delay in seconds.
    Happen {
        ago: u64,
        note: u8,
        delays: Vec<u64>,
    },
    Pass {
        seconds: u64,
    },
    Poll,
    Restart,
    /// What is claimed is complete, so that it finds nothing.
    Reconcile,
    Backfill {
        from: u64,
        to: u64,
    },
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (0..LATEST - 60, 0..3_u8, vec(prop_oneof![Just(0), 0..=LATEST], 1..4))
            .prop_map(|(ago, note, delays)| Step::Happen { ago, note, delays }),
        4 => (1..1200_u64).prop_map(|seconds| Step::Pass { seconds }),
        1 => (20..60_u64).prop_map(|hours| Step::Pass { seconds: hours * 3600 }),
        4 => Just(Step::Poll),
        1 => Just(Step::Restart),
        1 => Just(Step::Reconcile),
        1 => (0..4000_u64, 0..4000_u64).prop_map(|(one, other)| Step::Backfill { from: one.max(other), to: one.min(other) }),
    ]
}

/// The steps on a stage, and polls after them until everything has settled. All that happened must be archived.
fn live(range_clock: RangeClock, steps: &[Step], mut happen: impl FnMut(&Stage, usize, Instant, u8, Duration)) {
    let stage = Stage::at(NOW);
    stage.configure(|config| config.settle("15m"));
    stage.world.set(|settings| {
        settings.range_clock = range_clock;
        // Days pass within a second, and with them tokens of which the client thinks that they are new.
        settings.token_life = MONTH;
    });
    let mut desk = Some(stage.desk());
    for (number, step) in steps.iter().enumerate() {
        let open = desk.get_or_insert_with(|| stage.desk());
        match step {
            Step::Happen { ago, note, delays } => {
                let now = stage.now();
                let time = (now - Duration::from_secs(*ago)).seconds_floor().div_euclid(GRID) * GRID;
                let time = Instant::from_seconds(time);
                for delay in delays {
                    // Whatever appears does so from now on: what an answer did not show, it did not hold.
                    let late = now.since(time) + Duration::from_secs(*delay);
                    happen(&stage, number, time, *note, late.clamp(now.since(time), Duration::from_secs(LATEST)));
                }
            }
            Step::Pass { seconds } => stage.pass(Duration::from_secs(*seconds)),
            Step::Poll => open.poll_all(),
            Step::Restart => desk = None,
            Step::Reconcile => {
                for source in [orders(), prod()] {
                    assert_eq!(open.reconcile(&source).figures.records, 0, "{source}: reconciled");
                }
            }
            Step::Backfill { from, to } => {
                let window = Window::new(stage.ago(Duration::from_secs(*from)), stage.ago(Duration::from_secs(*to)));
                for source in [orders(), prod()] {
                    open.backfill(&source, window);
                }
            }
        }
    }
    let desk = desk.unwrap_or_else(|| stage.desk());
    for _ in 0..3 {
        stage.pass(16 * MINUTE);
        desk.poll_all();
    }
    for source in [orders(), prod()] {
        stage.assert_current(&source);
    }
}

/// The grid can put a record up to a minute earlier than asked for; it still appears in time.
fn is_in_time(steps: &[Step]) -> bool {
    steps.iter().all(|step| match step {
        Step::Happen { ago, .. } => ago + u64::try_from(GRID).unwrap() <= LATEST,
        _ => true,
    })
}

fn add_timed(stage: &Stage, time: Instant, note: &str, late: Duration) {
    stage.add(&orders(), Event::audit(time, note).late(late));
    stage.add(&prod(), Event::access(time, "host-00", note).late(late));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn records_with_a_time_are_counted_in_any_interleaving(
        by_time in any::<bool>(),
        steps in vec(step(), 5..40).prop_filter("later than the settle time", |steps| is_in_time(steps)),
    ) {
        let range_clock = if by_time { RangeClock::LogLine } else { RangeClock::Timestamp };
        live(range_clock, &steps, |stage, _, time, note, late| add_timed(stage, time, &note.to_string(), late));
    }

    #[test]
    fn records_are_counted_when_ranges_are_compared_with_their_arrival(
        steps in vec(step(), 5..40).prop_filter("later than the settle time", |steps| is_in_time(steps)),
    ) {
        let mut first = None;
        live(RangeClock::Ingested, &steps, |stage, number, time, note, late| {
            // Identical records arrive together.
            let (_, late) = *first.insert(first.filter(|(step, _)| *step == number).unwrap_or((number, late)));
            add_timed(stage, time, &format!("{note} of step {number}"), late);
        });
    }

    #[test]
    fn records_without_a_time_are_counted_in_any_interleaving(
        by_time in any::<bool>(),
        steps in vec(step(), 5..40).prop_filter("later than the settle time", |steps| is_in_time(steps)),
    ) {
        let steps: Vec<Step> = steps.into_iter().filter(|step| !matches!(step, Step::Backfill { .. })).collect();
        let range_clock = if by_time { RangeClock::LogLine } else { RangeClock::Timestamp };
        live(range_clock, &steps, |stage, number, time, note, late| {
            let (seen, last) = (time + late, time + Duration::from_secs(LATEST));
            // Those farther away are seen with it. Nearer ones join last of all, and make its place smaller.
            for (millis, place, seen) in [(0, "before", seen), (600, "close before", last), (1400, "close behind", last), (2000, "behind", seen)] {
                let time = time + Duration::from_millis(millis);
                add_timed(stage, time, &format!("{note} {place} step {number}"), seen.since(time));
            }
            let time = time + SECOND;
            let late = seen.since(time);
            stage.add(&orders(), Event::new(time, "no time").late(late));
            stage.add(&prod(), Event::new(time, r#"{"hostname":"no time"}"#).late(late));
        });
    }
}
