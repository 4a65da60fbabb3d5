//! The command.

use std::{path::PathBuf, time::Duration};

use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};

use super::{json, table};
use crate::{
    cli::{Exit, parse_instant, terminal},
    evidence::{AllowedSigners, Sha256Sum},
    instant::Instant,
    verify::{Progress, Request, verify},
};

/// How long the daemon may need between two files that belong together: it syncs each of them.
const PATIENCE: Duration = Duration::from_secs(3);

#[derive(Debug, Args)]
pub(in crate::cli) struct Verify {
    /// The archive's folder
    #[arg(value_name = "ARCHIVE")]
    archive: PathBuf,

    /// One JSON object instead of a table
    #[arg(long)]
    json: bool,

    /// Read only segments that can hold records from this instant on (2026-11-22T10:15:00Z, or a date)
    ///
    /// Coverage and gaps are reported from there too. All digests and signatures are checked all the same.
    #[arg(long, value_name = "INSTANT", value_parser = parse_instant)]
    from: Option<Instant>,

    /// Likewise up to this instant
    #[arg(long, value_name = "INSTANT", value_parser = parse_instant)]
    to: Option<Instant>,

    /// The keys whose signatures count, as `ssh-keygen -Y verify -f` reads them
    ///
    /// Old ones too, for what they signed. From a place where the owners of the archive cannot write.
    #[arg(long, value_name = "FILE")]
    allowed_signers: Option<PathBuf>,

    /// The head as it was noted outside of this machine: an archive digest with this SHA-256 has to be there
    #[arg(long, value_name = "SHA256", value_parser = parse_sum)]
    head: Option<Sha256Sum>,

    /// Exit with 1 if anything is missing too, not only if something is wrong
    ///
    /// A gap, no source at all, a part of the range that is not covered or may have been removed by retention.
    #[arg(long)]
    require_complete: bool,
}

/// Reads a sum as `sha256sum` writes it.
fn parse_sum(text: &str) -> Result<Sha256Sum, String> {
    text.parse().map_err(|()| "not a SHA-256; it has 64 hexadecimal digits in lower case".to_owned())
}

impl Verify {
    pub(in crate::cli) fn run(self) -> anyhow::Result<Exit> {
        if let Some((from, to)) = self.from.zip(self.to)
            && from >= to
        {
            terminal::complain(&format!("atlas-logd: --from {from} is not before --to {to}"));
            return Ok(Exit::Usage);
        }
        let allowed_signers = match self.allowed_signers.as_deref().map(AllowedSigners::read).transpose() {
            Ok(allowed_signers) => allowed_signers,
            Err(error) => {
                terminal::complain(&format!("atlas-logd: {error}"));
                return Ok(Exit::Usage);
            }
        };
        let request = Request { from: self.from, to: self.to, allowed_signers, head: self.head, patience: PATIENCE };
        let bar = bar();
        let report = verify(&self.archive, &request, &|progress| match progress {
            Progress::Begun { bytes, .. } => bar.set_length(bytes),
            Progress::Read { bytes } => bar.inc(bytes),
        });
        bar.finish_and_clear();
        let report = match report {
            Ok(report) => report,
            Err(cause) => {
                let archive = self.archive.display();
                terminal::complain(&format!(
                    "atlas-logd: failed to open the archive {archive}: {cause}; name its folder"
                ));
                return Ok(Exit::Failed);
            }
        };
        if self.json {
            terminal::say_json(&json::report(&report, &request))?;
        } else {
            terminal::say(&table::report(&report, &request));
        }
        if !report.is_valid() {
            return Ok(Exit::Failed);
        }
        if self.require_complete && !report.is_complete() {
            terminal::complain(
                "atlas-logd: nothing is wrong, but not all of it is there, which --require-complete asks for",
            );
            return Ok(Exit::Failed);
        }
        Ok(Exit::Done)
    }
}

/// Hidden where standard error is no terminal.
fn bar() -> ProgressBar {
    let bar = ProgressBar::no_length();
    let style = ProgressStyle::with_template("{spinner} {elapsed} {bytes}/{total_bytes}, {bytes_per_sec}, {eta} left");
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    bar.enable_steady_tick(Duration::from_millis(200));
    bar
}
