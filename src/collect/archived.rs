//! What the segments themselves say is archived: for ranges that are asked again, and when fingerprints were lost.

use std::{cell::Cell, collections::HashMap, path::Path, time::Duration};

use crate::{
    archive::{SegmentName, SegmentPart, edge_records, for_each_record, segment_names},
    collect::{
        kept::Kept,
        known::Known,
        placed::{Placed, Placer},
        stock::{Contents, Read},
    },
    commit::{CommitError, Committer},
    instant::Instant,
    plan::{MUCH_LATER, SLACK, keep_until},
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
    for_each_archived(committer, state, wide.from, settle, |opened, clocks, key| {
        let near = match key.between {
            Some(between) => !between.intersection(wide).is_empty(),
            None => can_come_for(range, clocks, opened),
        };
        if near { known.add(key, Instant::MAX, 1).map_err(CommitError::from) } else { Ok(()) }
    })?;
    Ok(known)
}

/// What is archived, for a reconciliation of `range` by short windows, is read for so much of it at once.
const READ_AT_ONCE: Duration = Duration::from_secs(24 * 3600);

/// The same for a reconciliation: a record without a clock is archived wherever among the others its bytes are. Its place
/// says which of several identical ones it is, but not for certain, and a reconciliation archives nothing again that can be
/// archived already.
pub(super) fn known_anywhere(
    committer: &Committer,
    state: &SourceState,
    range: Window,
    settle: Duration,
) -> Result<Known, CommitError> {
    Ok(read_on(committer, state, nothing_read(committer, state, range), settle)?.known)
}

/// The same for many short windows: goes on with what was read for the windows before.
pub(super) fn contents_around(
    committer: &Committer,
    state: &SourceState,
    before: Option<Contents>,
    range: Window,
    settle: Duration,
) -> Result<Contents, CommitError> {
    let fits = |contents: &Contents| contents.range.intersection(range) == range;
    let contents = before.filter(fits).unwrap_or_else(|| {
        let wide = Window::new(range.from, range.to.max(range.from + READ_AT_ONCE));
        nothing_read(committer, state, wide)
    });
    read_on(committer, state, contents, settle)
}

fn nothing_read(committer: &Committer, state: &SourceState, range: Window) -> Contents {
    let known = Known::new(committer.store().folder(), format!("reconciled-{}", state.key));
    Contents { range, known, read: HashMap::new() }
}

/// Reads what was archived since.
fn read_on(
    committer: &Committer,
    state: &SourceState,
    mut contents: Contents,
    settle: Duration,
) -> Result<Contents, CommitError> {
    let Contents { range, known, read } = &mut contents;
    for segment in segments(committer, state, range.from - SLACK - settle)? {
        let name = segment.name.clone();
        let before = read.get(&name).copied().unwrap_or_default();
        let open = state.open.as_ref().filter(|open| open.name == name);
        if before.sealed || open.is_some_and(|open| open.records == before.records) {
            continue;
        }
        let mut records = 0;
        for_each_record_of(committer, &segment, |record| {
            records += 1;
            if records <= before.records {
                return Ok(());
            }
            let Reading { clocks, fingerprint } = Reading::of(state.kind, record);
            if clocks.latest().is_some() && !can_come_for(*range, clocks, name.opened()) {
                return Ok(());
            }
            Ok(known.add(RecordKey { fingerprint, between: None }, Instant::MAX, 1)?)
        })?;
        read.insert(name, Read { records, sealed: open.is_none() });
    }
    Ok(contents)
}

/// Whether Atlas can show a record with these clocks for `range` that was archived in a segment `opened` at an instant.
fn can_come_for(range: Window, clocks: Clocks, opened: Instant) -> bool {
    // A range may have been compared with the arrival of a record that was much later than its clock says.
    clocks.touch(range.widened(CLOCKS_APART + MUCH_LATER)) || tell_nothing(clocks, opened)
}

/// Makes the fingerprints of a source anew from its segments.
pub(super) fn restore_fingerprints(
    committer: &Committer,
    state: &mut SourceState,
    now: Instant,
    settle: Duration,
) -> Result<(), CommitError> {
    let Some(end) = state.end else { return Ok(()) };
    let by_arrival = state.by_arrival;
    // What the end has passed can still come again, should it have arrived late.
    let since = end - SLACK - settle - if by_arrival { CLOCKS_APART * 2 } else { MUCH_LATER };
    let asked = Window::new(end - SLACK - settle, now.max(end));
    let mut kept = Kept::new(committer.store().folder(), format!("kept-{}", state.key));
    // Behind the first record that is as new, all were collected since, whatever their clocks say.
    let mut collected_since = false;
    for_each_archived(committer, state, since, settle, |opened, clocks, key| {
        let latest = clocks.latest().or(key.between.map(|between| between.to));
        collected_since |= opened >= since || latest.is_some_and(|latest| latest >= since);
        if collected_since || tell_nothing(clocks, opened) {
            let keep_until = keep_until(clocks, asked, settle, by_arrival);
            kept.push(KeptFingerprint { key, more: 1, seen_until: asked.to, keep_until })?;
        }
        Ok(())
    })?;
    committer.store().transaction(|transaction| {
        replace_fingerprints(transaction, state, |each| kept.for_each(each))?;
        state.fingerprints_lost = false;
        state.save(transaction)
    })?;
    Ok(())
}

/// Whether the clocks of a record that was archived in a segment `opened` at an instant do not tell when it was collected:
/// it was late then, or they are wrong.
fn tell_nothing(clocks: Clocks, opened: Instant) -> bool {
    // No segment stays open for more than a day.
    let ahead = opened + CLOCKS_APART * 2;
    clocks.latest().is_some_and(|clock| clock < opened - MUCH_LATER)
        || clocks.earliest().is_some_and(|clock| clock > ahead)
}

/// Calls `each` with the bytes of every archived record that can have been collected at `since` or later, and with when
/// its segment was opened.
fn for_each_archived_bytes(
    committer: &Committer,
    state: &SourceState,
    since: Instant,
    mut each: impl FnMut(Instant, &[u8]) -> Result<(), CommitError>,
) -> Result<(), CommitError> {
    for segment in segments(committer, state, since)? {
        for_each_record_of(committer, &segment, |record| each(segment.name.opened(), record))?;
    }
    Ok(())
}

fn for_each_record_of(
    committer: &Committer,
    segment: &Segment,
    each: impl FnMut(&[u8]) -> Result<(), CommitError>,
) -> Result<(), CommitError> {
    let path = committer.archive().folder().join(&segment.part.path);
    let unreadable = |cause| CommitError::Io { doing: "read", path: path.clone(), cause };
    for_each_record(committer.archive().files(), &segment.part, unreadable, each)
}

/// A segment that is read.
struct Segment {
    name: SegmentName,
    part: SegmentPart,
}

/// Calls `each` with every archived record that can have been collected at `since` or later: when its segment was opened,
/// its clocks, its key. Records are read only, one at a time.
///
/// Late records lie behind newer ones in a segment, by up to the settle time: the place of a record without a clock is
/// widened by it.
fn for_each_archived(
    committer: &Committer,
    state: &SourceState,
    since: Instant,
    settle: Duration,
    mut each: impl FnMut(Instant, Clocks, RecordKey) -> Result<(), CommitError>,
) -> Result<(), CommitError> {
    let mut placer = Placer::new(Window::new(since, Instant::MAX), settle, false);
    let room = SLACK + settle;
    let opened = Cell::new(since);
    let mut hand_on = |placed: Placed<'_>| {
        let Some(between) = placed.key.between else { return each(opened.get(), placed.clocks, placed.key) };
        let mut at =
            |between: Window| each(opened.get(), placed.clocks, RecordKey { between: Some(between), ..placed.key });
        if between.duration() <= room * 2 {
            return at(between.widened(room));
        }
        // Two collections meet here, and it was the last record of one or the first one of the other.
        at(Window::new(between.from - room, between.from + room))?;
        at(Window::new(between.to - room, between.to + room))
    };
    for_each_archived_bytes(committer, state, since, |segment_opened, record| {
        opened.set(segment_opened);
        placer.place(record, Reading::of(state.kind, record), &mut hand_on)
    })?;
    placer.finish(hand_on)
}

/// The segments of a source that can hold records of `since` or later, in order, compressed ones too.
///
/// Segments follow the time of collection: one that was followed by the next before `since` holds none. But that time
/// was told by the local clock, which may have been wrong, so the records at its edges have to be as old.
fn segments(committer: &Committer, state: &SourceState, since: Instant) -> Result<Vec<Segment>, CommitError> {
    let folder = Path::new(&state.folder);
    let (root, files) = (committer.archive().folder(), committer.archive().files());
    let names = segment_names(files, folder).map_err(CommitError::io("list", root.join(folder)))?;
    let damaged = committer.store().read(|connection| damaged_segments(connection, state.key))?;
    let good_length = |name: &SegmentName| {
        let open = state.open.as_ref().filter(|open| open.name == *name).map(|open| open.length);
        open.or_else(|| damaged.iter().find(|damaged| damaged.name == *name).map(|damaged| damaged.good_length))
    };
    let oldest = since - CLOCKS_APART;
    let mut parts = Vec::new();
    for (position, name) in names.iter().enumerate() {
        let part = SegmentPart { path: folder.join(name.as_str()), length: good_length(name) };
        let followed_before = names.get(position + 1).is_some_and(|next| next.opened() < oldest);
        if followed_before {
            let edges = edge_records(files, &part).map_err(CommitError::io("read", root.join(&part.path)))?;
            let old = |record: &Vec<u8>| Reading::of(state.kind, record).clocks.latest().is_some_and(|at| at < oldest);
            if edges.iter().all(old) {
                continue;
            }
        }
        parts.push(Segment { name: name.clone(), part });
    }
    Ok(parts)
}
