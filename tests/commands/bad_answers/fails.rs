//! A wrong answer fails its poll and nothing else: nothing of it is archived, and nothing is lost.

use std::fs;

use atlas_logd::source::Source;

use super::cases::{Case, Then, all, impatient, stage_for, strike};
use crate::harness::{HOUR, MINUTE, Outcome, Stage, orders, prod};

/// What is said about a source's failed poll.
#[track_caller]
fn failure<'a>(outcome: &'a Outcome, source: &Source) -> &'a str {
    let start = format!("{source}: failed to collect ");
    let mut lines = outcome.stderr.lines().filter(|line| line.starts_with(&start));
    let line = lines.next().unwrap_or_else(|| panic!("{source} did not fail:\n{}", outcome.stderr));
    assert_eq!(lines.next(), None, "its failure is told twice");
    line
}

/// The command in a message, less its reason, which a person has to think of.
fn printed_skip(line: &str) -> Option<&str> {
    line.split_once("get past it with: ").map(|(_, command)| command)
}

/// What lies in the folders besides segments and database.
fn leftovers(stage: &Stage) -> Vec<String> {
    let names = |folder| fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let expected = ["state.db", "state.db-wal", "state.db-shm", "lock"];
    let state = names(stage.state()).filter(|name| !expected.contains(&name.as_str()));
    state.chain(names(stage.archive().join(".spool"))).collect()
}

#[test]
fn a_wrong_answer_fails_its_poll_and_moves_nothing() {
    let cases = all();
    let (stage, sources) = stage_for(&cases);
    let before: Vec<_> =
        stage.statuses().into_iter().map(|status| (status.source.clone(), status.covered(), status.records)).collect();
    let segments: Vec<_> = sources.iter().map(|source| stage.segments(source)).collect();
    stage.add_record(&orders(), MINUTE, "unharmed");
    stage.add_record(&prod(), MINUTE, "unharmed");
    strike(&stage, &cases, &sources);
    stage.world.clear_requests();

    let outcome = stage.command(["collect"]).assert_code(1);
    for ((case, source), segments) in cases.iter().zip(&sources).zip(segments) {
        let line = failure(&outcome, source);
        let (_, covered, records) = before.iter().find(|(name, ..)| *name == source.to_string()).unwrap();
        assert!(line.contains(&format!("[{}, ", covered.to)), "{line}");
        assert!(line.contains(&format!("): {}", case.says)), "{}: {line}", case.says);
        match case.then {
            Then::Wait => assert!(!line.contains("; "), "nothing is to be done: {line}"),
            Then::Do(what) => assert!(line.ends_with(what), "{line}"),
            Then::Skip => assert!(printed_skip(line).is_some(), "{line}"),
        }
        assert_eq!(stage.segments(source), segments, "{source}");
        // Only where compression may be what went wrong is it asked again, without.
        let most = if case.may_be_of_compression() { 2 } else { 1 };
        assert!((1..=most).contains(&stage.requests_for(source)), "{source}");
        let status = stage.status(source);
        assert_eq!((status.covered(), status.records), (*covered, *records), "{source}");
        assert!(status.failing_since.is_some());
        assert_eq!(format!("{source}: {}", status.message.unwrap()), line);
    }
    assert_eq!(leftovers(&stage), Vec::<String>::new());
    for source in [orders(), prod()] {
        assert_eq!(stage.lines(&source).len(), 1);
        stage.assert_current(&source);
    }

    stage.world.clear_faults();
    stage.command(["collect"]).assert_done();
    for source in &sources {
        assert_eq!(stage.lines(source).len(), 10, "{source}");
        assert!(stage.gaps(source).is_empty());
        assert_eq!(stage.status(source).failing_since, None);
        stage.assert_current(source);
    }
    assert_eq!(leftovers(&stage), Vec::<String>::new());
}

#[test]
fn an_answer_that_is_wrong_from_the_start_leaves_a_source_without_a_record() {
    let stage = Stage::new();
    let cases: Vec<Case> = all();
    impatient(&stage);
    let sources: Vec<Source> = cases.iter().map(|case| stage.add_source(case.kind, case.name)).collect();
    sources.iter().for_each(|source| stage.add_record(source, HOUR, "first"));
    strike(&stage, &cases, &sources);
    let outcome = stage.command(["collect"]).assert_code(1);
    for source in &sources {
        failure(&outcome, source);
        assert_eq!(stage.bytes(source), b"");
        assert!(stage.status(source).covered().is_empty(), "{source} claims to be complete somewhere");
    }
    stage.world.clear_faults();
    stage.command(["collect"]).assert_done();
    sources.iter().for_each(|source| stage.assert_current(source));
}

#[test]
fn the_printed_skip_gets_past_an_answer_that_never_gets_better() {
    let cases: Vec<Case> = all().into_iter().filter(|case| case.then == Then::Skip).collect();
    let (stage, sources) = stage_for(&cases);
    strike(&stage, &cases, &sources);
    let outcome = stage.command(["collect"]).assert_code(1);
    for source in &sources {
        let end = stage.status(source).end();
        let line = failure(&outcome, source);
        let skipped = stage.paste(line).assert_done();

        let gaps = stage.gaps(source);
        let [gap] = &gaps[..] else { panic!("{source}: {gaps:?}") };
        assert_eq!((gap.window.from, gap.reason.as_str()), (end, "skipped"), "{source}");
        assert!(
            line.contains(&format!("{}: ", gap.window)),
            "the gap is another window than that of the failure: {line}"
        );
        assert_eq!(stage.status(source).end(), gap.window.to);
        assert!(skipped.stdout.contains(&format!("{source}: {} is a gap now", gap.window)), "{}", skipped.stdout);
        stage.add_record(source, std::time::Duration::ZERO, "behind the gap");
    }
    stage.world.clear_faults();
    stage.command(["collect"]).assert_done();
    for source in &sources {
        let lines = stage.text_lines(source);
        assert!(lines.last().is_some_and(|line| line.contains("behind the gap")), "{source}: {lines:?}");
        assert_eq!(stage.gaps(source).len(), 1);
        stage.assert_exact(source);
    }
}
