//! Runs the real program.

use std::{
    fs,
    process::{Command, Stdio},
    time::Duration,
};

use atlas_logd::instant::Instant;

use crate::archive::{Archive, ORDERS, event, midnight, noon};

const PATIENCE: Duration = Duration::from_secs(60);

/// How an export ended.
pub(crate) struct Outcome {
    code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Outcome {
    /// It ended with this exit code and wrote exactly these lines.
    #[track_caller]
    pub(crate) fn assert(self, code: i32, lines: &[String]) -> Self {
        assert_eq!((self.code, &self.stdout), (code, &lines.concat()), "it said:\n{}", self.stderr);
        self
    }

    /// It said this among other things.
    #[track_caller]
    pub(crate) fn assert_says(self, text: &str) -> Self {
        assert!(self.stderr.contains(text), "it does not say {text:?} but:\n{}", self.stderr);
        self
    }

    /// It did not say this.
    #[track_caller]
    pub(crate) fn assert_does_not_say(self, text: &str) -> Self {
        assert!(!self.stderr.contains(text), "it says {text:?}:\n{}", self.stderr);
        self
    }
}

pub(crate) fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_atlas-logd"));
    command.env_clear();
    command
}

/// What `atlas-logd export --help` says, in one line.
pub(crate) fn help() -> String {
    let mut command = program();
    command.args(["export", "--help"]);
    outcome(command).stdout.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[track_caller]
fn outcome(command: Command) -> Outcome {
    let output = assert_cmd::Command::from_std(command).timeout(PATIENCE).output().unwrap();
    Outcome {
        code: output.status.code().unwrap(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

impl Archive {
    /// Exports a range of the source.
    #[track_caller]
    pub(crate) fn export(&self, from: Instant, to: Instant) -> Outcome {
        self.export_of(ORDERS, from, to)
    }

    /// Exports a range of what is named.
    #[track_caller]
    pub(crate) fn export_of(&self, source: &str, from: Instant, to: Instant) -> Outcome {
        let mut command = program();
        command.args(["export", source, "--from", &from.to_string(), "--to", &to.to_string(), "--archive"]);
        command.arg(self.root());
        outcome(command)
    }
}

#[test]
fn what_is_asked_wrongly_is_told() {
    let archive = Archive::new();
    let refused = "--from 2026-03-02T00:00:00Z is not before --to 2026-03-02T00:00:00Z";
    archive.export(midnight(2), midnight(2)).assert(2, &[]).assert_says(refused);
    let unknown = "there is no source \"payments/stream-audit/order\" in the archive; did you mean \
                   \"payments/stream-audit/orders\"? there are: \"payments/stream-audit/orders\"";
    archive.export_of("payments/stream-audit/order", midnight(1), midnight(2)).assert(2, &[]).assert_says(unknown);
    archive.export_of("../payments", midnight(1), midnight(2)).assert(2, &[]).assert_says("there are: ");
    let mut command = program();
    command.args(["export", ORDERS, "--from", "2026-03-01", "--to", "2026-03-02", "--archive", "/nowhere/archive"]);
    outcome(command).assert(1, &[]).assert_says("failed to look into /nowhere/archive: it is not there");
}

#[test]
fn without_an_archive_that_of_the_configuration_is_read() {
    let mut archive = Archive::new();
    let lines = [event(noon(1), "one")];
    archive.sealed(1, &lines);
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("config.toml");
    let command = || {
        let mut command = program();
        command.env("SECRET", "x").arg("--config").arg(&config);
        command.args(["export", ORDERS, "--from", "2026-03-01", "--to", "2026-03-02"]);
        outcome(command)
    };
    command().assert(78, &[]).assert_says("cannot be read");
    let text = format!(
        "archive.dir = {:?}\n[credentials.main]\nclient_id = \"a\"\nclient_secret_env = \"SECRET\"\n[[project]]\n\
         id = \"32b6e34b3d91647abb20e7b8\"\nname = \"other\"\ncredentials = \"main\"\nclusters = [\"prod-0\"]\n",
        archive.root()
    );
    fs::write(&config, text).unwrap();
    command().assert(0, &lines);
}

#[test]
fn a_reader_that_has_read_enough_is_no_failure() {
    let mut archive = Archive::new();
    // More than any pipe holds.
    let lines: Vec<String> = (0..10_000).map(|_| event(noon(1), &"x".repeat(500))).collect();
    archive.sealed(1, &lines);
    let mut command = program();
    command.args(["export", ORDERS, "--from", "2026-03-01", "--to", "2026-03-02", "--archive"]).arg(archive.root());
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), String::from_utf8(output.stderr).unwrap()), (Some(0), String::new()));
}
