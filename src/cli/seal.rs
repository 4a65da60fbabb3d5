//! `atlas-logd seal`: seals open segments now.

use clap::Args;

use crate::{
    cli::{Exit, errand},
    config::Config,
    control::{Outcome, What},
};

#[derive(Debug, Args)]
pub(super) struct Seal {
    /// Sources whose open segment is to be sealed, for example payments/access-history/prod-0; all of the configuration if
    /// none is named
    #[arg(value_name = "SOURCE")]
    sources: Vec<String>,
}

impl Seal {
    pub(super) fn run(&self, config: &Config) -> anyhow::Result<Exit> {
        errand::run(config, &self.sources, What::Seal, |committer, source| {
            Outcome::of_seal(source, committer.seal_open(source).map_err(Into::into))
        })
    }
}
