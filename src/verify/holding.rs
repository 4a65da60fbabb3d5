//! Whether chains, archive digests and marker hold together.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

use crate::{
    archive::{MARKER, StoredForm},
    evidence::HEADS,
    shown::shown_path,
    state::ArchiveId,
    verify::{
        Fault, Reason,
        chain::Chain,
        folder::digest_path,
        heads::{Heads, Listed, head_path},
    },
};

/// All digests have the id of the archive. Where only the marker differs, the marker is wrong.
pub(super) fn check_ids(marker: Option<&ArchiveId>, heads: &Heads, chains: &mut [Chain], faults: &mut Vec<Fault>) {
    let mut ids = heads.archive.iter().chain(chains.iter().filter_map(|chain| chain.archive.as_ref()));
    let Some(first) = ids.next().cloned() else { return };
    let agree = ids.all(|id| *id == first);
    let expected = match marker {
        Some(marker) if agree && *marker != first => {
            let (marker, digests) = (marker.clone(), first);
            faults.push(Fault::new(MARKER, Reason::OtherMarker { marker, digests }));
            return;
        }
        Some(marker) => marker.clone(),
        None => first,
    };
    let other = |found: &ArchiveId| Reason::OtherArchive { found: found.clone(), expected: expected.clone() };
    if let Some(found) = heads.archive.as_ref().filter(|id| **id != expected) {
        faults.push(Fault::new(HEADS, other(found)));
    }
    for chain in chains {
        if let Some(found) = chain.archive.as_ref().filter(|id| **id != expected) {
            chain.faults.push(Fault::new(&chain.folder, other(found)));
        }
    }
}

/// A source in the configuration of which nothing is there yet, not even a folder, is reported too: nothing of it is covered.
pub(super) fn add_listed(heads: &Heads, chains: &mut Vec<Chain>) {
    let there: BTreeSet<PathBuf> = chains.iter().map(|chain| chain.folder.clone()).collect();
    let is_new = |listed: &Listed| listed.digests.is_empty() && listed.not_configured.is_none();
    let new = heads.listed.iter().filter(|(folder, listed)| is_new(listed) && !there.contains(Path::new(folder)));
    chains.extend(new.map(|(folder, listed)| Chain {
        folder: folder.into(),
        source: Some(listed.source.clone()),
        ..Chain::default()
    }));
    chains.sort_by(|one, other| one.folder.cmp(&other.folder));
}

/// All that the archive digests list is there.
pub(super) fn check_listed(heads: &Heads, chains: &mut [Chain], faults: &mut Vec<Fault>) {
    let mut by_folder: BTreeMap<&str, &Listed> =
        heads.listed.iter().map(|(folder, listed)| (folder.as_str(), listed)).collect();
    for chain in chains {
        if let Some(listed) = chain.folder.to_str().and_then(|folder| by_folder.remove(folder)) {
            check_chain(listed, chain);
        }
    }
    for (folder, listed) in by_folder {
        // One without a sealed segment may have no folder yet.
        if let Some((_, date)) = listed.digests.values().next_back() {
            let by = shown_path(&head_path(*date));
            faults.push(Fault::new(folder, Reason::SourceMissing { by }));
        }
    }
}

fn check_chain(listed: &Listed, chain: &mut Chain) {
    let mut faults = Vec::new();
    if chain.source.as_ref().is_some_and(|source| !source.is_same(&listed.source)) {
        let folder = shown_path(&chain.folder);
        faults.push(Fault::new(head_path(listed.first), Reason::ListsOtherwise(folder)));
    }
    let mut cut_off = None;
    let told: BTreeSet<PathBuf> = chain.faults.iter().map(|fault| fault.path.clone()).collect();
    for (segment, &(expected, date)) in &listed.digests {
        let by = shown_path(&head_path(date));
        let path = digest_path(&chain.folder, segment);
        match chain.sealed.get(&segment.sequence()).filter(|sealed| sealed.name == *segment) {
            Some(sealed) if sealed.digest_sha256 == expected => {}
            Some(sealed) => {
                let found = sealed.digest_sha256;
                faults.push(Fault::new(path, Reason::NotNamed { by, expected, found }));
            }
            // Of one that is not sound something was said already.
            None if chain.digests.contains(segment) => {}
            None if segment.sequence() > chain.newest => {
                if chain.open.as_ref().is_some_and(|open| open.segment == *segment) {
                    chain.open = None;
                }
                cut_off = Some((segment.sequence(), Fault::new(path, Reason::CutOff { by })));
            }
            None if told.contains(&path) => {}
            None => faults.push(Fault::new(path, Reason::DigestMissing)),
        }
    }
    if let Some((number, fault)) = cut_off {
        chain.faults.retain(|fault| !was_open(chain.newest, number, fault));
        chain.faults.push(fault);
    }
    chain.faults.extend(faults);
}

/// Whether a segment has no digest only because those up to `cut_off` are gone.
fn was_open(newest: u64, cut_off: u64, fault: &Fault) -> bool {
    let name = fault.path.file_name().and_then(|name| name.to_str());
    let number = name.and_then(StoredForm::of_file).map(|(segment, _)| segment.sequence());
    matches!(fault.reason, Reason::ExtraFile)
        && number.is_some_and(|number| newest < number && number <= cut_off.saturating_add(1))
}
