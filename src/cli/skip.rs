//! `atlas-logd skip`: declares a gap.

use clap::Args;

use crate::{
    cli::{Exit, errand, parse_instant, terminal},
    clock::{Clock, SystemClock},
    commit,
    config::Config,
    control::{Outcome, What},
    instant::Instant,
    window::Window,
};

#[derive(Debug, Args)]
pub(super) struct Skip {
    /// The source, for example payments/access-history/prod-0
    #[arg(value_name = "SOURCE")]
    source: String,

    /// The beginning of the range (2026-11-22T10:15:00Z, or a date)
    #[arg(long, value_name = "INSTANT", value_parser = parse_instant)]
    from: Instant,

    /// The end of the range: the first instant behind it, not in the future
    #[arg(long, value_name = "INSTANT", value_parser = parse_instant)]
    to: Instant,

    /// Why it can never be had; an auditor will read it
    #[arg(long)]
    reason: String,
}

impl Skip {
    pub(super) fn run(self, config: &Config) -> anyhow::Result<Exit> {
        let skip = commit::Skip { range: Window::new(self.from, self.to), reason: self.reason };
        if let Err(fault) = skip.check(SystemClock.now()) {
            terminal::complain(&format!("atlas-logd: {fault}"));
            return Ok(Exit::Usage);
        }
        errand::run(config, &[self.source], What::Skip(skip.clone()), |committer, source| {
            Outcome::of_skip(source, committer.skip(source, &skip).map_err(Into::into))
        })
    }
}
