//! When a daemon reconciles, and what else goes on meanwhile.

use atlas_logd::{
    instant::Instant,
    sim::{Event, Match},
    source::Source,
};
use rustix::process::Signal;

use crate::harness::{DAY, EVERY_SECOND, HOUR, MINUTE, ONCE_A_YEAR, ProjectTable, Stage, orders, prod, shops};

/// Both sources are collected, and a record of each has come too late.
fn stage(schedule: &str) -> Stage {
    let stage = Stage::new();
    stage.configure(|config| {
        config.schedule(schedule);
        config.set_text("schedule", "reconcile", &in_half_a_day(stage.now()));
        config.start("60h");
    });
    for source in [orders(), prod()] {
        (1..60).for_each(|hours| stage.add_record(&source, hours * HOUR, &format!("{hours}")));
    }
    stage.command(["collect"]).assert_done();
    for source in [orders(), prod()] {
        stage.add_record(&source, 30 * HOUR + MINUTE, "late");
    }
    stage
}

/// A pattern that ticks once a day, and not during the test.
fn in_half_a_day(now: Instant) -> String {
    let hour = now.seconds_floor().div_euclid(3600) + 12;
    format!("0 0 {} * * *", hour.rem_euclid(24))
}

/// The source was reconciled two days ago.
fn reconciled_before(stage: &Stage, source: &Source) {
    let name = source.to_string();
    let (from, to) = (stage.ago(2 * HOUR).to_string(), stage.ago(HOUR).to_string());
    stage.command(["reconcile", &name, "--from", &from, "--to", &to]).assert_done();
    let database = rusqlite::Connection::open(stage.state().join("state.db")).unwrap();
    let inserted = database.execute(
        "INSERT INTO reconciliation SELECT key, ?1, ?1, 0, 0, '' FROM source WHERE name = ?2",
        (stage.ago(2 * DAY).millis(), &source.id.name),
    );
    assert_eq!(inserted, Ok(1));
}

#[test]
fn a_reconciliation_that_was_missed_is_made_up_for_at_start() {
    let stage = stage(ONCE_A_YEAR);
    reconciled_before(&stage, &orders());
    let mut daemon = stage.spawn_daemon();
    let late = daemon.wait_for_line("1 record came later than the settle time");
    assert!(late.contains("WARN") && late.contains(&orders().to_string()), "{late}");
    let line = daemon.wait_for_line("reconciled");
    assert!(line.contains("missing=1") && line.contains("late=1") && line.contains("compared=60"), "{line}");
    daemon.stop();
    assert_eq!(stage.lines(&orders()).len(), 60);
    stage.assert_current(&orders());
    assert_eq!(stage.lines(&prod()).len(), 59, "it was never reconciled, and waits for the night");
    assert_eq!(stage.status(&orders()).reconciliation.unwrap().missing, 1);

    let daemon = stage.spawn_daemon();
    let log = daemon.stop();
    assert!(!log.iter().any(|line| line.contains("reconcile")), "{}", log.join("\n"));
}

#[test]
fn each_tick_reconciles_all_sources_of_its_pattern() {
    let stage = stage(ONCE_A_YEAR);
    stage.configure(|config| {
        config.projects[0].more.push(format!("schedule = {{ reconcile = \"{EVERY_SECOND}\" }}"));
        config.projects.push(ProjectTable::analytics());
    });
    let mut daemon = stage.spawn_daemon();
    for number in 1..4 {
        for source in [orders(), prod()] {
            daemon.wait_for_line(&format!("reconciled event=\"reconciled\" source={source}"));
            stage.add_record(&source, 20 * HOUR + number * MINUTE, &format!("late {number}"));
        }
    }
    [orders(), prod()].iter().for_each(|source| {
        (0..2).for_each(|_| {
            daemon.wait_for_line(&format!("reconciled event=\"reconciled\" source={source}"));
        });
    });
    daemon.stop();
    for source in [orders(), prod()] {
        assert_eq!(stage.lines(&source).len(), 63);
        stage.assert_exact_in_any_order(&source);
    }
    assert!(stage.status(&shops()).reconciliation.is_none(), "its project has the pattern of the section");
}

#[test]
fn without_a_pattern_there_is_no_reconciliation_and_the_range_can_be_set() {
    let stage = stage(ONCE_A_YEAR);
    stage.configure(|config| {
        config.set_text("schedule", "reconcile", "off");
        config.set_text("collect", "reconcile_range", "2h");
    });
    reconciled_before(&stage, &orders());
    stage.spawn_daemon().stop();
    assert_eq!(stage.lines(&orders()).len(), 59);
    stage.command(["reconcile"]).assert_done().assert_says("none was missing");
    stage.configure(|config| config.set_text("collect", "reconcile_range", "2d"));
    stage.command(["reconcile"]).assert_done().assert_says("1 was missing");
}

#[test]
fn most_of_a_window_that_differs_is_an_error_in_the_log_and_polls_go_on() {
    let stage = stage(EVERY_SECOND);
    for number in 0..200 {
        stage.add(&orders(), Event::audit(stage.ago(20 * HOUR), &format!("other {number}")));
    }
    reconciled_before(&stage, &orders());
    let mut daemon = stage.spawn_daemon();
    let line = daemon.wait_for_line("reconciliation: of what Atlas shows");
    assert!(line.contains("ERROR") && line.contains("are not in the archive, though it was complete"), "{line}");
    assert!(
        line.contains("archive them with: ") && line.contains(" collect 'payments/stream-audit/orders' --from "),
        "{line}"
    );
    stage.add_record(&orders(), MINUTE, "new");
    stage.wait_until_polled(&orders());
    daemon.stop();
    let status = stage.status(&orders());
    assert_eq!(status.failing_since, None);
    assert!(status.reconciliation.unwrap().failure.is_some());
    assert!(stage.text_lines(&orders()).iter().any(|line| line.contains("new")));
}

#[test]
fn a_source_that_is_removed_is_reconciled_no_further() {
    let stage = stage(ONCE_A_YEAR);
    reconciled_before(&stage, &orders());
    stage.world.clear_requests();
    let hold = stage.world.hold(Match::source(&orders().id));
    let mut daemon = stage.spawn_daemon();
    assert!(hold.wait_arrived(1));
    stage.configure(|config| config.projects[0].stream_instances.clear());
    daemon.signal(Signal::HUP);
    daemon.wait_for_line("the new configuration is in force");
    hold.release();
    daemon.wait_for_line("no longer collected; its segment is sealed");
    daemon.stop();
    assert_eq!(stage.data_requests(&orders()).len(), 1, "the window under way");
    let removed = stage.statuses().into_iter().find(|status| !status.configured).unwrap();
    assert_eq!(removed.reconciliation.map(|last| last.compared), Some(0), "it is not told as done");
}
