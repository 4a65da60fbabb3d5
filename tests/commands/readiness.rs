//! What a service manager is told.

use std::os::unix::net::UnixDatagram;

use rustix::process::Signal;

use crate::harness::{ONCE_A_YEAR, PATIENCE, Stage};

/// The socket of a service manager.
struct Manager(UnixDatagram);

impl Manager {
    /// The next message, line by line.
    #[track_caller]
    fn told(&self) -> Vec<String> {
        let mut buffer = [0; 4096];
        let length = self.0.recv(&mut buffer).expect("the service manager was told nothing");
        String::from_utf8(buffer[..length].to_vec()).unwrap().lines().map(str::to_owned).collect()
    }
}

#[test]
fn the_service_manager_is_told_of_readiness_reload_and_stop() {
    let stage = Stage::new();
    stage.configure(|config| config.schedule(ONCE_A_YEAR));
    let path = stage.folder().join("notify");
    let manager = Manager(UnixDatagram::bind(&path).unwrap());
    manager.0.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut daemon = stage.spawn_daemon_with(|command| {
        command.env("NOTIFY_SOCKET", &path);
    });
    assert_eq!(manager.told(), ["READY=1"]);
    // Whoever is told so may rely on it: state and archive are taken.
    stage.command(["collect"]).assert_code(1);

    daemon.signal(Signal::HUP);
    assert_eq!(manager.told()[0], "RELOADING=1");
    assert_eq!(manager.told(), ["READY=1"]);
    daemon.wait_for_line("the new configuration is in force");

    stage.configure(|config| config.set("archive", "no_such_key", "1"));
    daemon.signal(Signal::HUP);
    assert_eq!(manager.told()[0], "RELOADING=1");
    assert_eq!(manager.told(), ["READY=1"], "the old configuration is in force");
    daemon.wait_for_line("was refused");

    daemon.signal(Signal::TERM);
    assert_eq!(manager.told(), ["STOPPING=1"]);
    assert_eq!(daemon.wait().0, Some(0));
}
