//! Runs the real program.

use std::process::Command;

use crate::archive::TestArchive;

/// How it ended.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl TestArchive {
    /// `atlas-logd verify ARCHIVE …`, where no configuration is.
    pub(crate) fn program(&self, arguments: &[&str]) -> Outcome {
        let mut command = Command::new(env!("CARGO_BIN_EXE_atlas-logd"));
        command.args(["--config", "/nowhere/config.toml", "verify"]).arg(self.root()).args(arguments);
        let output = command.output().unwrap();
        Outcome {
            code: output.status.code().unwrap(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }
}
