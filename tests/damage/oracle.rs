//! The oracle: compares archive and state of a source with everything that happened.

use std::{
    collections::{HashMap, HashSet},
    fs,
    path::Path,
};

use atlas_logd::{
    plan::GapReason,
    source::Kind,
    state::{SourceState, Store, damaged_segments, islands, missing},
    window::Window,
};

use crate::scene::{Folders, source_id};

/// All of time.
const EVER: Window = Window { from: atlas_logd::instant::Instant::MIN, to: atlas_logd::instant::Instant::MAX };

/// What a source may say is missing.
pub(crate) type Allowed<'a> = &'a [(GapReason, Window)];

/// Whether the archive holds each record once that the state claims, no record more often than it happened, and nothing
/// is said to be missing but what is `allowed`. What is wrong, if anything is.
pub(crate) fn exact(folders: &Folders<'_>, kind: Kind, allowed: Allowed<'_>) -> Result<(), String> {
    exact_but_for(folders, kind, allowed, None, &HashSet::new())
}

/// The same, but what never happened may stand in the segment `altered`, and what is in `lost` may be lost.
pub(crate) fn exact_but_for(
    folders: &Folders<'_>,
    kind: Kind,
    allowed: Allowed<'_>,
    altered: Option<&Path>,
    lost: &HashSet<Vec<u8>>,
) -> Result<(), String> {
    let store = Store::open_read_only(&folders.state()).map_err(|error| error.to_string())?;
    let read = store.read(|connection| {
        let state = SourceState::load(connection, &source_id(kind))?;
        let Some(state) = state else { return Ok(None) };
        let found = (missing(connection, &state)?, islands(connection, state.key)?);
        let damaged = damaged_segments(connection, state.key)?;
        Ok(Some((state, found.0, found.1, damaged)))
    });
    let read = read.map_err(|error: atlas_logd::state::StateError| error.to_string())?;
    let Some((state, missing, islands, damaged)) = read else { return Err("the state does not know it".to_owned()) };
    for gap in &missing {
        let known = allowed.iter().any(|(reason, window)| {
            *reason == gap.reason && window.from <= gap.window.from && gap.window.to <= window.to
        });
        if !known {
            return Err(format!("a gap of {} that is none: {}", gap.reason, gap.window));
        }
    }
    let mut archived: HashMap<Vec<u8>, usize> = HashMap::new();
    let mut forged: HashSet<Vec<u8>> = HashSet::new();
    for path in folders.segments(kind) {
        let is_altered = altered == Some(path.as_path());
        let mut bytes = match fs::read(&path) {
            Err(_) if is_altered => continue,
            read => read.map_err(|error| format!("{}: {error}", path.display()))?,
        };
        let name = path.file_name().unwrap().to_str().unwrap();
        if let Some(damaged) = damaged.iter().find(|damaged| damaged.name.as_str() == name) {
            bytes.truncate(usize::try_from(damaged.good_length).unwrap());
        }
        if !is_altered && !bytes.is_empty() && !bytes.ends_with(b"\n") {
            return Err(format!("{name} ends within a record"));
        }
        for record in bytes.split_inclusive(|byte| *byte == b'\n') {
            let record = record.strip_suffix(b"\n").unwrap_or(record).to_vec();
            if is_altered {
                forged.insert(record.clone());
            }
            *archived.entry(record).or_default() += 1;
        }
    }
    let (Some(start), Some(end)) = (state.start, state.end) else { return Err("it has no watermarks".to_owned()) };
    let claimed: Vec<Window> = islands.into_iter().chain([Window::new(start, end)]).collect();
    let mut happened: HashMap<Vec<u8>, (usize, usize)> = HashMap::new();
    for event in folders.scene.world.truth_iter(&source_id(kind), EVER, folders.scene.world.now()) {
        let time = event.clocks.time;
        let promised =
            claimed.iter().any(|window| window.contains(time)) && !missing.iter().any(|gap| gap.window.contains(time));
        let (in_all, in_claimed) = happened.entry(event.bytes.to_vec()).or_default();
        *in_all += 1;
        *in_claimed += usize::from(promised);
    }
    for (record, (_, promised)) in &happened {
        let count = archived.get(record).copied().unwrap_or(0);
        if count < *promised && !lost.contains(record) {
            return Err(format!("LOST {} of {promised}: {}", promised - count, record.escape_ascii()));
        }
    }
    for (record, count) in &archived {
        let in_all = happened.get(record).map_or(0, |(in_all, _)| *in_all);
        if *count > in_all && !(in_all == 0 && forged.contains(record)) {
            return Err(format!("ARCHIVED {count} times instead of {in_all}: {}", record.escape_ascii()));
        }
    }
    Ok(())
}

#[track_caller]
pub(crate) fn assert_exact(folders: &Folders<'_>, kind: Kind, allowed: Allowed<'_>) {
    if let Err(wrong) = exact(folders, kind, allowed) {
        panic!("{kind}: {wrong}");
    }
}
