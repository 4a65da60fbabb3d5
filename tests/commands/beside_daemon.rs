//! Beside a running daemon: `collect`, backfills, `reconcile`, `skip` and `seal` are done by it, and are what they are
//! without it.

use std::fs;

use atlas_logd::{
    sim::{Event, Match},
    source::Source,
};
use rustix::process::Signal;

use crate::harness::{DAY, Daemon, Gap, HOUR, MINUTE, ONCE_A_YEAR, Outcome, ProjectTable, Stage, orders, prod, shops};

/// A daemon that has polled both sources once, and does nothing more by itself.
pub(super) fn stage() -> (Stage, Daemon) {
    stage_with(|_| ())
}

fn stage_with(prepare: impl FnOnce(&Stage)) -> (Stage, Daemon) {
    let stage = Stage::new();
    stage.configure(|config| config.schedule(ONCE_A_YEAR));
    [orders(), prod()].iter().for_each(|source| stage.add_record(source, 5 * HOUR, "first"));
    prepare(&stage);
    let mut daemon = stage.spawn_daemon();
    wait_until_quiet(&stage, &mut daemon);
    (stage, daemon)
}

/// Its first polls are over: an order of the same sources comes after them.
pub(super) fn wait_until_quiet(stage: &Stage, daemon: &mut Daemon) {
    [orders(), prod()].iter().for_each(|source| stage.wait_for_data_requests(source, 1));
    stage.command(["collect"]).assert_done();
    daemon.wait_for_line("taking an order");
}

/// The archive is proven by its own files, and holds what happened.
#[track_caller]
pub(super) fn assert_proven(stage: &Stage, sources: &[Source]) {
    sources.iter().for_each(|source| stage.assert_exact(source));
    let verified = stage.command(["verify", stage.archive().to_str().unwrap()]);
    verified.assert_done();
}

fn ranged(stage: &Stage, command: &str, source: &Source, from: u32, to: u32, more: &[&str]) -> Outcome {
    let (name, from, to) = (source.to_string(), stage.ago(from * HOUR).to_string(), stage.ago(to * HOUR).to_string());
    stage.command([&[command, &name, "--from", &from, "--to", &to], more].concat())
}

#[test]
fn a_collection_says_what_it_says_without_a_daemon() {
    let (stage, daemon) = stage();
    // The daemon makes the archive digest of a day by itself, without a daemon the first pass does.
    let heard = |outcome: &Outcome| {
        let lines = outcome.stderr.lines().filter(|line| !line.starts_with("archive digest"));
        let mut lines: Vec<String> = lines.map(without_times).collect();
        lines.sort();
        lines
    };
    let table = |outcome: &Outcome| {
        let line = |line: &str| line.split_whitespace().take(1).collect::<Vec<_>>().join(" ");
        outcome.stdout.lines().map(line).collect::<Vec<_>>()
    };
    [orders(), prod()].iter().for_each(|source| stage.add_record(source, MINUTE, "second"));
    let beside = stage.command(["collect"]).assert_done();
    daemon.stop();
    [orders(), prod()].iter().for_each(|source| stage.add_record(source, MINUTE, "third!"));
    let alone = stage.command(["collect"]).assert_done();
    assert_eq!(heard(&beside), heard(&alone));
    assert_eq!(table(&beside), table(&alone));
    for source in [orders(), prod()] {
        assert!(beside.stderr.contains(&format!("{source}: done: 1 new record, ")), "{}", beside.stderr);
        assert_eq!(stage.lines(&source).len(), 3);
        stage.assert_current(&source);
    }
}

/// A line without what differs from one moment to the next.
fn without_times(line: &str) -> String {
    line.chars().filter(|character| !character.is_ascii_digit() && *character != '.').collect()
}

#[test]
fn only_what_is_named_is_collected_and_what_fails_is_exit_1() {
    let (stage, daemon) = stage();
    stage.world.clear_requests();
    let named = stage.command(["collect", &orders().to_string()]).assert_done();
    assert!(named.stdout.contains(&orders().to_string()) && !named.stdout.contains(&prod().to_string()));
    assert_eq!((stage.requests_for(&orders()), stage.requests_for(&prod())), (1, 0));
    stage.world.change_service_accounts(|accounts| accounts[0].grants.clear());
    let failed = stage.command(["collect"]).assert_code(1);
    for source in [orders(), prod()] {
        failed.clone().assert_says(&format!("{source}: failed to collect ["));
        assert!(stage.status(&source).failing_since.is_some());
    }
    let log = daemon.stop();
    assert!(log.iter().any(|line| line.contains("ERROR") && line.contains("failing_since")), "{log:#?}");
}

#[test]
fn a_range_is_backfilled_and_what_is_lost_is_archived_again_by_order() {
    let (stage, mut daemon) = stage();
    for source in [orders(), prod()] {
        stage.add_record(&source, 8 * HOUR, "before the start");
        let start = stage.status(&source).start();
        ranged(&stage, "collect", &source, 9, 5, &[]).assert_done().assert_says("done: 1 new record");
        assert!(stage.status(&source).start() < start);
        daemon.wait_for_line("backfilled");
        ranged(&stage, "collect", &source, 9, 5, &[]).assert_done().assert_says("done: 0 new records");
        stage.assert_exact(&source);

        stage.command(["seal", &source.to_string()]).assert_done();
        let sealed = stage.folder_of(&source).join(&stage.segments(&source)[0].name);
        stage.command(["collect", &source.to_string()]).assert_done();
        stage.damaged(|| fs::remove_file(&sealed).unwrap());
        ranged(&stage, "collect", &source, 9, 5, &[]).assert_code(1).assert_says("might be archived twice");
        ranged(&stage, "collect", &source, 9, 4, &["--lost"]).assert_done().assert_says("done: 2 new records");
        assert_eq!(stage.lines(&source).len(), 2);
    }
    daemon.stop();
}

#[test]
fn what_came_late_is_found_by_a_reconciliation_by_order() {
    let (stage, mut daemon) = stage();
    for source in [orders(), prod()] {
        stage.add_record(&source, 4 * HOUR, "late");
        let said = "compared 2 records of [";
        ranged(&stage, "reconcile", &source, 5, 3, &[]).assert_done().assert_says("compared 1 record of [");
        daemon.wait_for_line("reconciled");
        ranged(&stage, "reconcile", &source, 6, 3, &[]).assert_done().assert_says(said);
        assert_eq!(stage.lines(&source).len(), 2);
        let whole = stage.command(["reconcile", &source.to_string()]).assert_done();
        whole.assert_says(said).assert_says("none was missing");
        assert_eq!(stage.status(&source).reconciliation.unwrap().compared, 2);
    }
    daemon.stop();
    assert_proven(&stage, &[orders(), prod()]);
}

#[test]
fn a_skip_moves_the_watermark_that_the_daemon_goes_on_from() {
    let (stage, mut daemon) = stage();
    for source in [orders(), prod()] {
        let end = stage.status(&source).end();
        let (from, to) = (end.to_string(), (end + 5 * MINUTE).to_string());
        let name = source.to_string();
        let skip = ["skip", &name, "--from", &from, "--to", &to, "--reason", "it is 'lost'"];
        let said = stage.command(skip).assert_done().stdout;
        assert_eq!(said, format!("{name}: [{from}, {to}) is a gap now; the end watermark stands at {to}\n"));
        let logged = daemon.wait_for_line("skipped");
        assert!(logged.contains("WARN") && logged.contains("it is 'lost'") && logged.contains("uid="), "{logged}");
        stage.command(skip).assert_code(1).assert_says("is collected up to");
        stage.command(["collect", &name]).assert_done();
        assert!(stage.status(&source).end() >= end + 5 * MINUTE);
        let gap = Gap { detail: "it is 'lost'".to_owned(), ..Gap::new(end, end + 5 * MINUTE, "skipped") };
        assert_eq!(stage.gaps(&source), [gap]);
    }
    let never = ["skip", &orders().to_string(), "--from", "2020-01-01", "--to", "2020-01-02", "--reason", "none"];
    stage.command(never).assert_code(1).assert_says("is collected up to");
    daemon.stop();
    assert_proven(&stage, &[orders(), prod()]);
}

#[test]
fn commands_at_the_same_time_come_one_after_the_other_and_archive_once() {
    let (stage, daemon) = stage();
    [orders(), prod()].iter().for_each(|source| stage.add_record(source, MINUTE, "second"));
    stage.world.clear_requests();
    let hold = stage.world.hold(Match::source(&orders().id));
    let first = stage.spawn_collect();
    assert!(hold.wait_arrived(1));
    let mut others: Vec<Daemon> = (0..3).map(|_| stage.spawn_collect()).collect();
    // Each has seen to the other source, and waits for this one.
    others.iter_mut().for_each(|other| drop(other.wait_for_line(&format!("{}: done: ", prod()))));
    assert_eq!(stage.requests_for(&orders()), 1);
    hold.release();
    for command in others.into_iter().chain([first]) {
        let (code, said) = command.wait();
        assert_eq!(code, Some(0), "{said:#?}");
    }
    assert_eq!(stage.requests_for(&orders()), 4);
    daemon.stop();
    for source in [orders(), prod()] {
        assert_eq!(stage.lines(&source).len(), 2);
        stage.assert_current(&source);
    }
    assert_proven(&stage, &[orders(), prod()]);
}

#[test]
fn a_source_is_reconciled_by_one_at_a_time_and_polled_between_two_windows() {
    let (stage, mut daemon) = stage();
    stage.add_record(&orders(), 4 * HOUR, "late");
    stage.world.clear_requests();
    let name = orders().to_string();
    let hold = stage.world.hold(Match::source(&orders().id));
    let first = stage.spawn_command(["reconcile", &name]);
    assert!(hold.wait_arrived(1));
    let (second, poll) = (stage.spawn_command(["reconcile", &name]), stage.spawn_command(["collect", &name]));
    (0..3).for_each(|_| drop(daemon.wait_for_line("taking an order")));
    assert_eq!(stage.requests_for(&orders()), 1);
    hold.release();
    for command in [first, second, poll] {
        let (code, said) = command.wait();
        assert_eq!(code, Some(0), "{said:#?}");
    }
    assert_eq!(stage.requests_for(&orders()), 3);
    daemon.stop();
    assert_eq!(stage.lines(&orders()).len(), 2);
    assert_proven(&stage, &[orders(), prod()]);
}

#[test]
fn a_source_that_the_daemon_has_not_heard_of_is_named_with_what_to_do() {
    let (stage, mut daemon) = stage();
    stage.add_record(&shops(), HOUR, "one");
    stage.configure(|config| config.projects.push(ProjectTable::analytics()));
    let says = "the running daemon has not read that yet";
    for arguments in [["collect", &shops().to_string()], ["seal", &shops().to_string()]] {
        let refused = stage.command(arguments).assert_code(1).assert_says(says);
        refused.assert_says(&shops().to_string());
    }
    let all = stage.command(["collect"]).assert_code(1).assert_says(says);
    all.assert_says(&format!("{}: done: 0 new records", orders()));
    stage.command(["collect", "payments/stream-audit/order"]).assert_code(2).assert_says("there is no source");
    assert_eq!(stage.requests_for(&shops()), 0);
    daemon.signal(Signal::HUP);
    daemon.wait_for_line("the new configuration is in force");
    stage.command(["collect", &shops().to_string()]).assert_done();
    daemon.stop();
    stage.assert_current(&shops());
}

#[test]
fn a_source_that_was_removed_is_sealed_and_what_was_ordered_of_it_ends() {
    let stage = Stage::new();
    stage.configure(|config| {
        config.schedule(ONCE_A_YEAR);
        config.start("74h");
    });
    for days in 0..4 {
        stage.add(&orders(), Event::audit(stage.ago((3 - days) * DAY + HOUR), &format!("day {days}")));
    }
    let mut daemon = stage.spawn_daemon();
    wait_until_quiet(&stage, &mut daemon);
    stage.world.clear_requests();
    let hold = stage.world.hold(Match::source(&orders().id));
    let command = stage.spawn_command(["reconcile", &orders().to_string()]);
    assert!(hold.wait_arrived(1));
    stage.configure(|config| config.projects[0].stream_instances.clear());
    daemon.signal(Signal::HUP);
    daemon.wait_for_line("the new configuration is in force");
    hold.release();
    let (code, said) = command.wait();
    assert_eq!(code, Some(1), "{said:#?}");
    daemon.wait_for_line("no longer collected; its segment is sealed");
    assert_eq!(stage.requests_for(&orders()), 1);
    daemon.stop();
    assert_eq!(stage.lines(&orders()).len(), 4);
    stage.command(["verify", stage.archive().to_str().unwrap()]).assert_done();
}
