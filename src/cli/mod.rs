//! The command line.
//!
//! Results go to standard output, everything else to standard error. Exit codes are [`Exit`]'s.

mod alone;
mod beside;
mod check;
mod collect;
mod completions;
mod demo;
mod display;
mod errand;
mod exit;
mod export;
mod lesson;
mod logging;
mod manual;
mod pass;
mod rebuild;
mod reconcile;
mod run;
mod seal;
mod service_manager;
mod signals;
mod simulate;
mod skip;
mod sources;
mod status;
mod terminal;
mod user;
mod verify;

use std::path::{Path, PathBuf};

use clap::{CommandFactory as _, FromArgMatches as _, Parser, Subcommand};
use tokio::runtime::Runtime;

pub use exit::Exit;

use crate::{
    cli::{lesson::Lesson, logging::LogFormat},
    config::{Config, ConfigError},
    instant::Instant,
};

/// Archives MongoDB Atlas logs for compliance: complete, exact, append-only
///
/// It fetches the audit logs of stream processing instances and the database access history of clusters, which Atlas keeps
/// for a short time only, and writes each record once, as Atlas sent it, into plain files that only grow. What could not be
/// had is a gap with its reason; evidence beside the files proves that nothing is missing and nothing was changed.
///
/// A source is what is archived into one folder: the audit log of one stream instance, or the access history of one cluster.
/// It is named PROJECT/stream-audit/INSTANCE or PROJECT/access-history/CLUSTER.
#[derive(Debug, Parser)]
#[command(name = "atlas-logd", version, max_term_width = 100)]
struct Cli {
    /// The configuration file
    ///
    /// TOML. `check` says what is wrong with it. The reference, every key with its default, is config/atlas-logd.toml in the
    /// sources and /usr/share/doc/atlas-logd/examples/atlas-logd.toml in the Debian package.
    #[arg(long, global = true, value_name = "FILE", default_value = crate::shell::DEFAULT_CONFIG)]
    config: PathBuf,

    /// How log lines are written to standard error
    ///
    /// Results go to standard output, in the form that the command says. How much is logged is set by the environment variable
    /// RUST_LOG, for example atlas_logd=debug.
    #[arg(long, global = true, value_enum, env = "ATLAS_LOGD_LOG_FORMAT", default_value_t = LogFormat::Text)]
    log_format: LogFormat,

    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the daemon: poll every source on its schedule
    ///
    /// At the start, what an interrupted run left is finished, and every source that is behind is polled; then each is polled
    /// by its cron pattern ([schedule]), and reconciled at night. SIGTERM or SIGINT stops it, SIGHUP reads the configuration
    /// again. Only one process can write to a state and an archive.
    Run,
    /// Collect once, now: what is new, or a range of the past
    ///
    /// Asks Atlas for everything since the end watermark, or with --from and --to for a range again, and archives what is not
    /// archived yet: nothing is archived twice, however often it is asked for. Progress goes to standard error where that is a
    /// terminal, and a table of the sources to standard output.
    Collect(collect::Collect),
    /// Compare the last days with what Atlas shows now, and archive what is missing
    ///
    /// Records that appear at Atlas later than the settle time are found here: the last days (collect.reconcile_range), or a
    /// range, are asked for again and compared record by record with the archive. The daemon does it every night. Where most of
    /// a window differs, nothing of it is archived, and you are asked what it is.
    Reconcile(reconcile::Reconcile),
    /// Say whether everything is right; with --online, at Atlas too
    ///
    /// Reads the configuration and lists all its faults at once, each with line and column, what is wrong and what is allowed;
    /// tries whether the folders can be written to; and looks for damage in state and newest segments. Changes nothing. Run it
    /// as the user of the daemon: what root may do proves nothing.
    Check(check::Check),
    /// Show how each source is doing
    ///
    /// Watermarks (from when to when the archive is complete), lag, records, gaps with their reasons, and how the last poll went.
    /// It reads the state, also while the daemon runs, and needs no secrets. A lag of the settle time and the time between two
    /// polls is normal: 15 to 20 minutes with the defaults.
    Status(status::Status),
    /// Declare a range that can never be had to be a gap
    ///
    /// So that collection goes on behind it. Only what is not archived yet can be skipped. The gap and your reason are in the
    /// evidence for ever; a later backfill of the range closes it, should it be had after all.
    Skip(skip::Skip),
    /// Seal the open segments now
    ///
    /// So that each has its digest, signed where there is a key: what was archived up to now can be proven from here on. The
    /// next poll opens new ones. It is done by the daemon where one runs.
    Seal(seal::Seal),
    /// Write the records of a range of time to standard output
    ///
    /// By the records' own clocks, byte for byte, one a line, out of all segments that can hold them. Standard error says what
    /// is missing of the range and which digests prove the records. It needs the archive alone, no state and no secret.
    Export(export::Export),
    /// Prove an archive from its files alone: nothing is missing, changed, moved or added
    ///
    /// Walks all segments, digests, signatures and archive digests, and names every file that is not what it has to be. It needs
    /// no configuration, no state and no network, and can run on a copy, on another machine, while the daemon writes.
    Verify(verify::Verify),
    /// Make the state again from the archive, where it is lost or older
    ///
    /// With the daemon stopped. Watermarks, gaps and fingerprints are read from digests and segments; what had to be assumed is
    /// printed. No segment is changed. Run verify afterwards.
    Rebuild(rebuild::Rebuild),
    /// Serve a simulated Atlas on loopback, to try things on
    ///
    /// Both endpoints, both authentications, rate limits, the lists of projects, clusters and stream instances, late records, a
    /// burst that no page holds. It prints its credentials, which are made up, and commands for curl. Point a configuration at it
    /// with [atlas] base_url.
    Simulate(simulate::Simulate),
    /// Show the whole thing at work, without an account and without a network
    ///
    /// Simulates an Atlas, collects from it, a backlog first and then live polls, and compares every archived byte with what it
    /// held. Takes half a minute, and leaves a configuration on which the other commands can be tried.
    Demo(demo::Demo),
    /// Write what a shell needs to complete the command line
    ///
    /// Commands, options, their values, and the sources of the configuration. To standard output.
    Completions(completions::Completions),
    /// Write the manual: a page for the program and one for each command
    ///
    /// In the form that `man -l` reads, to standard output or into files.
    Man(manual::Manual),
    /// List the names of all sources, for a shell that completes them
    #[command(hide = true)]
    Sources,
}

/// The command line as it is parsed, helped with, completed and described in the manual.
fn definition() -> clap::Command {
    let taught = |command: clap::Command, name: &str| match Lesson::of(name) {
        Some(lesson) => command.after_long_help(lesson.help()),
        None => command,
    };
    taught(Cli::command(), "").mut_subcommands(|command| {
        let name = command.get_name().to_owned();
        taught(command, &name)
    })
}

/// Runs the program with the arguments of the process.
#[must_use]
pub fn main() -> Exit {
    let parsed = definition().try_get_matches().and_then(|matches| Cli::from_arg_matches(&matches));
    let cli = match parsed {
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
        Command::Completions(completions) => return Ok(completions.run()),
        Command::Man(manual) => return manual.run(),
        command => command,
    };
    let loaded = match command {
        // What only reads must work where the secrets cannot be read; and so must what a daemon does.
        Command::Status(_) | Command::Export(_) | Command::Sources => crate::config::load_to_read(&cli.config),
        Command::Collect(_) | Command::Reconcile(_) | Command::Skip(_) | Command::Seal(_) => load_to_look(&cli.config),
        Command::Run | Command::Rebuild(_) => match load_to_look(&cli.config) {
            Ok(config) => {
                user::refuse_others(&config)?;
                crate::config::load(&cli.config)
            }
            faults => faults,
        },
        _ => crate::config::load(&cli.config),
    };
    let mut config = match loaded.map_err(refused) {
        Ok(config) => config,
        Err(exit) => return Ok(exit),
    };
    crate::discovery::recall(&mut config);
    match command {
        Command::Run => run::run(config, &cli.config),
        Command::Collect(collect) => collect.run(&config),
        Command::Reconcile(reconcile) => reconcile.run(&config),
        Command::Check(check) => check.run(config),
        Command::Status(status) => status.run(&config),
        Command::Skip(skip) => skip.run(&config),
        Command::Seal(seal) => seal.run(&config),
        Command::Export(export) => export.run(&config.archive.dir),
        Command::Rebuild(rebuild) => rebuild.run(&config),
        Command::Sources => {
            sources::list(&config);
            Ok(Exit::Done)
        }
        Command::Simulate(_) | Command::Demo(_) | Command::Verify(_) | Command::Completions(_) | Command::Man(_) => {
            Ok(Exit::Usage)
        }
    }
}

/// The configuration as far as secrets do not matter; where anything else is wrong with it, all of its faults.
fn load_to_look(path: &Path) -> Result<Config, ConfigError> {
    crate::config::load_to_read(path).or_else(|_| crate::config::load(path))
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
    Instant::parse_or_midnight(text)
        .ok_or_else(|| "not an instant; write it as 2026-11-22T10:15:00Z, or as 2026-11-22 for midnight UTC".to_owned())
}
