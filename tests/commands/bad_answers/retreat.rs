//! An answer that is wrong again and again: what can be had around it is had, and the rest is what `skip` is named for.

use std::time::Duration;

use atlas_logd::{
    instant::Instant,
    sim::{Fault, Match},
    source::{Kind, Source},
    window::Window,
};

use super::cases::{gzip, impatient};
use crate::harness::{HOUR, MINUTE, Outcome, SECOND, Stage, at, orders, prod};

/// A backlog of three windows, with a record every half hour.
fn stage() -> Stage {
    let stage = Stage::at("2026-11-22T10:00:00Z");
    impatient(&stage);
    stage.configure(|config| config.start("60h"));
    for source in [orders(), prod()] {
        (1..=119).for_each(|number| stage.add_record(&source, 30 * MINUTE * number, &format!("record {number}")));
    }
    stage
}

/// What a poll failed with, and at which window, when the program starts for it.
fn failure(stage: &Stage, source: &Source) -> (String, Window) {
    let failure = stage.desk().try_poll(source).failure.unwrap();
    (failure.to_string(), failure.window.unwrap())
}

fn skip(stage: &Stage, source: &Source, window: Window) -> Outcome {
    let (from, to) = (window.from.to_string(), window.to.to_string());
    stage.command(["skip", &source.to_string(), "--from", &from, "--to", &to, "--reason", "bad line"]).assert_done()
}

#[test]
fn only_minutes_around_a_record_that_can_never_be_had_are_given_up() {
    let bad: Instant = at("2026-11-21T03:20:17Z");
    let stage = stage();
    for source in [orders(), prod()] {
        let wrong = match source.id.kind {
            Kind::StreamAudit => Fault::Body(gzip(vec![b'x'; 17 << 20]).into()),
            Kind::AccessHistory => Fault::Body("{\"accessLogs\":[7]}".into()),
        };
        stage.world.fault(Match::source(&source.id).about(bad), wrong);

        let (message, window) = failure(&stage, &source);
        assert!(message.contains("get past it with: "), "{message}");
        assert_eq!(window.duration(), 24 * HOUR, "a fault may pass by itself: {message}");
        assert_eq!(stage.requests_for(&source), 2);

        stage.world.clear_requests();
        let (message, window) = failure(&stage, &source);
        assert!(message.contains(&format!("skip '{source}' --from {} --to {} ", window.from, window.to)), "{message}");
        assert!(window.duration() <= MINUTE, "{message}");
        assert!(window.widened(5 * SECOND).contains(bad), "{message}");
        assert_eq!(stage.status(&source).end(), window.from, "what lies before is archived");
        stage.assert_exact(&source);
        let requests = stage.requests_for(&source);
        assert!(requests <= 40, "{requests} requests");

        // A bad record at the edge of a window is in the slack of the next one too.
        let mut given_up = Duration::ZERO;
        let mut failed = Some(window);
        while let Some(window) = failed {
            given_up += window.duration();
            assert!(given_up <= 2 * MINUTE, "{given_up:?} were given up");
            skip(&stage, &source, window);
            failed = stage.desk().try_poll(&source).failure.and_then(|failure| failure.window);
        }
        assert_eq!(stage.lines(&source).len(), 119, "no record lies in the minutes that were given up");
        assert!(stage.gaps(&source).iter().all(|gap| gap.window.widened(5 * SECOND).contains(bad)));
        stage.assert_current(&source);
    }
}

#[test]
fn a_window_that_is_too_long_for_atlas_is_asked_in_shorter_ones() {
    let stage = stage();
    for source in [orders(), prod()] {
        stage.world.fault(Match::source(&source.id).longer_than(4 * HOUR), Fault::html(504));
        let (message, _) = failure(&stage, &source);
        assert!(message.ends_with("the server failed with 504"), "{message}");
        assert_eq!(stage.lines(&source).len(), 0);
        stage.desk().poll(&source);
        assert_eq!(stage.lines(&source).len(), 119);
        assert!(stage.gaps(&source).is_empty());
        stage.assert_current(&source);
    }
}

#[test]
fn a_fault_that_passes_most_of_the_time_is_called_lasting_at_the_third_poll() {
    let stage = stage();
    for source in [orders(), prod()] {
        stage.world.fault(Match::source(&source.id), Fault::Truncate(30));
        for poll in 1..=4 {
            let (message, window) = failure(&stage, &source);
            assert!(message.contains(" stops in the middle, after "), "{message}");
            assert_eq!(message.contains("get past it with: "), poll >= 3, "poll {poll}: {message}");
            assert_eq!(window.duration(), if poll == 1 { 24 * HOUR } else { MINUTE }, "poll {poll}: {message}");
        }
        stage.world.clear_faults();
        stage.desk().poll(&source);
        assert_eq!(stage.lines(&source).len(), 119);
        assert!(stage.gaps(&source).is_empty());
        stage.assert_current(&source);
    }
}

/// A refill that came upon the minute again would fail for ever, and never get to what lies behind.
#[test]
fn damage_around_a_minute_that_was_given_up_is_refilled_around_it() {
    let bad: Instant = at("2026-11-20T09:20:17Z");
    let stage = Stage::at("2026-11-20T12:00:00Z");
    impatient(&stage);
    stage.configure(|config| config.only_audit());
    let source = orders();
    (1..720).for_each(|number| stage.add_record(&source, 30 * SECOND * number, &number.to_string()));
    let line = Fault::Body(gzip(vec![b'x'; 17 << 20]).into());
    stage.world.fault(Match::source(&source.id).about(bad), line.clone());
    stage.desk().try_poll(&source).failure.unwrap();
    loop {
        let failure = stage.desk().try_poll(&source).failure;
        let Some(failure) = failure else { break };
        stage.paste(&failure.to_string()).assert_done();
    }
    let skipped = stage.gaps(&source);
    let [segment] = &stage.segments(&source)[..] else { panic!("more than one segment") };
    let path = stage.folder_of(&source).join(&segment.name);
    let good = segment.bytes.iter().take(segment.bytes.len() / 8).rposition(|&byte| byte == b'\n').unwrap() + 1;
    stage.damaged(|| std::fs::OpenOptions::new().append(true).open(&path).unwrap().set_len(good as u64).unwrap());
    stage.pass(5 * MINUTE);
    stage.desk().poll(&source);
    stage.desk().poll(&source);
    assert_eq!(stage.gaps(&source), skipped, "all but the minute is there again");

    // What is damaged and can never be had any more can be given up too.
    let other = at("2026-11-20T10:40:00Z");
    let [.., open] = &stage.segments(&source)[..] else { panic!("no segment") };
    let path = stage.folder_of(&source).join(&open.name);
    stage.damaged(|| std::fs::OpenOptions::new().append(true).open(&path).unwrap().set_len(0).unwrap());
    stage.world.fault(Match::source(&source.id).about(other), line);
    stage.pass(5 * MINUTE);
    let mut given_up = 0;
    for _ in 0..12 {
        let Some(failure) = stage.desk().try_poll(&source).failure else { continue };
        if failure.window.is_some_and(|window| window.duration() <= MINUTE) {
            stage.paste(&failure.to_string()).assert_done();
            given_up += 1;
        }
    }
    stage.desk().poll(&source);
    assert!((1..=2).contains(&given_up), "{given_up} minutes were given up");
    assert!(stage.gaps(&source).iter().all(|gap| gap.reason.as_str() == "skipped"), "{:?}", stage.gaps(&source));
    assert_eq!(stage.gaps(&source).len(), skipped.len() + given_up);
}
