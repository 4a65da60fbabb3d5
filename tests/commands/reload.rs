//! SIGHUP: another configuration comes into force while the daemon runs.

use std::fs;

use atlas_logd::sim::{Event, Match, Role, ServiceAccount};
use rustix::process::Signal;

use crate::harness::{
    CLIENT_ID, Configuration, Daemon, EVERY_SECOND, HOUR, ONCE_A_YEAR, PAYMENTS, ProjectTable, SECOND, Stage,
    asked_from, orders, prod, shops, try_until, warehouse,
};

fn stage(schedule: &str) -> Stage {
    let stage = Stage::new();
    stage.configure(|config| config.schedule(schedule));
    stage.add(&orders(), Event::audit(stage.ago(HOUR), "first"));
    stage.add(&prod(), Event::access(stage.ago(HOUR), "host-00", "first"));
    stage
}

/// Changes the configuration and lets the daemon read it. What it says then.
#[track_caller]
fn reload(stage: &Stage, daemon: &mut Daemon, change: impl FnOnce(&mut Configuration)) -> String {
    stage.configure(change);
    daemon.signal(Signal::HUP);
    daemon.wait_for_line("the new configuration")
}

#[test]
fn a_source_that_was_added_is_polled_at_once() {
    let stage = stage(ONCE_A_YEAR);
    stage.add(&shops(), Event::audit(stage.ago(HOUR), "first"));
    stage.add(&warehouse(), Event::access(stage.ago(HOUR), "host-00", "first"));
    let mut daemon = stage.spawn_daemon();
    stage.wait_for_data_requests(&orders(), 1);
    let said = reload(&stage, &mut daemon, |config| config.projects.push(ProjectTable::analytics()));
    assert!(said.contains("in force") && said.contains("added=2"), "{said}");
    for source in [shops(), warehouse()] {
        stage.wait_for_data_requests(&source, 1);
    }
    daemon.stop();
    for source in [orders(), prod(), shops(), warehouse()] {
        assert_eq!(stage.lines(&source).len(), 1, "{source}");
        assert_eq!(stage.data_requests(&source).len(), 1, "{source}");
        stage.assert_current(&source);
    }
}

#[test]
fn a_source_that_was_removed_is_sealed_and_goes_on_from_its_watermark_when_it_comes_back() {
    let stage = stage(EVERY_SECOND);
    let mut daemon = stage.spawn_daemon();
    stage.wait_until_polled(&prod());
    let said = reload(&stage, &mut daemon, |config| config.projects[0].clusters.clear());
    assert!(said.contains("removed=1"), "{said}");
    daemon.wait_for_line("its segment is sealed");
    let archived = stage.segments(&prod());
    let end = end_of_removed(&stage);
    stage.world.clear_requests();
    stage.add(&prod(), Event::access(stage.ago(SECOND), "host-00", "nobody looks"));
    stage.wait_for_data_requests(&orders(), 4);
    assert_eq!(stage.requests_for(&prod()), 0);
    assert_eq!(stage.segments(&prod()), archived);
    assert_eq!(end_of_removed(&stage), end);

    reload(&stage, &mut daemon, |config| config.projects[0].clusters.push("prod-0".to_owned()));
    stage.wait_until_polled(&prod());
    daemon.stop();
    let first = asked_from(&stage.data_requests(&prod())[0]);
    assert!(end - 6 * SECOND <= first && first <= end, "asked from {first}, the watermark was {end}");
    let segments = stage.segments(&prod());
    assert_eq!(segments[..1], archived[..], "a sealed segment is never written to again");
    assert_eq!(segments.iter().map(|segment| segment.lines().len()).collect::<Vec<_>>(), [1, 1]);
    stage.assert_current(&prod());
    stage.assert_current(&orders());
}

/// Where the end watermark of [`prod`] stands while it is not in the configuration.
fn end_of_removed(stage: &Stage) -> atlas_logd::instant::Instant {
    let removed = stage.statuses().into_iter().find(|status| !status.configured).unwrap();
    assert_eq!(removed.source, prod().to_string());
    removed.end()
}

#[test]
fn a_source_that_is_removed_during_its_poll_is_sealed_after_it() {
    let stage = stage(ONCE_A_YEAR);
    let hold = stage.world.hold(atlas_logd::sim::Match::source(&prod().id));
    let mut daemon = stage.spawn_daemon();
    assert!(hold.wait_arrived(1));
    reload(&stage, &mut daemon, |config| config.projects[0].clusters.clear());
    hold.release();
    daemon.wait_for_line("its segment is sealed");
    daemon.stop();
    assert_eq!(stage.lines(&prod()).len(), 1);
    stage.configure(|config| config.projects[0].clusters.push("prod-0".to_owned()));
    stage.add(&prod(), Event::access(stage.ago(SECOND), "host-00", "second"));
    stage.command(["collect"]).assert_done();
    assert_eq!(stage.segments(&prod()).len(), 2);
    stage.assert_current(&prod());
}

#[test]
fn another_schedule_takes_the_place_of_the_old_one() {
    let stage = stage(ONCE_A_YEAR);
    let mut daemon = stage.spawn_daemon();
    stage.wait_for_data_requests(&orders(), 1);
    reload(&stage, &mut daemon, |config| config.set_text("schedule", "stream_audit", EVERY_SECOND));
    stage.wait_for_data_requests(&orders(), 4);
    assert_eq!(stage.data_requests(&prod()).len(), 1, "its schedule is what it was");
    daemon.stop();
    stage.assert_current(&orders());
}

#[test]
fn no_tick_is_lost_between_an_old_schedule_and_a_new_one() {
    let stage = stage(EVERY_SECOND);
    let mut daemon = stage.spawn_daemon();
    stage.wait_until_polled(&orders());
    let before = stage.data_requests(&orders()).len();
    // No schedule lives for long enough to see more than a tick.
    try_until(|| {
        reload(&stage, &mut daemon, |_| ());
        let polled = stage.data_requests(&orders()).len() >= before + 3;
        if polled { Ok(()) } else { Err("reading the configuration again and again keeps it from polling") }
    });
    daemon.stop();
    stage.assert_current(&orders());
}

#[test]
fn another_credential_takes_the_place_of_the_old_one() {
    let stage = stage(EVERY_SECOND);
    let mut daemon = stage.spawn_daemon();
    stage.wait_until_polled(&orders());
    assert_eq!(stage.world.live_tokens(), 1);
    let other = "mdb_sa_id_fedcba0987654321fedcba09";
    stage.world.add_service_account(ServiceAccount::new(other, "other-secret").with_role(PAYMENTS, Role::Owner));
    fs::write(stage.folder().join("other-secret"), "other-secret").unwrap();
    reload(&stage, &mut daemon, |config| {
        config.set_text("credentials.main", "client_id", other);
        config.set_text("credentials.main", "client_secret_file", "other-secret");
    });
    // No poll is under way that began before: it could ask for another token of the old account.
    stage.wait_until_polled(&orders());
    stage.wait_until_polled(&prod());
    assert!(stage.world.wait_arrived(&Match::path("/api/oauth/revoke"), 1));
    try_until(|| if stage.world.live_tokens() > 1 { Err("the old token is not revoked") } else { Ok(()) });
    // From here on only the new account can ask.
    stage.world.change_service_accounts(|accounts| accounts.retain(|account| account.client_id != CLIENT_ID));
    stage.add(&orders(), Event::audit(stage.ago(SECOND), "second"));
    stage.wait_until_polled(&orders());
    let log = daemon.stop();
    assert!(!log.iter().any(|line| line.contains("ERROR")), "{}", log.join("\n"));
    assert_eq!(stage.world.live_tokens(), 0);
    assert_eq!(stage.lines(&orders()).len(), 2);
    stage.assert_current(&orders());
}

#[test]
fn a_poll_under_way_leaves_no_token_of_the_old_configuration_behind() {
    let stage = stage(EVERY_SECOND);
    let mut daemon = stage.spawn_daemon();
    stage.wait_until_polled(&prod());
    let hold = stage.world.hold(Match::source(&prod().id));
    assert!(hold.wait_arrived(1));
    stage.world.clear_requests();
    reload(&stage, &mut daemon, |config| config.set_text("atlas", "stall_timeout", "17s"));
    assert!(stage.world.wait_arrived(&Match::path("/api/oauth/revoke"), 1));
    // It goes on with the old client, whose token is gone.
    hold.release();
    stage.wait_until_polled(&prod());
    daemon.stop();
    assert_eq!(stage.world.live_tokens(), 0);
}
