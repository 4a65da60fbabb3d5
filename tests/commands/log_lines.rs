//! The daemon's log: for programs, and without secrets.

use std::{fs, path::Path};

use atlas_logd::sim::{Event, Fault, Match, StreamInstance};
use rustix::process::Signal;

use crate::harness::{
    CLIENT_SECRET, Daemon, EVERY_SECOND, HOUR, PRIVATE_KEY, ProjectTable, Stage, orders, prod, shops, warehouse,
};

/// How every token of the simulated Atlas begins.
const TOKEN: &str = "eyJhbGciOiJub25lIn0";

/// `CLIENT_ID:CLIENT_SECRET` in Base64.
const BASIC: &str = "bWRiX3NhX2lkXzEyMzQ1Njc4OTBhYmNkZWYxMjM0NTY3ODptZGJfc2Ffc2tfc3RhZ2Utc2VjcmV0";

fn stage() -> Stage {
    let stage = Stage::new();
    stage.configure(|config| {
        config.schedule(EVERY_SECOND);
        config.projects.push(ProjectTable::analytics());
    });
    stage.add(&orders(), Event::audit(stage.ago(HOUR), "one"));
    stage.add(&warehouse(), Event::access(stage.ago(HOUR), "host-00", "one"));
    stage
}

fn daemon(stage: &Stage, level: &str) -> Daemon {
    stage.spawn_daemon_with(|command| {
        command.args(["--log-format", "json"]).env("RUST_LOG", level);
    })
}

/// Polls with both authentications, a failure, a reload, a renewal of token and nonce, and a stop.
fn log_of_a_life(level: &str) -> (Stage, Vec<String>) {
    let stage = stage();
    let mut daemon = daemon(&stage, level);
    stage.world.change_projects(|projects| projects[0].stream_instances.clear());
    for source in [prod(), shops(), warehouse()] {
        stage.wait_until_polled(&source);
    }
    stage.world.revoke_all_tokens();
    stage.world.expire_all_nonces();
    stage.wait_until_polled(&prod());
    stage.configure(|config| config.set("archive", "no_such_key", "1"));
    daemon.signal(Signal::HUP);
    daemon.wait_for_line("was refused");
    let log = daemon.stop();
    (stage, log)
}

#[track_caller]
fn assert_no_secret(what: &str, text: &str) {
    for secret in [CLIENT_SECRET, PRIVATE_KEY, TOKEN, BASIC] {
        assert!(!text.contains(secret), "{what} holds the secret {secret}:\n{text}");
    }
}

#[test]
fn json_is_one_object_a_line() {
    let (stage, log) = log_of_a_life("info");
    for line in &log {
        let object: serde_json::Map<String, serde_json::Value> =
            serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        for key in ["timestamp", "level", "message"] {
            assert!(object[key].as_str().is_some_and(|text| !text.is_empty()), "no {key}: {line}");
        }
    }
    let failed: Vec<_> = log.iter().filter(|line| line.contains("\"ERROR\"") && line.contains("\"source\"")).collect();
    assert_eq!(failed.len(), 1, "{failed:#?}");
    assert!(failed[0].contains(&format!("\"source\":\"{}\"", orders())), "{}", failed[0]);
    drop(stage);
}

#[test]
fn no_secret_is_logged_or_stored_even_at_the_most_talkative_level() {
    let (stage, log) = log_of_a_life("trace");
    assert!(log.len() > 100, "it was not talkative: {}", log.len());
    log.iter().for_each(|line| assert_no_secret("the log", line));
    for folder in [stage.state(), stage.archive()] {
        files_below(&folder, &mut |path, bytes| {
            assert_no_secret(&path.display().to_string(), &String::from_utf8_lossy(bytes));
        });
    }
}

fn files_below(folder: &Path, each: &mut dyn FnMut(&Path, &[u8])) {
    for entry in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap()) {
        let path = entry.path();
        match entry.file_type().unwrap().is_dir() {
            true => files_below(&path, each),
            false => each(&path, &fs::read(&path).unwrap()),
        }
    }
}

#[test]
fn a_name_does_not_turn_a_line_around() {
    let stage = Stage::new();
    stage.configure(|config| {
        config.schedule(EVERY_SECOND);
        config.select("stream_instances", "\"all\"");
    });
    let hostile = "we\u{202e}ird";
    stage.world.change_projects(|projects| projects[0].stream_instances.push(StreamInstance::new(hostile)));
    stage.world.fault(Match::path("ird/auditLogs"), Fault::json(403, "USER_UNAUTHORIZED"));
    let mut daemon = stage.spawn_daemon();
    let failing = daemon.wait_for_line("event=\"source-failing\"");
    assert!(failing.contains("source=payments/stream-audit/we\\u{202e}ird"), "{failing}");
    let log = daemon.stop();
    assert!(!log.iter().any(|line| line.contains('\u{202e}')), "{log:#?}");
}
