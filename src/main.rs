//! The program: everything is in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    atlas_logd::cli::main().into()
}
