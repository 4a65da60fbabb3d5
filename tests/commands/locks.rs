//! State and archive belong to one process at a time.

use std::fs;

use atlas_logd::sim::{Event, Match};

use crate::harness::{HOUR, MINUTE, ONCE_A_YEAR, Stage, orders};

fn stage() -> Stage {
    let stage = Stage::new();
    stage.configure(|config| {
        config.schedule(ONCE_A_YEAR);
        config.only_audit();
    });
    stage.add(&orders(), Event::audit(stage.ago(HOUR), "one"));
    stage
}

/// Everything that writes is refused with this sentence.
#[track_caller]
fn assert_refused(stage: &Stage, sentence: &str) {
    let (from, to) = (stage.ago(HOUR).to_string(), stage.ago(MINUTE).to_string());
    let skip = ["skip", "payments/stream-audit/orders", "--from", &from, "--to", &to, "--reason", "none"];
    for arguments in [&["run"][..], &["collect"], &["reconcile"], &["seal"], &skip] {
        let outcome = stage.command(arguments).assert_code(1).assert_says(sentence).assert_says("stop it first");
        assert_eq!(outcome.stdout, "", "{arguments:?}");
    }
}

#[test]
fn nobody_else_writes_beside_a_collection_but_everybody_can_look() {
    let stage = stage();
    let hold = stage.world.hold(Match::source(&orders().id));
    let collect = stage.spawn_collect();
    assert!(hold.wait_arrived(1));
    assert_refused(&stage, "another atlas-logd is using the state in");
    assert_eq!(stage.requests_for(&orders()), 1, "nothing was asked");
    stage.command(["status"]).assert_done();
    stage.command(["check"]).assert_done();
    hold.release();
    let (code, said) = collect.wait();
    assert_eq!(code, Some(0), "{said:#?}");
    stage.assert_current(&orders());
    stage.command(["collect"]).assert_done();
    stage.assert_current(&orders());
}

#[test]
fn a_second_daemon_is_refused_and_the_first_one_still_takes_orders() {
    let stage = stage();
    let daemon = stage.spawn_daemon();
    stage.wait_for_data_requests(&orders(), 1);
    let said = "another atlas-logd is using the state in";
    stage.command(["run"]).assert_code(1).assert_says(said).assert_says("stop it first");
    stage.command(["collect"]).assert_done();
    daemon.stop();
    stage.assert_current(&orders());
}

#[test]
fn the_same_archive_with_a_copy_of_the_state_is_refused_too() {
    let stage = stage();
    stage.command(["collect"]).assert_done();
    let copy = stage.folder().join("copy");
    fs::create_dir(&copy).unwrap();
    fs::copy(stage.state().join("state.db"), copy.join("state.db")).unwrap();
    let daemon = stage.spawn_daemon();
    stage.configure(|config| config.set_text("state", "dir", "copy"));
    assert_refused(&stage, "another atlas-logd is writing to the archive");
    assert_eq!(stage.requests_for(&orders()), 1, "nothing was asked");
    stage.configure(|config| config.set_text("state", "dir", "state"));
    daemon.stop();
    stage.assert_current(&orders());
}

#[test]
fn a_daemon_that_was_killed_leaves_no_lock_behind() {
    let stage = stage();
    stage.spawn_daemon().kill();
    stage.command(["collect"]).assert_done();
    stage.assert_current(&orders());
}
