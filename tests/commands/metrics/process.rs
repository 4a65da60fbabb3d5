//! What is measured of the running process: requests, rate limits, durations, disks, and the process itself.

use super::{samples, scrape, scrape_until, stage, value};
use crate::harness::{Daemon, HOUR, ONCE_A_YEAR, Stage, orders, prod, shops};

fn begin(stage: &Stage) -> (Daemon, std::net::SocketAddr) {
    let mut daemon = stage.spawn_daemon_unready();
    let address = daemon.wait_for_address();
    daemon.wait_for_line("collecting");
    (daemon, address)
}

fn requests(text: &str, endpoint: &str, status: &str) -> f64 {
    let sample = format!("atlas_logd_api_requests_total{{endpoint=\"{endpoint}\",status=\"{status}\"}}");
    value(text, &sample).unwrap_or_else(|| panic!("no {sample} in:\n{text}"))
}

#[test]
fn requests_are_counted_by_endpoint_and_status() {
    let stage = stage();
    stage.add_record(&orders(), HOUR, "one");
    let (daemon, address) = begin(&stage);
    let text = scrape_until(address, |text| {
        requests(text, "access-history", "200") >= 2.0 && requests(text, "stream-audit", "200") >= 2.0
    });
    assert_eq!(requests(&text, "token", "200"), 1.0, "{text}");
    assert_eq!(requests(&text, "revocation", "200"), 0.0, "{text}");
    assert_eq!(requests(&text, "access-history", "429"), 0.0, "{text}");
    assert!(value(&text, "atlas_logd_api_received_bytes_total").unwrap() > 0.0, "{text}");
    let limit = "{project=\"payments\",kind=\"access-history\"}";
    let (left, most) = ("atlas_logd_rate_limit_remaining", "atlas_logd_rate_limit");
    let (left, most) = (value(&text, &format!("{left}{limit}")), value(&text, &format!("{most}{limit}")));
    assert!(left.unwrap() < most.unwrap() && most == Some(1200.0), "{left:?} of {most:?}");

    stage.take_atlas_down();
    scrape_until(address, |text| {
        requests(text, "access-history", "connect") + requests(text, "access-history", "broken") >= 1.0
    });
    daemon.stop();
}

#[test]
fn the_challenges_of_an_api_key_are_counted_as_what_they_are() {
    let stage = Stage::of_both_projects();
    stage.configure(|config| {
        config.schedule(ONCE_A_YEAR);
        config.set_text("http", "listen", "127.0.0.1:0");
    });
    let (daemon, address) = begin(&stage);
    let text = scrape_until(address, |text| samples(text, "poll_success_timestamp_seconds").len() == 4);
    // The first nonce is fetched with the list of projects, or with the first request.
    let challenged = ["list", "stream-audit", "access-history"].map(|endpoint| requests(&text, endpoint, "401"));
    assert!(challenged.iter().sum::<f64>() >= 1.0, "{text}");
    assert!(text.contains(&format!("project=\"{}\",kind=\"stream-audit\"}}", shops().project_name)), "{text}");
    daemon.stop();
}

#[test]
fn commits_and_polls_are_timed() {
    let stage = stage();
    stage.configure(|config| config.set_text("schedule", "reconcile", "* * * * * *"));
    stage.add_record(&prod(), HOUR, "one");
    let (daemon, address) = begin(&stage);
    let count = |text: &str, name: &str, label: &str| {
        value(text, &format!("atlas_logd_{name}_duration_seconds_count{{{label}}}")).unwrap()
    };
    let text = scrape_until(address, |text| {
        count(text, "commit", "commit=\"records\"") >= 1.0
            && count(text, "commit", "commit=\"quiet\"") >= 1.0
            && count(text, "poll", "kind=\"access-history\"") >= 1.0
            && count(text, "reconciliation", "kind=\"access-history\"") >= 1.0
    });
    for (name, label) in [
        ("commit", "commit=\"records\""),
        ("commit", "commit=\"quiet\""),
        ("poll", "kind=\"access-history\""),
        ("reconciliation", "kind=\"stream-audit\""),
    ] {
        let begin = format!("atlas_logd_{name}_duration_seconds_bucket{{");
        let buckets: Vec<(String, f64)> = text
            .lines()
            .filter(|line| line.starts_with(&begin) && line.contains(label))
            .map(|line| {
                let (_, bound) = line.split_once("le=\"").unwrap();
                (bound.split('"').next().unwrap().to_owned(), line.rsplit(' ').next().unwrap().parse().unwrap())
            })
            .collect();
        assert!(buckets.iter().map(|(_, count)| count).is_sorted_by(|a, b| a <= b), "{buckets:?}");
        let (last, all) = buckets.last().unwrap();
        assert_eq!((last.as_str(), *all), ("+Inf", count(&text, name, label)));
        let sum = value(&text, &format!("atlas_logd_{name}_duration_seconds_sum{{{label}}}")).unwrap();
        assert!((*all == 0.0) == (sum == 0.0), "{sum} s for {all}");
    }
    daemon.stop();
}

#[test]
fn disks_and_the_process_are_those_of_the_machine() {
    let stage = stage();
    stage.configure(|config| config.set_text("archive", "min_free", "64KiB"));
    let (daemon, address) = begin(&stage);
    let text = scrape(address);
    for folder in ["archive", "state"] {
        let of = |name: &str| value(&text, &format!("atlas_logd_disk_{name}_bytes{{folder=\"{folder}\"}}")).unwrap();
        assert!(of("free") > 0.0 && of("free") <= of("size"), "{text}");
    }
    assert_eq!(value(&text, "atlas_logd_disk_min_free_bytes{folder=\"archive\"}"), Some(65536.0), "{text}");
    let process = |name: &str| value(&text, &format!("process_{name}")).unwrap_or_else(|| panic!("{name} in\n{text}"));
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs_f64();
    // The kernel counts in ticks since a boot time in whole seconds.
    assert!((now - process("start_time_seconds")).abs() < 600.0, "{text}");
    assert!(process("resident_memory_bytes") > 1e6 && process("cpu_seconds_total") >= 0.0, "{text}");
    assert!(process("open_fds") >= 5.0 && process("open_fds") < process("max_fds"), "{text}");
    daemon.stop();
}
