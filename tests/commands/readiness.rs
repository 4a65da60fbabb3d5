//! What a service manager is told.

use rustix::process::Signal;

use crate::harness::{Manager, ONCE_A_YEAR, Stage};

#[test]
fn the_service_manager_is_told_of_readiness_reload_and_stop() {
    let stage = Stage::new();
    stage.configure(|config| config.schedule(ONCE_A_YEAR));
    let manager = Manager::new(&stage);
    let mut daemon = stage.spawn_daemon_with(|command| manager.starts(command));
    assert_eq!(manager.told(), ["READY=1"]);
    // Whoever is told so may rely on it: state and archive are taken.
    stage.command(["rebuild"]).assert_code(1).assert_says("another atlas-logd is using the state");

    let reloading = |message: Vec<String>| {
        assert_eq!(message[0], "RELOADING=1");
        let at = message[1].strip_prefix("MONOTONIC_USEC=").and_then(|at| at.parse::<u64>().ok());
        at.unwrap_or_else(|| panic!("when was that? {message:?}"))
    };
    daemon.signal(Signal::HUP);
    let first = reloading(manager.told());
    assert_eq!(manager.told(), ["READY=1"]);
    daemon.wait_for_line("the new configuration is in force");

    stage.configure(|config| config.set("archive", "no_such_key", "1"));
    daemon.signal(Signal::HUP);
    assert!(reloading(manager.told()) > first);
    assert_eq!(manager.told(), ["READY=1"], "the old configuration is in force");
    daemon.wait_for_line("was refused");
    manager.wait_for_status("; the new configuration was refused, the old one is in force: see the log");

    stage.configure(|config| config.remove("archive", "no_such_key"));
    daemon.signal(Signal::HUP);
    reloading(manager.told());
    assert_eq!(manager.told(), ["READY=1"]);
    manager.wait_for_status_without("refused");

    daemon.signal(Signal::TERM);
    assert_eq!(manager.told(), ["STOPPING=1"]);
    manager.wait_for_status("stopping");
    assert_eq!(daemon.wait().0, Some(0));
}
