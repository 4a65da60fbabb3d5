//! The judge at the end: archive, state and status against what happened.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use atlas_logd::{
    instant::Instant,
    sim::World,
    source::Source,
    state::{SourceState, Store, damaged_segments, gaps, islands},
    window::Window,
};
use serde::Deserialize;

use crate::{comparison::Comparison, journal::Journal, observer::segments_below, victim::program};

/// What was compared.
#[derive(Debug, Default)]
pub(crate) struct Judged {
    pub(crate) sources: u64,
    pub(crate) records: u64,
    pub(crate) bytes: u64,
    pub(crate) segments: u64,
    /// Identical records without any time that were taken for one, at the edges of backfills.
    pub(crate) taken_for_one: u64,
    /// Records without any time that were archived again, there too.
    pub(crate) archived_again: u64,
}

/// A source in `status --json`.
#[derive(Deserialize)]
struct Row {
    folder: Option<String>,
    records: u64,
    bytes: u64,
}

/// Judges every source that was ever collected: what it claims to have, it has. Those of the configuration may have been
/// asked for everything since, up to `polled`.
pub(crate) fn judge(folder: &Path, world: &World, journal: &Journal, polled: Option<Instant>) -> Judged {
    let config = atlas_logd::config::load(&folder.join("config.toml")).unwrap();
    let configured: BTreeSet<Source> = config.projects.iter().flat_map(|project| project.sources()).collect();
    let store = Store::open_read_only(&config.state_dir).unwrap();
    let states = store.read(SourceState::load_all).unwrap();
    let status = status(folder);
    let mut segments = segments_of(&config.archive.dir);
    let mut judged = Judged::default();
    for state in states {
        let state = state.unwrap();
        let source = state.source().unwrap();
        let own = segments.remove(&config.archive.dir.join(&state.folder)).unwrap_or_default();
        let bytes: Vec<u8> = own.iter().flat_map(|path| fs::read(path).unwrap()).collect();
        let records = lines(&bytes, &source);
        let counts = (records.len() as u64, bytes.len() as u64);
        assert_eq!((state.records, state.bytes), counts, "{source}: records and bytes in the state and in the archive");
        assert_eq!(status.get(&state.folder), Some(&counts), "{source}: the status counts something else");

        let damaged = store.read(|connection| damaged_segments(connection, state.key)).unwrap();
        assert_eq!(damaged, [], "{source}: a kill damages nothing");
        assert_eq!(store.read(|connection| gaps(connection, state.key)).unwrap(), [], "{source}: nothing was lost");
        let islands = store.read(|connection| islands(connection, state.key)).unwrap();
        let Some((start, end)) = state.start.zip(state.end) else {
            // Killed before its first poll had asked anything, and then taken out of the configuration.
            assert_eq!((counts.0, &islands[..]), (0, &[][..]), "{source}: collected without a beginning");
            assert!(!configured.contains(&source), "{source} was never collected");
            judged.segments += own.len() as u64;
            continue;
        };
        let comparison = Comparison::new(world, &source, records);
        judged.archived_again += comparison.made_up_but_timeless() as u64;
        comparison.in_order(journal.ends(&state.folder));
        for collected in islands.iter().copied().chain([Window::new(start, end)]) {
            judged.taken_for_one += comparison.missing_but_twins(collected, world.now(), &[]) as u64;
        }
        if let Some(polled) = polled.filter(|_| configured.contains(&source)) {
            assert_eq!(islands, [], "{source}: all was asked for again, and nothing lies apart");
            comparison.missing_but_twins(Window::new(start, polled), polled, &[]);
        }
        judged.sources += 1;
        judged.records += counts.0;
        judged.bytes += counts.1;
        judged.segments += own.len() as u64;
    }
    assert!(segments.is_empty(), "files that no source knows: {segments:?}");
    judged
}

/// What the status says of every source, by folder: records and bytes.
fn status(folder: &Path) -> BTreeMap<String, (u64, u64)> {
    let output = program(folder).args(["status", "--json"]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let rows: Vec<Row> = serde_json::from_slice(&output.stdout).unwrap();
    rows.into_iter().filter_map(|row| Some((row.folder?, (row.records, row.bytes)))).collect()
}

/// The segments in the order of their names, by folder.
fn segments_of(archive: &Path) -> BTreeMap<PathBuf, Vec<PathBuf>> {
    let mut paths = Vec::new();
    segments_below(archive, &mut paths).unwrap();
    paths.sort();
    let mut folders: BTreeMap<PathBuf, Vec<PathBuf>> = BTreeMap::new();
    for path in paths {
        folders.entry(path.parent().unwrap().to_owned()).or_default().push(path);
    }
    folders
}

fn lines(bytes: &[u8], source: &Source) -> Vec<Vec<u8>> {
    assert!(bytes.is_empty() || bytes.ends_with(b"\n"), "{source}: the archive ends within a record");
    let lines = bytes.split_inclusive(|byte| *byte == b'\n').map(|line| line[..line.len() - 1].to_vec());
    lines.collect()
}
