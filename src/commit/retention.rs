//! Retention: sealed segments that are wholly older than `keep` go.
//!
//! | step | what | a crash after it leaves |
//! |---|---|---|
//! | 1 | one transaction decides it, and notes it for the next digest | |
//! | 2 | the next digest, which tells of it, is in its place | files that are to go |
//! | 3 | the file is removed; fsync of the folder | |
//! | 4 | one transaction forgets it | |
//!
//! Up to step 2 it can be taken back, and is when `keep` is: what no digest has told of yet is judged once more before the next
//! one is made. From there on the digests say that the segment is gone, and it goes, whatever the configuration says.
//!
//! Clocks may have been wrong, and one odd segment must neither go too early nor hold the others for ever. Segments are sealed
//! one after the other, so that none was sealed later than any later digest says: a clock that was ahead is set right by what
//! came after it. A clock that was behind is found out by when the segment was opened and by the end watermark, which never moves
//! back and is bounded by Atlas' own clock: what was collected up to then was not sealed before.

use std::{
    collections::BTreeSet,
    ops::Bound,
    path::Path,
    sync::{PoisonError, RwLock},
    time::Duration,
};

use crate::{
    archive::{SegmentName, StoredForm},
    commit::{CommitError, Committer, upkeep::Stored},
    evidence::{RECORD_AHEAD, Removed, SegmentDigest},
    instant::Instant,
    state::{SourceState, Untold, decide_removal, removals, untold},
};

/// How long segments are kept, as far as it matters for what was decided before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Rule {
    /// Nobody said; what was decided stands.
    #[default]
    AsDecided,
    /// So long.
    Keep(Duration),
    /// For ever.
    ForEver,
}

/// Whether what was decided still stands, when a digest is about to tell of it.
#[derive(Debug, Default)]
pub(super) struct Retention(RwLock<Rule>);

impl Retention {
    fn set(&self, rule: Rule) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = rule;
    }

    /// Whether a removal that no digest has told of may be told of now. One that was decided under a shorter `keep` is decided
    /// again by the next upkeep, if the segment is old enough for the longer one too; one that was decided by a clock ahead of
    /// this one, likewise.
    pub(super) fn stands(&self, removed: &Removed, now: Instant) -> bool {
        let rule = *self.0.read().unwrap_or_else(PoisonError::into_inner);
        let under_rule = match rule {
            Rule::AsDecided => true,
            Rule::Keep(keep) => keep.as_secs() <= removed.keep_seconds,
            Rule::ForEver => false,
        };
        under_rule && removed.decided <= now
    }
}

impl Committer {
    /// Says how long segments are kept from now on; nothing is for ever. What was decided under a shorter time, and no digest has
    /// told of, is forgotten.
    pub fn set_keep(&self, keep: Option<Duration>) {
        self.sealer.retention.set(keep.map_or(Rule::ForEver, Rule::Keep));
    }

    /// Removes what a digest in its place says is removed.
    pub(super) fn remove_decided(&self, source: &mut SourceState) -> Result<(), CommitError> {
        let decided = self.store.read(|connection| removals(connection, source.key))?;
        if decided.is_empty() {
            return Ok(());
        }
        let events = self.store.read(|connection| untold(connection, source.key))?;
        let is_told = |segment: &SegmentName| {
            let of_it = |event: &Untold| matches!(event, Untold::Removed(removed) if removed.segment == *segment);
            !events.iter().any(of_it)
        };
        let folder = Path::new(&source.folder);
        let files = self.archive.files();
        let mut gone = Vec::new();
        for segment in decided.into_iter().filter(is_told) {
            for form in StoredForm::ALL {
                self.remove(&folder.join(form.file_name(&segment)))?;
            }
            tracing::info!(
                event = "segment-removed",
                source = source.display_name(),
                segment = segment.as_str(),
                "removed by retention, as its source's digests say"
            );
            gone.push(segment);
        }
        if gone.is_empty() {
            return Ok(());
        }
        files.sync_folder(folder).map_err(CommitError::io("sync", folder))?;
        self.store.transaction(|transaction| source.forget_removals(transaction, &gone))?;
        Ok(())
    }

    /// The segments that are decided to go.
    pub(super) fn to_go(&self, source: &SourceState) -> Result<BTreeSet<SegmentName>, CommitError> {
        Ok(self.store.read(|connection| removals(connection, source.key))?.into_iter().collect())
    }

    /// Decides what is old enough to go, and notes it for the next digest. A segment whose digest cannot be read stays as
    /// evidence, which is said when the first one behind it goes.
    pub(super) fn decide_removals(
        &self,
        source: &mut SourceState,
        stored: &Stored,
        keep: Duration,
    ) -> Result<(), CommitError> {
        let Some(last) = source.sealed.as_ref().map(|sealed| sealed.name.sequence()) else { return Ok(()) };
        let decided = self.to_go(source)?;
        let now = self.clock.now();
        let old_enough = now - keep;
        let (mut undigested, mut collected_to) = (Vec::new(), Instant::MIN);
        let candidates = stored.keys().filter(|segment| segment.sequence() < last && !decided.contains(*segment));
        for segment in candidates {
            let Some(digest) = self.readable_digest(source, segment) else {
                undigested.push(segment);
                continue;
            };
            // What lies in the future was said by a wrong clock.
            let said = |instant: Instant| if instant <= now { instant } else { Instant::MIN };
            collected_to = collected_to.max(digest.covered.map_or(Instant::MIN, |covered| said(covered.to)));
            let not_before = collected_to.max(said(segment.opened()));
            // Those behind it are not older.
            if !self.is_wholly_older(source, stored, &digest, not_before, old_enough) {
                break;
            }
            self.tell_undigested(source, std::mem::take(&mut undigested));
            let removed = Removed { segment: segment.clone(), decided: now, keep_seconds: keep.as_secs() };
            self.store.transaction(|transaction| decide_removal(transaction, source, removed))?;
        }
        Ok(())
    }

    /// Whether a segment, which was not sealed before `not_before`, was sealed before `old_enough`, as its own digest or that of a
    /// later one says, and its records are older too.
    fn is_wholly_older(
        &self,
        source: &SourceState,
        stored: &Stored,
        digest: &SegmentDigest,
        not_before: Instant,
        old_enough: Instant,
    ) -> bool {
        if not_before >= old_enough {
            return false;
        }
        // The clock of a record that is ahead of everything is wrong, and must not keep a segment for ever.
        let is_before = |sealed: Instant| {
            let newest = digest.last_record.map_or(sealed, |last| last.min(sealed + RECORD_AHEAD).max(sealed));
            sealed >= not_before && newest < old_enough
        };
        let later = stored.range((Bound::Excluded(&digest.segment), Bound::Unbounded)).map(|(segment, _)| segment);
        let mut later = later.filter_map(|segment| self.readable_digest(source, segment));
        is_before(digest.sealed) || later.any(|later| is_before(later.sealed))
    }

    /// Says of segments that are passed over why they stay. Of those up to the newest that went, it was said.
    fn tell_undigested(&self, source: &SourceState, undigested: Vec<&SegmentName>) {
        for segment in undigested.into_iter().filter(|segment| segment.sequence() > source.told.removed_to) {
            tracing::warn!(
                event = "digest-missing",
                source = source.display_name(),
                segment = %self.segment_path(source, segment).display(),
                "a segment that is older than segments are kept has no digest that can be read: it stays as evidence, and \
                 those behind it go; `atlas-logd verify` names what is wrong with it, and once its digest is put back, it goes"
            );
        }
    }

    /// What a segment's digest says; nothing where there is none, or none that can be read.
    fn readable_digest(&self, source: &SourceState, segment: &SegmentName) -> Option<SegmentDigest> {
        self.digest_of(source, segment).ok().flatten()
    }
}
