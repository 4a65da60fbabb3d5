//! `/metrics`: what the daemon shows of the state to machines.

use std::{
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpListener, TcpStream},
    time::Instant as Deadline,
};

use rustix::process::Signal;

use crate::harness::{Daemon, EVERY_SECOND, HOUR, MINUTE, PATIENCE, ProjectTable, Stage, orders, prod};

/// Asks as a scraper does: the head of the answer, and its body.
fn get(address: SocketAddr, path: &str) -> (String, String) {
    let mut stream = TcpStream::connect(address).unwrap();
    write!(stream, "GET {path} HTTP/1.0\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.to_owned(), body.to_owned())
}

/// Where the daemon says that it listens.
fn address(daemon: &mut Daemon) -> SocketAddr {
    let said = daemon.wait_for_line("showing metrics at http://");
    let url = said.split("http://").nth(1).unwrap();
    url.split('/').next().unwrap().parse().unwrap()
}

/// The lines of a metric, less its description.
fn samples<'a>(text: &'a str, name: &str) -> Vec<&'a str> {
    let begin = format!("atlas_logd_{name}{{");
    text.lines().filter(|line| line.starts_with(&begin)).collect()
}

fn stage() -> Stage {
    let stage = Stage::new();
    stage.configure(|config| {
        config.schedule(EVERY_SECOND);
        config.set_text("http", "listen", "127.0.0.1:0");
    });
    stage
}

#[test]
fn metrics_are_those_of_the_state_late_records_too() {
    let stage = stage();
    (1..30).for_each(|number| stage.add_record(&orders(), number * HOUR, "in time"));
    stage.command(["collect"]).assert_done();
    stage.add_record(&orders(), 5 * HOUR + MINUTE, "late");
    stage.command(["reconcile", &orders().to_string()]).assert_done();
    let mut daemon = stage.spawn_daemon_unready();
    let address = address(&mut daemon);
    daemon.wait_for_line("collecting");
    stage.wait_until_polled(&prod());
    let (head, text) = get(address, "/metrics");
    assert!(head.starts_with("HTTP/1.0 200 OK\r\n"), "{head}");
    assert!(head.contains("content-type: application/openmetrics-text; version=1.0.0; charset=utf-8"), "{head}");
    let status = stage.status(&orders());
    let of = |value: String| format!("{{source=\"{}\"}} {value}", orders());
    for (name, value) in [
        ("records_total", status.records.to_string()),
        ("late_records_total", "1".to_owned()),
        ("gaps", status.gaps().len().to_string()),
        ("failing_seconds", "0.0".to_owned()),
    ] {
        let expected = format!("atlas_logd_{name}{}", of(value));
        assert!(text.lines().any(|line| line == expected), "no {expected:?} in:\n{text}");
    }
    let lateness = samples(&text, "lateness_seconds");
    assert!(lateness[0].starts_with(&format!("atlas_logd_lateness_seconds{}", of(String::new()))), "{lateness:?}");
    assert!(!lateness[0].ends_with(" 0.0"), "{lateness:?}");
    for name in ["watermark_timestamp_seconds", "watermark_lag_seconds", "bytes_total", "polls_total", "requests_total"]
    {
        assert_eq!(samples(&text, name).len(), 2, "{name} in:\n{text}");
    }
    assert_eq!(
        samples(&text, "build_info"),
        [concat!("atlas_logd_build_info{version=\"", env!("CARGO_PKG_VERSION"), "\"} 1")]
    );
    assert!(text.ends_with("# EOF\n"), "{text}");
    assert!(get(address, "/other").0.starts_with("HTTP/1.0 404"));
    daemon.stop();
}

#[test]
fn sources_of_a_new_configuration_are_shown_and_their_names_are_text() {
    let stage = stage();
    let mut daemon = stage.spawn_daemon_unready();
    let address = address(&mut daemon);
    daemon.wait_for_line("collecting");
    stage.configure(|config| {
        config.projects.push(ProjectTable::analytics());
        config.projects[1].name = r#"ana"lyt\ics"#.to_owned();
    });
    daemon.signal(Signal::HUP);
    daemon.wait_for_line("the new configuration is in force");
    let deadline = Deadline::now() + PATIENCE;
    let mut shown = String::new();
    while !shown.contains(r#"{source="ana\"lyt\\ics/"#) {
        assert!(Deadline::now() < deadline, "{shown}");
        shown = get(address, "/metrics").1;
    }
    daemon.stop();
}

#[test]
fn an_address_that_is_taken_is_named() {
    let stage = stage();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    stage.configure(|config| config.set_text("http", "listen", &address));
    stage.command(["run"]).assert_code(1).assert_says(&format!("failed to listen at {address} ([http] listen): "));
    stage.configure(|config| config.set_text("http", "listen", "localhost"));
    stage.command(["check"]).assert_code(78).assert_says("http.listen: \"localhost\" is no address with a port");
}
