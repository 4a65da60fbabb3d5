//! The program's own log.

use std::io::IsTerminal;

use clap::ValueEnum;
use tracing_subscriber::EnvFilter;

/// How log lines are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum LogFormat {
    /// For people and the journal
    Text,
    /// One JSON object a line
    Json,
}

/// Libraries that talk of themselves without being asked.
const LIBRARIES: &str = "tokio_cron_scheduler=warn";

/// Sends the log to standard error. `RUST_LOG` chooses the level; else it is `info`, or `warn` where a command is
/// `quiet` because it prints its results itself.
pub(super) fn start(format: LogFormat, quiet: bool) {
    let level = if quiet { "warn" } else { "info" };
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(format!("{level},{LIBRARIES}")));
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_target(false);
    // The journal has its own time for each line.
    let under_journal = std::env::var_os("JOURNAL_STREAM").is_some();
    let started = match format {
        LogFormat::Json => log.json().flatten_event(true).try_init(),
        LogFormat::Text if under_journal => log.without_time().with_ansi(false).try_init(),
        LogFormat::Text => log.with_ansi(std::io::stderr().is_terminal()).try_init(),
    };
    // Only a second start in one process fails, and then the first one is as good.
    drop(started);
}
