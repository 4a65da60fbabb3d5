//! `atlas-logd completions`: what a shell completes, from the definition of the command line.

use clap::{Args, ValueEnum};
use clap_complete::aot;

use crate::cli::{Exit, definition, terminal};

#[derive(Debug, Args)]
pub(super) struct Completions {
    /// The shell
    #[arg(value_name = "SHELL")]
    shell: Shell,
}

/// The shells that are tried.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Shell {
    /// bash, with the package bash-completion or without
    Bash,
    /// fish
    Fish,
    /// zsh
    Zsh,
}

impl Completions {
    pub(super) fn run(&self) -> Exit {
        let shell = match self.shell {
            Shell::Bash => aot::Shell::Bash,
            Shell::Fish => aot::Shell::Fish,
            Shell::Zsh => aot::Shell::Zsh,
        };
        let mut script = Vec::new();
        aot::generate(shell, &mut definition(), "atlas-logd", &mut script);
        terminal::say_document(&script);
        Exit::Done
    }
}
