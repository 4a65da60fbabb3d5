//! Whatever Atlas is like, a reconciliation of an archive that is exact archives nothing again.

use std::time::Duration;

use atlas_logd::{
    instant::Instant,
    sim::{Bounds, Event, Profile, RangeClock, Rendering},
    source::Source,
    window::Window,
};

use crate::{
    harness::{DAY, Gap, HOUR, MINUTE, SECOND, Stage, desk::Desk, orders, prod},
    open_facts::add_around_edges,
};

const NOW: &str = "2026-11-20T12:00:00.250Z";

/// The last days, and some ranges with bounds anywhere: nothing is archived.
#[track_caller]
fn assert_nothing_again(stage: &Stage, desk: &Desk<'_>, source: &Source) {
    let before = stage.bytes(source);
    let (now, hour) = (stage.now(), HOUR + 17 * SECOND);
    let parts = (1..5).map(|hours| Some(Window::new(now - (hours + 1) * hour, now - hours * hour + 7 * MINUTE)));
    for range in [None].into_iter().chain(parts) {
        let report = desk.try_reconcile(source, range);
        assert!(report.failure.is_none(), "{source}: {}", report.failure.unwrap());
        assert_eq!((report.figures.records, report.times.late), (0, 0), "{source}: {range:?}");
    }
    assert!(stage.bytes(source) == before);
}

/// With late records and all oddities: identical records, records without a time, without fields, that are no JSON.
fn exact_under(range_clock: RangeClock) {
    for bounds in Bounds::ALL {
        let stage = Stage::at(NOW);
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
        for step in 0..6_u32 {
            let desk = stage.desk();
            for number in 0..4 {
                desk.poll_all();
                stage.pass((step * 97 % 7 + number) * MINUTE + step * 31 * SECOND + step * Duration::from_millis(137));
            }
        }
        stage.poll_once();
        for wait in [Duration::ZERO, 20 * HOUR] {
            stage.pass(wait);
            let desk = stage.desk();
            for source in [orders(), prod()] {
                assert_nothing_again(&stage, &desk, &source);
                stage.assert_exact(&source);
            }
        }
        assert!(stage.lines(&prod()).len() > 1500, "there was something to compare");
    }
}

#[test]
fn nothing_again_where_ranges_are_compared_with_the_timestamp() {
    exact_under(RangeClock::Timestamp);
}

#[test]
fn nothing_again_where_ranges_are_compared_with_the_log_line() {
    exact_under(RangeClock::LogLine);
}

#[test]
fn nothing_again_where_ranges_are_compared_with_the_arrival_at_atlas() {
    exact_under(RangeClock::Ingested);
}

#[test]
fn nothing_again_around_the_edges_of_windows() {
    for (range_clock, bounds) in RangeClock::ALL.into_iter().flat_map(|clock| Bounds::ALL.map(|bounds| (clock, bounds)))
    {
        let stage = Stage::at("2026-11-20T12:00:00Z");
        stage.configure(|config| config.start("3d"));
        stage.world.set(|settings| (settings.range_clock, settings.bounds) = (range_clock, bounds));
        add_around_edges(&stage, 80);
        stage.poll_once();
        stage.pass(HOUR);
        let desk = stage.desk();
        for source in [orders(), prod()] {
            desk.poll(&source);
            assert_nothing_again(&stage, &desk, &source);
            stage.assert_current(&source);
        }
    }
}

#[test]
fn nothing_again_where_entries_are_rendered_anew() {
    let stage = Stage::at(NOW);
    for minutes in 0..300 {
        stage.add(&prod(), Event::access(stage.ago(minutes * MINUTE), "host-00", &format!("müller \"{minutes}\" 🦀")));
    }
    let desk = stage.desk();
    desk.poll(&prod());
    stage.world.set(|settings| settings.rendering = Rendering::Anew);
    assert_nothing_again(&stage, &desk, &prod());
    assert_eq!(stage.lines(&prod()).len(), 300);
}

/// Their neighbours are days away or not there at all, and what an answer holds is another one each time.
#[test]
fn nothing_again_of_records_without_a_time_wherever_they_lie() {
    for (every, timed_every) in [(37, 1), (90, 700), (150, usize::MAX)] {
        let stage = Stage::at("2026-11-16T12:00:00Z");
        stage.configure(|config| config.only_audit());
        for number in 0..4 * 1440 / every {
            let time = stage.now() + u32::try_from(number * every).unwrap() * MINUTE;
            let event = if number % timed_every == timed_every - 1 {
                Event::audit(time, &format!("{number}"))
            } else if number % 3 == 0 {
                Event::new(time, format!("no time, number {number}"))
            } else {
                Event::new(time, "no time")
            };
            stage.add(&orders(), event);
        }
        for _ in 0..4 {
            for _ in 0..24 {
                stage.pass(HOUR);
                stage.poll_once();
            }
            let before = stage.lines(&orders()).len();
            assert_nothing_again(&stage, &stage.desk(), &orders());
            assert_eq!(stage.lines(&orders()).len(), before);
        }
        assert_eq!(stage.lines(&orders()).len(), 4 * 1440 / every);
    }
}

#[test]
fn nothing_again_of_what_backfills_brought() {
    let stage = Stage::at("2026-11-20T12:00:00Z");
    stage.configure(|config| {
        config.settle("15m");
        config.start("1h");
    });
    let profile = Profile { timeless: 0.2, duplicates: 0.1, not_json: 0.05, ..Profile::audit(stage.ago(2 * DAY), 2.0) };
    stage.generate(&orders(), &profile);
    let desk = stage.desk();
    desk.poll(&orders());
    let start = stage.status(&orders()).start();
    for (from, to) in [(30, 26), (26, 25), (20, 12), (11, 10), (10, 0)] {
        desk.backfill(&orders(), Window::new(start - from * HOUR, start - to * HOUR));
        assert_nothing_again(&stage, &desk, &orders());
    }
}

/// A small entry with all that is recognised, and a number that tells it from others.
fn entry(time: Instant, number: u32) -> Event {
    let timestamp = Instant::from_seconds(time.seconds_floor());
    let line = format!(r#"{{\"t\":{{\"$date\":\"{time}\"}},\"id\":{number}}}"#);
    let entry = format!(r#"{{"authResult":true,"hostname":"h","logLine":"{line}","timestamp":"{timestamp}"}}"#);
    Event::new(time, entry)
}

fn stage_with_pages() -> Stage {
    let stage = Stage::at("2026-11-20T12:00:00Z");
    stage.configure(|config| {
        config.only_access();
        config.start("12h");
    });
    stage
}

#[test]
fn nothing_again_where_pages_are_full() {
    let stage = stage_with_pages();
    let from = stage.ago(10 * HOUR);
    (0..50_000).for_each(|number| stage.add(&prod(), entry(from + 2 * HOUR * number / 50_000, number)));
    let desk = stage.desk();
    desk.poll(&prod());
    let report = desk.reconcile(&prod());
    assert_eq!((report.figures.records, report.failure.is_none()), (0, true));
    assert!(report.figures.windows > 2 && report.figures.requests < 20, "{:?}", report.figures);
    stage.assert_current(&prod());
}

/// More late entries came within a millisecond than a page can hold with those that were in time.
#[test]
fn a_page_that_late_entries_have_filled_leaves_a_gap() {
    let stage = stage_with_pages();
    let time = stage.ago(3 * HOUR);
    (0..19_990).for_each(|number| stage.add(&prod(), entry(time, number)));
    let desk = stage.desk();
    desk.poll(&prod());
    assert!(stage.gaps(&prod()).is_empty());
    (0..40).for_each(|number| stage.add(&prod(), entry(time, 100_000 + number)));
    let report = desk.reconcile(&prod());
    assert!(report.times.late > 0);
    let gaps = stage.gaps(&prod());
    assert!(gaps.iter().all(|gap| gap.reason == "row-limit"), "{gaps:?}");
    assert!(gaps.iter().any(|Gap { window, .. }| window.contains(time)), "{gaps:?}");
    let again = desk.reconcile(&prod());
    assert_eq!((again.figures.records, stage.gaps(&prod())), (0, gaps));
    stage.assert_exact(&prod());
}
