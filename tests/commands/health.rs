//! `/healthz` and `/readyz`: whether the daemon is alive, and collects.

use std::net::SocketAddr;

use atlas_logd::sim::Match;
use rustix::process::Signal;

use crate::harness::{Answer, EVERY_SECOND, Stage, get, orders, try_until};

fn said(answer: &Answer) -> (u16, &str) {
    (answer.status(), &answer.body)
}

/// Waits for an answer of `/readyz`.
#[track_caller]
pub(crate) fn wait_for_readiness(address: SocketAddr, expected: (u16, &str)) {
    try_until(|| {
        let answer = get(address, "/readyz");
        if said(&answer) == expected { Ok(()) } else { Err(format!("{answer:?}")) }
    });
}

#[test]
fn a_daemon_is_ready_while_it_collects_and_alive_to_its_end() {
    let stage = Stage::new();
    stage.configure(|config| {
        config.only_audit();
        config.schedule(EVERY_SECOND);
        config.set_text("http", "listen", "127.0.0.1:0");
    });
    let mut daemon = stage.spawn_daemon_unready();
    let address = daemon.wait_for_address();
    daemon.wait_for_line("collecting");
    let alive = get(address, "/healthz");
    assert_eq!(said(&alive), (200, "alive\n"));
    wait_for_readiness(address, (200, "collecting\n"));
    assert_eq!(alive.header("content-type"), Some("text/plain; charset=utf-8"));
    // A poll that Atlas does not answer holds up its end.
    let hold = stage.world.hold(Match::source(&orders().id).authenticated());
    assert!(hold.wait_arrived(1));
    daemon.signal(Signal::TERM);
    daemon.wait_for_line("stopping");
    wait_for_readiness(address, (503, "not collecting: the daemon is starting or stopping\n"));
    assert_eq!(said(&get(address, "/healthz")), (200, "alive\n"));
    hold.release();
    assert_eq!(daemon.wait().0, Some(0));
}

#[test]
fn one_that_has_not_begun_is_not_ready() {
    let stage = Stage::new();
    let served = stage.serve();
    assert_eq!(get(served.address, "/readyz").status(), 503);
    assert_eq!(get(served.address, "/healthz").status(), 200);
}

#[test]
fn an_address_that_others_reach_is_allowed_and_told_of_once() {
    let stage = Stage::new();
    stage.configure(|config| config.set_text("http", "listen", "0.0.0.0:0"));
    let told = "[http] listen = \"0.0.0.0:0\" is no loopback address: ";
    let checked = stage.command(["check"]).assert_done().stdout;
    assert_eq!(checked.matches(told).count(), 1, "{checked}");
    let mut daemon = stage.spawn_daemon_unready();
    daemon.wait_for_line("collecting");
    let log = daemon.stop().join("\n");
    assert_eq!(log.matches(told).count(), 1, "{log}");
    for loopback in ["127.0.0.1:0", "[::1]:0", "[::ffff:127.0.0.1]:0"] {
        stage.configure(|config| config.set_text("http", "listen", loopback));
        let checked = stage.command(["check"]).assert_done().stdout;
        assert!(!checked.contains("is no loopback address"), "{checked}");
    }
}
