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
    /// Sources to collect, for example payments/access-history/prod-0; all if none is named
    ///
    /// As the configuration names them and `status` lists them. Names with spaces have to be quoted.
    #[arg(value_name = "SOURCE")]
    sources: Vec<String>,

    /// Collect again from this instant on (2026-11-22T10:15:00Z, or a date)
    ///
    /// A date is its midnight, UTC. What is archived already is recognised, and not archived twice.
    #[arg(long, value_name = "INSTANT", value_parser = parse_instant, requires = "to")]
    from: Option<Instant>,

    /// Collect again up to this instant, which is the first one behind the range
    #[arg(long, value_name = "INSTANT", value_parser = parse_instant, requires = "from")]
    to: Option<Instant>,

    /// Archive again what lost segments of the range held, as far as Atlas still shows it
    ///
    /// For segments that are missing or changed and lost for good. What is put back later is there twice.
    #[arg(long, requires = "from")]
    lost: bool,
}

impl Collect {
    pub(super) fn run(self, config: Config) -> anyhow::Result<Exit> {
        let pass = Pass { sources: &self.sources, from: self.from, to: self.to };
        pass.run(config, |range| range.map_or(Job::Regular, if self.lost { Job::BackfillLost } else { Job::Backfill }))
    }
}
