//! A damaged segment: it is sealed with its last good length, and what it lost becomes a gap that is asked again.

use rusqlite::Transaction;

use crate::{
    archive::SegmentName,
    commit::{place::Damage, seal::Sealer},
    evidence::Sha256Sum,
    instant::Instant,
    plan::{Gap, GapReason, subtract},
    state::{DamagedSegment, SealedSegment, SourceState, StateError, gaps},
    window::Window,
};

/// Takes note of the damage to the open segment of `source` and opens the next one.
pub(super) fn seal_damaged(
    sealer: &Sealer,
    transaction: &Transaction<'_>,
    source: &mut SourceState,
    damage: &Damage,
    now: Instant,
) -> Result<(), StateError> {
    let Some(open) = source.open.clone() else { return Ok(()) };
    let committed = open.sha256.sum();
    note(transaction, source, &open.name, committed, open.collected_from, damage, now)?;
    sealer.rotate(transaction, source, now)?;
    keep_what_is_good(source, &open.name, damage);
    source.save(transaction)
}

/// Takes note of the damage to a segment of `source` that is sealed already.
pub(super) fn note_sealed(
    transaction: &Transaction<'_>,
    source: &mut SourceState,
    sealed: &SealedSegment,
    damage: &Damage,
    now: Instant,
) -> Result<(), StateError> {
    note(transaction, source, &sealed.name, sealed.sha256, sealed.collected_from, damage, now)?;
    keep_what_is_good(source, &sealed.name, damage);
    source.save(transaction)
}

fn note(
    transaction: &Transaction<'_>,
    source: &mut SourceState,
    segment: &SegmentName,
    committed: Sha256Sum,
    collected_from: Option<Instant>,
    damage: &Damage,
    now: Instant,
) -> Result<(), StateError> {
    let Damage { good_length, good_sha256, detail, .. } = damage.clone();
    let good_sha256 = good_sha256.unwrap_or(committed);
    let noted = DamagedSegment { name: segment.clone(), good_length, good_sha256, detail, noticed: now };
    source.record_damage(transaction, &noted)?;
    if damage.lost {
        ask_again(transaction, source, collected_from, &noted)?;
    }
    Ok(())
}

/// What is still good of the last sealed segment can be damaged later, too.
fn keep_what_is_good(source: &mut SourceState, segment: &SegmentName, damage: &Damage) {
    if let Some(sealed) = source.sealed.as_mut().filter(|sealed| sealed.name == *segment) {
        sealed.length = damage.good_length;
        if let Some(sha256) = damage.good_sha256 {
            sealed.sha256 = sha256;
        }
        if let Some(tail) = &damage.tail {
            sealed.tail.clone_from(tail);
        }
    }
}

/// Which records a segment lost cannot be told; which ranges they came from can: they are asked again.
fn ask_again(
    transaction: &Transaction<'_>,
    source: &mut SourceState,
    collected_from: Option<Instant>,
    damaged: &DamagedSegment,
) -> Result<(), StateError> {
    source.fingerprints_lost = true;
    let (Some(from), Some(end)) = (collected_from, source.end) else { return Ok(()) };
    let detail = format!("{}: {}", damaged.name, damaged.detail);
    let gaps = gaps(transaction, source.key)?;
    // What an operator gave up was not lost here, and must not be asked for again; nor what he has to decide about.
    let left_alone = |gap: &&Gap| matches!(gap.reason, GapReason::Skipped | GapReason::Differs);
    let left_alone = gaps.iter().filter(left_alone).map(|gap| gap.window);
    for window in subtract(Window::new(from, end), left_alone) {
        let (reason, detail) = (GapReason::Damage, detail.clone());
        source.declare(transaction, &Gap { window, reason, detail, noticed: damaged.noticed })?;
    }
    Ok(())
}
