//! More entries than fit into one page, which Atlas cuts off without a word.

use std::time::Duration;

use atlas_logd::{
    instant::Instant,
    sim::{Bounds, Event, RangeClock},
    window::Window,
};

use crate::harness::{DAY, Gap, HOUR, MINUTE, SECOND, Stage, at, prod};

const NOW: &str = "2026-11-20T12:00:00Z";
const MILLISECOND: Duration = Duration::from_millis(1);

/// A small entry with all that is recognised, and a number that tells it from others.
fn entry(time: Instant, number: u32) -> Event {
    let result = number.is_multiple_of(2);
    let timestamp = Instant::from_seconds(time.seconds_floor());
    let entry = format!(
        r#"{{"authResult":{result},"hostname":"h","logLine":"{{\"t\":{{\"$date\":\"{time}\"}},\"id\":{number}}}","timestamp":"{timestamp}"}}"#
    );
    Event::new(time, entry)
}

/// A day and a half with an entry a minute, and `count` more from `from` on, evenly within `lasting`.
fn stage_with(count: u32, from: Instant, lasting: Duration) -> Stage {
    let stage = Stage::at(NOW);
    stage.configure(|config| {
        config.only_access();
        config.start("36h");
    });
    for minute in 1..36 * 60 {
        stage.add(&prod(), entry(stage.now() - minute * MINUTE, minute));
    }
    for number in 0..count {
        stage.add(&prod(), entry(from + lasting * number / count, 1_000_000 + number));
    }
    stage
}

/// Polls once; exact and without gaps, with at most so many requests.
#[track_caller]
fn assert_split(stage: &Stage, most_requests: u64) {
    let desk = stage.desk();
    let report = desk.poll(&prod());
    assert!(report.figures.requests <= most_requests, "{} requests", report.figures.requests);
    stage.assert_current(&prod());
    assert!(stage.gaps(&prod()).is_empty());
    let before = stage.bytes(&prod());
    let again = desk.poll(&prod());
    assert_eq!((again.figures.records, again.figures.requests), (0, 1));
    assert!(stage.bytes(&prod()) == before);
}

#[test]
fn a_dense_day_is_asked_in_parts() {
    let from = at(NOW) - 30 * HOUR;
    assert_split(&stage_with(50_000, from, DAY), 10);
}

#[test]
fn a_burst_within_a_minute_is_asked_in_parts() {
    let from = at(NOW) - 10 * HOUR;
    assert_split(&stage_with(45_000, from, MINUTE), 30);
}

#[test]
fn a_burst_within_a_second_is_asked_by_the_millisecond() {
    let from = at(NOW) - 10 * HOUR;
    assert_split(&stage_with(45_000, from, SECOND), 50);
}

/// Identical entries without any time lie minutes apart, and the parts that a burst is asked in are shorter than that.
#[test]
fn entries_without_a_time_are_as_many_as_there_were_however_a_burst_is_cut() {
    for range_clock in RangeClock::ALL {
        let from = at(NOW) - 10 * HOUR;
        let stage = stage_with(50_000, from, 30 * MINUTE);
        stage.world.set(|settings| settings.range_clock = range_clock);
        for number in 0..300 {
            let time = from - MINUTE + 6 * SECOND * number + Duration::from_millis(u64::from(number % 7));
            let late = if number % 5 == 0 { 4 * MINUTE } else { Duration::ZERO };
            stage.add(&prod(), Event::new(time, r#"{"hostname":"no time"}"#).late(late));
        }
        assert_split(&stage, 30);
        assert_eq!(stage.text_lines(&prod()).iter().filter(|line| line.contains("no time")).count(), 300);
    }
}

#[test]
fn a_burst_is_exact_whatever_ranges_are_compared_with() {
    for (range_clock, bounds) in [(RangeClock::Timestamp, Bounds::OPEN), (RangeClock::Ingested, Bounds::LEFT_OPEN)] {
        let stage = stage_with(25_000, at(NOW) - 10 * HOUR, MINUTE);
        stage.world.set(|settings| (settings.range_clock, settings.bounds) = (range_clock, bounds));
        assert_split(&stage, 30);
    }
}

#[test]
fn exactly_a_full_page_is_not_taken_for_all() {
    // The second window is the last twelve hours: 720 entries, one a minute, and these.
    let stage = stage_with(20_000 - 720, at(NOW) - 10 * HOUR, MINUTE);
    assert_split(&stage, 12);
    assert!(stage.requests_for(&prod()) > 3, "a page that is just full may have been cut off");
}

#[test]
fn a_full_millisecond_is_joined_from_both_results_and_leaves_a_gap_there_and_nowhere_else() {
    let burst = at(NOW) - 10 * HOUR + 30 * SECOND;
    let stage = stage_with(25_000, burst, Duration::ZERO);
    let desk = stage.desk();
    let report = desk.poll(&prod());
    assert!(report.figures.requests <= 80, "{} requests", report.figures.requests);
    // Parts overlap by a millisecond and their bounds may be inclusive, so those beside it are full too.
    let gap = Gap::new(burst - 2 * MILLISECOND, burst + 2 * MILLISECOND, "row-limit");
    assert_eq!(stage.gaps(&prod()), [gap]);
    stage.assert_exact_in_any_order(&prod());
    let of_burst = stage.world.truth(&prod().id, Window::new(burst, burst + MILLISECOND), stage.now());
    let mut archived = stage.lines(&prod());
    archived.sort_unstable();
    let there = of_burst.iter().filter(|event| archived.binary_search(&event.bytes.to_vec()).is_ok()).count();
    assert_eq!(there, of_burst.len(), "each result alone fits into a page");
    desk.poll(&prod());
    assert_eq!(stage.lines(&prod()).len(), archived.len());
}

#[test]
fn of_a_millisecond_too_full_for_any_page_the_newest_are_archived_once_and_nothing_else_is_missing() {
    let burst = at(NOW) - 10 * HOUR + 30 * SECOND;
    let stage = stage_with(50_000, burst, Duration::ZERO);
    stage.desk().poll(&prod());
    let gap = Gap::new(burst - 2 * MILLISECOND, burst + 2 * MILLISECOND, "row-limit");
    assert_eq!(stage.gaps(&prod()), [gap]);
    stage.assert_exact_in_any_order(&prod());
    assert_eq!(stage.lines(&prod()).len(), 36 * 60 - 1 + 40_000);
}

#[test]
fn a_full_millisecond_that_may_still_change_is_a_gap_only_once_the_watermark_has_passed_it() {
    let burst = at(NOW) - 5 * MINUTE;
    let stage = stage_with(25_000, burst, Duration::ZERO);
    let desk = stage.desk();
    desk.poll(&prod());
    assert_eq!(stage.gaps(&prod()), []);
    stage.assert_exact_in_any_order(&prod());
    stage.pass(4 * MINUTE);
    desk.poll(&prod());
    assert_eq!(stage.gaps(&prod()), []);
    stage.pass(20 * MINUTE);
    desk.poll(&prod());
    let gap = Gap::new(burst - 2 * MILLISECOND, burst + 2 * MILLISECOND, "row-limit");
    assert_eq!(stage.gaps(&prod()), [gap]);
    stage.assert_exact_in_any_order(&prod());
}
