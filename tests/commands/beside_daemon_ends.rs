//! Beside a running daemon, one of the two ends before what was ordered is done: nothing is lost, nothing is archived twice.

use std::fs;

use atlas_logd::sim::{Event, Match};
use rustix::process::Signal;

use crate::{
    beside_daemon::{assert_proven, wait_until_quiet},
    harness::{DAY, Daemon, HOUR, MINUTE, ONCE_A_YEAR, Stage, orders, prod},
};

/// A daemon that has polled the last two hours of the sources; there are four windows with a record each before that.
fn stage() -> (Stage, Daemon) {
    let stage = Stage::new();
    stage.configure(|config| {
        config.schedule(ONCE_A_YEAR);
        config.start("2h");
    });
    for days in 0..4 {
        stage.add(&orders(), Event::audit(stage.ago((3 - days) * DAY + 3 * HOUR), &format!("day {days}")));
    }
    stage.add_record(&orders(), HOUR, "new");
    let mut daemon = stage.spawn_daemon();
    wait_until_quiet(&stage, &mut daemon);
    stage.world.clear_requests();
    (stage, daemon)
}

fn backfill(stage: &Stage) -> [String; 6] {
    let (from, to) = (stage.ago(3 * DAY + 4 * HOUR).to_string(), stage.ago(90 * MINUTE).to_string());
    ["collect".to_owned(), orders().to_string(), "--from".to_owned(), from, "--to".to_owned(), to]
}

/// It is done again, to the end, and then all is there, once.
#[track_caller]
fn assert_made_up_for(stage: &Stage, backfill: [String; 6]) {
    stage.command(&backfill).assert_done();
    assert_eq!(stage.lines(&orders()).len(), 5);
    stage.command(&backfill).assert_done().assert_says("done: 0 new records");
    assert_proven(stage, &[orders(), prod()]);
}

#[test]
fn a_signal_ends_it_after_the_window_under_way_and_the_daemon_goes_on() {
    for signal in [Signal::INT, Signal::TERM] {
        let (stage, daemon) = stage();
        let hold = stage.world.hold(Match::source(&orders().id));
        let backfill = backfill(&stage);
        let mut command = stage.spawn_command(&backfill);
        assert!(hold.wait_arrived(1));
        command.signal(signal);
        command.wait_for_line("stopping after the windows under way; a second signal does not wait for them");
        hold.release();
        let (code, said) = command.wait();
        assert_eq!(code, Some(1), "{said:#?}");
        let stopped = format!("{}: failed to collect ", orders());
        assert!(said.iter().any(|line| line.starts_with(&stopped) && line.contains("stopped before")), "{said:#?}");
        assert_eq!(stage.requests_for(&orders()), 1, "no other window was begun");
        assert_eq!(stage.lines(&orders()).len(), 2);
        assert_eq!(stage.status(&orders()).failing_since, None);
        assert_made_up_for(&stage, backfill);
        daemon.stop();
    }
}

#[test]
fn a_second_signal_or_a_kill_waits_for_nothing_and_the_daemon_ends_the_window() {
    for signals in [&[Signal::INT, Signal::INT][..], &[Signal::KILL]] {
        let (stage, mut daemon) = stage();
        let hold = stage.world.hold(Match::source(&orders().id));
        let backfill = backfill(&stage);
        let mut command = stage.spawn_command(&backfill);
        assert!(hold.wait_arrived(1));
        for (number, signal) in signals.iter().enumerate() {
            command.signal(*signal);
            if number + 1 < signals.len() {
                command.wait_for_line("stopping after");
            }
        }
        let (code, said) = command.wait();
        assert_eq!(code, (signals.len() > 1).then_some(1), "{said:#?}");
        if signals.len() > 1 {
            let last = "1 source not done yet; the daemon ends what is under way with its window; nothing is lost";
            assert_eq!(said.last().unwrap(), last);
        }
        // What is ordered next has its turn once that has ended.
        let next = stage.spawn_command(["collect", &orders().to_string()]);
        daemon.wait_for_line("taking an order");
        daemon.wait_for_line("taking an order");
        hold.release();
        assert_eq!(next.wait().0, Some(0));
        assert_eq!(stage.requests_for(&orders()), 2, "one window of the backfill, and what is new");
        assert_eq!(stage.lines(&orders()).len(), 2);
        assert_made_up_for(&stage, backfill);
        daemon.stop();
    }
}

#[test]
fn a_daemon_that_is_stopped_ends_it_and_says_so() {
    let (stage, mut daemon) = stage();
    let hold = stage.world.hold(Match::source(&orders().id));
    let backfill = backfill(&stage);
    let command = stage.spawn_command(&backfill);
    assert!(hold.wait_arrived(1));
    daemon.signal(Signal::TERM);
    daemon.wait_for_line("stopping");
    stage.command(["collect"]).assert_code(1).assert_says("the running daemon refuses: it is stopping");
    hold.release();
    let (code, said) = command.wait();
    assert_eq!(code, Some(1), "{said:#?}");
    assert!(said.iter().any(|line| line.contains("stopped before it was done")), "{said:#?}");
    let (code, log) = daemon.wait();
    assert_eq!(code, Some(0));
    assert!(!log.iter().any(|line| line.contains("ERROR")), "{log:#?}");
    assert_eq!(stage.requests_for(&orders()), 1, "no other window was begun");
    assert_eq!(stage.world.live_tokens(), 0, "the token is revoked");
    assert!(!stage.state().join("control.sock").exists());
    let _daemon = stage.spawn_daemon();
    assert_made_up_for(&stage, backfill);
}

#[test]
fn what_does_not_end_within_the_grace_is_cut_off_with_the_daemon() {
    let (stage, mut daemon) = stage();
    stage.configure(|config| config.set_text("collect", "grace", "300ms"));
    daemon.signal(Signal::HUP);
    daemon.wait_for_line("the new configuration is in force");
    let hold = stage.world.hold(Match::source(&orders().id));
    let backfill = backfill(&stage);
    let command = stage.spawn_command(&backfill);
    assert!(hold.wait_arrived(1));
    let log = daemon.stop();
    assert!(log.iter().any(|line| line.contains("did not finish in time") && line.contains("polls=1")), "{log:#?}");
    let (code, said) = command.wait();
    assert_eq!(code, Some(1), "{said:#?}");
    assert!(said.iter().any(|line| line.contains("the daemon has stopped before it was done")), "{said:#?}");
    drop(hold);
    let _daemon = stage.spawn_daemon();
    assert_made_up_for(&stage, backfill);
}

#[test]
fn a_daemon_that_is_killed_takes_nothing_with_it() {
    let (stage, daemon) = stage();
    let backfill = backfill(&stage);
    // It is killed while it asks for the third window: two are archived.
    let mut hold = stage.world.hold(Match::source(&orders().id));
    let mut command = stage.spawn_command(&backfill);
    for _ in 0..2 {
        assert!(hold.wait_arrived(1));
        let next = stage.world.hold(Match::source(&orders().id));
        drop(std::mem::replace(&mut hold, next));
        command.wait_for_line("1 new record");
    }
    assert!(hold.wait_arrived(1));
    daemon.kill();
    drop(hold);
    let (code, said) = command.wait();
    assert_eq!(code, Some(1), "{said:#?}");
    assert!(said.iter().any(|line| line.contains("the daemon has stopped before it was done")), "{said:#?}");
    // Its socket is left, and nobody listens there.
    assert!(fs::symlink_metadata(stage.state().join("control.sock")).is_ok());
    assert_eq!(stage.lines(&orders()).len(), 3);
    let daemon = stage.spawn_daemon();
    assert_made_up_for(&stage, backfill.clone());
    daemon.kill();
    stage.command(&backfill).assert_done().assert_says("done: 0 new records");
    assert_proven(&stage, &[orders(), prod()]);
}
