//! `skip`: a range that can never be had.

use atlas_logd::{
    instant::Instant,
    sim::{Event, Fault, Match},
    source::Source,
};

use crate::harness::{Gap, HOUR, MINUTE, Outcome, SECOND, Stage, orders, prod};

/// Six hours of events, one every 30 s, of which nothing is collected yet.
fn stage() -> Stage {
    let stage = Stage::new();
    for number in 1..720 {
        let time = stage.ago(number * 30 * SECOND);
        stage.add(&orders(), Event::audit(time, &number.to_string()));
        stage.add(&prod(), Event::access(time, "host-00", &number.to_string()));
    }
    stage
}

fn skip(stage: &Stage, source: &Source, from: Instant, to: Instant, reason: &str) -> Outcome {
    let (name, from, to) = (source.to_string(), from.to_string(), to.to_string());
    stage.command(["skip", &name, "--from", &from, "--to", &to, "--reason", reason])
}

fn skipped(from: Instant, to: Instant, reason: &str) -> Gap {
    Gap { detail: reason.to_owned(), ..Gap::new(from, to, "skipped") }
}

#[test]
fn what_is_collected_already_is_not_skipped() {
    let stage = stage();
    stage.command(["collect"]).assert_done();
    for source in [orders(), prod()] {
        let before = stage.status(&source);
        let (start, end) = (before.start(), before.end());
        for (from, to) in [(start + HOUR, start + 2 * HOUR), (start - HOUR, start), (start - HOUR, end), (start, end)] {
            skip(&stage, &source, from, to, "never").assert_code(1).assert_says("is collected up to");
        }
        let after = stage.status(&source);
        assert_eq!((after.covered(), after.gaps()), (before.covered(), vec![]));
        skip(&stage, &source, start + HOUR, end + 3 * MINUTE, "never").assert_done();
        let after = stage.status(&source);
        assert_eq!((after.start(), after.end()), (start, end + 3 * MINUTE));
        assert_eq!(after.gaps(), [skipped(end, end + 3 * MINUTE, "never")], "only what is not collected");
        stage.command(["collect"]).assert_done();
        stage.assert_current(&source);
    }
}

#[test]
fn a_range_at_the_end_moves_the_end_behind_it_for_good() {
    let stage = stage();
    stage.command(["collect"]).assert_done();
    for source in [orders(), prod()] {
        let end = stage.status(&source).end();
        skip(&stage, &source, end, end + 5 * MINUTE, "never").assert_done();
        assert_eq!(stage.status(&source).end(), end + 5 * MINUTE);
        stage.command(["collect"]).assert_done();
        assert_eq!(stage.status(&source).end(), end + 5 * MINUTE);
        assert_eq!(stage.gaps(&source), [skipped(end, end + 5 * MINUTE, "never")]);
        stage.assert_current(&source);
    }
}

#[test]
fn a_range_ahead_of_the_end_is_passed_over_when_the_end_gets_there() {
    let stage = Stage::at("2026-11-20T12:00:00Z");
    stage.configure(|config| config.start("1h"));
    for number in 0..600 {
        let time = stage.ago(HOUR) + number * 30 * SECOND;
        stage.add(&orders(), Event::audit(time, &number.to_string()));
        stage.add(&prod(), Event::access(time, "host-00", &number.to_string()));
    }
    stage.poll_once();
    let end = |source: &Source| stage.status(source).end();
    for source in [orders(), prod()] {
        let from = end(&source) + 2 * MINUTE;
        skip(&stage, &source, from, from + 3 * MINUTE, "never").assert_done();
        assert_eq!(end(&source), from - 2 * MINUTE);
    }
    let desk = stage.desk();
    for _ in 0..15 {
        stage.pass(MINUTE);
        desk.poll_all();
        for source in [orders(), prod()] {
            stage.assert_current(&source);
            let gaps = stage.gaps(&source);
            assert_eq!(gaps.len(), 1);
            assert!(!gaps[0].window.contains(end(&source)), "{source} stands in a range that it never gets");
        }
    }
    assert_eq!(end(&orders()), stage.ago(10 * MINUTE));
    assert_eq!(end(&prod()), stage.ago(15 * MINUTE));
}

#[test]
fn what_cannot_be_skipped_is_refused_and_nothing_changes() {
    let stage = stage();
    skip(&stage, &orders(), stage.ago(HOUR), stage.ago(MINUTE), "never").assert_code(1).assert_says("never polled");
    stage.command(["collect"]).assert_done();
    let before = stage.status(&orders());
    let (start, end) = (before.start(), before.end());
    skip(&stage, &orders(), end, stage.now() + HOUR, "never").assert_code(2).assert_says("future");
    skip(&stage, &orders(), start, end, "").assert_code(2).assert_says("--reason is empty");
    skip(&stage, &orders(), start, end, " \t").assert_code(2).assert_says("--reason is empty");
    skip(&stage, &orders(), end, end, "never").assert_code(2).assert_says("is not before");
    let other = Source { project_name: "other".to_owned(), ..orders() };
    skip(&stage, &other, start, end, "never").assert_code(2).assert_says("payments/stream-audit/orders");
    let after = stage.status(&orders());
    assert_eq!((after.covered(), after.gaps()), (before.covered(), vec![]));
}

#[test]
fn the_daemon_goes_on_behind_a_window_that_fails_for_ever_once_it_is_skipped_as_the_error_says() {
    let stage = stage();
    stage.configure(|config| {
        config.settle("0s");
        config.schedule("* * * * * *");
    });
    stage.command(["collect"]).assert_done();
    let end = stage.status(&prod()).end();
    // Whatever is asked from there is an answer that is none, for ever.
    let asked = format!("start={}&", (end - 5 * SECOND).millis());
    stage.world.fault(Match::source(&prod().id).query(&asked), Fault::Body("<html>sorry</html>".into()));
    let mut daemon = stage.spawn_daemon();
    let line = daemon.wait_for_line("get past it with: ");
    daemon.stop();
    assert_eq!(stage.status(&prod()).end(), end);
    stage.paste(&line).assert_done();
    let gap = stage.gaps(&prod())[0].clone();
    assert_eq!(gap.window.from, end);
    assert!(line.contains(&format!("skip '{}' --from {} --to {} ", prod(), gap.window.from, gap.window.to)), "{line}");
    let behind = stage.now();
    stage.add(&prod(), Event::access(behind, "host-00", "behind it"));
    stage.world.clear_requests();
    let daemon = stage.spawn_daemon();
    assert!(stage.world.wait_arrived(&Match::source(&prod().id), 3));
    daemon.stop();
    assert_eq!(stage.gaps(&prod()), [gap]);
    assert!(stage.status(&prod()).failing_since.is_none());
    assert!(stage.status(&prod()).end() >= behind);
    stage.assert_exact(&prod());
}
