//! When a daemon polls.

use atlas_logd::sim::{Event, Match};

use crate::harness::{
    EVERY_SECOND, HOUR, MINUTE, ONCE_A_YEAR, ProjectTable, SECOND, Stage, orders, prod, shops, warehouse,
};

fn stage(schedule: &str) -> Stage {
    let stage = Stage::new();
    stage.configure(|config| config.schedule(schedule));
    stage
}

#[test]
fn what_is_behind_is_polled_at_once_at_start() {
    let stage = stage(ONCE_A_YEAR);
    for number in 0..20 {
        let time = stage.ago(5 * HOUR) + number * 10 * MINUTE;
        stage.add(&orders(), Event::audit(time, &format!("backlog {number}")));
        stage.add(&prod(), Event::access(time, "host-00", &format!("backlog {number}")));
    }
    let daemon = stage.spawn_daemon();
    for source in [orders(), prod()] {
        stage.wait_for_data_requests(&source, 1);
    }
    daemon.stop();
    for source in [orders(), prod()] {
        assert_eq!(stage.lines(&source).len(), 20);
        assert_eq!(stage.data_requests(&source).len(), 1);
        stage.assert_current(&source);
    }
}

#[test]
fn each_tick_brings_what_is_new_once() {
    let stage = stage(EVERY_SECOND);
    let daemon = stage.spawn_daemon();
    for number in 1..=3 {
        let time = stage.ago(SECOND);
        stage.add(&orders(), Event::audit(time, &format!("live {number}")));
        stage.add(&prod(), Event::access(time, "host-00", &format!("live {number}")));
        for source in [orders(), prod()] {
            stage.wait_until_polled(&source);
            assert_eq!(stage.lines(&source).len(), number, "{source}");
        }
        stage.look_at_segments();
    }
    daemon.stop();
    for source in [orders(), prod()] {
        assert_eq!(stage.lines(&source).len(), 3);
        stage.assert_current(&source);
    }
}

#[test]
fn a_poll_under_way_is_not_overtaken_by_the_next_ticks() {
    let stage = stage(EVERY_SECOND);
    stage.add(&orders(), Event::audit(stage.ago(HOUR), "held"));
    let hold = stage.world.hold(Match::source(&orders().id));
    let daemon = stage.spawn_daemon();
    assert!(hold.wait_arrived(1));
    // Another source goes on, tick by tick.
    stage.wait_for_data_requests(&prod(), 5);
    assert_eq!(stage.requests_for(&orders()), 1);
    hold.release();
    stage.wait_for_data_requests(&orders(), 3);
    daemon.stop();
    assert_eq!(stage.lines(&orders()).len(), 1);
    stage.assert_current(&orders());
    stage.assert_current(&prod());
}

#[test]
fn a_project_can_have_a_schedule_of_its_own() {
    let stage = stage(ONCE_A_YEAR);
    stage.configure(|config| {
        config.projects[0].more.push(format!("schedule = {{ stream_audit = \"{EVERY_SECOND}\" }}"));
        config.projects.push(ProjectTable::analytics());
    });
    let daemon = stage.spawn_daemon();
    stage.wait_for_data_requests(&orders(), 4);
    daemon.stop();
    // The others were only polled because they were behind when the daemon started.
    for source in [prod(), shops(), warehouse()] {
        assert_eq!(stage.data_requests(&source).len(), 1, "{source}");
    }
}
