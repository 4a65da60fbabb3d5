//! What the segments themselves say is archived: for ranges that are asked again, and when fingerprints were lost.

use std::{cell::Cell, collections::HashMap, time::Duration};

use crate::{
    collect::{
        held::{Held, Trust},
        kept::Kept,
        known::Known,
        placed::{Placed, Placer},
        stock::{Contents, Read},
    },
    commit::{CommitError, Committer},
    instant::Instant,
    plan::{SLACK, keep_until},
    record::{Clocks, Reading},
    state::{RecordKey, SourceState, replace_fingerprints, replace_timed_fingerprints},
    window::Window,
};

/// A record cannot have been archived before it happened. Its clock may still be ahead of ours by so much.
const CLOCKS_APART: Duration = Duration::from_secs(24 * 3600);

/// A record that arrived by so much later than its clocks say is late.
const MUCH_LATER: Duration = Duration::from_secs(6 * 3600);

/// What is archived of `range`, by the segments.
pub(super) fn known_in(
    committer: &Committer,
    state: &SourceState,
    range: Window,
    settle: Duration,
    trust: Trust,
) -> Result<Known, CommitError> {
    let wide = range.widened(SLACK + settle);
    let mut known = Known::new(committer.store().folder(), format!("archived-{}", state.key));
    let held = Held::since(committer, state, wide.from - CLOCKS_APART, trust)?;
    for_each_archived(&held, state, wide.from, settle, |opened, clocks, key| {
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
    let held = Held::since(committer, state, range.from - SLACK - settle - CLOCKS_APART, Trust::Proven)?;
    for segment in &held.segments {
        let name = segment.name.clone();
        let before = read.get(&name).copied().unwrap_or_default();
        let open = state.open.as_ref().filter(|open| open.name == name);
        if before.sealed || open.is_some_and(|open| open.records == before.records) {
            continue;
        }
        let mut records = 0;
        held.for_each_record(segment, |record| {
            records += 1;
            if records <= before.records {
                return Ok(());
            }
            let can_come = |clocks: Clocks| clocks.latest().is_none() || can_come_for(*range, clocks, name.opened());
            let Some(fingerprint) = Reading::of(state.kind, record, can_come).fingerprint else { return Ok(()) };
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
    let Some(kept) = archived_of_late(committer, state, now, settle, |_| true)? else { return Ok(()) };
    committer.store().transaction(|transaction| {
        replace_fingerprints(transaction, state, |each| kept.for_each(each))?;
        state.fingerprints_lost = false;
        state.save(transaction)
    })?;
    Ok(())
}

/// Knows again, from the segments of a source, the records with a clock that can come again now that Atlas goes by the arrival
/// of records. Those without were not forgotten, and the state tells them apart better than a segment can.
pub(super) fn remember_by_arrival(
    committer: &Committer,
    state: &mut SourceState,
    now: Instant,
    settle: Duration,
) -> Result<(), CommitError> {
    state.by_arrival = true;
    let Some(kept) = archived_of_late(committer, state, now, settle, |key| key.between.is_none())? else {
        return Ok(());
    };
    committer.store().transaction(|transaction| {
        replace_timed_fingerprints(transaction, state, |each| kept.for_each(each))?;
        state.save(transaction)
    })?;
    Ok(())
}

/// The archived records that can come again, of those that `count`; nothing where nothing was collected yet.
fn archived_of_late(
    committer: &Committer,
    state: &SourceState,
    now: Instant,
    settle: Duration,
    counts: impl Fn(&RecordKey) -> bool,
) -> Result<Option<Kept>, CommitError> {
    let Some(end) = state.end else { return Ok(None) };
    let by_arrival = state.by_arrival;
    // What the end has passed can still come again, should it have arrived late.
    let since = end - SLACK - settle - if by_arrival { CLOCKS_APART * 2 } else { MUCH_LATER };
    let asked = Window::new(end - SLACK - settle, now.max(end));
    // No clock decides about any of them: which answer held it is not known.
    let keep_until = keep_until(Clocks::NONE, asked, settle, true);
    let mut kept = Kept::new(committer.store().folder(), format!("kept-{}", state.key));
    // Behind the first record that is as new, all were collected since, whatever their clocks say.
    let mut collected_since = false;
    let held = Held::since(committer, state, since - CLOCKS_APART, Trust::AsTheyLie)?;
    for_each_archived(&held, state, since, settle, |opened, clocks, key| {
        let latest = clocks.latest().or(key.between.map(|between| between.to));
        collected_since |= opened >= since || latest.is_some_and(|latest| latest >= since);
        if counts(&key) && (collected_since || tell_nothing(clocks, opened)) {
            kept.new_record(key, clocks, asked.to, keep_until)?;
        }
        Ok(())
    })?;
    Ok(Some(kept))
}

/// Whether the clocks of a record that was archived in a segment `opened` at an instant do not tell when it was collected:
/// it was late then, or they are wrong.
fn tell_nothing(clocks: Clocks, opened: Instant) -> bool {
    // No segment stays open for more than a day.
    let ahead = opened + CLOCKS_APART * 2;
    clocks.latest().is_some_and(|clock| clock < opened - MUCH_LATER)
        || clocks.earliest().is_some_and(|clock| clock > ahead)
}

/// Calls `each` with every archived record that is held and can have been collected at `since` or later: when its segment
/// was opened, its clocks, its key. Records are read only, one at a time.
///
/// Late records lie behind newer ones in a segment, by up to the settle time: the place of a record without a clock is
/// widened by it.
fn for_each_archived(
    held: &Held<'_>,
    state: &SourceState,
    since: Instant,
    settle: Duration,
    mut each: impl FnMut(Instant, Clocks, RecordKey) -> Result<(), CommitError>,
) -> Result<(), CommitError> {
    let mut placer = Placer::new(Window::new(since, Instant::MAX), settle, false);
    let room = SLACK + settle;
    let opened = Cell::new(since);
    let mut hand_on = |placed: Placed<'_>| {
        let key = placed.key(state.kind);
        let Some(between) = key.between else { return each(opened.get(), placed.clocks, key) };
        let mut at = |between: Window| each(opened.get(), placed.clocks, RecordKey { between: Some(between), ..key });
        if between.duration() <= room * 2 {
            return at(between.widened(room));
        }
        // Two collections meet here, and it was the last record of one or the first one of the other.
        at(Window::new(between.from - room, between.from + room))?;
        at(Window::new(between.to - room, between.to + room))
    };
    for segment in &held.segments {
        opened.set(segment.name.opened());
        held.for_each_record(segment, |record| {
            placer.place(record, Reading::of(state.kind, record, |_| true), &mut hand_on)
        })?;
    }
    placer.finish(hand_on)
}
