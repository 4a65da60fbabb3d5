//! `atlas-logd collect`: one pass now.

use clap::Args;

use crate::{
    cli::{Exit, parse_instant, pass::Pass},
    collect::Job,
    config::Config,
    instant::Instant,
};

#[derive(Debug, Args)]
pub(super) struct Collect {
    /// Sources to collect, for example payments/access-history/prod-0; all of the configuration if none is named
    #[arg(value_name = "SOURCE")]
    sources: Vec<String>,

    /// Collect again from this instant on (2026-11-22T10:15:00Z, or a date); nothing is archived twice
    #[arg(long, value_name = "INSTANT", value_parser = parse_instant, requires = "to")]
    from: Option<Instant>,

    /// Collect again up to this instant
    #[arg(long, value_name = "INSTANT", value_parser = parse_instant, requires = "from")]
    to: Option<Instant>,

    /// Segments of this time are missing or changed and lost for good: archive what Atlas still shows of them. What is put
    /// back later is there twice
    #[arg(long, requires = "from")]
    lost: bool,
}

impl Collect {
    pub(super) fn run(self, config: &Config) -> anyhow::Result<Exit> {
        let pass = Pass { sources: &self.sources, from: self.from, to: self.to };
        pass.run(config, |range| range.map_or(Job::Regular, if self.lost { Job::BackfillLost } else { Job::Backfill }))
    }
}
