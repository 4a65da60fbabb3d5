//! A transaction fails: at each of its writes in turn, and wherever the database runs out of space. The next poll of the
//! same process goes on by itself.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use atlas_logd::{collect::Job, daemon::Station, plan::GapReason, sim::Event, source::Kind};
use rusqlite::{
    Connection,
    functions::{Context, FunctionFlags},
};

use crate::{
    oracle::assert_exact,
    scene::{Failures, Folders, Scene, at, between, poll_all, source_id},
};

/// What the process does, in this order.
fn life() -> [(&'static str, Job); 5] {
    [
        ("09:10", Job::Regular),
        ("09:20", Job::Regular),
        ("10:10", Job::Regular),
        ("10:10", Job::Backfill(between("06:00", "06:30"))),
        ("11:10", Job::Regular),
    ]
}

fn with_connection(station: &Station, work: impl FnOnce(&Connection)) {
    let committer = station.collector.committer();
    committer
        .store()
        .transaction(|connection| {
            work(connection);
            Ok::<_, atlas_logd::state::StateError>(())
        })
        .unwrap();
}

/// Lives through it all. `mend` comes after the first failure; what failed before it.
fn live(folders: &Folders<'_>, station: &Station, mend: impl Fn(&Station)) -> Failures {
    let mut failed = Failures::new();
    for (time, job) in life() {
        folders.scene.clock.set(at(time));
        let failures = poll_all(station, job);
        if !failures.is_empty() {
            assert!(failed.is_empty(), "it failed again: {failures:?}");
            failed = failures;
            mend(station);
            assert_eq!(poll_all(station, job), Failures::new(), "after {failed:?}");
        }
    }
    for kind in Kind::ALL {
        assert_exact(folders, kind, &[(GapReason::BeforeStart, between("06:30", "08:00"))]);
        let state = folders.load(kind);
        assert!(state.end > Some(at("10:50")), "{:?}", state.end);
        assert_eq!(state.bytes, folders.bytes(kind), "nothing is archived twice");
    }
    failed
}

/// Lets one write to any of the tables fail, counted from 0. The counter of writes.
fn let_a_write_fail(connection: &Connection, failing: usize) -> Arc<AtomicUsize> {
    let writes = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&writes);
    let strike = move |_: &Context<'_>| match counter.fetch_add(1, Ordering::Relaxed) == failing {
        true => Err(rusqlite::Error::UserFunctionError("struck".into())),
        false => Ok(0),
    };
    connection.create_scalar_function("strike", 0, FunctionFlags::SQLITE_UTF8, strike).unwrap();
    let mut names = connection.prepare("SELECT name FROM sqlite_schema WHERE type = 'table'").unwrap();
    let tables: Vec<String> = names.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
    for table in tables {
        for write in ["INSERT", "UPDATE", "DELETE"] {
            let sql =
                format!("CREATE TEMP TRIGGER {write}_{table} AFTER {write} ON main.{table} BEGIN SELECT strike(); END");
            connection.execute_batch(&sql).unwrap();
        }
    }
    writes
}

#[test]
fn every_write_to_the_state_fails_once_and_the_next_poll_goes_on() {
    let scene = Scene::new();
    let run = |failing: usize| {
        let folders = scene.folders();
        let station = folders.open().unwrap();
        let mut writes = None;
        with_connection(&station, |connection| writes = Some(let_a_write_fail(connection, failing)));
        let failed = live(&folders, &station, |_| ());
        (writes.unwrap().load(Ordering::Relaxed), failed)
    };
    let (writes, failed) = run(usize::MAX);
    assert!(failed.is_empty() && writes > 150, "{writes} writes: {failed:?}");
    println!("{writes} writes");
    let step = if std::env::var_os("ATLAS_LOGD_EVERY_WRITE").is_some() { 1 } else { 13 };
    for failing in (0..writes).step_by(step) {
        assert!(!run(failing).1.is_empty(), "write {failing} of {writes} failed without a word");
    }
}

#[test]
fn a_database_that_is_full_at_any_point_stops_nothing_for_longer_than_it_is_full() {
    let scene = Scene::new();
    // Enough to need pages.
    for time in ["09:05", "10:05", "11:05"] {
        for number in 0..400 {
            let note = format!("number {number} at once");
            scene.world.add(&source_id(Kind::StreamAudit), Event::audit(at(time), &note));
            scene.world.add(&source_id(Kind::AccessHistory), Event::access(at(time), "host", &note));
        }
    }
    let mut full = 0;
    for more in 0.. {
        let folders = scene.folders();
        let station = folders.open().unwrap();
        let limit = |station: &Station, more: i64| {
            with_connection(station, |connection| {
                let pages: i64 = connection.query_row("PRAGMA page_count", [], |row| row.get(0)).unwrap();
                let sql = format!("PRAGMA max_page_count = {}", pages + more);
                connection.query_row(&sql, [], |row| row.get::<_, i64>(0)).unwrap();
            });
        };
        limit(&station, more);
        let failed = live(&folders, &station, |station| limit(station, 1_000_000));
        for said in failed.values() {
            assert!(said.contains("free some space on its disk, collection goes on by itself"), "{said}");
        }
        if failed.is_empty() {
            break;
        }
        full += 1;
    }
    assert!(full > 3, "it was full {full} times");
    println!("full with up to {full} pages");
}
