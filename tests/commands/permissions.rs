//! Folders that are read-only, or not ours: said with the path and what to do, and harmless to other sources.

use std::{
    fs,
    os::unix::{
        fs::{PermissionsExt, chown},
        process::CommandExt,
    },
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use crate::harness::{HOUR, Outcome, Stage, orders, prod};

/// A user without rights, where the tests run as root, whom no mode stops.
const NOBODY: u32 = 65_534;

fn as_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// Gives everything below `path` to the user that the program runs as.
fn give(path: &Path) {
    if as_root() {
        chown(path, Some(NOBODY), Some(NOBODY)).unwrap();
    }
    if path.is_dir() {
        fs::read_dir(path).unwrap().for_each(|entry| give(&entry.unwrap().path()));
    }
}

/// Runs the program as a user whom modes stop.
#[track_caller]
fn run(stage: &Stage, arguments: &[&str]) -> Outcome {
    // Where the program was built, nobody else may be able to read.
    let program: PathBuf = stage.folder().join("atlas-logd");
    if !program.exists() {
        // By another process: of a file that this one has open for writing, a child that another test starts just then has
        // the descriptor for a moment, and what is open for writing cannot be run.
        let copied = Command::new("cp").arg(env!("CARGO_BIN_EXE_atlas-logd")).arg(&program).status().unwrap();
        assert!(copied.success());
    }
    let mut command = Command::new(program);
    command.env_clear().current_dir(stage.folder()).arg("--config").arg(stage.config_path()).args(arguments);
    if as_root() {
        command.uid(NOBODY).gid(NOBODY);
    }
    stage.run(command)
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

fn stage() -> Stage {
    let stage = Stage::new();
    [orders(), prod()].iter().for_each(|source| stage.add_record(source, HOUR, "first"));
    give(stage.folder());
    stage
}

#[test]
fn an_archive_or_a_state_that_cannot_be_written_is_named_and_nothing_is_asked() {
    for (what, key) in [("archive", "archive"), ("state", "state")] {
        let stage = stage();
        let folder = stage.folder().join(what);
        set_mode(&folder, 0o555);
        for command in ["collect", "run"] {
            let said = run(&stage, &[command]).assert_code(1).stderr;
            assert!(said.contains(&format!("{}", folder.display())), "{what}: {said}");
            assert!(said.contains("must be writable for the user that atlas-logd runs as"), "{what}: {said}");
        }
        let said = run(&stage, &["check"]).assert_code(1).stdout;
        assert!(said.contains(&format!("{key} folder {}: permission denied; it must be writable", folder.display())));
        assert_eq!(stage.world.requests(), []);
        set_mode(&folder, 0o755);
        run(&stage, &["collect"]).assert_done();
        [orders(), prod()].iter().for_each(|source| stage.assert_current(source));
    }
}

#[test]
fn a_segment_that_cannot_be_written_fails_its_source_alone_and_loses_nothing() {
    let stage = stage();
    run(&stage, &["collect"]).assert_done();
    let segment = stage.folder_of(&orders()).join(&stage.segments(&orders())[0].name);
    set_mode(&segment, 0o440);
    [orders(), prod()].iter().for_each(|source| stage.add_record(source, Duration::ZERO, "second"));
    for _ in 0..2 {
        let said = run(&stage, &["collect"]).assert_code(1).stderr;
        let said = said.lines().find(|line| line.starts_with(&format!("{}: failed", orders()))).unwrap().to_owned();
        assert!(said.contains(&format!("failed to open {}: permission denied; ", segment.display())), "{said}");
        assert_eq!(stage.lines(&orders()).len(), 1);
        stage.assert_current(&prod());
    }
    set_mode(&segment, 0o640);
    run(&stage, &["collect"]).assert_done();
    assert_eq!(stage.lines(&orders()).len(), 2);
    stage.assert_current(&orders());
}

#[test]
fn a_spool_that_cannot_be_written_fails_all_sources_and_loses_nothing() {
    let stage = stage();
    run(&stage, &["collect"]).assert_done();
    let spool = stage.archive().join(".spool");
    set_mode(&spool, 0o555);
    [orders(), prod()].iter().for_each(|source| stage.add_record(source, Duration::ZERO, "second"));
    let said = run(&stage, &["collect"]).assert_code(1).stderr;
    assert!(said.contains(&format!("{}", spool.display())) && said.contains("permission denied; "), "{said}");
    set_mode(&spool, 0o750);
    run(&stage, &["collect"]).assert_done();
    for source in [orders(), prod()] {
        assert_eq!(stage.lines(&source).len(), 2);
        stage.assert_current(&source);
    }
}
