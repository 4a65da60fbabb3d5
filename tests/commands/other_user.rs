//! Commands of another user than the daemon's: they go through the daemon, or are refused before anything is made.
//!
//! Only root can be another user. Where the tests run as somebody else, there is nothing to see.

use std::{
    fs,
    os::unix::{
        fs::{MetadataExt as _, PermissionsExt as _, chown},
        process::CommandExt as _,
    },
    path::{Path, PathBuf},
    process::Command,
};

use crate::harness::{Daemon, HOUR, MINUTE, ONCE_A_YEAR, Outcome, Stage, orders, prod};

/// The user of the daemon, who has no name anywhere.
const SERVICE: u32 = 54_321;

/// Somebody else.
const STRANGER: u32 = 54_322;

fn as_root() -> bool {
    let root = rustix::process::geteuid().is_root();
    if !root {
        println!("left out: not root, so that there is no other user to be");
    }
    root
}

/// Everything below a folder, links of names not followed: paths and owners.
fn owners(path: &Path, found: &mut Vec<(PathBuf, u32)>) {
    found.push((path.to_owned(), fs::symlink_metadata(path).unwrap().uid()));
    if path.is_dir() {
        fs::read_dir(path).unwrap().for_each(|entry| owners(&entry.unwrap().path(), found));
    }
}

/// What lies in state and archive.
fn things(stage: &Stage) -> Vec<(PathBuf, u32)> {
    let mut found = Vec::new();
    [stage.state(), stage.archive()].iter().for_each(|folder| owners(folder, &mut found));
    found.sort();
    found
}

/// Nothing there is anybody's but the daemon's.
#[track_caller]
fn assert_all_of_service(stage: &Stage) {
    let others: Vec<_> = things(stage).into_iter().filter(|(_, owner)| *owner != SERVICE).collect();
    assert_eq!(others, []);
}

/// A stage whose files are all of the daemon's user.
fn stage() -> Stage {
    let stage = Stage::new();
    stage.configure(|config| config.schedule(ONCE_A_YEAR));
    [orders(), prod()].iter().for_each(|source| stage.add_record(source, HOUR, "first"));
    let mut found = Vec::new();
    owners(stage.folder(), &mut found);
    found.iter().for_each(|(path, _)| chown(path, Some(SERVICE), Some(SERVICE)).unwrap());
    // Where the program was built, nobody else may be able to read.
    // Not by this process: a child that is forked meanwhile would hold the copy open for writing, and it could not be run.
    let copied =
        Command::new("cp").arg(env!("CARGO_BIN_EXE_atlas-logd")).arg(stage.folder().join("atlas-logd")).status();
    assert!(copied.unwrap().success());
    fs::set_permissions(stage.folder(), fs::Permissions::from_mode(0o755)).unwrap();
    stage
}

fn program(stage: &Stage, uid: u32, arguments: &[&str]) -> Command {
    let mut command = Command::new(stage.folder().join("atlas-logd"));
    command.env_clear().current_dir(stage.folder()).arg("--config").arg(stage.config_path()).args(arguments);
    if uid != 0 {
        command.uid(uid).gid(uid);
    }
    command
}

#[track_caller]
fn run(stage: &Stage, uid: u32, arguments: &[&str]) -> Outcome {
    stage.run(program(stage, uid, arguments))
}

fn spawn_daemon(stage: &Stage) -> Daemon {
    let mut daemon = Stage::spawn(program(stage, SERVICE, &["run"]));
    daemon.wait_for_line("collecting");
    daemon
}

/// Everything that writes.
fn writing(stage: &Stage) -> Vec<Vec<String>> {
    let (from, to) = (stage.ago(HOUR).to_string(), stage.ago(MINUTE).to_string());
    let (from, to) = (from.as_str(), to.as_str());
    let name = "payments/stream-audit/orders";
    [
        &["run"][..],
        &["collect"],
        &["collect", name, "--from", from, "--to", to],
        &["reconcile"],
        &["seal"],
        &["skip", name, "--from", from, "--to", to, "--reason", "none"],
        &["rebuild"],
        &["rebuild", "--replace"],
    ]
    .iter()
    .map(|arguments| arguments.iter().map(|&word| word.to_owned()).collect())
    .collect()
}

#[track_caller]
fn assert_refused(stage: &Stage, uid: u32, me: &str) {
    let before = things(stage);
    for arguments in writing(stage) {
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let refused = run(stage, uid, &arguments).assert_code(1);
        let sentence = format!(
            "atlas-logd: the state in {} belongs to the user #{SERVICE}, and this is {me}: what {me} makes there, the daemon \
             cannot open; nothing was done, run it as #{SERVICE}: sudo -u '#{SERVICE}' {}/atlas-logd --config ",
            stage.state().display(),
            stage.folder().display(),
        );
        assert!(refused.stderr.starts_with(&sentence), "{arguments:?}: {}", refused.stderr);
        assert_eq!((refused.stderr.lines().count(), refused.stdout.as_str()), (1, ""));
        assert_eq!(things(stage), before, "{arguments:?}");
    }
    assert_eq!(stage.world.requests(), [], "nothing was asked");
}

#[test]
fn without_a_daemon_nobody_else_writes_and_nothing_is_made() {
    if !as_root() {
        return;
    }
    let stage = stage();
    for uid in [0, STRANGER] {
        assert_refused(&stage, uid, if uid == 0 { "root" } else { "#54322" });
    }
    run(&stage, SERVICE, &["collect"]).assert_done();
    stage.world.clear_requests();
    for uid in [0, STRANGER] {
        assert_refused(&stage, uid, if uid == 0 { "root" } else { "#54322" });
    }
    assert_all_of_service(&stage);
    run(&stage, SERVICE, &["collect"]).assert_done();
}

#[test]
fn root_only_looks_and_leaves_nothing_behind() {
    if !as_root() {
        return;
    }
    let stage = stage();
    let archive = stage.archive();
    let looks = [
        &["status"][..],
        &["status", "--json"],
        &["check"],
        &["verify", archive.to_str().unwrap()],
        &["export", "payments/stream-audit/orders", "--from", "2020-01-01", "--to", "2030-01-01"],
    ];
    run(&stage, SERVICE, &["collect"]).assert_done();
    let mut daemon = spawn_daemon(&stage);
    looks.iter().for_each(|look| drop(run(&stage, 0, look).assert_done()));
    assert_all_of_service(&stage);
    // With a log that was not written into the database yet, and without shared memory, which a reader makes anew.
    daemon.kill();
    fs::remove_file(stage.state().join("state.db-shm")).unwrap();
    looks.iter().for_each(|look| drop(run(&stage, 0, look).assert_done()));
    assert_all_of_service(&stage);
    daemon = spawn_daemon(&stage);
    daemon.stop();
    looks.iter().for_each(|look| drop(run(&stage, 0, look).assert_done()));
    assert_all_of_service(&stage);
    run(&stage, SERVICE, &["collect"]).assert_done();
    [orders(), prod()].iter().for_each(|source| stage.assert_current(source));
}

#[test]
fn beside_a_daemon_root_and_its_own_user_are_served_and_all_that_is_written_is_the_daemons() {
    if !as_root() {
        return;
    }
    let stage = stage();
    let daemon = spawn_daemon(&stage);
    for uid in [0, SERVICE] {
        [orders(), prod()].iter().for_each(|source| stage.add_record(source, MINUTE, &format!("of {uid}")));
        for arguments in writing(&stage) {
            let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
            match arguments[0] {
                "run" | "rebuild" => drop(run(&stage, uid, &arguments).assert_code(1)),
                _ => drop(run(&stage, uid, &arguments).assert_done()),
            }
            assert_all_of_service(&stage);
        }
    }
    daemon.stop();
    for source in [orders(), prod()] {
        assert_eq!(stage.lines(&source).len(), 3);
    }
    run(&stage, SERVICE, &["verify", stage.archive().to_str().unwrap()]).assert_done();
}

#[test]
fn beside_a_daemon_nobody_else_is_served_even_where_the_socket_lets_them_in() {
    if !as_root() {
        return;
    }
    let stage = stage();
    let mut daemon = spawn_daemon(&stage);
    [orders(), prod()].iter().for_each(|source| stage.wait_for_data_requests(source, 1));
    stage.world.clear_requests();
    let belongs = format!("belongs to the user #{SERVICE}");
    run(&stage, STRANGER, &["collect"]).assert_code(1).assert_says(&belongs);
    let socket = stage.state().join("control.sock");
    assert_eq!(fs::metadata(&socket).unwrap().permissions().mode() & 0o7777, 0o600);
    fs::set_permissions(&socket, fs::Permissions::from_mode(0o666)).unwrap();
    let says = "the running daemon refuses: it takes orders of its own user and of root only";
    for arguments in [["collect"], ["seal"], ["reconcile"]] {
        run(&stage, STRANGER, &arguments).assert_code(1).assert_says(says);
    }
    assert_eq!(stage.world.requests(), []);
    let logged = daemon.wait_for_line("an order of another user was refused");
    assert!(logged.contains(&format!("uid={STRANGER}")), "{logged}");
    daemon.stop();
    assert_all_of_service(&stage);
}
