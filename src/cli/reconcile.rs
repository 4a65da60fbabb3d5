//! `atlas-logd reconcile`: compares what is archived with what Atlas shows now.

use clap::Args;

use crate::{
    cli::{Exit, parse_instant, pass::Pass},
    collect::Job,
    config::Config,
    instant::Instant,
};

#[derive(Debug, Args)]
pub(super) struct Reconcile {
    /// Sources to compare, for example payments/access-history/prod-0; all if none is named
    ///
    /// As the configuration names them and `status` lists them. Names with spaces have to be quoted.
    #[arg(value_name = "SOURCE")]
    sources: Vec<String>,

    /// Compare what happened from this instant on (2026-11-22T10:15:00Z, or a date)
    ///
    /// Instead of the last days. A date is its midnight, UTC.
    #[arg(long, value_name = "INSTANT", value_parser = parse_instant, requires = "to")]
    from: Option<Instant>,

    /// Compare what happened up to this instant, which is the first one behind the range
    #[arg(long, value_name = "INSTANT", value_parser = parse_instant, requires = "from")]
    to: Option<Instant>,
}

impl Reconcile {
    pub(super) fn run(self, config: Config) -> anyhow::Result<Exit> {
        let pass = Pass { sources: &self.sources, from: self.from, to: self.to };
        pass.run(config, |range| Job::Reconcile { range })
    }
}
