//! The proof itself: walks, checks, and looks twice before it says that something is wrong.

use std::{collections::BTreeMap, io, path::Path};

use crate::{
    archive::{Files, RealFiles},
    instant::Instant,
    plan::{Gap, subtract},
    verify::{
        Fault, NewestDigest, Note, Reason, Report, Request, SourceReport,
        chain::{Chain, Sealed},
        folder::digest_path,
        heads::Heads,
        holding,
        pool::on_all_cores,
        segment::{Outcome, SegmentCheck},
        walk::Walk,
    },
    window::Window,
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
    let heads = look_twice(|| Heads::read(files, request), |heads| heads.faults.is_empty());
    let mut walk = look_twice(|| Walk::read(files), |walk| walk.faults.is_empty());
    let mut chains = on_all_cores(&walk.sources, |folder| read_chain(files, folder, request));
    holding::check_ids(walk.marker.as_ref(), &heads, &mut chains, &mut walk.faults);
    holding::check_listed(&heads, &mut chains, &mut walk.faults);
    let mut outcomes = check_segments(files, &chains, progress);
    let mut keys = heads.keys.clone();
    let mut sources = Vec::new();
    for (index, mut chain) in chains.into_iter().enumerate() {
        let mut outcomes = outcomes.remove(&index).unwrap_or_default();
        look_again(files, &mut chain, &mut outcomes, request);
        keys.extend(std::mem::take(&mut chain.keys));
        sources.push(report(chain, outcomes, &heads, request));
    }
    let mut faults = walk.faults;
    faults.extend(heads.faults);
    let mut notes = Vec::new();
    if sources.is_empty() {
        notes.push(Note::NoSource);
    } else if heads.count == 0 {
        notes.push(Note::NoHead);
    } else if request.head.is_none() {
        notes.push(Note::HeadNotAsked);
    }
    if request.allowed_signers.is_none() && !keys.is_empty() {
        notes.push(Note::NobodyVouches { keys: keys.keys().cloned().collect() });
    }
    Report { archive: walk.marker, sources, heads: heads.count, newest_head: heads.newest, keys, notes, faults }
}

/// The daemon may be writing right now: only what is wrong at a second look is wrong.
fn look_twice<T>(look: impl Fn() -> T, sound: impl Fn(&T) -> bool) -> T {
    let first = look();
    if sound(&first) { first } else { look() }
}

fn read_chain(files: &dyn Files, folder: &Path, request: &Request) -> Chain {
    look_twice(|| Chain::read(files, folder, request), |chain| chain.faults.is_empty())
}

/// What was found about the segments, by the place of their chain and their number.
type Outcomes = BTreeMap<u64, Outcome>;

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
    let mut now = read_chain(files, &chain.folder, request);
    for (number, outcome) in outcomes.iter_mut().filter(|(_, outcome)| faulty(outcome)) {
        if let Some(sealed) = now.sealed.remove(number) {
            *outcome = SegmentCheck { files, folder: &chain.folder, sealed: &sealed, read: &|_| {} }.run();
            chain.sealed.insert(*number, sealed);
        }
    }
}

fn report(chain: Chain, outcomes: Outcomes, heads: &Heads, request: &Request) -> SourceReport {
    let mut faults = chain.faults;
    let mut notes = Vec::new();
    for outcome in outcomes.into_values() {
        faults.extend(outcome.faults);
        notes.extend(outcome.notes);
    }
    let listed = chain.folder.to_str().and_then(|folder| heads.listed.get(folder));
    let held_up_to = listed.map_or(0, |listed| listed.signed_up_to.max(listed.asked_up_to)).max(chain.signed_up_to);
    let newest = chain.sealed.last_key_value().map(|(number, sealed)| NewestDigest {
        segment: sealed.name.clone(),
        sha256: sealed.digest_sha256,
        held: *number <= held_up_to,
    });
    if let Some(newest) = newest.as_ref().filter(|newest| !newest.held) {
        match request.allowed_signers {
            Some(_) => faults.push(Fault::new(digest_path(&chain.folder, &newest.segment), Reason::Unsigned)),
            None => notes.push(Note::Unproven { folder: chain.folder.clone() }),
        }
    }
    if let Some((since, date)) = listed.and_then(|listed| listed.not_collected) {
        notes.push(Note::NotCollected { folder: chain.folder.clone(), since, date });
    }
    if listed.is_none() && heads.count > 0 {
        notes.push(Note::NewerThanHead { folder: chain.folder.clone() });
    }
    let sum = |of: fn(&Sealed) -> u64| chain.sealed.values().map(of).fold(0, u64::saturating_add);
    let (segments, records, bytes) = (sum(|_| 1), sum(|sealed| sealed.records), sum(|sealed| sealed.bytes));
    let range = request.range();
    let clip = |window: Window| Some(window.intersection(range)).filter(|window| !window.is_empty());
    let watermarks = chain.ledger.watermarks();
    let islands = chain.ledger.islands();
    let missing = chain.ledger.missing();
    SourceReport {
        folder: chain.folder,
        source: chain.source,
        covered: watermarks.and_then(clip),
        uncovered: uncovered(request, watermarks.iter().chain(&islands).copied(), &missing),
        islands: islands.into_iter().filter_map(clip).collect(),
        gaps: missing.into_iter().filter_map(|gap| Some(Gap { window: clip(gap.window)?, ..gap })).collect(),
        segments,
        records,
        late_records: chain.late_records,
        bytes,
        damaged: chain.sealed.values().filter_map(|sealed| sealed.damaged.clone()).collect(),
        rebuilt: chain.rebuilt,
        removed: chain.sealed.into_values().filter_map(|sealed| sealed.removed).collect(),
        open: chain.open,
        newest,
        notes,
        faults,
    }
}

/// What of the range that is asked for is neither covered nor a gap. Without a bound, it ends where coverage does.
fn uncovered(request: &Request, covered: impl Iterator<Item = Window> + Clone, missing: &[Gap]) -> Vec<Window> {
    if request.from.is_none() && request.to.is_none() {
        return Vec::new();
    }
    let oldest = covered.clone().map(|window| window.from).min();
    let newest = covered.clone().map(|window| window.to).max();
    let from = request.from.or(oldest).or(request.to).unwrap_or(Instant::MIN);
    let to = request.to.or(newest).or(request.from).unwrap_or(Instant::MAX);
    subtract(Window::new(from, to), covered.chain(missing.iter().map(|gap| gap.window)))
}
