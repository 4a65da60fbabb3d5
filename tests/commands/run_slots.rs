//! `polls_at_once`: how many polls are under way at most.

use atlas_logd::sim::{Event, Fault, Match};
use rustix::process::Signal;

use crate::harness::{EVERY_SECOND, HOUR, ONCE_A_YEAR, SECOND, Stage, orders, prod};

fn stage(schedule: &str) -> Stage {
    let stage = Stage::new();
    stage.configure(|config| {
        config.schedule(schedule);
        config.set("collect", "polls_at_once", "1");
    });
    for source in [orders(), prod()] {
        let event = match source == orders() {
            true => Event::audit(stage.ago(HOUR), "one"),
            false => Event::access(stage.ago(HOUR), "host-00", "one"),
        };
        stage.add(&source, event);
    }
    stage
}

#[test]
fn the_next_source_waits_while_the_only_slot_is_taken() {
    let stage = stage(ONCE_A_YEAR);
    let asked = || stage.requests_for(&orders()) + stage.requests_for(&prod());
    let hold = stage.world.hold(Match::path("/groups/"));
    let mut daemon = stage.spawn_daemon();
    assert!(hold.wait_arrived(1));
    // The daemon has much time to do more than it should: it reads its configuration again, several times.
    for _ in 0..5 {
        daemon.signal(Signal::HUP);
        daemon.wait_for_line("the new configuration is in force");
    }
    assert_eq!(asked(), 1);
    hold.release();
    for source in [orders(), prod()] {
        stage.wait_for_data_requests(&source, 1);
    }
    daemon.stop();
    assert_eq!(asked(), 2);
    stage.assert_current(&orders());
    stage.assert_current(&prod());
}

#[test]
fn a_source_that_waits_for_its_limit_holds_no_slot() {
    let stage = stage(EVERY_SECOND);
    stage.world.fault(Match::source(&orders().id), Fault::RateLimited { retry_after: Some(40) });
    let daemon = stage.spawn_daemon();
    stage.wait_for_data_requests(&orders(), 1);
    stage.add(&prod(), Event::access(stage.ago(SECOND), "host-00", "two"));
    stage.wait_until_polled(&prod());
    assert_eq!(stage.lines(&prod()).len(), 2);
    assert_eq!(stage.requests_for(&orders()), 1, "it waits as long as it was told to");
    let log = daemon.stop();
    assert!(!log.iter().any(|line| line.contains("did not finish in time")), "a poll that only waits ends at once");
    stage.assert_current(&prod());
    stage.world.clear_faults();
    stage.command(["collect"]).assert_done();
    stage.assert_current(&orders());
}
