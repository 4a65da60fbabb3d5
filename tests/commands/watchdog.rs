//! The watchdog of the service manager: fed while the daemon gets on, and by nothing else; and what it is told in words.

use std::{
    fs::{self, OpenOptions},
    io::Write as _,
    time::Duration,
};

use atlas_logd::sim::{Fault, Match};
use rusqlite::{Connection, TransactionBehavior};
use rustix::fs::{CWD, Mode, mkfifoat};

use crate::harness::{CLIENT_SECRET, Daemon, EVERY_SECOND, HOUR, Manager, ONCE_A_YEAR, SECOND, Stage, orders, prod};

/// The daemon gives four signs of life in this time.
const WATCHDOG: Duration = Duration::from_millis(400);

/// Six hours without a poll are too long, and nothing ticks in a test.
const HOURLY: &str = "0 0 * * * *";

fn start(stage: &Stage, manager: &Manager) -> Daemon {
    stage.spawn_daemon_with(|command| manager.watches(command, WATCHDOG))
}

/// A stage where whoever is silent for three seconds is stuck: a busy machine does not give each thread its turn in one.
fn stage(schedule: &str) -> Stage {
    let stage = Stage::new();
    stage.configure(|config| {
        config.schedule(schedule);
        config.set_text("collect", "stuck_after", "3s");
    });
    [orders(), prod()].iter().for_each(|source| stage.add_record(source, HOUR, "one"));
    stage
}

#[test]
fn a_worker_whose_disk_does_not_answer_starves_the_watchdog_until_it_does() {
    let stage = stage(EVERY_SECOND);
    let manager = Manager::new(&stage);
    let mut daemon = start(&stage, &manager);
    manager.wait_for_status("2 sources, 0 behind, oldest watermark 15 min");
    manager.wait_for_life(4);
    // Opening a pipe waits until somebody writes to it, as a read from a disk that is gone waits for the disk.
    let secret = stage.folder().join("client-secret");
    fs::remove_file(&secret).unwrap();
    mkfifoat(CWD, &secret, Mode::from_raw_mode(0o600)).unwrap();
    stage.world.revoke_all_tokens();
    let status = manager.wait_for_status("does not get on");
    assert!(status.contains(": the poll of payments/") && status.contains(" shows no sign of life for "), "{status}");
    let line = daemon.wait_for_line("does not get on");
    assert!(line.contains("ERROR") && line.contains("the poll of payments/"), "{line}");
    assert!(manager.sees_no_life_for(SECOND));

    OpenOptions::new().write(true).open(&secret).unwrap().write_all(CLIENT_SECRET.as_bytes()).unwrap();
    daemon.wait_for_line("the daemon gets on again");
    manager.wait_for_status("2 sources, 0 behind, oldest watermark 15 min");
    manager.wait_for_life(4);
    daemon.stop();
    stage.assert_current(&orders());
    stage.assert_current(&prod());
}

#[test]
fn a_thread_that_waits_for_a_lock_of_the_state_starves_the_watchdog() {
    let stage = stage(EVERY_SECOND);
    let manager = Manager::new(&stage);
    let mut daemon = start(&stage, &manager);
    manager.wait_for_status("2 sources, 0 behind");
    let mut state = Connection::open(stage.state().join("state.db")).unwrap();
    let lock = state.transaction_with_behavior(TransactionBehavior::Immediate).unwrap();
    // Whoever does not read what the service manager is told soon holds up the daemon.
    manager.wait_for_status("does not get on");
    daemon.wait_for_line("does not get on");
    assert!(manager.sees_no_life_for(SECOND));
    lock.rollback().unwrap();
    daemon.wait_for_line("the daemon gets on again");
    manager.wait_for_life(4);
    daemon.stop();
}

#[test]
fn an_atlas_that_does_not_answer_does_not_starve_it() {
    let stage = stage(HOURLY);
    stage.configure(|config| config.set_text("atlas", "retry_budget", "1h"));
    stage.world.fault(Match::source(&prod().id), Fault::RateLimited { retry_after: Some(600) });
    let hold = stage.world.hold(Match::source(&orders().id));
    let manager = Manager::new(&stage);
    let daemon = start(&stage, &manager);
    assert!(hold.wait_arrived(1));
    stage.wait_for_data_requests(&prod(), 1);
    // Three times as long as anything may be silent that does not wait on purpose.
    manager.wait_for_life(90);
    hold.release();
    manager.wait_for_status("2 sources, 1 behind");
    manager.wait_for_life(4);
    let log = daemon.stop();
    assert!(!log.iter().any(|line| line.contains("does not get on")), "{log:#?}");
    stage.assert_current(&orders());
}

#[test]
fn the_status_follows_a_reload_and_is_one_line() {
    let stage = stage(ONCE_A_YEAR);
    let manager = Manager::new(&stage);
    let mut daemon = start(&stage, &manager);
    manager.wait_for_status("2 sources, 0 behind, oldest watermark 15 min");
    stage.configure(|config| config.projects[0].clusters.clear());
    daemon.signal(rustix::process::Signal::HUP);
    daemon.wait_for_line("the new configuration is in force");
    assert_eq!(manager.wait_for_status("1 source"), "1 source, 0 behind, oldest watermark 10 min");
    daemon.stop();
}
