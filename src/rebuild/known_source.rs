//! Whose folder it is.

use std::collections::BTreeMap;

use crate::{
    archive::folder as default_folder,
    config::{Config, Start},
    instant::Instant,
    plan,
    rebuild::{RebuildError, chain::Chain, head::NewestHead},
    source::{Kind, Source, SourceId},
};

/// The source that a folder belongs to: as its digests say; where it has none, as the newest archive digest does, or by the
/// configuration, if one of its sources gets that folder.
pub(super) fn source_of(
    config: &Config,
    head: Option<&NewestHead>,
    chain: &Chain,
    folder: &str,
) -> Result<Source, RebuildError> {
    let listed = || head.and_then(|head| head.source(folder)).map(|listed| &listed.source);
    if let Some(identity) = chain.identity().or_else(listed) {
        let (project_id, name) = (identity.project_id.clone(), identity.name.clone());
        let id = SourceId { project_id, kind: identity.kind, name, filter: identity.filter };
        return Ok(Source { id, project_name: identity.project_name.clone() });
    }
    let mut sources = config.sources();
    let gets_it = |source: &Source| {
        let Ok(default) = default_folder(source, |_| Ok::<_, std::convert::Infallible>(false));
        default == folder
    };
    sources.find(gets_it).ok_or_else(|| RebuildError::UnknownSource { folder: folder.to_owned() })
}

/// The folders of the sources so far: no two may belong to one.
#[derive(Debug, Default)]
pub(super) struct Folders(BTreeMap<(String, Kind, String, String), String>);

impl Folders {
    /// Takes note of a folder.
    pub(super) fn add(&mut self, source: &Source, folder: &str) -> Result<(), RebuildError> {
        let SourceId { project_id, kind, name, filter } = source.id.clone();
        match self.0.insert((project_id, kind, name, filter.to_string()), folder.to_owned()) {
            Some(other) => Err(RebuildError::SameSource { folder: folder.to_owned(), other }),
            None => Ok(()),
        }
    }
}

/// Where the configuration says that a source starts that was first seen at an instant.
pub(super) fn start_of(start: Start, kind: Kind, first_seen: Instant) -> Instant {
    let start = match start {
        Start::Now => first_seen,
        Start::At(instant) => instant,
        Start::Ago(ago) => first_seen - ago,
        Start::Oldest => {
            let clocks = plan::Clocks { local: first_seen, date: Some(first_seen) };
            clocks.horizon(crate::atlas::oldest(kind))
        }
    };
    start.min(first_seen)
}
