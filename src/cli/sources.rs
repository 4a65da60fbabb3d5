//! Sources as they are named on the command line.

use thiserror::Error;

use crate::{config::Config, source::Source};

/// A name that no source of the configuration has.
#[derive(Debug, Error)]
#[error("there is no source {name:?} in {file}; there are: {known}")]
pub(super) struct UnknownSource {
    name: String,
    file: String,
    known: String,
}

/// The source with this name, for example `payments/access-history/prod-0`.
pub(super) fn find(config: &Config, name: &str) -> Result<Source, UnknownSource> {
    let all = || config.sources();
    all().find(|source| source.to_string() == name).ok_or_else(|| UnknownSource {
        name: name.to_owned(),
        file: config.file.display().to_string(),
        known: all().map(|source| source.to_string()).collect::<Vec<_>>().join(", "),
    })
}
