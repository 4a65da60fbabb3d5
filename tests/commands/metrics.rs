//! `/metrics`: what the daemon shows to machines.

mod many;
mod named;
mod process;

use std::{
    collections::BTreeSet,
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpListener, TcpStream},
};

use rustix::process::Signal;

use crate::harness::{EVERY_SECOND, HOUR, MINUTE, ProjectTable, Stage, orders, prod, try_until};

/// Asks as a scraper does, with other lines in the head: the head of the answer, and its body.
fn get_with(address: SocketAddr, path: &str, head: &str) -> (String, String) {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.write_all(format!("GET {path} HTTP/1.0\r\n{head}\r\n").as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.to_owned(), body.to_owned())
}

fn get(address: SocketAddr, path: &str) -> (String, String) {
    get_with(address, path, "")
}

/// What a daemon shows now.
fn scrape(address: SocketAddr) -> String {
    let (head, text) = get(address, "/metrics");
    assert!(head.starts_with("HTTP/1.0 200 OK\r\n"), "{head}");
    assert!(text.ends_with("# EOF\n"), "{text}");
    text
}

/// What a daemon shows as soon as `is_there`.
#[track_caller]
fn scrape_until(address: SocketAddr, is_there: impl Fn(&str) -> bool) -> String {
    try_until(|| {
        let text = scrape(address);
        if is_there(&text) { Ok(text) } else { Err(text) }
    })
}

/// The value of a sample, by all that stands before it.
fn value(text: &str, sample: &str) -> Option<f64> {
    let value = text.lines().find_map(|line| line.strip_prefix(sample)?.strip_prefix(' '))?;
    Some(value.parse().unwrap())
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
    let address = daemon.wait_for_address();
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
        ("reconciliation_failing", "0".to_owned()),
        ("reconciliation_missing_records", "1".to_owned()),
        ("source_readable", "1".to_owned()),
        ("damaged_segments", "0".to_owned()),
    ] {
        let expected = format!("atlas_logd_{name}{}", of(value));
        assert!(text.lines().any(|line| line == expected), "no {expected:?} in:\n{text}");
    }
    // It is polled every second: no more than a poll that is slow.
    let behind = self::value(&text, &format!("atlas_logd_behind_seconds{{source=\"{}\"}}", orders()));
    assert!(behind.is_some_and(|behind| behind < 600.0), "{text}");
    let lateness = samples(&text, "lateness_seconds");
    assert!(lateness[0].starts_with(&format!("atlas_logd_lateness_seconds{}", of(String::new()))), "{lateness:?}");
    assert!(!lateness[0].ends_with(" 0.0"), "{lateness:?}");
    for (name, count) in [
        ("source_info", 2),
        ("watermark_timestamp_seconds", 2),
        ("watermark_lag_seconds", 2),
        ("bytes_total", 2),
        ("segments_total", 2),
        ("requests_total", 2),
        ("poll_success_timestamp_seconds", 2),
        ("polls_total", 4),
        ("reconciliation_success_timestamp_seconds", 1),
    ] {
        assert_eq!(samples(&text, name).len(), count, "{name} in:\n{text}");
    }
    assert_eq!(
        samples(&text, "build_info"),
        [concat!("atlas_logd_build_info{version=\"", env!("CARGO_PKG_VERSION"), "\"} 1")]
    );
    for (name, value) in [("alive", 1.0), ("collecting", 1.0), ("state_readable", 1.0), ("sources", 2.0)] {
        assert_eq!(self::value(&text, &format!("atlas_logd_{name}")), Some(value), "{name} in:\n{text}");
    }
    assert!(text.ends_with("# EOF\n"), "{text}");
    assert!(get(address, "/other").0.starts_with("HTTP/1.0 404"));
    daemon.stop();
}

#[test]
fn failed_polls_are_counted_and_go_on_after_a_restart() {
    let stage = stage();
    stage.configure(|config| config.set_text("atlas", "retry_budget", "1s"));
    stage.command(["collect"]).assert_done();
    stage.take_atlas_down();
    stage.command(["collect"]).assert_code(1);
    let failed = |source| format!("atlas_logd_polls_total{{source=\"{source}\",outcome=\"failed\"}}");
    for more in 1..=2 {
        stage.configure(|config| config.schedule(crate::harness::ONCE_A_YEAR));
        let mut daemon = stage.spawn_daemon_unready();
        let address = daemon.wait_for_address();
        daemon.wait_for_line("collecting");
        let text = scrape(address);
        assert_eq!(value(&text, &failed(prod())), Some(f64::from(more)), "{text}");
        let ok = format!("atlas_logd_polls_total{{source=\"{}\",outcome=\"ok\"}}", prod());
        assert_eq!(value(&text, &ok), Some(1.0), "{text}");
        let failing = value(&text, &format!("atlas_logd_failing_seconds{{source=\"{}\"}}", prod()));
        assert!(failing.unwrap() > 0.0, "{text}");
        daemon.stop();
        stage.command(["collect"]).assert_code(1);
    }
}

#[test]
fn whoever_understands_only_the_older_format_gets_it() {
    let stage = stage();
    let mut daemon = stage.spawn_daemon_unready();
    let address = daemon.wait_for_address();
    daemon.wait_for_line("collecting");
    stage.wait_until_polled(&prod());
    // What the first look at the disk tells comes a moment later.
    scrape_until(address, |text| text.contains("\natlas_logd_disk_writable "));
    let (head, older) = get_with(address, "/metrics", "Accept: text/plain\r\n");
    assert!(head.contains("content-type: text/plain; version=0.0.4; charset=utf-8"), "{head}");
    assert!(older.contains("\n# TYPE atlas_logd_records_total counter\n"), "{older}");
    assert!(!older.contains("# UNIT") && !older.contains("# EOF"), "{older}");
    let names = |text: &str| -> BTreeSet<String> {
        let samples = text.lines().filter(|line| !line.starts_with('#'));
        samples.map(|line| line.split(['{', ' ']).next().unwrap().to_owned()).collect()
    };
    assert_eq!(names(&older), names(&scrape(address)));
    daemon.stop();
}

#[test]
fn a_damaged_source_is_shown_as_one_and_the_others_as_before() {
    let stage = stage();
    stage.command(["collect"]).assert_done();
    let state = rusqlite::Connection::open(stage.state().join("state.db")).unwrap();
    state.execute("UPDATE source SET records = records + 1 WHERE name = 'prod-0'", []).unwrap();
    drop(state);
    let mut daemon = stage.spawn_daemon_unready();
    let address = daemon.wait_for_address();
    let failing = format!("atlas_logd_failing_seconds{{source=\"{}\"}}", prod());
    let text = scrape_until(address, |text| value(text, &failing).is_some_and(|failing| failing > 0.0));
    let readable = |source| value(&text, &format!("atlas_logd_source_readable{{source=\"{source}\"}}"));
    assert_eq!((readable(orders()), readable(prod())), (Some(1.0), Some(0.0)), "{text}");
    let records = |source| value(&text, &format!("atlas_logd_records_total{{source=\"{source}\"}}"));
    assert_eq!((records(orders()), records(prod())), (Some(0.0), None), "{text}");
    daemon.stop();
}

#[test]
fn a_state_that_cannot_be_read_leaves_what_the_process_knows() {
    let stage = stage();
    stage.configure(|config| config.schedule(crate::harness::ONCE_A_YEAR));
    let mut daemon = stage.spawn_daemon_unready();
    let address = daemon.wait_for_address();
    daemon.wait_for_line("collecting");
    let (state, aside) = (stage.state().join("state.db"), stage.state().join("aside"));
    std::fs::rename(&state, &aside).unwrap();
    let text = scrape(address);
    assert_eq!(value(&text, "atlas_logd_state_readable"), Some(0.0), "{text}");
    assert_eq!(value(&text, "atlas_logd_sources"), Some(2.0), "{text}");
    assert!(samples(&text, "records_total").is_empty(), "{text}");
    assert!(value(&text, "process_resident_memory_bytes").is_some_and(|bytes| bytes > 1e6), "{text}");
    daemon.wait_for_line("the metrics say nothing of the sources: ");
    std::fs::rename(&aside, &state).unwrap();
    assert_eq!(value(&scrape(address), "atlas_logd_state_readable"), Some(1.0));
    daemon.wait_for_line("the metrics say all again");
    daemon.stop();
}

#[test]
fn sources_of_a_new_configuration_are_shown_and_their_names_are_text() {
    let stage = stage();
    let mut daemon = stage.spawn_daemon_unready();
    let address = daemon.wait_for_address();
    daemon.wait_for_line("collecting");
    stage.configure(|config| {
        config.projects.push(ProjectTable::analytics());
        config.projects[1].name = r#"ana"lyt\ics"#.to_owned();
    });
    daemon.signal(Signal::HUP);
    daemon.wait_for_line("the new configuration is in force");
    let text = scrape_until(address, |text| text.contains(r#"_total{source="ana\"lyt\\ics/"#));
    assert_eq!(value(&text, "atlas_logd_sources"), Some(4.0));
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
