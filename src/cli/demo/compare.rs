//! Compares every archived byte with what the simulated Atlas really held.

use std::{collections::HashMap, fmt, path::Path};

use crate::{
    archive::{Files, RealFiles, SegmentName, SegmentPart, for_each_record, segment_names},
    config::Config,
    instant::Instant,
    plan::SLACK,
    sim::World,
    source::Source,
    state::{SourceState, StateError, Store},
    window::Window,
};

/// Archive and truth are the same.
#[derive(Clone, Copy, Debug)]
pub(super) struct Same {
    pub(super) records: u64,
    pub(super) bytes: u64,
}

/// The first difference.
#[derive(Debug)]
pub(super) enum Difference {
    /// A record is archived that Atlas did not hold, or more often than it did.
    TooMany { segment: String, offset: u64, record: Vec<u8> },
    /// A record is missing.
    Missing { at: Instant, record: Vec<u8> },
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooMany { segment, offset, record } => write!(
                f,
                "{segment} holds at byte {offset} a record that Atlas did not hold, or not so often: {}",
                record.escape_ascii()
            ),
            Self::Missing { at, record } => {
                write!(f, "the record of {at} is not archived, or not so often: {}", record.escape_ascii())
            }
        }
    }
}

/// Every record between the watermarks must be archived exactly as often as Atlas holds it. Around them, what the slack
/// brought or what is still provisional may be archived, but not more often than Atlas holds it.
pub(super) fn compare(
    config: &Config,
    store: &Store,
    world: &World,
    source: &Source,
) -> anyhow::Result<Result<Same, Difference>> {
    let state = store.read(|connection| SourceState::load(connection, &source.id))?;
    let Some((state, start, end)) = state.and_then(|state| Some((state.clone(), state.start?, state.end?))) else {
        anyhow::bail!("{source} was never collected");
    };
    let files = RealFiles::open(&config.archive.dir, config.archive.file_mode, config.archive.dir_mode)?;
    compare_folder(&files, &state.folder, world, source, Window::new(start, end))
}

/// The same for the segments in a folder, of which `covered` lies between the watermarks.
fn compare_folder(
    files: &dyn Files,
    folder: &str,
    world: &World,
    source: &Source,
    covered: Window,
) -> anyhow::Result<Result<Same, Difference>> {
    let now = world.now();
    let around = Window::new(covered.from - SLACK - SLACK, now + SLACK);
    let mut held: HashMap<Vec<u8>, i64> = HashMap::new();
    for event in world.truth_iter(&source.id, around, now) {
        *held.entry(event.bytes.to_vec()).or_default() += 1;
    }
    let mut archived: HashMap<Vec<u8>, i64> = HashMap::new();
    let mut same = Same { records: 0, bytes: 0 };
    for name in segments(files, folder)? {
        let path = Path::new(folder).join(name.as_str());
        let (mut offset, mut difference) = (0, None);
        for_each_record(files, &SegmentPart { path: path.clone(), length: None }, std::convert::identity, |record| {
            let count = archived.entry(record.to_vec()).or_default();
            *count += 1;
            if difference.is_none() && *count > held.get(record).copied().unwrap_or(0) {
                let segment = path.display().to_string();
                difference = Some(Difference::TooMany { segment, offset, record: record.to_vec() });
            }
            offset += record.len() as u64 + 1;
            same.records += 1;
            Ok::<_, std::io::Error>(())
        })?;
        same.bytes += offset;
        if let Some(difference) = difference {
            return Ok(Err(difference));
        }
    }
    for event in world.truth_iter(&source.id, covered, now) {
        let count = archived.entry(event.bytes.to_vec()).or_default();
        *count -= 1;
        if *count < 0 {
            return Ok(Err(Difference::Missing { at: event.clocks.time, record: event.bytes.to_vec() }));
        }
    }
    Ok(Ok(same))
}

fn segments(files: &dyn Files, folder: &str) -> Result<Vec<SegmentName>, StateError> {
    segment_names(files, Path::new(folder)).map_err(|cause| StateError::Folder { path: folder.into(), cause })
}

#[cfg(test)]
mod tests {
    use std::{fs, sync::Arc, time::Duration};

    use tempfile::TempDir;

    use super::*;
    use crate::{
        clock::ManualClock,
        sim::{Event, Project, StreamInstance},
        source::Kind,
    };

    const PROJECT: &str = "32b6e34b3d91647abb20e7b8";
    const SEGMENT: &str = "p/stream-audit/orders/00000001-20261120T120000Z.ndjson";

    fn source() -> Source {
        Source { id: World::source(PROJECT, Kind::StreamAudit, "orders"), project_name: "p".to_owned() }
    }

    /// An hour in which four things happened, of which the last two have the same bytes.
    fn world() -> (World, Window) {
        let now: Instant = "2026-11-20T12:00:00Z".parse().unwrap();
        let world = World::new(1, Arc::new(ManualClock::new(now)));
        world.add_project(Project::new(PROJECT, "p").with_stream_instance(StreamInstance::new("orders")));
        let covered = Window::new(now - Duration::from_secs(3600), now);
        for (minute, note) in [(5, "one"), (10, "two"), (15, "twin"), (15, "twin")] {
            let time = covered.from + Duration::from_secs(60 * minute);
            world.add(&source().id, Event::audit(time, note));
        }
        (world, covered)
    }

    fn truth(world: &World, covered: Window) -> Vec<Vec<u8>> {
        world.truth_iter(&source().id, covered, world.now()).map(|event| event.bytes.to_vec()).collect()
    }

    /// Archives what `change` makes of the truth, in one segment, and compares.
    fn compared(change: impl FnOnce(&mut Vec<Vec<u8>>)) -> Result<Same, Difference> {
        let (world, covered) = world();
        let mut records = truth(&world, covered);
        change(&mut records);
        let archive = TempDir::new().unwrap();
        let path = archive.path().join(SEGMENT);
        let folder = Path::new(SEGMENT).parent().unwrap();
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, records.iter().flat_map(|record| [record, &b"\n"[..]].concat()).collect::<Vec<u8>>()).unwrap();
        let files = RealFiles::open(archive.path(), 0o640, 0o750).unwrap();
        compare_folder(&files, folder.to_str().unwrap(), &world, &source(), covered).unwrap()
    }

    fn said(difference: Result<Same, Difference>) -> String {
        difference.unwrap_err().to_string()
    }

    #[test]
    fn what_is_the_same_is_counted() {
        let (world, covered) = world();
        let bytes: usize = truth(&world, covered).iter().map(|record| record.len() + 1).sum();
        let same = compared(|_| ()).unwrap();
        assert_eq!((same.records, same.bytes), (4, bytes as u64));
    }

    #[test]
    fn a_record_that_is_missing_is_found() {
        let message = said(compared(|records| drop(records.remove(1))));
        assert!(message.contains("2026-11-20T11:10:00Z is not archived") && message.contains("two"), "{message}");
        let message = said(compared(|records| records.truncate(3)));
        assert!(message.contains("or not so often") && message.contains("twin"), "one of two twins: {message}");
        assert!(said(compared(Vec::clear)).contains("one"), "the first one is told");
    }

    #[test]
    fn a_record_that_is_archived_too_often_is_found() {
        let message = said(compared(|records| records.push(records[0].clone())));
        let (world, covered) = world();
        let offset: usize = truth(&world, covered).iter().map(|record| record.len() + 1).sum();
        assert!(message.starts_with(&format!("{SEGMENT} holds at byte {offset} a record")), "{message}");
        let message = said(compared(|records| records.push(records[3].clone())));
        assert!(message.contains("twin"), "a third twin: {message}");
    }

    #[test]
    fn a_record_that_atlas_did_not_hold_is_found() {
        let message = said(compared(|records| records.insert(2, b"made up".to_vec())));
        assert!(message.contains("did not hold") && message.ends_with("made up"), "{message}");
    }

    #[test]
    fn a_single_byte_is_found() {
        let message = said(compared(|records| *records[1].last_mut().unwrap() = b' '));
        assert!(message.contains("did not hold") && message.contains("two"), "{message}");
    }
}
