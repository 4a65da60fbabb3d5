//! A look at the segments of a source that changes nothing: at their names, their lengths, and the last bytes of the
//! newest two. It may be taken while somebody collects.

use std::{
    ffi::OsString,
    ops::RangeInclusive,
    path::{Path, PathBuf},
};

use thiserror::Error;

use crate::{
    archive::{Files, SegmentName},
    commit::{
        CommitError,
        place::{self, Damage},
    },
    state::{DamagedSegment, Intent, SourceKey, SourceState, StateError, Store, damaged_segments},
};

/// What is wrong with the segments of a source.
#[derive(Debug, Error)]
pub enum SegmentFault {
    /// Committed bytes are not what they were.
    #[error(
        "the segment {path} is damaged: {detail}; {}",
        if *lost { "atlas-logd asks Atlas again for what it lost when it is started next" } else { "nothing of it is lost" }
    )]
    Damaged {
        /// The segment.
        path: PathBuf,
        /// What was found.
        detail: String,
        /// Whether records are lost.
        lost: bool,
    },
    /// The oldest segments are not there. They may have been moved to other storage.
    #[error(
        "{missing} not in {folder}; unless they were moved to other storage, put them back from a copy: as long as they are \
         not there, their time is neither reconciled nor backfilled",
        missing = in_words(std::slice::from_ref(numbers))
    )]
    Elsewhere {
        /// The folder of the source.
        folder: PathBuf,
        /// Their sequence numbers.
        numbers: RangeInclusive<u64>,
    },
    /// Segments are gone between others.
    #[error(
        "{missing} gone from {folder}; put back what belongs there from a copy: as long as it is not there, its time is \
         neither reconciled nor backfilled",
        missing = in_words(numbers)
    )]
    Missing {
        /// The folder of the source.
        folder: PathBuf,
        /// Their sequence numbers.
        numbers: Vec<RangeInclusive<u64>>,
    },
    /// What the next poll would refuse.
    #[error(transparent)]
    Refused(#[from] CommitError),
}

impl SegmentFault {
    /// Whether somebody may have meant it to be so.
    #[must_use]
    pub fn may_be_meant(&self) -> bool {
        matches!(self, Self::Elsewhere { .. })
    }
}

/// Sequence numbers as they are said.
fn in_words(numbers: &[RangeInclusive<u64>]) -> String {
    let one = |range: &RangeInclusive<u64>| match (range.start(), range.end()) {
        (first, last) if first == last => format!("{first:08}"),
        (first, last) => format!("{first:08} to {last:08}"),
    };
    let all: Vec<String> = numbers.iter().map(one).collect();
    let is_one = numbers.iter().map(|range| range.end() - range.start() + 1).sum::<u64>() == 1;
    format!(
        "{} {} {}",
        if is_one { "the segment" } else { "the segments" },
        all.join(", "),
        if is_one { "is" } else { "are" }
    )
}

/// Looks at the segments of the source with this key, in the archive at `root`.
///
/// # Errors
/// When state or archive cannot be read.
pub fn examine(
    root: &Path,
    files: &dyn Files,
    store: &Store,
    key: SourceKey,
) -> Result<Vec<SegmentFault>, CommitError> {
    examine_below(root, files, store, key).map_err(|error| error.below(root))
}

fn examine_below(
    root: &Path,
    files: &dyn Files,
    store: &Store,
    key: SourceKey,
) -> Result<Vec<SegmentFault>, CommitError> {
    let load = || {
        store.read(|connection| {
            let Some(state) = SourceState::load_by_key(connection, key)? else { return Ok::<_, StateError>(None) };
            let intent = Intent::load(connection, &state)?;
            Ok(Some((state, intent.is_some(), damaged_segments(connection, key)?)))
        })
    };
    // What the state says was there before a look is judged by the state before it, and what it does not know by the state
    // after it: somebody may be collecting.
    let Some((before, _, noted)) = load()? else { return Ok(Vec::new()) };
    let folder = Path::new(&before.folder);
    let names = names(files, folder)?;
    let mut faults = losses(root, files, &before, &noted, &names)?;
    let open = before.open.as_ref().map(|open| folder.join(open.name.as_str()));
    let length = match &open {
        Some(path) => files.length(path).map_err(CommitError::io("look at", path))?,
        None => None,
    };
    let Some((after, under_way, _)) = load()? else { return Ok(faults) };
    faults.extend(unknown(root, &after, &names).map(SegmentFault::Refused));
    if let (Some(now), Some(path), Some(actual)) = (&after.open, open, length)
        && !under_way
        && folder.join(now.name.as_str()) == path
        && actual > now.length
    {
        let longer = CommitError::Longer { path: root.join(path), expected: now.length, actual };
        faults.push(longer.into());
    }
    Ok(faults)
}

/// Whether damage to a segment is more than what was `noted` of it.
pub(super) fn is_news(noted: &[DamagedSegment], name: &SegmentName, damage: &Damage) -> bool {
    let before = noted.iter().find(|damaged| damaged.name == *name);
    before.is_none_or(|before| damage.good_length < before.good_length)
}

/// What of that which the state knows is gone or changed. What is `noted` was told already.
fn losses(
    root: &Path,
    files: &dyn Files,
    state: &SourceState,
    noted: &[DamagedSegment],
    names: &[Named],
) -> Result<Vec<SegmentFault>, CommitError> {
    let folder = root.join(&state.folder);
    let mut faults = Vec::new();
    let open = state.open.as_ref().map(|open| &open.name).zip(place::damage_to_open(files, state)?);
    let sealed = match &state.sealed {
        Some(sealed) => {
            place::damage_to_sealed(files, Path::new(&state.folder), sealed)?.map(|damage| (&sealed.name, damage))
        }
        None => None,
    };
    for (name, damage) in sealed.into_iter().chain(open) {
        if is_news(noted, name, &damage) {
            faults.push(SegmentFault::Damaged {
                path: folder.join(name.as_str()),
                detail: damage.detail,
                lost: damage.lost,
            });
        }
    }
    faults.extend(missing(root, state, noted, names));
    Ok(faults)
}

/// A file that has the name of a segment, or of something that was made of one.
pub(super) struct Named {
    segment: SegmentName,
    file: OsString,
}

/// The segments in a folder, and what was made of some.
pub(super) fn names(files: &dyn Files, folder: &Path) -> Result<Vec<Named>, CommitError> {
    let entries = files.list(folder).map_err(CommitError::io("list", folder))?;
    let named = entries.into_iter().filter_map(|entry| {
        let name = entry.name.to_str()?;
        let plain = name.split_once(".ndjson").map_or(name, |(stem, _)| stem);
        Some(Named { segment: format!("{plain}.ndjson").parse().ok()?, file: entry.name })
    });
    Ok(named.collect())
}

/// A segment with a number that was never given out was written by a newer state than this one.
pub(super) fn unknown(root: &Path, state: &SourceState, names: &[Named]) -> Option<CommitError> {
    let unknown = names.iter().find(|named| named.segment.sequence() >= state.next_sequence)?;
    Some(CommitError::Unknown { path: root.join(&state.folder).join(&unknown.file) })
}

/// The segments that are not there. Of those of which it was `noted` that nothing is left, that was told; the last two are
/// looked at more closely, and the open one is made when it is needed.
pub(super) fn missing(
    root: &Path,
    state: &SourceState,
    noted: &[DamagedSegment],
    names: &[Named],
) -> Vec<SegmentFault> {
    let gone = noted.iter().filter(|damaged| damaged.good_length == 0).map(|damaged| &damaged.name);
    let newest = state.sealed.iter().map(|sealed| &sealed.name).chain(state.open.iter().map(|open| &open.name));
    let named = names.iter().map(|named| &named.segment).chain(gone).chain(newest);
    let mut there: Vec<u64> = named.map(SegmentName::sequence).filter(|number| *number < state.next_sequence).collect();
    there.push(state.next_sequence);
    there.sort_unstable();
    there.dedup();
    let folder = root.join(&state.folder);
    let mut numbers = Vec::new();
    let mut faults = Vec::new();
    // What retention removed is missed by nobody.
    let first = state.told.removed_to + 1;
    let mut expected = first;
    for number in there.into_iter().filter(|number| *number >= first) {
        if expected == first && number > first {
            faults.push(SegmentFault::Elsewhere { folder: folder.clone(), numbers: first..=number - 1 });
        } else if expected < number {
            numbers.push(expected..=number - 1);
        }
        expected = number.saturating_add(1);
    }
    if !numbers.is_empty() {
        faults.push(SegmentFault::Missing { folder, numbers });
    }
    faults
}
