//! Audit logs for less than was asked, as their `Content-Disposition` says.

use std::time::Duration;

use atlas_logd::sim::Profile;

use crate::harness::{DAY, HOUR, MINUTE, Stage, orders};

fn stage() -> Stage {
    let stage = Stage::at("2026-11-20T12:00:00Z");
    stage.configure(|config| {
        config.only_audit();
        config.start("3d");
    });
    stage.generate(&orders(), &Profile::audit(stage.ago(4 * DAY), 0.5));
    stage
}

fn cut(stage: &Stage, start: Duration, end: Duration) {
    stage.world.set(|settings| settings.audit_range_cut = (start, end));
}

/// Once nothing is left out any more, everything is there.
fn assert_recovers(stage: &Stage) {
    cut(stage, Duration::ZERO, Duration::ZERO);
    stage.pass(MINUTE);
    stage.poll_once();
    stage.assert_current(&orders());
    assert_eq!(stage.gaps(&orders()), []);
    assert_eq!(stage.status(&orders()).end(), stage.ago(10 * MINUTE));
}

#[test]
fn an_answer_without_the_end_of_the_range_counts_for_the_rest() {
    let stage = stage();
    cut(&stage, Duration::ZERO, HOUR);
    for _ in 0..5 {
        let failure = stage.desk().try_poll(&orders()).failure.unwrap();
        assert!(failure.to_string().contains("Atlas answered for"), "the rest cannot be had: {failure}");
        assert_eq!(stage.status(&orders()).end(), stage.ago(HOUR), "everything up to the cut counts");
        stage.assert_exact(&orders());
        assert_eq!(stage.gaps(&orders()), []);
        stage.pass(7 * MINUTE);
    }
    assert_recovers(&stage);
}

#[test]
fn an_answer_without_the_latest_seconds_only_is_as_good_as_a_whole_one() {
    let stage = stage();
    cut(&stage, Duration::ZERO, 2 * MINUTE);
    for _ in 0..5 {
        stage.poll_once();
        assert_eq!(stage.status(&orders()).end(), stage.ago(10 * MINUTE));
        stage.assert_exact(&orders());
        stage.pass(7 * MINUTE);
    }
    assert_recovers(&stage);
}

#[test]
fn an_answer_without_the_beginning_of_the_range_moves_nothing() {
    let stage = stage();
    stage.poll_once();
    let end = stage.status(&orders()).end();
    cut(&stage, 2 * MINUTE, Duration::ZERO);
    stage.pass(HOUR);
    let desk = stage.desk();
    for _ in 0..3 {
        let failure = desk.try_poll(&orders()).failure.unwrap();
        assert!(failure.to_string().contains("Atlas answered for"), "{failure}");
        assert!(failure.to_string().contains(" skip 'payments/stream-audit/orders'"), "{failure}");
        assert_eq!(stage.status(&orders()).end(), end);
        stage.assert_exact(&orders());
        stage.pass(MINUTE);
    }
    drop(desk);
    assert_recovers(&stage);
}

#[test]
fn an_answer_for_the_slack_around_the_range_is_whole() {
    let stage = stage();
    stage.poll_once();
    cut(&stage, Duration::from_secs(4), Duration::ZERO);
    for _ in 0..5 {
        stage.pass(7 * MINUTE);
        stage.poll_once();
        assert_eq!(stage.status(&orders()).end(), stage.ago(10 * MINUTE));
        stage.assert_current(&orders());
    }
    assert_recovers(&stage);
}
