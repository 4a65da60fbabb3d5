//! What the segments themselves say is archived: for ranges that are asked again, and when fingerprints were lost.

use std::{path::Path, time::Duration};

use crate::{
    archive::{SegmentName, SegmentPart, for_each_record},
    collect::{intake::IntakeError, kept::Kept, known::Known},
    commit::Committer,
    instant::Instant,
    plan::{SLACK, keep_until},
    record::{AccessEntry, AuditLine, Clocks, Fingerprint},
    source::Kind,
    state::{KeptFingerprint, SourceState, damaged_segments, replace_fingerprints},
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
) -> Result<Known, IntakeError> {
    let wide = range.widened(SLACK + settle);
    let mut known = Known::new(committer.store().folder(), format!("archived-{}", state.key));
    for_each_archived(committer, state, wide.from, |fingerprint, clocks, near| {
        // A record without a clock lies near the one before it.
        if clocks.touch(wide) || (clocks == Clocks::NONE && near.is_none_or(|near| near.touch(wide))) {
            known.add(fingerprint, 1)?;
        }
        Ok(())
    })?;
    Ok(known)
}

/// Makes the fingerprints of a source anew from its segments.
pub(super) fn restore_fingerprints(
    committer: &Committer,
    state: &mut SourceState,
    now: Instant,
    settle: Duration,
) -> Result<(), IntakeError> {
    let Some(end) = state.end else { return Ok(()) };
    let since = end - SLACK - settle;
    let asked = Window::new(since, now.max(end));
    let mut kept = Kept::new(committer.store().folder(), format!("kept-{}", state.key));
    for_each_archived(committer, state, since, |fingerprint, clocks, near| {
        let near = if clocks == Clocks::NONE { near.unwrap_or_default() } else { clocks };
        if near == Clocks::NONE || near.latest().is_some_and(|latest| latest >= since) {
            let keep_until = keep_until(clocks, asked, settle);
            kept.push(KeptFingerprint { fingerprint, more: 1, keep_until })?;
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

/// Calls `each` with the fingerprint and clocks of every archived record that can have happened at `since` or later,
/// and the clocks of the timed record before it. Records are read only, one at a time.
fn for_each_archived(
    committer: &Committer,
    state: &SourceState,
    since: Instant,
    mut each: impl FnMut(Fingerprint, Clocks, Option<Clocks>) -> Result<(), IntakeError>,
) -> Result<(), IntakeError> {
    for segment in segments(committer, state, since)? {
        let (mut timed, mut near) = (None, None);
        for_each_record(committer.archive().files(), &segment, |record| match state.kind {
            Kind::AccessHistory => {
                let entry = AccessEntry::read(record);
                each(entry.fingerprint, entry.clocks, near)?;
                near = if entry.clocks == Clocks::NONE { near } else { Some(entry.clocks) };
                Ok::<_, IntakeError>(())
            }
            Kind::StreamAudit => {
                let line = AuditLine::read(record);
                let fingerprint = line.fingerprint(record, timed);
                each(fingerprint, line.clocks, near)?;
                if line.clocks != Clocks::NONE {
                    (timed, near) = (Some(fingerprint), Some(line.clocks));
                } else if timed.is_some() {
                    each(Fingerprint::of_line_anywhere(record), line.clocks, near)?;
                }
                Ok(())
            }
        })?;
    }
    Ok(())
}

/// The segments of a source that can hold records of `since` or later, in order: segments follow the time of
/// collection, so one that was followed by the next before `since` holds none.
fn segments(committer: &Committer, state: &SourceState, since: Instant) -> Result<Vec<SegmentPart>, IntakeError> {
    let folder = Path::new(&state.folder);
    let entries = committer.archive().files().list(folder)?;
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
