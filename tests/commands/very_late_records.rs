//! Records that are much later than the settle time, or whose clock says something absurd: what is archived of them is
//! archived once, whatever is asked again.

use std::{fs, time::Duration};

use atlas_logd::{
    sim::{Event, RangeClock},
    window::Window,
};

use crate::{
    harness::{HOUR, MINUTE, Stage, orders, prod},
    late_records::stage,
};

/// A record of both sources that happened so long ago and arrives so much later than it happened.
fn add_late(stage: &Stage, note: &str, happened: Duration, late: Duration) {
    let time = stage.ago(happened);
    stage.add(&orders(), Event::audit(time, note).late(late));
    stage.add(&prod(), Event::access(time, "host-00", note).late(late));
}

/// A record that says that it happened in 1970.
fn add_absurd(stage: &Stage) {
    stage.add(&orders(), Event::new(stage.ago(MINUTE), "{\"time\":0,\"note\":\"absurd\"}"));
}

/// Polls on for half an hour: each of so many records of both sources is archived once.
#[track_caller]
fn assert_archived_once(stage: &Stage, records: usize) {
    for _ in 0..8 {
        stage.poll_once();
        stage.pass(4 * MINUTE);
    }
    for source in [orders(), prod()] {
        assert_eq!(stage.lines(&source).len(), records, "{source}");
        stage.assert_exact(&source);
    }
}

/// The fingerprints are damaged, and have to be made again from the segments.
fn forget_fingerprints(stage: &Stage) {
    let database = rusqlite::Connection::open(stage.state().join("state.db")).unwrap();
    let sql = "INSERT INTO fingerprint_run (source, pending, first_ms, last_ms, keep_until_ms, hash)
        SELECT key, 0, 0, 0, 0, zeroblob(16) FROM source";
    assert!(database.execute(sql, []).unwrap() > 0);
}

/// Where Atlas goes by the arrival of records, one that arrived long after its clock comes again in ranges that its clock
/// has left, also when the clock lay in the range that found it first.
#[test]
fn a_record_that_arrived_much_later_than_its_clock_says_is_archived_once() {
    let stage = stage();
    stage.world.set(|settings| settings.range_clock = RangeClock::Ingested);
    stage.poll_once();
    add_late(&stage, "that tells how Atlas compares", 30 * MINUTE, 35 * MINUTE);
    stage.pass(6 * MINUTE);
    stage.poll_once();
    stage.pass(30 * MINUTE);
    add_late(&stage, "late", MINUTE, 85 * MINUTE);
    stage.pass(90 * MINUTE);
    assert_archived_once(&stage, 2);
}

/// The same where nothing has told yet how Atlas compares, and the range is so wide that the clock lies in it too.
#[test]
fn a_record_that_was_late_in_the_first_range_that_tells_of_it_is_archived_once() {
    for by in [HOUR, 12 * HOUR] {
        let stage = stage();
        stage.world.set(|settings| settings.range_clock = RangeClock::Ingested);
        stage.poll_once();
        stage.pass(30 * MINUTE);
        for (number, late) in [2_u32, 4, 6, 8].into_iter().enumerate() {
            add_late(&stage, &format!("number {number}"), Duration::ZERO, by + late * MINUTE);
        }
        stage.pass(by + 10 * MINUTE);
        for _ in 0..8 {
            stage.poll_once();
            stage.pass(4 * MINUTE);
        }
        for source in [orders(), prod()] {
            assert_eq!(stage.lines(&source).len(), 4, "{source}, {by:?}");
            stage.assert_exact(&source);
        }
    }
}

/// The very first answer tells it, behind a record that its clock lets forget.
#[test]
fn a_record_that_was_late_in_the_first_answer_of_all_is_archived_once() {
    let stage = stage();
    stage.world.set(|settings| settings.range_clock = RangeClock::Ingested);
    add_late(&stage, "late", 40 * MINUTE, 35 * MINUTE);
    add_late(&stage, "that tells how Atlas compares", 60 * HOUR, 59 * HOUR);
    assert_archived_once(&stage, 2);
}

/// A range that is collected again tells it; what was forgotten before is known again all the same.
#[test]
fn a_record_that_was_late_before_a_backfill_tells_how_atlas_compares_is_archived_once() {
    let stage = stage();
    stage.world.set(|settings| settings.range_clock = RangeClock::Ingested);
    add_late(&stage, "late", 40 * MINUTE, 35 * MINUTE);
    stage.poll_once();
    add_late(&stage, "that tells how Atlas compares", 60 * HOUR, 58 * HOUR);
    let desk = stage.desk();
    for source in [orders(), prod()] {
        desk.backfill(&source, Window::new(stage.ago(3 * HOUR), stage.ago(HOUR)));
    }
    drop(desk);
    assert_archived_once(&stage, 2);
}

/// And where the fingerprints have to be made again from the segments in between.
#[test]
fn a_record_that_was_late_is_known_again_by_its_segment() {
    let stage = stage();
    stage.world.set(|settings| settings.range_clock = RangeClock::Ingested);
    stage.poll_once();
    stage.pass(30 * MINUTE);
    add_late(&stage, "late", Duration::ZERO, 68 * MINUTE);
    stage.pass(70 * MINUTE);
    stage.poll_once();
    forget_fingerprints(&stage);
    for _ in 0..8 {
        stage.pass(4 * MINUTE);
        stage.poll_once();
    }
    for source in [orders(), prod()] {
        assert_eq!(stage.lines(&source).len(), 1, "{source}");
        stage.assert_exact(&source);
    }
}

/// Even one that was days late, and that nothing else tells when it was collected.
#[test]
fn a_record_that_was_days_late_is_known_again_by_its_segment() {
    for late in [7 * HOUR, 23 * HOUR, 29 * HOUR, 48 * HOUR] {
        let stage = stage();
        stage.world.set(|settings| settings.range_clock = RangeClock::Ingested);
        stage.poll_once();
        stage.pass(55 * MINUTE);
        add_late(&stage, "late", late, late + MINUTE);
        stage.pass(5 * MINUTE);
        stage.poll_once();
        forget_fingerprints(&stage);
        stage.pass(MINUTE);
        stage.poll_once();
        for source in [orders(), prod()] {
            assert_eq!(stage.lines(&source).len(), 1, "{source}, {late:?}");
        }
        // An operator asks for it again.
        let desk = stage.desk();
        for source in [orders(), prod()] {
            desk.backfill(&source, Window::new(stage.ago(HOUR), stage.now()));
            assert_eq!(stage.lines(&source).len(), 1, "{source}, {late:?}");
        }
    }
}

/// So is one whose clock says something absurd.
#[test]
fn a_record_with_an_absurd_clock_is_known_again_by_its_segment() {
    let stage = stage();
    add_absurd(&stage);
    stage.poll_once();
    forget_fingerprints(&stage);
    stage.pass(MINUTE);
    stage.poll_once();
    assert_eq!(stage.lines(&orders()).len(), 1);
    stage.desk().backfill(&orders(), Window::new(stage.ago(HOUR), stage.now()));
    assert_eq!(stage.lines(&orders()).len(), 1);
}

/// Damage to another segment lets the range be asked again that it was found in.
#[test]
fn a_record_that_was_days_late_survives_damage_to_what_came_after_it() {
    let stage = Stage::at("2026-11-20T23:30:00Z");
    stage.configure(|config| config.settle("15m"));
    stage.world.set(|settings| settings.range_clock = RangeClock::Ingested);
    stage.poll_once();
    add_late(&stage, "late", 48 * HOUR, 48 * HOUR + 25 * MINUTE);
    stage.pass(28 * MINUTE);
    stage.poll_once();
    assert_eq!(stage.lines(&orders()).len(), 1);
    stage.pass(5 * MINUTE);
    stage.add_record(&orders(), MINUTE, "second");
    stage.poll_once();
    let [_, second] = &stage.segments(&orders())[..] else { panic!("not two segments") };
    let second = stage.folder_of(&orders()).join(&second.name);
    stage.damaged(|| fs::remove_file(second).unwrap());
    stage.pass(HOUR);
    stage.poll_once();
    assert_eq!(stage.lines(&orders()).len(), 2);
}
