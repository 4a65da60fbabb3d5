//! A wrong answer in the middle of a backlog: what came before it stays, and what comes behind it waits for nobody who
//! does not come.

use atlas_logd::{
    instant::Instant,
    sim::{Fault, Match},
    source::Source,
};

use super::cases::impatient;
use crate::harness::{HOUR, Stage, orders, prod};

/// A backlog of three windows, with a record every second hour.
fn stage() -> Stage {
    let stage = Stage::new();
    impatient(&stage);
    stage.configure(|config| config.start("60h"));
    for source in [orders(), prod()] {
        (1..=29).for_each(|number| stage.add_record(&source, 2 * HOUR * number, &format!("record {number}")));
    }
    stage
}

fn wrong(source: &Source) -> Fault {
    if *source == orders() { Fault::Body("this is no gzip".into()) } else { Fault::Body("this is no JSON".into()) }
}

/// The first parameter of a query, which is where its range begins.
fn beginning(query: &str) -> &str {
    let start = |part: &&str| part.starts_with("start");
    query.split('&').find(start).unwrap()
}

/// What is said about the failure of a source.
fn failure<'a>(stderr: &'a str, source: &Source) -> &'a str {
    let start = format!("{source}: failed to collect [");
    stderr.lines().find(|line| line.starts_with(&start)).unwrap_or_else(|| panic!("{stderr}"))
}

#[test]
fn what_was_committed_before_stays_and_the_window_is_asked_again() {
    let stage = stage();
    for source in [orders(), prod()] {
        stage.world.fault(Match::source(&source.id).nth(2), wrong(&source));
    }
    stage.command(["collect"]).assert_code(1);
    for source in [orders(), prod()] {
        assert_eq!(stage.requests_for(&source), 2, "what lies behind is not asked for");
        assert_eq!(stage.status(&source).covered().duration(), 24 * HOUR);
        assert!(!stage.lines(&source).is_empty());
        stage.assert_exact(&source);
    }
    stage.command(["collect"]).assert_done();
    for source in [orders(), prod()] {
        assert_eq!(stage.requests_for(&source), 4);
        assert_eq!(stage.lines(&source).len(), 29);
        assert!(stage.gaps(&source).is_empty());
        stage.assert_current(&source);
    }
}

#[test]
fn a_window_that_never_gets_better_is_skipped_and_the_rest_is_collected() {
    let stage = stage();
    for source in [orders(), prod()] {
        stage.world.fault(Match::source(&source.id).nth(2), wrong(&source));
    }
    let outcome = stage.command(["collect"]).assert_code(1);
    for source in [orders(), prod()] {
        let queries = stage.world.requests_matching(&Match::source(&source.id));
        stage.world.fault(Match::source(&source.id).query(beginning(&queries[1].query)), wrong(&source));
    }
    for source in [orders(), prod()] {
        let end: Instant = stage.status(&source).end();
        stage.paste(failure(&outcome.stderr, &source)).assert_done();
        let [gap] = &stage.gaps(&source)[..] else { panic!("{source} has no gap, or several") };
        assert_eq!((gap.window.from, gap.window.to), (end, end + 24 * HOUR));
    }
    stage.command(["collect"]).assert_done();
    for source in [orders(), prod()] {
        let [gap] = &stage.gaps(&source)[..] else { panic!("{source} has no gap, or several") };
        assert_eq!((gap.reason.as_str(), gap.detail.as_str()), ("skipped", "never"));
        let missing = 29 - stage.lines(&source).len();
        assert!((11..=12).contains(&missing), "{missing} records are missing");
        stage.assert_exact(&source);
    }
}
