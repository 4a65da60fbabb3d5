//! Runs the real program.

use std::{ffi::OsStr, path::Path, process::Command};

use super::{PATIENCE, Stage};

/// How a command ended.
#[derive(Clone, Debug)]
pub(crate) struct Outcome {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Outcome {
    /// It ended with exit code 0.
    #[track_caller]
    pub(crate) fn assert_done(self) -> Self {
        self.assert_code(0)
    }

    /// It ended with this exit code.
    #[track_caller]
    pub(crate) fn assert_code(self, code: i32) -> Self {
        assert_eq!(self.code, code, "\nstdout:\n{}\nstderr:\n{}", self.stdout, self.stderr);
        self
    }

    /// What it said on standard error contains `text`.
    #[track_caller]
    pub(crate) fn assert_says(self, text: &str) -> Self {
        assert!(self.stderr.contains(text), "it does not say {text:?} but:\n{}", self.stderr);
        self
    }
}

/// The program, in an environment that does not depend on who runs the tests.
pub(super) fn program(folder: &Path, config: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_atlas-logd"));
    clean(&mut command).current_dir(folder).arg("--config").arg(config);
    command
}

/// A shell that does `script` with the program and the arguments that follow as `"$@"`.
pub(super) fn shell(folder: &Path, script: &str) -> Command {
    let mut command = Command::new("/bin/sh");
    clean(&mut command).current_dir(folder).args(["-c", script, "sh", env!("CARGO_BIN_EXE_atlas-logd")]);
    command
}

fn clean(command: &mut Command) -> &mut Command {
    let ours = ["PATH", "HOME", "TMPDIR", "TZ", "LLVM_PROFILE_FILE"];
    let kept: Vec<_> = ours.iter().filter_map(|name| Some((name, std::env::var_os(name)?))).collect();
    command.env_clear().envs(kept)
}

impl Stage {
    /// Runs the program with the stage's configuration, for example `stage.command(["collect"])`.
    #[track_caller]
    pub(crate) fn command<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> Outcome {
        let mut command = program(self.folder(), &self.config_path());
        command.args(arguments);
        self.run(command)
    }

    /// The same under another umask.
    #[track_caller]
    pub(crate) fn command_under_umask<A: AsRef<OsStr>>(
        &self,
        umask: &str,
        arguments: impl IntoIterator<Item = A>,
    ) -> Outcome {
        let mut command = Command::new("/bin/sh");
        clean(&mut command).current_dir(self.folder());
        command.args(["-c", "umask \"$1\"; shift; exec \"$@\"", "sh", umask, env!("CARGO_BIN_EXE_atlas-logd")]);
        command.arg("--config").arg(self.config_path()).args(arguments);
        self.run(command)
    }

    /// Pastes the command that a message names into a shell.
    #[track_caller]
    pub(crate) fn paste(&self, message: &str) -> Outcome {
        let command = message.split_once(": atlas-logd --config ").map(|(_, rest)| rest);
        let command = command.and_then(|rest| rest.split_once(" --reason '…'")).map(|(command, _)| command);
        let command = command.unwrap_or_else(|| panic!("no command in: {message}"));
        let folder = Path::new(env!("CARGO_BIN_EXE_atlas-logd")).parent().unwrap();
        let mut shell = Command::new("/bin/sh");
        shell.env_clear().env("PATH", folder).args(["-c", &format!("atlas-logd --config {command} --reason 'never'")]);
        self.run(shell)
    }

    /// Runs any command, within a deadline; then all segments must still hold what they held.
    #[track_caller]
    pub(crate) fn run(&self, command: Command) -> Outcome {
        let shown = format!("{command:?}");
        let output = assert_cmd::Command::from_std(command).timeout(PATIENCE).output().unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        let Some(code) = output.status.code() else {
            panic!("{shown} did not end within {PATIENCE:?} ({}); it said:\n{stderr}", output.status);
        };
        self.look_at_segments();
        Outcome { code, stdout: String::from_utf8(output.stdout).unwrap(), stderr }
    }
}
