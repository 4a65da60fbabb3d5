//! Atlas, or what one needs to be let in there, cannot be reached for a while.

use atlas_logd::sim::{Fault, Match};

use crate::harness::{EVERY_SECOND, HOUR, MINUTE, ProjectTable, SECOND, Stage, orders, prod, shops, warehouse};

const NOW: &str = "2026-11-20T12:00:00Z";

#[test]
fn connections_that_are_refused_move_nothing_and_the_next_poll_makes_up_for_it() {
    let stage = Stage::at(NOW);
    stage.configure(|config| config.set_text("atlas", "retry_budget", "0s"));
    let sources = [orders(), prod()];
    sources.iter().for_each(|source| stage.add_record(source, HOUR, "before"));
    let desk = stage.desk();
    desk.poll_all();
    let before = sources.clone().map(|source| stage.status(&source).covered());
    stage.take_atlas_down();
    stage.pass(10 * MINUTE);
    for source in &sources {
        stage.add_record(source, MINUTE, "meanwhile");
        let failure = desk.try_poll(source).failure.unwrap().to_string();
        assert!(failure.contains("no connection to 127.0.0.1: "), "{failure}");
    }
    assert_eq!(sources.clone().map(|source| stage.status(&source).covered()), before);
    stage.bring_atlas_up();
    stage.pass(10 * MINUTE);
    desk.poll_all();
    for source in &sources {
        stage.assert_current(source);
        assert_eq!(stage.lines(source).len(), 2);
        assert!(stage.gaps(source).is_empty());
    }
}

#[test]
fn a_daemon_goes_on_by_itself_when_atlas_is_there_again() {
    let stage = Stage::new();
    stage.configure(|config| config.schedule(EVERY_SECOND));
    stage.configure(|config| config.set_text("atlas", "retry_budget", "0s"));
    stage.take_atlas_down();
    let mut daemon = stage.spawn_daemon_unready();
    daemon.wait_for_line("no connection to 127.0.0.1");
    stage.add_record(&orders(), SECOND, "meanwhile");
    stage.bring_atlas_up();
    daemon.wait_for_line("collected again");
    stage.wait_until_polled(&orders());
    daemon.stop();
    stage.assert_current(&orders());
    assert_eq!(stage.lines(&orders()).len(), 1);
}

#[test]
fn a_token_endpoint_that_is_down_harms_only_those_who_need_a_token() {
    let faults = [
        Fault::Reset,
        Fault::Cut(10),
        Fault::html(502),
        Fault::json(503, "SERVICE_UNAVAILABLE"),
        Fault::RateLimited { retry_after: None },
        Fault::RateLimited { retry_after: Some(30) },
    ];
    for fault in faults {
        let stage = Stage::at(NOW);
        stage.configure(|config| {
            config.projects.push(ProjectTable::analytics());
            config.set_text("atlas", "retry_budget", "0s");
        });
        stage.world.fault(Match::path("/api/oauth/token"), fault.clone());
        let (with_token, with_key) = ([orders(), prod()], [shops(), warehouse()]);
        with_token.iter().chain(&with_key).for_each(|source| stage.add_record(source, HOUR, "one"));
        let desk = stage.desk();
        for source in &with_token {
            let failure = desk.try_poll(source).failure.unwrap().to_string();
            assert!(failure.contains("no access token: "), "{fault:?}: {failure}");
            assert_eq!(stage.lines(source).len(), 0);
        }
        for source in &with_key {
            desk.poll(source);
            stage.assert_current(source);
        }
        drop(desk);
        stage.world.clear_faults();
        stage.poll_once();
        for source in &with_token {
            stage.assert_current(source);
            assert_eq!(stage.lines(source).len(), 1);
        }
    }
}
