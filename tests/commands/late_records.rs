//! Records that appear late at Atlas, and records that come again.

use atlas_logd::{
    instant::Instant,
    sim::{Event, RangeClock, Rendering},
    window::Window,
};

use crate::harness::{HOUR, MINUTE, SECOND, Stage, orders, prod};

const NOW: &str = "2026-11-20T12:00:00Z";

pub(crate) fn stage() -> Stage {
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

#[test]
fn a_late_record_without_a_time_is_not_taken_for_an_identical_one_minutes_before() {
    let stage = Stage::at("2026-11-20T11:40:00Z");
    stage.configure(|config| config.only_audit());
    let time = stage.now() + 10 * MINUTE;
    for (ago, late) in [(0, 0), (9, 8)] {
        let time = time + ago * MINUTE;
        stage.add(&orders(), Event::new(time, "no time").late(late * MINUTE));
        stage.add(&orders(), Event::audit(time + SECOND, &format!("{ago}")).late(late * MINUTE));
    }
    for _ in 0..20 {
        stage.poll_once();
        stage.pass(5 * MINUTE);
    }
    stage.poll_once();
    assert_eq!(stage.text_lines(&orders()).iter().filter(|line| *line == "no time").count(), 2);
    stage.assert_current(&orders());
}

#[test]
fn a_record_between_two_clocks_at_the_epoch_is_known_again() {
    let stage = stage();
    for (number, line) in [r#"{"time":0,"a":1}"#, "no time", r#"{"time":0,"a":2}"#].into_iter().enumerate() {
        stage.add(&orders(), Event::new(stage.ago(5 * MINUTE) + u32::try_from(number).unwrap() * SECOND, line));
    }
    for _ in 0..4 {
        stage.poll_once();
        stage.pass(MINUTE);
    }
    assert_eq!(stage.lines(&orders()).len(), 3);
}

#[test]
fn a_longer_settle_time_makes_no_record_a_new_one() {
    let stage = Stage::at(NOW);
    stage.configure(|config| config.settle("10m"));
    for (seconds, late) in [(-120, 0), (-70, 3), (60, 0)] {
        let time = Instant::from_millis(stage.now().millis() + seconds * 1000);
        stage.add(&orders(), Event::audit(time, &format!("{seconds}")).late(late * MINUTE));
    }
    stage.add(&orders(), Event::new(stage.ago(MINUTE), "no time"));
    stage.poll_once();
    stage.configure(|config| config.settle("30m"));
    stage.pass(5 * MINUTE);
    stage.poll_once();
    assert_eq!(stage.lines(&orders()).len(), 4);
    stage.assert_current(&orders());
}

/// The settle time is changed by a reload again and again, shorter and longer, while records come late, but never later
/// than the settle time that was in force since they happened.
#[test]
fn a_settle_time_that_a_reload_changes_loses_nothing_and_archives_nothing_twice() {
    let stage = Stage::at("2026-11-20T12:00:00Z");
    stage.configure(|config| config.settle("10m"));
    let mut desk = stage.desk();
    let mut ends = [None, None];
    for (step, settle) in ["10m", "30m", "1h", "8m", "8m", "2h", "8m", "8m", "45m", "10m"].iter().enumerate() {
        stage.configure(|config| config.settle(settle));
        desk.reload();
        for minute in 0..15_u32 {
            for (number, source) in [orders(), prod()].iter().enumerate() {
                let event = match number {
                    0 => Event::audit(stage.now(), &format!("{step}/{minute}")),
                    _ => Event::access(stage.now(), "host-00", &format!("{step}/{minute}")),
                };
                stage.add(source, event.late(MINUTE * (minute * 7 % 9)));
                if minute % 4 == 3 {
                    desk.poll(source);
                    let end = stage.status(source).end();
                    assert!(ends[number] <= Some(end), "{source}: the end moved back");
                    ends[number] = Some(end);
                }
            }
            stage.pass(MINUTE);
        }
        [orders(), prod()].iter().for_each(|source| stage.assert_exact(source));
    }
    stage.pass(HOUR);
    desk.poll_all();
    for source in [orders(), prod()] {
        stage.assert_current(&source);
        assert_eq!(stage.lines(&source).len(), 150);
    }
}
