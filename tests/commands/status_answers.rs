//! `status`: for people, for programs, and for a monitor that only sees the exit code.

use std::fs;

use atlas_logd::sim::{Event, Fault, Match};

use crate::harness::{HOUR, MINUTE, Stage, orders, prod};

const NAMES: &str = "payments/stream-audit/orders, payments/access-history/prod-0";

#[test]
fn before_the_first_poll_there_is_no_state_to_show() {
    let stage = Stage::new();
    let outcome = stage.command(["status"]).assert_code(1);
    assert!(outcome.stderr.contains("state.db"), "{}", outcome.stderr);
    assert_eq!(outcome.stdout, "");
}

#[test]
fn a_source_that_was_never_polled_is_behind_whatever_is_allowed() {
    let stage = Stage::new();
    stage.command(["collect", "payments/stream-audit/orders"]).assert_done();
    let outcome = stage.command(["status"]).assert_done();
    let line = outcome.stdout.lines().find(|line| line.contains("payments/access-history/prod-0"));
    assert!(line.is_some_and(|line| line.trim_end().ends_with("never polled")), "{}", outcome.stdout);
    let outcome = stage.command(["status", "--max-lag", "30d"]).assert_code(1);
    assert_eq!(outcome.stderr, "payments/access-history/prod-0 was never polled (allowed: 30 d)\n");
    stage.command(["status", "--max-lag", "1h", "payments/stream-audit/orders"]).assert_done();
}

#[test]
fn the_lag_that_is_allowed_decides_the_exit_code() {
    let stage = Stage::new();
    // The watermark trails by the settle time.
    stage.configure(|config| config.set_text("collect", "access_history_settle", "5h"));
    stage.command(["collect"]).assert_done();
    let outcome = stage.command(["status", "--max-lag", "8h"]).assert_done();
    assert_eq!(outcome.stderr, "");
    let end = stage.status(&prod()).end();
    for form in [&["status", "--max-lag", "2h"][..], &["status", "--max-lag", "2h", "--json"]] {
        let before = stage.now().since(end);
        let said = stage.command(form).assert_code(1).stderr;
        let after = stage.now().since(end);
        let lag = said.strip_prefix("payments/access-history/prod-0 is ");
        let lag = lag.and_then(|rest| rest.strip_suffix(" behind (allowed: 2 h)\n"));
        let lag: jiff::SignedDuration = lag.unwrap_or_else(|| panic!("{said}")).parse().unwrap();
        // Two units are told: the smaller one is what is rounded down to.
        let told = before.as_secs() / 60..=after.as_secs() / 60;
        assert!(told.contains(&(lag.unsigned_abs().as_secs() / 60)), "{said}");
    }
    stage.command(["status", "--max-lag", "soon"]).assert_code(2);
}

#[test]
fn a_failure_is_shown_until_a_poll_succeeds() {
    let stage = Stage::new();
    stage.add(&orders(), Event::audit(stage.ago(HOUR), "one"));
    stage.command(["collect"]).assert_done();
    stage.world.fault(Match::source(&orders().id), Fault::html(200));
    stage.command(["collect"]).assert_code(1);
    let outcome = stage.command(["status"]).assert_done();
    let line = |start: &str| outcome.stdout.lines().find(|line| line.trim_start().starts_with(start)).unwrap();
    let row = line("payments/stream-audit/orders ");
    assert!(row.contains(" failing for "), "{row}");
    let cause = line("failing: payments/stream-audit/orders: ");
    assert!(cause.contains("the answer is text/html instead of gzip"), "{cause}");
    assert!(stage.status(&orders()).failing_since.is_some());
    assert_eq!(stage.status(&prod()).failing_since, None);
    stage.world.clear_faults();
    stage.command(["collect"]).assert_done();
    let outcome = stage.command(["status"]).assert_done();
    assert!(!outcome.stdout.contains("failing"), "{}", outcome.stdout);
    assert_eq!(stage.status(&orders()).message, None);
}

#[test]
fn a_name_that_no_source_has_is_answered_with_those_that_there_are() {
    let stage = Stage::new();
    stage.command(["collect"]).assert_done();
    let said = format!(
        "atlas-logd: there is no source \"payments/stream-audit/ordres\" in {}; did you mean \
         \"payments/stream-audit/orders\"? there are: {NAMES}\n",
        stage.config_path().display()
    );
    let name = "payments/stream-audit/ordres";
    assert_eq!(stage.command(["status", name]).assert_code(2).stderr, said);
    assert_eq!(stage.command(["collect", name]).assert_code(2).stderr, said);
    let skip = ["skip", name, "--from", "2026-01-01", "--to", "2026-01-02", "--reason", "gone"];
    assert_eq!(stage.command(skip).assert_code(2).stderr, said);
}

#[test]
fn a_damaged_state_is_told_by_check_and_status_and_harms_no_other_source() {
    let stage = Stage::new();
    stage.command(["collect"]).assert_done();
    let database = stage.state().join("state.db");
    let connection = rusqlite::Connection::open(&database).unwrap();
    connection.execute("UPDATE source SET end_ms = end_ms + 1000 WHERE name = 'orders'", []).unwrap();
    drop(connection);
    let said = "the state of payments/stream-audit/orders is damaged: its checksum does not fit; put back a copy of the \
                state folder that is as new as the archive, or make it again from the archive: atlas-logd rebuild --replace";
    let outcome = stage.command(["check"]).assert_code(1);
    assert!(outcome.stdout.lines().any(|line| line == format!("state and archive: {said}")), "{}", outcome.stdout);
    let outcome = stage.command(["status", "--max-lag", "1h"]).assert_code(1);
    assert_eq!(outcome.stderr, "payments/stream-audit/orders has a damaged state (allowed: 1 h)\n");
    assert!(outcome.stdout.contains("state damaged"), "{}", outcome.stdout);
    stage.add_record(&prod(), std::time::Duration::ZERO, "goes on");
    let outcome = stage.command(["collect"]).assert_code(1);
    assert!(outcome.stderr.contains(said), "{}", outcome.stderr);
    assert_eq!(stage.lines(&prod()).len(), 1);

    // The second page and all behind it.
    let mut bytes = fs::read(&database).unwrap();
    bytes[4096..].chunks_mut(4096).for_each(|page| page[..64].fill(0xff));
    for name in ["state.db-wal", "state.db-shm"] {
        // They may not be there.
        let _ = fs::remove_file(stage.state().join(name));
    }
    fs::write(&database, bytes).unwrap();
    for command in ["check", "collect", "run"] {
        let outcome = stage.command([command]).assert_code(1);
        let said = outcome.stdout + &outcome.stderr;
        assert!(said.contains("the state database in [state] dir is damaged: "), "{command}: {said}");
    }
}

#[test]
fn a_damaged_segment_is_named_with_the_bytes_that_count() {
    let stage = Stage::new();
    (0..10).for_each(|number| stage.add_record(&orders(), HOUR, &format!("{number}")));
    stage.command(["collect"]).assert_done();
    let [segment] = &stage.segments(&orders())[..] else { panic!("more than one segment") };
    let path = stage.folder_of(&orders()).join(&segment.name);
    let good = segment.bytes.iter().position(|&byte| byte == b'\n').unwrap() + 1;
    let length = good as u64 + 5;
    stage.damaged(|| fs::OpenOptions::new().write(true).open(&path).unwrap().set_len(length).unwrap());
    stage.command(["collect"]).assert_done();
    let shown = stage.command(["status", "--json", "payments/stream-audit/orders"]).assert_done().stdout;
    let shown: serde_json::Value = serde_json::from_str(&shown).unwrap();
    let damaged = &shown[0]["damaged_segments"][0];
    assert_eq!(
        (damaged["segment"].as_str(), damaged["good_bytes"].as_u64()),
        (Some(&*segment.name), Some(good as u64))
    );
    let shown = stage.command(["status"]).assert_done().stdout;
    let said =
        format!("damaged segment of payments/stream-audit/orders: {}: only its first {good} bytes count", segment.name);
    assert!(shown.contains(&said), "{shown}");
    let good_lines: Vec<u8> = fs::read(&path).unwrap()[..good].to_vec();
    let behind = &stage.segments(&orders())[1].bytes;
    assert_eq!(good_lines.len() + behind.len(), segment.bytes.len(), "what counts is there once");
}

#[test]
fn what_others_wrote_does_not_steer_the_terminal() {
    let stage = Stage::new();
    stage.command(["collect"]).assert_done();
    let (source, end) = (orders().to_string(), stage.status(&orders()).end());
    let (from, to) = (end.to_string(), (end + MINUTE).to_string());
    let reason = "lost\u{1b}[2J\u{9b}1A\u{202e}\ngap in nothing";
    stage.command(["skip", &source, "--from", &from, "--to", &to, "--reason", reason]).assert_done();
    let escaped = "(lost\\u{1b}[2J\\u{9b}1A\\u{202e}\\ngap in nothing)";
    for command in ["status", "collect"] {
        let outcome = stage.command([command]).assert_done();
        assert!(outcome.stdout.contains(escaped), "{}", outcome.stdout);
        assert!(!outcome.stdout.chars().any(|character| character != '\n' && character.is_control()));
    }
    let json = stage.command(["status", "--json"]).assert_done().stdout;
    assert!(json.contains("lost\\u001b[2J\\u009b1A\\u202e\\ngap in nothing"), "{json}");
    assert_eq!(stage.gaps(&orders())[0].detail, reason, "a program reads what was written");
}
