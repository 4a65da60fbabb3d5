//! SIGTERM and SIGINT: what is under way is finished, as far as there is time, and nothing is lost where there is none.

use atlas_logd::sim::{Event, Match};
use rustix::process::Signal;

use crate::harness::{DAY, EVERY_SECOND, HOUR, ONCE_A_YEAR, Stage, orders, prod};

/// Four windows with one record in each.
fn stage() -> Stage {
    let stage = Stage::new();
    stage.configure(|config| {
        config.schedule(ONCE_A_YEAR);
        config.only_audit();
        config.start("74h");
    });
    for days in 0..4 {
        stage.add(&orders(), Event::audit(stage.ago((3 - days) * DAY + HOUR), &format!("day {days}")));
    }
    stage
}

#[test]
fn the_window_under_way_is_committed_and_no_other_is_begun() {
    for signal in [Signal::TERM, Signal::INT] {
        let stage = stage();
        let hold = stage.world.hold(Match::source(&orders().id));
        let mut daemon = stage.spawn_daemon();
        assert!(hold.wait_arrived(1));
        daemon.signal(signal);
        daemon.wait_for_line("stopping");
        hold.release();
        let (code, log) = daemon.wait();
        assert_eq!(code, Some(0), "{}", log.join("\n"));
        assert!(log.last().unwrap().contains("stopped"), "{}", log.join("\n"));
        assert!(!log.iter().any(|line| line.contains("ERROR") || line.contains("WARN")), "{}", log.join("\n"));
        assert_eq!(stage.requests_for(&orders()), 1, "no other window was begun");
        assert_eq!(stage.world.live_tokens(), 0, "the token is revoked");
        let status = stage.status(&orders());
        assert_eq!((status.records, status.failing_since), (stage.lines(&orders()).len() as u64, None));
        assert_eq!(status.records, 1);
        stage.assert_exact(&orders());

        stage.configure(|config| config.schedule(EVERY_SECOND));
        let daemon = stage.spawn_daemon();
        // The three other windows, and the beginning of the next poll.
        stage.wait_for_data_requests(&orders(), 5);
        daemon.stop();
        assert_eq!(stage.lines(&orders()).len(), 4);
        stage.assert_current(&orders());
    }
}

#[test]
fn a_poll_that_does_not_end_in_time_is_cut_off_and_made_up_for() {
    let stage = stage();
    stage.configure(|config| config.set_text("collect", "grace", "300ms"));
    let hold = stage.world.hold(Match::source(&orders().id));
    let daemon = stage.spawn_daemon();
    assert!(hold.wait_arrived(1));
    let log = daemon.stop();
    assert!(log.iter().any(|line| line.contains("did not finish in time") && line.contains("polls=1")), "{log:#?}");
    assert_eq!(stage.world.live_tokens(), 0, "the token is revoked all the same");
    assert!(stage.lines(&orders()).is_empty());
    drop(hold);
    stage.command(["collect"]).assert_done();
    assert_eq!(stage.lines(&orders()).len(), 4);
    stage.assert_current(&orders());
}

#[test]
fn a_daemon_with_nothing_to_do_stops_at_once() {
    let stage = stage();
    stage.command(["collect"]).assert_done();
    stage.world.clear_requests();
    let archived = stage.segments(&orders());
    let daemon = stage.spawn_daemon();
    daemon.stop();
    assert_eq!(stage.world.requests(), [], "no token is minted that is not needed");
    assert_eq!(stage.segments(&orders()), archived);
    assert!(stage.lines(&prod()).is_empty());
}

#[test]
fn a_second_signal_waits_for_nothing() {
    let stage = stage();
    stage.configure(|config| config.set_text("collect", "grace", "1h"));
    let hold = stage.world.hold(Match::source(&orders().id));
    let mut daemon = stage.spawn_daemon();
    assert!(hold.wait_arrived(1));
    daemon.signal(Signal::TERM);
    daemon.wait_for_line("stopping");
    let log = daemon.stop();
    assert!(log.iter().any(|line| line.contains("did not finish in time") && line.contains("polls=1")), "{log:#?}");
    assert_eq!(stage.world.live_tokens(), 0, "the token is revoked all the same");
    drop(hold);
    stage.command(["collect"]).assert_done();
    stage.assert_current(&orders());
}

#[test]
fn collect_stops_after_the_window_under_way_and_says_so() {
    for signal in [Signal::TERM, Signal::INT] {
        let stage = stage();
        let hold = stage.world.hold(Match::source(&orders().id));
        let mut collect = stage.spawn_collect();
        assert!(hold.wait_arrived(1));
        collect.signal(signal);
        collect.wait_for_line("stopping after the windows under way; a second signal cuts them off");
        hold.release();
        let (code, said) = collect.wait();
        assert_eq!(code, Some(1), "{said:#?}");
        let stopped = format!("{}: failed to collect ", orders());
        let stopped = said.iter().find(|line| line.starts_with(&stopped)).unwrap_or_else(|| panic!("{said:#?}"));
        assert!(stopped.ends_with(": stopped before it was done; it goes on at the next start"), "{stopped}");
        assert_eq!(stage.requests_for(&orders()), 1, "no other window was begun");
        assert_eq!(stage.lines(&orders()).len(), 1);
        assert_eq!(stage.status(&orders()).failing_since, None);
        assert_eq!(stage.world.live_tokens(), 0, "the token is revoked");
        stage.command(["collect"]).assert_done();
        stage.assert_current(&orders());
    }
}

#[test]
fn collect_cuts_off_what_does_not_end_in_time_or_at_a_second_signal() {
    for grace in ["300ms", "1h"] {
        let stage = stage();
        stage.configure(|config| config.set_text("collect", "grace", grace));
        let hold = stage.world.hold(Match::source(&orders().id));
        let mut collect = stage.spawn_collect();
        assert!(hold.wait_arrived(1));
        collect.signal(Signal::INT);
        collect.wait_for_line("stopping after");
        if grace == "1h" {
            collect.signal(Signal::INT);
        }
        let (code, said) = collect.wait();
        assert_eq!(code, Some(1), "{said:#?}");
        assert!(said.contains(&"1 poll cut off; nothing is lost".to_owned()), "{said:#?}");
        assert_eq!(stage.world.live_tokens(), 0, "the token is revoked all the same");
        assert!(stage.lines(&orders()).is_empty());
        drop(hold);
        stage.command(["collect"]).assert_done();
        assert_eq!(stage.lines(&orders()).len(), 4);
        stage.assert_current(&orders());
    }
}
