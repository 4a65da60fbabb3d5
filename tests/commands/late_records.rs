//! Records that appear late at Atlas, and records that come again.

use atlas_logd::{
    sim::{Event, RangeClock, Rendering},
    window::Window,
};

use crate::harness::{HOUR, MINUTE, SECOND, Stage, orders, prod};

const NOW: &str = "2026-11-20T12:00:00Z";

fn stage() -> Stage {
    let stage = Stage::at(NOW);
    stage.configure(|config| config.settle("15m"));
    stage
}

#[test]
fn a_record_joins_as_long_as_it_is_no_later_than_the_settle_time() {
    let stage = stage();
    for minutes in 0..30 {
        let time = stage.now() + minutes * MINUTE;
        for late in [0, 1, 7, 14] {
            let note = format!("{minutes}, {late} late");
            stage.add(&orders(), Event::audit(time, &note).late(late * MINUTE));
            stage.add(&prod(), Event::access(time, "host-00", &note).late(late * MINUTE + 59 * SECOND));
        }
    }
    let desk = stage.desk();
    for _ in 0..50 {
        desk.poll_all();
        stage.pass(MINUTE);
    }
    for source in [orders(), prod()] {
        assert_eq!(stage.lines(&source).len(), 120);
        stage.assert_current(&source);
    }
}

#[test]
fn a_record_later_than_that_is_found_when_its_range_is_collected_again() {
    let stage = stage();
    let time = stage.now();
    stage.add(&orders(), Event::audit(time, "in time"));
    stage.add(&orders(), Event::audit(time + SECOND, "too late").late(HOUR));
    for _ in 0..10 {
        stage.poll_once();
        stage.pass(10 * MINUTE);
    }
    assert_eq!(stage.lines(&orders()).len(), 1);
    let desk = stage.desk();
    desk.backfill(&orders(), Window::new(time - MINUTE, time + MINUTE));
    assert_eq!(stage.lines(&orders()).len(), 2);
    stage.assert_exact(&orders());
    desk.poll(&orders());
    desk.backfill(&orders(), Window::new(time - MINUTE, time + MINUTE));
    assert_eq!(stage.lines(&orders()).len(), 2);
}

#[test]
fn a_record_that_was_found_by_its_arrival_long_after_it_happened_is_not_archived_again() {
    let stage = stage();
    stage.world.set(|settings| settings.range_clock = RangeClock::Ingested);
    let time = stage.now();
    stage.add(&orders(), Event::audit(time, "late").late(30 * MINUTE));
    stage.add(&prod(), Event::access(time, "host-00", "late").late(30 * MINUTE));
    let desk = stage.desk();
    for _ in 0..11 {
        stage.pass(5 * MINUTE);
        desk.poll_all();
    }
    for source in [orders(), prod()] {
        assert_eq!(stage.lines(&source).len(), 1);
        desk.backfill(&source, Window::new(time + 25 * MINUTE, time + 35 * MINUTE));
        assert_eq!(stage.lines(&source).len(), 1);
        stage.assert_exact(&source);
    }
}

#[test]
fn identical_records_that_arrive_one_after_the_other_are_all_archived() {
    let stage = stage();
    let time = stage.now() - MINUTE;
    for late in [1, 4, 4, 9] {
        stage.add(&orders(), Event::audit(time, "the same").late(late * MINUTE));
        stage.add(&prod(), Event::access(time, "host-00", "the same").late(late * MINUTE));
        // The same without any time: told apart by nothing but its number.
        stage.add(&orders(), Event::new(time + SECOND, "no time").visible_at(time + late * MINUTE));
        let entry = Event::new(time + SECOND, r#"{"hostname":"no time"}"#);
        stage.add(&prod(), entry.visible_at(time + late * MINUTE));
    }
    let desk = stage.desk();
    for expected in [2, 2, 2, 6, 6, 6, 6, 6, 8, 8] {
        desk.poll_all();
        desk.poll_all();
        for source in [orders(), prod()] {
            assert_eq!(stage.lines(&source).len(), expected, "{source} at {}", stage.now());
            stage.assert_current(&source);
        }
        stage.pass(MINUTE);
    }
}

#[test]
fn polls_without_news_change_no_byte() {
    let stage = stage();
    for minutes in 0..60 {
        stage.add(&orders(), Event::audit(stage.ago(minutes * MINUTE), &format!("{minutes}")));
        stage.add(&prod(), Event::access(stage.ago(minutes * MINUTE), "host-00", &format!("{minutes}")));
    }
    stage.poll_once();
    let before = [orders(), prod()].map(|source| stage.segments(&source));
    assert_eq!(stage.lines(&prod()).len(), 60);
    for _ in 0..20 {
        stage.poll_once();
        stage.pass(MINUTE);
    }
    assert_eq!([orders(), prod()].map(|source| stage.segments(&source)), before);
}

#[test]
fn an_entry_that_is_rendered_anew_is_the_same_record() {
    let stage = stage();
    for minutes in 0..60 {
        let user = format!("müller \"{minutes}\" 🦀");
        stage.add(&prod(), Event::access(stage.ago(minutes * MINUTE), "host-00", &user));
        stage.add(&prod(), Event::access_failure(stage.ago(minutes * MINUTE), "host-01", &user, "203.0.113.9"));
    }
    stage.poll_once();
    let before = stage.segments(&prod());
    assert_eq!(stage.lines(&prod()).len(), 120);
    stage.world.set(|settings| settings.rendering = Rendering::Anew);
    let desk = stage.desk();
    for _ in 0..10 {
        stage.pass(3 * MINUTE);
        desk.poll(&prod());
    }
    desk.backfill(&prod(), Window::new(stage.ago(2 * HOUR), stage.now()));
    assert_eq!(stage.segments(&prod()), before);
    stage.assert_current(&prod());
}
