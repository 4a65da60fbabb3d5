//! What is not documented about Atlas, in every possibility: which clock a range is compared with, and its bounds.

use std::time::Duration;

use atlas_logd::{
    instant::Instant,
    sim::{Bounds, Event, Profile, RangeClock},
};

use crate::harness::{Configuration, DAY, HOUR, MINUTE, SECOND, Stage, orders, prod};

/// Dozens of polls at uneven times, with late records and all oddities, restarts among them: exact at every step.
fn exact_under(range_clock: RangeClock) {
    for bounds in Bounds::ALL {
        let stage = Stage::at("2026-11-20T12:00:00.250Z");
        stage.world.set(|settings| {
            settings.range_clock = range_clock;
            settings.bounds = bounds;
        });
        let since = stage.ago(8 * HOUR);
        let oddities = Profile {
            timeless: 0.03,
            duplicates: 0.05,
            missing_fields: 0.03,
            not_json: 0.03,
            ..Profile::audit(since, 6.0)
        };
        stage.generate(&orders(), &oddities);
        stage.generate(&prod(), &Profile { arrival: Profile::access(since, 6.0).arrival, ..oddities });
        let mut step: u32 = 0;
        for _ in 0..6 {
            let desk = stage.desk();
            for _ in 0..6 {
                desk.poll_all();
                step += 1;
                stage.pass((step * 97 % 7) * MINUTE + (step * 31 % 60) * SECOND + step * Duration::from_millis(137));
            }
            drop(desk);
            // Looks at everything that the last poll could have seen.
            stage.poll_once();
            for source in [orders(), prod()] {
                stage.assert_current(&source);
            }
        }
        assert!(stage.lines(&prod()).len() > 1500, "there was something to collect");
    }
}

#[track_caller]
fn assert_current_now_and_an_hour_later(stage: &Stage) {
    for wait in [Duration::ZERO, HOUR] {
        stage.pass(wait);
        stage.poll_once();
        for source in [orders(), prod()] {
            stage.assert_current(&source);
        }
    }
}

/// More than a page, whether they come as they are or compressed.
#[test]
fn exact_whether_pages_are_compressed_or_not() {
    for compresses in [false, true] {
        let stage = Stage::at("2026-11-20T12:00:00Z");
        stage.world.set(|settings| settings.compresses = compresses);
        stage.configure(Configuration::only_access);
        stage.generate(&prod(), &Profile::access(stage.ago(5 * HOUR), 100.0));
        stage.poll_once();
        stage.assert_current(&prod());
        assert!(stage.lines(&prod()).len() > 25_000, "there was something to collect");
    }
}

#[test]
fn exact_where_ranges_are_compared_with_the_timestamp() {
    exact_under(RangeClock::Timestamp);
}

#[test]
fn exact_where_ranges_are_compared_with_the_log_line() {
    exact_under(RangeClock::LogLine);
}

#[test]
fn exact_where_ranges_are_compared_with_the_arrival_at_atlas() {
    exact_under(RangeClock::Ingested);
}

/// Records of both sources so many tenths of a second before and behind the instants at which windows can begin and end.
pub(crate) fn add_around_edges(stage: &Stage, tenths: i64) {
    for (days, around) in (0..4).flat_map(|days| (-tenths..=tenths).map(move |around| (days, around))) {
        let time = Instant::from_millis(stage.ago(days * DAY).millis() + around * 100 + around % 3);
        let note = format!("{days} {around}");
        let (mut audit, mut access) = (Event::audit(time, &note), Event::access(time, "host-00", &note));
        // A timestamp is up to a second off, in either direction.
        audit.clocks.timestamp = audit.clocks.timestamp + u32::from(around % 2 == 0) * SECOND;
        access.clocks.timestamp = audit.clocks.timestamp;
        stage.add(&orders(), audit);
        stage.add(&prod(), access);
    }
}

#[test]
fn nothing_falls_between_two_windows_or_off_the_start() {
    for (range_clock, bounds) in RangeClock::ALL.into_iter().flat_map(|clock| Bounds::ALL.map(|bounds| (clock, bounds)))
    {
        let stage = Stage::at("2026-11-20T12:00:00Z");
        stage.configure(|config| config.start("3d"));
        stage.world.set(|settings| (settings.range_clock, settings.bounds) = (range_clock, bounds));
        add_around_edges(&stage, 30);
        assert_current_now_and_an_hour_later(&stage);
    }
}

#[test]
fn identical_records_without_a_time_are_told_apart_across_windows() {
    for (range_clock, bounds) in RangeClock::ALL.into_iter().flat_map(|clock| Bounds::ALL.map(|bounds| (clock, bounds)))
    {
        let stage = Stage::at("2026-11-20T12:00:00Z");
        stage.configure(|config| config.start("3d"));
        stage.world.set(|settings| (settings.range_clock, settings.bounds) = (range_clock, bounds));
        // Around the edges of the windows of a day, the closer the denser.
        for (days, number) in (0..3).flat_map(|days| (1..40).map(move |number| (days, number))) {
            for before in [true, false] {
                let away = number * number * SECOND + Duration::from_millis(250);
                let edge = stage.ago(days * DAY);
                let time = if before { edge - away } else { edge + away };
                let note = format!("{days} {number} {before}");
                let (audit, access) = match number % 3 {
                    0 => (Event::new(time, "no time"), Event::new(time, r#"{"hostname":"no time"}"#)),
                    _ => (Event::audit(time, &note), Event::access(time, "host-00", &note)),
                };
                let late = if number % 4 == 0 { 5 * MINUTE } else { Duration::ZERO };
                stage.add(&orders(), audit.late(late));
                stage.add(&prod(), access.late(late));
            }
        }
        assert_current_now_and_an_hour_later(&stage);
    }
}

#[test]
fn a_record_without_a_time_is_recognised_when_its_neighbour_arrived_before_the_range() {
    let stage = Stage::at("2026-11-20T12:00:00Z");
    stage.world.set(|settings| settings.range_clock = RangeClock::Ingested);
    let time = stage.now();
    for (second, late) in [(0, 0), (10, 8), (20, 8)] {
        let time = time + second * SECOND;
        let (audit, access) = match second {
            10 => (Event::new(time, "no time"), Event::new(time, r#"{"hostname":"no time"}"#)),
            _ => (Event::audit(time, "timed"), Event::access(time, "host-00", "timed")),
        };
        stage.add(&orders(), audit.late(late * MINUTE));
        stage.add(&prod(), access.late(late * MINUTE));
    }
    let desk = stage.desk();
    for _ in 0..40 {
        stage.pass(MINUTE);
        desk.poll_all();
        stage.assert_current(&orders());
        stage.assert_current(&prod());
    }
    assert_eq!((stage.lines(&orders()).len(), stage.lines(&prod()).len()), (3, 3));
}
