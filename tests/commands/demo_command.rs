//! `atlas-logd demo`: the whole thing in one command.

use std::{
    io::{Seek, SeekFrom, Write},
    path::Path,
    process::Output,
    time::Duration,
};

use crate::harness::try_until;

/// The demo shows some minutes' worth of work, in half a minute of a machine that has nothing else to do. An unoptimised
/// program beside other tests takes several times as long, most of it for making up the truth that it compares with.
const PATIENCE: Duration = Duration::from_secs(900);

const SOURCES: [&str; 8] = [
    "payments/stream-audit/orders",
    "payments/stream-audit/billing",
    "payments/access-history/prod-0",
    "payments/access-history/prod-1",
    "analytics/stream-audit/Café & shops",
    "analytics/stream-audit/quiet",
    "analytics/access-history/warehouse",
    "analytics/access-history/staging",
];

#[track_caller]
fn run(arguments: &[&str]) -> (Option<i32>, String) {
    let mut command = assert_cmd::Command::new(env!("CARGO_BIN_EXE_atlas-logd"));
    let Output { status, stdout, stderr } = command.args(arguments).timeout(PATIENCE).output().unwrap();
    let stdout = String::from_utf8(stdout).unwrap();
    (status.code(), format!("{stdout}{}", String::from_utf8_lossy(&stderr)))
}

/// The bytes of all segments below a folder.
fn archived(folder: &Path) -> u64 {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap());
    let sizes = entries.map(|entry| match entry.file_type().unwrap().is_dir() {
        true => archived(&entry.path()),
        false if entry.path().extension().is_some_and(|extension| extension == "ndjson") => {
            entry.metadata().unwrap().len()
        }
        false => 0,
    });
    sizes.sum()
}

#[test]
fn shows_everything_compares_every_byte_and_leaves_something_to_try() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("demo");
    let (code, said) = run(&["demo", "--dir", dir.to_str().unwrap()]);
    assert_eq!(code, Some(0), "{said}");

    assert!(said.contains("  backlog  "), "{said}");
    let (_, end) = said.split_once("last poll").unwrap_or_else(|| panic!("no table in {said}"));
    let (table, end) = end.split_once("The simulated Atlas was asked").unwrap();
    for source in SOURCES {
        assert_eq!(table.lines().filter(|line| line.trim_start().starts_with(source)).count(), 1, "{source}: {table}");
    }
    // A machine that is too busy for the whole backlog is told so; nothing else may differ.
    let (caught_up, behind) = (said.contains("all sources have caught up"), end.contains("had not caught up yet"));
    assert!(caught_up != behind, "{said}");
    if caught_up {
        assert!(said.contains("  split    "), "{said}");
        let (before, _) = said.split_once(" s  all sources have caught up").unwrap();
        let seconds: f64 = before.rsplit(['\n', ' ']).next().unwrap().parse().unwrap();
        // What catches up only while the demo ends is not polled any more.
        assert!(seconds > 27.0 || said.contains("  live     "), "{said}");
    }
    let archive = dir.join("archive");
    assert!(end.contains(&format!("The files lie in {}\n", archive.display())), "{end}");
    let compared = end.lines().find(|line| line.starts_with("Compared with")).unwrap();
    assert!(compared.contains("all there, each once, byte for byte"), "{compared}");
    let bytes: u64 =
        compared.split(", ").find_map(|part| part.strip_suffix(" bytes")).unwrap().replace(',', "").parse().unwrap();
    assert_eq!(bytes, archived(&archive), "every archived byte was compared");

    let config = dir.join("config.toml");
    let config = config.to_str().unwrap();
    for command in ["status", "check"] {
        assert!(said.contains(&format!("atlas-logd --config {config} {command}\n")), "{said}");
        let (code, said) = run(&["--config", config, command]);
        assert_eq!(code, Some(0), "{command}: {said}");
    }
    let (_, status) = run(&["--config", config, "status"]);
    SOURCES.iter().for_each(|source| assert!(status.contains(source), "{source}: {status}"));
}

/// Somebody changes one byte of what is archived already, while the demo runs.
#[test]
fn a_single_byte_that_differs_is_found_and_fails_it() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("demo");
    let segments = dir.join("archive/payments/stream-audit/orders");
    let vandal = std::thread::spawn(move || {
        let segment = try_until(|| {
            let entries = std::fs::read_dir(&segments).into_iter().flatten().map(Result::unwrap);
            let entry = entries.into_iter().find(|entry| entry.path().extension().is_some_and(|it| it == "ndjson"));
            let entry = entry.filter(|entry| entry.metadata().unwrap().len() > 100_000);
            entry.map(|entry| entry.path()).ok_or("the demo archives nothing")
        });
        let mut file = std::fs::OpenOptions::new().write(true).open(segment).unwrap();
        file.seek(SeekFrom::Start(10)).unwrap();
        file.write_all(b"~").unwrap();
    });
    let (code, said) = run(&["demo", "--dir", dir.to_str().unwrap()]);
    vandal.join().unwrap();
    assert_eq!(code, Some(1), "{said}");
    let different = said.lines().find(|line| line.starts_with("DIFFERENT: ")).unwrap_or_else(|| panic!("{said}"));
    assert!(different.starts_with("DIFFERENT: payments/stream-audit/orders: "), "{different}");
    assert!(different.contains(" holds at byte 0 a record that Atlas did not hold, or not so often: "), "{different}");
}
