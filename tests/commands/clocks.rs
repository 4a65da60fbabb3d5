//! Clocks that are wrong: here, at Atlas, or nowhere to be seen.

use std::time::Duration;

use atlas_logd::{
    instant::Instant,
    sim::{DateHeader, Profile},
};

use crate::harness::{DAY, HOUR, MINUTE, SECOND, Stage, at, orders, prod};

const NOW: &str = "2026-11-20T12:00:00Z";
const AUDIT_SETTLE: Duration = Duration::from_secs(600);
const ACCESS_SETTLE: Duration = Duration::from_secs(900);

fn stage() -> Stage {
    let stage = Stage::at(NOW);
    stage.configure(|config| config.start("5h"));
    let since = stage.ago(8 * HOUR);
    stage.generate(&orders(), &Profile::audit(since, 2.0));
    stage.generate(&prod(), &Profile::access(since, 2.0));
    stage
}

/// Polls for an hour while something about the clocks is wrong; polls may fail, but no watermark is where it must not
/// be. Then all is right again, and after one poll everything is archived.
fn survives(stage: &Stage, wrong: impl Fn(), right: impl Fn()) {
    stage.poll_once();
    let mut ends = [orders(), prod()].map(|source| stage.status(&source).end());
    wrong();
    for restart in 0..3 {
        let desk = stage.desk();
        for _ in 0..5 {
            stage.pass(4 * MINUTE);
            for (number, source) in [orders(), prod()].iter().enumerate() {
                // Whether it fails is not the point here.
                desk.try_poll(source);
                ends[number] = checked_end(stage, number, ends[number]);
            }
        }
        drop(desk);
        assert_eq!(stage.status(&orders()).gaps(), [], "restart {restart}");
        assert_eq!(stage.status(&prod()).gaps(), [], "restart {restart}");
    }
    right();
    let desk = stage.desk();
    stage.pass(4 * MINUTE);
    desk.poll_all();
    for (source, settle) in [(orders(), AUDIT_SETTLE), (prod(), ACCESS_SETTLE)] {
        stage.assert_current(&source);
        assert_eq!(stage.status(&source).end(), stage.ago(settle), "{source} has caught up");
        assert_eq!(stage.gaps(&source), []);
    }
}

/// The end watermark, which neither moved back nor beyond what can be complete.
fn checked_end(stage: &Stage, number: usize, before: Instant) -> Instant {
    let (source, settle) = [(orders(), AUDIT_SETTLE), (prod(), ACCESS_SETTLE)][number].clone();
    let end = stage.status(&source).end();
    assert!(before <= end, "{source}: the end moved back from {before} to {end}");
    assert!(end <= stage.ago(settle), "{source}: {end} is claimed at {}", stage.now());
    stage.assert_exact(&source);
    end
}

#[test]
fn a_date_that_is_an_hour_ahead_moves_no_watermark_wrongly() {
    let stage = stage();
    let date = |date| stage.world.set(|settings| settings.date = date);
    survives(&stage, || date(DateHeader::Offset(3_600_000)), || date(DateHeader::Offset(0)));
}

#[test]
fn a_date_that_is_an_hour_behind_moves_no_watermark_wrongly() {
    let stage = stage();
    let date = |date| stage.world.set(|settings| settings.date = date);
    survives(&stage, || date(DateHeader::Offset(-3_600_000)), || date(DateHeader::Offset(0)));
}

#[test]
fn without_a_date_the_watermark_waits_and_records_are_archived_all_the_same() {
    let stage = stage();
    stage.poll_once();
    let before = [orders(), prod()].map(|source| stage.status(&source));
    stage.world.set(|settings| settings.date = DateHeader::Missing);
    stage.pass(HOUR);
    let desk = stage.desk();
    for before in before {
        let source = if before.source == orders().to_string() { orders() } else { prod() };
        let failure = desk.try_poll(&source).failure.unwrap();
        assert!(failure.to_string().contains("has no Date header"), "{failure}");
        let after = stage.status(&source);
        assert_eq!(after.covered(), before.covered());
        assert!(after.records > before.records);
        stage.assert_exact(&source);
    }
    stage.world.set(|settings| settings.date = DateHeader::Offset(0));
    desk.poll_all();
    for source in [orders(), prod()] {
        stage.assert_current(&source);
    }
}

#[test]
fn a_local_clock_that_is_a_day_ahead_moves_no_watermark_wrongly() {
    let stage = stage();
    survives(&stage, || stage.set_local_time(stage.now() + DAY), || stage.set_time(stage.now()));
}

#[test]
fn a_local_clock_that_is_a_day_behind_moves_no_watermark_wrongly() {
    let stage = stage();
    survives(&stage, || stage.set_local_time(stage.now() - DAY), || stage.set_time(stage.now()));
}

fn starts_where_it_should_under(wrong: &str) {
    let stage = stage();
    stage.set_local_time(at(wrong));
    let desk = stage.desk();
    for source in [orders(), prod()] {
        // Whether the first polls fail is not the point here.
        desk.try_poll(&source);
        // A `Date` has whole seconds, and nothing else is known of the time.
        let (start, right) = (stage.status(&source).start(), at(NOW) - 5 * HOUR);
        assert!(right <= start && start <= right + SECOND, "{source}: {start}");
        stage.assert_exact(&source);
    }
    stage.set_time(stage.now());
    desk.poll_all();
    for source in [orders(), prod()] {
        stage.assert_current(&source);
        assert_eq!(stage.gaps(&source), []);
    }
}

#[test]
fn a_local_clock_that_never_started_does_not_move_the_start() {
    starts_where_it_should_under("1970-01-01T00:01:00Z");
}

#[test]
fn a_local_clock_that_is_years_behind_at_first_sight_does_not_move_the_start() {
    starts_where_it_should_under("2019-01-01T00:00:00Z");
}

#[test]
fn a_local_clock_that_is_years_ahead_at_first_sight_does_not_move_the_start() {
    starts_where_it_should_under("2038-01-19T03:14:08Z");
}

#[test]
fn a_local_clock_without_a_date_to_correct_it_claims_nothing() {
    for wrong in [-1, 1] {
        let stage = stage();
        stage.poll_once();
        let before = [orders(), prod()].map(|source| stage.status(&source).covered());
        stage.world.set(|settings| settings.date = DateHeader::Missing);
        let local = Instant::from_millis(stage.now().millis() + wrong * 10 * 86_400_000);
        stage.set_local_time(local);
        let desk = stage.desk();
        for (source, before) in [orders(), prod()].iter().zip(before) {
            assert!(desk.try_poll(source).failure.is_some());
            assert_eq!(stage.status(source).covered(), before);
            assert_eq!(stage.gaps(source), []);
            stage.assert_exact(source);
        }
    }
}

/// A source that was first seen while nothing told the right time starts where it should once something does.
fn starts_right_after_a_wrong_first_sight(date: DateHeader, local_ahead: Duration) {
    let stage = stage();
    stage.world.set(|settings| settings.date = date);
    stage.set_local_time(stage.now() + local_ahead);
    {
        let desk = stage.desk();
        for source in [orders(), prod()] {
            // Whether it fails is not the point here.
            desk.try_poll(&source);
            assert!(stage.status(&source).covered().is_empty());
        }
    }
    stage.world.set(|settings| settings.date = DateHeader::Offset(0));
    stage.set_time(stage.now() + 5 * MINUTE);
    let started = stage.ago(5 * HOUR);
    stage.poll_once();
    for source in [orders(), prod()] {
        assert_eq!(stage.status(&source).start(), started, "{source}");
        stage.assert_current(&source);
    }
}

#[test]
fn a_first_date_that_is_a_month_ahead_is_not_where_a_source_starts_for_ever() {
    starts_right_after_a_wrong_first_sight(DateHeader::Offset(30 * 86_400_000), Duration::ZERO);
}

#[test]
fn a_local_clock_a_month_ahead_without_any_date_is_not_where_a_source_starts_for_ever() {
    starts_right_after_a_wrong_first_sight(DateHeader::Missing, 30 * DAY);
}

/// The names of segments tell when they were opened by the local clock.
#[test]
fn a_backfill_knows_what_was_archived_while_the_local_clock_was_days_behind() {
    let stage = stage();
    stage.configure(|config| config.set_text("archive", "rotate_every", "hour"));
    stage.set_local_time(stage.now() - 3 * DAY);
    for _ in 0..5 {
        for source in [orders(), prod()] {
            // Whether it fails is not the point here.
            stage.desk().try_poll(&source);
        }
        stage.pass(30 * MINUTE);
    }
    stage.set_time(stage.now());
    stage.poll_once();
    for source in [orders(), prod()] {
        assert!(stage.segments(&source).len() > 2);
        let before = stage.lines(&source).len();
        let covered = stage.status(&source).covered();
        assert_eq!(stage.desk().backfill(&source, covered).figures.records, 0, "{source}");
        assert_eq!(stage.lines(&source).len(), before);
        stage.assert_current(&source);
    }
}
