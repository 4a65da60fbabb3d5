//! The state database and its log are put together from different moments, cut short, taken away: either that is refused
//! with a sentence, or everything is exact.

use std::{fs, path::Path};

use rusqlite::Connection;

use crate::{
    bits::{Outcome, allowed, outcome},
    oracle::exact,
    scene::{Failures, Folders, Scene, between},
};
use atlas_logd::source::Kind;

type Bytes = Option<Vec<u8>>;

/// A file at some moment.
struct Copy {
    name: String,
    bytes: Bytes,
}

fn read(folders: &Folders<'_>, file: &str) -> Bytes {
    fs::read(folders.state().join(file)).ok()
}

/// Whether somebody reads the database all the time: then SQLite does not clear its log.
fn reader(folders: &Folders<'_>) -> Connection {
    let reader = Connection::open(folders.state().join("state.db")).unwrap();
    reader.query_row("SELECT count(*) FROM source", [], |row| row.get::<_, i64>(0)).unwrap();
    reader
}

/// The databases and the logs of several moments of a life, and what is there at its end.
fn moments(scene: &Scene) -> (Folders<'_>, Vec<Copy>, Vec<Copy>) {
    let folders = scene.folders();
    let (mut databases, mut logs) = (Vec::new(), Vec::new());
    let mut note = |folders: &Folders<'_>, moment: &str| {
        for (file, copies) in [("state.db", &mut databases), ("state.db-wal", &mut logs)] {
            let bytes = read(folders, file);
            if bytes.is_some() && copies.iter().all(|copy: &Copy| copy.bytes != bytes) {
                copies.push(Copy { name: format!("of {moment}"), bytes });
            }
        }
    };
    for time in ["09:10", "10:10"] {
        folders.poll_well(time);
        note(&folders, time);
    }
    let reading = reader(&folders);
    folders.backfill_well(between("06:00", "06:30"));
    note(&folders, "the backfill");
    folders.poll_well("11:10");
    note(&folders, "11:10");
    drop(reading);
    folders.skip_a_minute();
    note(&folders, "the skip");
    let reading = reader(&folders);
    folders.poll_well("11:40");
    let left = folders.poll_interrupted("11:50");
    note(&left, "11:50");
    drop(reading);
    (left, databases, logs)
}

/// The copies, the last of them cut short in several ways, an empty file and none.
fn variants(copies: Vec<Copy>) -> Vec<Copy> {
    let newest = copies.last().unwrap().bytes.clone().unwrap();
    let cut = [("one page", 4096), ("a half", newest.len() / 2), ("all but a byte", newest.len() - 1), ("nothing", 0)];
    let cut = cut.map(|(name, length)| Copy {
        name: format!("{name} of the newest"),
        bytes: Some(newest[..length.min(newest.len())].to_vec()),
    });
    copies.into_iter().chain(cut).chain([Copy { name: "none".to_owned(), bytes: None }]).collect()
}

fn put(path: &Path, bytes: &Bytes) {
    match bytes {
        Some(bytes) => fs::write(path, bytes).unwrap(),
        None => {
            let _ = fs::remove_file(path);
        }
    }
}

fn put_pair(folders: &Folders<'_>, database: &Bytes, log: &Bytes) {
    put(&folders.state().join("state.db"), database);
    put(&folders.state().join("state.db-wal"), log);
    put(&folders.state().join("state.db-shm"), &None);
}

#[test]
fn a_database_and_a_log_of_different_moments_are_refused_or_do_no_harm() {
    let scene = Scene::new();
    let (template, databases, logs) = moments(&scene);
    let (_, _, foreign) = moments(&scene);
    let mut logs = variants(logs);
    logs.extend(foreign.into_iter().map(|copy| Copy { name: format!("{} of another state", copy.name), ..copy }));
    let (mut exact_ones, mut refused, mut defects) = (0, 0, Vec::new());
    for database in variants(databases) {
        for log in &logs {
            let what = format!("database {}, log {}", database.name, log.name);
            let folders = template.copy();
            put_pair(&folders, &database.bytes, &log.bytes);
            match outcome(&folders) {
                Outcome::Exact => exact_ones += 1,
                Outcome::Refused => refused += 1,
                Outcome::Silent(wrong) => defects.push(format!("{what}: {wrong}")),
            }
        }
    }
    println!("{exact_ones} × exact, {refused} × refused");
    assert!(defects.is_empty(), "{}", defects.join("\n"));
    assert!(exact_ones > 1 && refused > 50, "{exact_ones} × exact, {refused} × refused");
}

/// What is missing is put back, and what was left of the state is still what it was.
#[test]
fn a_start_without_the_database_leaves_its_log_alone() {
    let scene = Scene::new();
    let (template, ..) = moments(&scene);
    for empty in [false, true] {
        let folders = template.copy();
        let (database, log) = (read(&folders, "state.db"), read(&folders, "state.db-wal"));
        put(&folders.state().join("state.db"), &empty.then(Vec::new));
        let said = folders.poll("12:10").unwrap_err();
        assert!(said.contains("state.db-wal") && said.contains("put back"), "{said}");
        assert_eq!(read(&folders, "state.db-wal"), log);
        put(&folders.state().join("state.db"), &database);
        assert_eq!(folders.poll("12:10").unwrap(), Failures::new());
        Kind::ALL.into_iter().for_each(|kind| exact(&folders, kind, &allowed()).unwrap());
    }
}
