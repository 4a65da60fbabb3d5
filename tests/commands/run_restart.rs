//! A daemon that is started again goes on where it was.

use atlas_logd::sim::Event;

use crate::harness::{EVERY_SECOND, HOUR, MINUTE, SECOND, Stage, asked_from, orders, prod};

/// Windows are asked with this slack, and audit logs in whole seconds.
const SLACK: std::time::Duration = std::time::Duration::from_secs(6);

fn stage() -> Stage {
    let stage = Stage::new();
    stage.configure(|config| config.schedule(EVERY_SECOND));
    for number in 0..30 {
        let time = stage.ago(5 * HOUR) + number * 10 * MINUTE;
        stage.add(&orders(), Event::audit(time, &format!("before {number}")));
        stage.add(&prod(), Event::access(time, "host-00", &format!("before {number}")));
    }
    stage
}

#[test]
fn a_restart_goes_on_from_the_watermarks() {
    let stage = stage();
    let sources = [orders(), prod()];
    let daemon = stage.spawn_daemon();
    sources.iter().for_each(|source| stage.wait_until_polled(source));
    daemon.stop();
    let archived = sources.each_ref().map(|source| stage.segments(source));
    let ends = sources.each_ref().map(|source| stage.status(source).end());
    stage.world.clear_requests();

    let daemon = stage.spawn_daemon();
    sources.iter().for_each(|source| stage.wait_until_polled(source));
    assert_eq!(sources.each_ref().map(|source| stage.segments(source)), archived, "nothing is archived twice");
    for (source, end) in sources.iter().zip(ends) {
        let first = asked_from(&stage.data_requests(source)[0]);
        assert!(end - SLACK <= first && first <= end, "{source}: asked from {first}, the watermark was {end}");
    }
    stage.add(&orders(), Event::audit(stage.ago(SECOND), "after"));
    stage.add(&prod(), Event::access(stage.ago(SECOND), "host-00", "after"));
    sources.iter().for_each(|source| stage.wait_until_polled(source));
    daemon.stop();
    for source in &sources {
        assert_eq!(stage.lines(source).len(), 31);
        stage.assert_current(source);
    }
}

#[test]
fn a_daemon_that_was_killed_goes_on_as_well() {
    let stage = stage();
    let daemon = stage.spawn_daemon();
    stage.wait_until_polled(&orders());
    daemon.kill();
    stage.look_at_segments();
    let daemon = stage.spawn_daemon();
    stage.wait_until_polled(&orders());
    stage.wait_until_polled(&prod());
    daemon.stop();
    for source in [orders(), prod()] {
        assert_eq!(stage.lines(&source).len(), 30);
        stage.assert_current(&source);
    }
}
