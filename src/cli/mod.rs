//! The command line.
//!
//! Results go to standard output, everything else to standard error. Exit codes are [`Exit`]'s.

mod check;
mod collect;
mod demo;
mod exit;
mod export;
mod logging;
mod pass;
mod rebuild;
mod reconcile;
mod run;
mod signals;
mod simulate;
mod skip;
mod sources;
mod status;
mod terminal;
mod verify;

use std::path::PathBuf;

use clap::{Parser, Subcommand};
use tokio::runtime::Runtime;

pub use exit::Exit;

use crate::{cli::logging::LogFormat, config::ConfigError, instant::Instant};

/// Archives MongoDB Atlas logs: audit logs of stream processing instances and the database access history of clusters,
/// complete, exact and append-only.
#[derive(Debug, Parser)]
#[command(name = "atlas-logd", version, max_term_width = 100)]
struct Cli {
    /// The configuration file
    #[arg(long, global = true, value_name = "FILE", default_value = crate::shell::DEFAULT_CONFIG)]
    config: PathBuf,

    /// How log lines are written to standard error
    #[arg(long, global = true, value_enum, default_value_t = LogFormat::Text)]
    log_format: LogFormat,

    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the daemon: poll every source on its schedule until SIGTERM or SIGINT; SIGHUP reads the configuration again
    Run,
    /// Collect once, now: what is new, or with --from and --to a range of the past
    Collect(collect::Collect),
    /// Compare the last days, or a range of the past, with what Atlas shows now, record by record; what is missing because it
    /// came too late is archived
    Reconcile(reconcile::Reconcile),
    /// Validate the configuration; with --online, ask Atlas for every source and say what to grant where it refuses
    Check(check::Check),
    /// Show each source: watermarks, lag, records, gaps and how the last poll went
    Status(status::Status),
    /// Declare a range that can never be had to be a gap, so that collection goes on behind it
    Skip(skip::Skip),
    /// Write the records of a range of time, by their own time, to standard output, and say what proves them
    Export(export::Export),
    /// Prove an archive from its files alone: nothing is missing, changed, moved or added; needs no configuration
    Verify(verify::Verify),
    /// Make the state again from the archive, where it is lost or older than the archive, and say what was assumed
    Rebuild(rebuild::Rebuild),
    /// Serve a simulated Atlas on loopback: both endpoints, both authentications, rate limits, discovery
    Simulate(simulate::Simulate),
    /// Show the whole thing: simulate an Atlas, collect from it, and compare every archived byte with what it held
    Demo(demo::Demo),
}

/// Runs the program with the arguments of the process.
#[must_use]
pub fn main() -> Exit {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version are no errors; clap knows where each is printed.
            terminal::note(error.print());
            return all_written(if error.use_stderr() { Exit::Usage } else { Exit::Done });
        }
    };
    all_written(dispatch(cli).unwrap_or_else(|error| {
        terminal::complain(&format!("atlas-logd: {error:#}"));
        Exit::Failed
    }))
}

/// How the program ends, where its output could not be written: whoever reads it must not take it for all there is.
fn all_written(exit: Exit) -> Exit {
    let Some(cause) = terminal::unwritten() else { return exit };
    terminal::complain(&format!(
        "atlas-logd: failed to write to standard output: {cause}; what was written is not all"
    ));
    if exit == Exit::Done { Exit::Failed } else { exit }
}

fn dispatch(cli: Cli) -> anyhow::Result<Exit> {
    let quiet = !matches!(cli.command, Command::Run);
    logging::start(cli.log_format, quiet);
    let command = match cli.command {
        Command::Simulate(simulate) => return simulate.run(),
        Command::Demo(demo) => return demo.run(),
        Command::Export(export) => match export.archive.clone() {
            Some(root) => return export.run(&root),
            None => Command::Export(export),
        },
        Command::Verify(verify) => return verify.run(),
        command => command,
    };
    let loaded = match command {
        // What only reads must work where the secrets cannot be read.
        Command::Status(_) | Command::Export(_) => crate::config::load_to_read(&cli.config),
        _ => crate::config::load(&cli.config),
    };
    let mut config = match loaded.map_err(refused) {
        Ok(config) => config,
        Err(exit) => return Ok(exit),
    };
    crate::discovery::recall(&mut config);
    match command {
        Command::Run => run::run(config, &cli.config),
        Command::Collect(collect) => collect.run(config),
        Command::Reconcile(reconcile) => reconcile.run(config),
        Command::Check(check) => check.run(config),
        Command::Status(status) => status.run(&config),
        Command::Skip(skip) => skip.run(&config),
        Command::Export(export) => export.run(&config.archive.dir),
        Command::Rebuild(rebuild) => rebuild.run(&config),
        Command::Simulate(_) | Command::Demo(_) | Command::Verify(_) => Ok(Exit::Usage),
    }
}

/// Prints the faults of a configuration.
fn refused(error: ConfigError) -> Exit {
    terminal::complain(&error.to_string());
    Exit::Configuration
}

/// The runtime that everything with a network runs on.
fn runtime() -> anyhow::Result<Runtime> {
    Ok(tokio::runtime::Builder::new_multi_thread().enable_all().build()?)
}

/// Reads an instant as it is written on the command line.
fn parse_instant(text: &str) -> Result<Instant, String> {
    if let Ok(date) = text.parse::<jiff::civil::Date>()
        && text.len() == 10
        && let Ok(midnight) = date.to_zoned(jiff::tz::TimeZone::UTC)
    {
        return Ok(midnight.timestamp().into());
    }
    text.parse()
        .map_err(|_| "not an instant; write it as 2026-11-22T10:15:00Z, or as 2026-11-22 for midnight UTC".to_owned())
}
