//! Commands with variables in their environment.

use std::ffi::OsStr;

use super::{Outcome, Stage, command::program};

impl Stage {
    /// Runs the program with the stage's configuration and more variables in its environment.
    #[track_caller]
    pub(crate) fn command_with<A: AsRef<OsStr>>(
        &self,
        variables: &[(&str, &OsStr)],
        arguments: impl IntoIterator<Item = A>,
    ) -> Outcome {
        let mut command = program(self.folder(), &self.config_path());
        command.envs(variables.iter().copied()).args(arguments);
        self.run(command)
    }
}
