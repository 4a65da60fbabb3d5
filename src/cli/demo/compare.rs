//! Compares every archived byte with what the simulated Atlas really held.

use std::{collections::HashMap, fmt, path::Path};

use crate::{
    archive::{Files, RealFiles, SegmentName, SegmentPart, for_each_record},
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
    let now = world.now();
    let around = Window::new(start - SLACK - SLACK, now + SLACK);
    let mut held: HashMap<Vec<u8>, i64> = HashMap::new();
    for event in world.truth_iter(&source.id, around, now) {
        *held.entry(event.bytes.to_vec()).or_default() += 1;
    }
    let mut archived: HashMap<Vec<u8>, i64> = HashMap::new();
    let mut same = Same { records: 0, bytes: 0 };
    let files = RealFiles::open(&config.archive.dir, config.archive.file_mode, config.archive.dir_mode)?;
    for name in segments(&files, &state.folder)? {
        let path = Path::new(&state.folder).join(name.as_str());
        let (mut offset, mut difference) = (0, None);
        for_each_record(&files, &SegmentPart { path: path.clone(), length: None }, |record| {
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
    for event in world.truth_iter(&source.id, Window::new(start, end), now) {
        let count = archived.entry(event.bytes.to_vec()).or_default();
        *count -= 1;
        if *count < 0 {
            return Ok(Err(Difference::Missing { at: event.clocks.time, record: event.bytes.to_vec() }));
        }
    }
    Ok(Ok(same))
}

fn segments(files: &dyn Files, folder: &str) -> Result<Vec<SegmentName>, StateError> {
    let entries = files.list(Path::new(folder)).map_err(|cause| StateError::Folder { path: folder.into(), cause })?;
    let mut names: Vec<SegmentName> = entries.iter().filter_map(|entry| entry.name.to_str()?.parse().ok()).collect();
    names.sort_unstable();
    Ok(names)
}
