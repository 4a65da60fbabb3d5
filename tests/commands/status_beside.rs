//! `status` reads: beside a daemon, without one, and without leaving anything behind.

use std::{
    collections::BTreeMap,
    fs::{self, Permissions},
    os::unix::fs::{MetadataExt as _, PermissionsExt as _},
};

use crate::harness::{EVERY_SECOND, HOUR, Stage, orders};

const IDLE: &str = "nothing is collected at the moment: neither the daemon nor a command has the state open";
const IN_USE: &str = "the state is in use: the daemon runs, or a command that collects";

/// The files of a folder, with their lengths and when they were changed.
fn files(folder: &std::path::Path) -> BTreeMap<String, (u64, i64, i64)> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| {
        let entry = entry.unwrap();
        let metadata = entry.metadata().unwrap();
        let name = entry.file_name().into_string().unwrap();
        (name, (metadata.len(), metadata.mtime(), metadata.mtime_nsec()))
    });
    entries.collect()
}

#[test]
fn nothing_is_written_also_where_nothing_can_be() {
    let stage = Stage::new();
    stage.add_record(&orders(), HOUR, "one");
    stage.command(["collect"]).assert_done();
    let before = files(&stage.state());
    assert_eq!(before.keys().collect::<Vec<_>>(), ["lock", "state.db"]);
    for arguments in [&["status"][..], &["status", "--json"], &["status", "payments/stream-audit/orders"], &["check"]] {
        stage.command(arguments).assert_done();
        assert_eq!(files(&stage.state()), before, "{arguments:?}");
    }
    // A copy on a medium that cannot be written to, without the lock.
    fs::remove_file(stage.state().join("lock")).unwrap();
    fs::set_permissions(stage.state(), Permissions::from_mode(0o550)).unwrap();
    let outcome = stage.command(["status"]).assert_done();
    fs::set_permissions(stage.state(), Permissions::from_mode(0o750)).unwrap();
    assert!(outcome.stdout.contains(IDLE), "{}", outcome.stdout);
    assert_eq!(files(&stage.state()).keys().collect::<Vec<_>>(), ["state.db"]);
}

#[test]
fn it_says_whether_a_daemon_runs_and_disturbs_none() {
    let stage = Stage::new();
    stage.configure(|config| {
        config.only_audit();
        config.schedule(EVERY_SECOND);
    });
    stage.command(["collect"]).assert_done();
    let writer = |stage: &Stage| {
        let json = stage.command(["status", "--json"]).assert_done().stdout;
        serde_json::from_str::<serde_json::Value>(&json).unwrap()[0]["writer"].as_bool().unwrap()
    };
    assert!(stage.command(["status"]).assert_done().stdout.contains(IDLE));
    assert!(!writer(&stage));
    let daemon = stage.spawn_daemon();
    assert!(stage.command(["status"]).assert_done().stdout.contains(IN_USE));
    assert!(writer(&stage));
    let log = daemon.kill().join("\n");
    assert!(!log.contains("using the state"), "{log}");
    // What it committed last is in the log of the database still.
    stage.command(["status"]).assert_done();
    assert!(!writer(&stage));
    // Those who read do not keep a daemon from starting.
    std::thread::scope(|scope| {
        let readers = (0..4).map(|_| {
            let (folder, config) = (stage.folder(), stage.config_path());
            scope.spawn(move || {
                for _ in 0..5 {
                    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_atlas-logd"));
                    let status =
                        command.current_dir(folder).arg("--config").arg(&config).arg("status").output().unwrap();
                    assert!(status.status.success(), "{}", String::from_utf8_lossy(&status.stderr));
                }
            })
        });
        let readers: Vec<_> = readers.collect();
        for _ in 0..3 {
            stage.spawn_daemon().stop();
        }
        readers.into_iter().for_each(|reader| reader.join().unwrap());
    });
}

#[test]
fn a_lost_state_is_told_from_one_that_never_was() {
    let stage = Stage::new();
    let outcome = stage.command(["status"]).assert_code(1);
    assert!(outcome.stderr.contains("there is no state database at "), "{}", outcome.stderr);
    stage.command(["collect"]).assert_done();
    for name in ["state.db", "lock"] {
        fs::remove_file(stage.state().join(name)).unwrap();
    }
    let lost = "was used before, but the state database knows nothing of it; put back the state folder";
    let outcome = stage.command(["status"]).assert_code(1).assert_says(lost);
    assert_eq!(outcome.stdout, "");
    assert!(files(&stage.state()).is_empty());
    // A start that was refused left an empty one.
    stage.command(["collect"]).assert_code(1).assert_says(lost);
    let outcome = stage.command(["status"]).assert_code(1).assert_says(lost);
    assert!(outcome.stdout.contains("never polled"), "{}", outcome.stdout);
    let json = stage.command(["status", "--json"]).assert_code(1).assert_says(lost).stdout;
    assert!(serde_json::from_str::<serde_json::Value>(&json).is_ok());
}

#[test]
fn records_of_today_outlive_the_state() {
    let stage = Stage::at("2026-11-22T10:15:00Z");
    stage.configure(|config| config.only_audit());
    (1..=3).for_each(|number| stage.add_record(&orders(), number * HOUR, "of the first day"));
    stage.desk().poll_all();
    let today = |stage: &Stage| {
        let connection = rusqlite::Connection::open(stage.state().join("state.db")).unwrap();
        let of = "SELECT day, day_records FROM source";
        connection.query_row(of, [], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?))).unwrap()
    };
    let day = stage.now().millis().div_euclid(86_400_000);
    assert_eq!(today(&stage), (day, 3));
    stage.pass(14 * HOUR);
    (1..=2).for_each(|number| stage.add_record(&orders(), number * HOUR, "seen on the second day"));
    stage.desk().poll_all();
    assert_eq!(today(&stage), (day + 1, 2));
    let config = atlas_logd::config::load(&stage.config_path()).unwrap();
    let order = atlas_logd::rebuild::Order::Replace;
    atlas_logd::rebuild::rebuild(&config, stage.local_clock().as_ref(), order).unwrap();
    assert_eq!(today(&stage), (day + 1, 2), "it is found again in the segments of the day");
    assert_eq!(stage.status(&orders()).records, 5);
}
