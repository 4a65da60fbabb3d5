//! What the segments themselves say is archived: for ranges that are asked again, and when fingerprints were lost.

use std::{path::Path, time::Duration};

use crate::{
    archive::{SegmentName, SegmentPart, for_each_record},
    collect::{
        kept::Kept,
        known::Known,
        placed::{Placed, Placer},
    },
    commit::{CommitError, Committer},
    instant::Instant,
    plan::{SLACK, keep_until},
    record::{Clocks, Reading},
    state::{KeptFingerprint, RecordKey, SourceState, damaged_segments, replace_fingerprints},
    window::Window,
};

/// A record cannot have been archived before it happened. Its clock may still be ahead of ours by so much.
const CLOCKS_APART: Duration = Duration::from_secs(24 * 3600);

/// What is archived of `range`, by the segments.
pub(super) fn known_in(
    committer: &Committer,
    state: &SourceState,
    range: Window,
    settle: Duration,
) -> Result<Known, CommitError> {
    let wide = range.widened(SLACK + settle);
    let mut known = Known::new(committer.store().folder(), format!("archived-{}", state.key));
    for_each_archived(committer, state, wide.from, settle, |clocks, key| {
        let near = match key.between {
            Some(between) => !between.intersection(wide).is_empty(),
            // A range may have been compared with the arrival of a record that was much later than its clock says.
            None => clocks.touch(range.widened(CLOCKS_APART)),
        };
        if near { known.add(key, Instant::MAX, 1).map_err(CommitError::from) } else { Ok(()) }
    })?;
    Ok(known)
}

/// Makes the fingerprints of a source anew from its segments.
pub(super) fn restore_fingerprints(
    committer: &Committer,
    state: &mut SourceState,
    now: Instant,
    settle: Duration,
) -> Result<(), CommitError> {
    let Some(end) = state.end else { return Ok(()) };
    let since = end - SLACK - settle;
    let asked = Window::new(since, now.max(end));
    let mut kept = Kept::new(committer.store().folder(), format!("kept-{}", state.key));
    for_each_archived(committer, state, since, settle, |clocks, key| {
        let latest = clocks.latest().or(key.between.map(|between| between.to));
        if latest.is_some_and(|latest| latest >= since) {
            kept.push(KeptFingerprint { key, more: 1, keep_until: keep_until(clocks, asked, settle) })?;
        }
        Ok(())
    })?;
    committer.store().transaction(|transaction| {
        replace_fingerprints(transaction, state.key, |each| kept.for_each(each))?;
        state.fingerprints_lost = false;
        state.save(transaction)
    })?;
    Ok(())
}

/// Calls `each` with the clocks and the key of every archived record that can have happened at `since` or later.
/// Records are read only, one at a time.
///
/// Late records lie behind newer ones in a segment, by up to the settle time: the place of a record without a clock is
/// widened by it.
fn for_each_archived(
    committer: &Committer,
    state: &SourceState,
    since: Instant,
    settle: Duration,
    mut each: impl FnMut(Clocks, RecordKey) -> Result<(), CommitError>,
) -> Result<(), CommitError> {
    let mut placer = Placer::new(Window::new(since, Instant::MAX), settle, false);
    let mut hand_on = |placed: Placed<'_>| {
        let between = placed.key.between.map(|between| between.widened(SLACK + settle));
        each(placed.clocks, RecordKey { between, ..placed.key })
    };
    for segment in segments(committer, state, since)? {
        let path = committer.archive().folder().join(&segment.path);
        let unreadable = |cause| CommitError::Io { doing: "read", path: path.clone(), cause };
        for_each_record(committer.archive().files(), &segment, unreadable, |record| {
            placer.place(record, Reading::of(state.kind, record), &mut hand_on)
        })?;
    }
    placer.finish(hand_on)
}

/// The segments of a source that can hold records of `since` or later, in order: segments follow the time of
/// collection, so one that was followed by the next before `since` holds none.
fn segments(committer: &Committer, state: &SourceState, since: Instant) -> Result<Vec<SegmentPart>, CommitError> {
    let folder = Path::new(&state.folder);
    let listed = committer.archive().files().list(folder);
    let entries = listed.map_err(CommitError::io("list", committer.archive().folder().join(folder)))?;
    let mut names: Vec<SegmentName> = entries.iter().filter_map(|entry| entry.name.to_str()?.parse().ok()).collect();
    names.sort_unstable();
    let damaged = committer.store().read(|connection| damaged_segments(connection, state.key))?;
    let good_length = |name: &SegmentName| {
        let open = state.open.as_ref().filter(|open| open.name == *name).map(|open| open.length);
        open.or_else(|| damaged.iter().find(|damaged| damaged.name == *name).map(|damaged| damaged.good_length))
    };
    let followed = |position: usize| names.get(position + 1).map(SegmentName::opened);
    let parts = names
        .iter()
        .enumerate()
        .filter(|&(position, _)| followed(position).is_none_or(|followed| followed + CLOCKS_APART >= since));
    Ok(parts.map(|(_, name)| SegmentPart { path: folder.join(name.as_str()), length: good_length(name) }).collect())
}
