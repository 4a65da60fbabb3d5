//! State and archive, as far as they are there yet.

use std::path::Path;

use super::finding::{Area, Finding, Outcome};
use crate::{
    archive::{Archive, ArchiveError, Files, RealFiles},
    commit::{SegmentFault, examine},
    config::Config,
    state::{ArchiveId, SourceState, StateError, Store},
};

/// What is wrong with them.
pub(super) fn look(config: &Config) -> Vec<Finding> {
    faults(config).unwrap_or_else(|error| vec![whole(error)])
}

/// A fault of state or archive as a whole.
fn whole(error: impl Into<ArchiveError>) -> Finding {
    Finding::failed(Area::Stored, "state and archive", error.into().to_string())
}

fn faults(config: &Config) -> Result<Vec<Finding>, ArchiveError> {
    let settings = &config.archive;
    let files = RealFiles::open(&settings.dir, settings.file_mode, settings.dir_mode)
        .map_err(|cause| ArchiveError::Folder { path: settings.dir.clone(), cause })?;
    let store = match Store::open_read_only(&config.state_dir) {
        Ok(store) => store,
        Err(StateError::NoDatabase(_)) => {
            Archive::check(&settings.dir, &files, None)?;
            return Ok(Vec::new());
        }
        Err(error) => return Err(error.into()),
    };
    let known = store.read(ArchiveId::load)?;
    let mut faults: Vec<Finding> = store.faults()?.into_iter().map(whole).collect();
    match Archive::check(&settings.dir, &files, known.as_ref()) {
        Ok(()) => match segment_faults(&settings.dir, &files, &store) {
            Ok(more) => faults.extend(more),
            // What is wrong with the database is said already.
            Err(_) if !faults.is_empty() => {}
            Err(error) => faults.push(whole(error)),
        },
        Err(apart) => faults.push(whole(apart)),
    }
    Ok(faults)
}

/// What is wrong with the segments of each source, as far as its state can be read.
fn segment_faults(root: &Path, files: &dyn Files, store: &Store) -> Result<Vec<Finding>, StateError> {
    let mut faults = Vec::new();
    for state in store.read(SourceState::load_all)?.into_iter().flatten() {
        let found = examine(root, files, store, state.key);
        let found = found.unwrap_or_else(|error| vec![SegmentFault::Refused(error)]);
        faults.extend(found.iter().map(|fault| {
            let outcome = if fault.may_be_meant() { Outcome::Warning } else { Outcome::Failed };
            Finding::new(Area::Stored, state.display_name(), outcome, fault.to_string())
        }));
    }
    Ok(faults)
}
