//! The proof itself: walks, checks, and looks twice before it says that something is wrong.

use std::{collections::BTreeMap, io, path::Path, time::Duration};

use crate::{
    archive::{Files, RealFiles},
    verify::{
        Report, Request,
        chain::{Chain, Sealed},
        demand::Demand,
        doubt::{look, look_at_chains},
        heads::Heads,
        holding,
        pool::on_all_cores,
        reporter::Reporter,
        segment::{Outcome, Outcomes, SegmentCheck},
        walk::Walk,
    },
};

/// How far the reading of segments is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// So much is to be read.
    Begun {
        /// Sealed segments.
        segments: u64,
        /// Their bytes, decompressed.
        bytes: u64,
    },
    /// So many more bytes were read.
    Read {
        /// Decompressed bytes.
        bytes: u64,
    },
}

/// Proves the archive in `root`, and changes nothing. `progress` is called from many threads.
///
/// # Errors
/// When there is no such folder, or it cannot be opened. All else that is wrong is in the report.
pub fn verify(root: &Path, request: &Request, progress: &(dyn Fn(Progress) + Sync)) -> io::Result<Report> {
    // The modes are for files that are made, and none is.
    let files = RealFiles::open(root, 0o640, 0o750)?;
    Ok(verify_files(&files, request, progress))
}

/// The same of an archive in any file system.
pub fn verify_files(files: &dyn Files, request: &Request, progress: &(dyn Fn(Progress) + Sync)) -> Report {
    // First, so that whatever they list is there when the folders and chains are read.
    let heads = look(request.patience, || Heads::read(files, request));
    let mut walk = look(request.patience, || Walk::read(files));
    let mut chains = look_at_chains(files, &walk.sources, request);
    holding::check_ids(walk.marker.as_ref(), &heads, &mut chains, &mut walk.faults);
    holding::check_listed(&heads, &mut chains, &mut walk.faults);
    holding::add_listed(&heads, &mut chains);
    let mut outcomes = check_segments(files, &chains, progress);
    let mut keys = heads.keys.clone();
    let reporter = Reporter { demand: Demand::new(request, &chains, &heads), heads: &heads, request };
    let mut sources = Vec::new();
    for (index, mut chain) in chains.into_iter().enumerate() {
        let mut outcomes = outcomes.remove(&index).unwrap_or_default();
        look_again(files, &mut chain, &mut outcomes, request);
        keys.extend(std::mem::take(&mut chain.keys));
        sources.push(reporter.source(chain, outcomes));
    }
    let notes = reporter.notes(&sources, &keys);
    let mut faults = walk.faults;
    faults.extend(heads.faults);
    Report { archive: walk.marker, sources, heads: heads.count, newest_head: heads.newest, keys, notes, faults }
}

/// What was found about the segments, by the place of their chain.
fn check_segments(
    files: &dyn Files,
    chains: &[Chain],
    progress: &(dyn Fn(Progress) + Sync),
) -> BTreeMap<usize, Outcomes> {
    let all = chains.iter().enumerate();
    let jobs: Vec<(usize, &Path, &Sealed)> = all
        .flat_map(|(index, chain)| chain.sealed.values().map(move |sealed| (index, chain.folder.as_path(), sealed)))
        .collect();
    let asked = jobs.iter().filter(|(_, _, sealed)| sealed.asked);
    let bytes = asked.map(|(_, _, sealed)| sealed.bytes.saturating_mul(sealed.forms.len() as u64));
    progress(Progress::Begun { segments: jobs.len() as u64, bytes: bytes.fold(0, u64::saturating_add) });
    let found = on_all_cores(&jobs, |&(_, folder, sealed)| {
        SegmentCheck { files, folder, sealed, read: &|bytes| progress(Progress::Read { bytes }) }.run()
    });
    let mut outcomes: BTreeMap<usize, Outcomes> = BTreeMap::new();
    for (&(index, _, sealed), outcome) in jobs.iter().zip(found) {
        if !outcome.faults.is_empty() || !outcome.notes.is_empty() {
            outcomes.entry(index).or_default().insert(sealed.name.sequence(), outcome);
        }
    }
    outcomes
}

/// A segment may have been compressed, removed or noticed to be damaged since its folder was listed.
fn look_again(files: &dyn Files, chain: &mut Chain, outcomes: &mut Outcomes, request: &Request) {
    let faulty = |outcome: &Outcome| !outcome.faults.is_empty();
    if !outcomes.values().any(faulty) {
        return;
    }
    let mut now = look(Duration::ZERO, || Chain::read(files, &chain.folder, request));
    for (number, outcome) in outcomes.iter_mut().filter(|(_, outcome)| faulty(outcome)) {
        if let Some(sealed) = now.sealed.remove(number) {
            *outcome = SegmentCheck { files, folder: &chain.folder, sealed: &sealed, read: &|_| {} }.run();
            chain.sealed.insert(*number, sealed);
        }
    }
}
