//! Sealing: a segment that is full, old or damaged gets its digest.
//!
//! | step | what | a crash after it leaves |
//! |---|---|---|
//! | 1 | one transaction decides the digest, to the byte, and that there is no open segment or another one | the seal is finished at the next open |
//! | 2 | the digest is complete in the spool; fsync | the same; the spool file is made anew |
//! | 3 | it is renamed into its place, its signature after it; fsync of both folders | the same; what is there is compared |
//! | 4 | one transaction forgets the seal | |
//!
//! Only then is the next segment's file made: at most one segment lies there without a digest.

use std::path::Path;

use rusqlite::Transaction;

use crate::{
    commit::{CommitError, Committer, placing::put_in_place, retention::Retention},
    evidence::{FORMAT, SIGNATURE_SUFFIX, SegmentDigest, Signer, program},
    instant::Instant,
    source::Source,
    state::{ArchiveId, OpenSegment, Seal, SourceState, StateError, Untold, untold, untold_gaps},
};

/// What every digest of an archive says, and who signs it.
#[derive(Debug)]
pub(super) struct Sealer {
    pub(super) archive: ArchiveId,
    pub(super) signer: Option<Signer>,
    pub(super) retention: Retention,
}

impl Sealer {
    pub(super) fn new(archive: ArchiveId, signer: Option<Signer>) -> Self {
        Self { archive, signer, retention: Retention::default() }
    }

    /// Decides the seal of the open segment of `source`, if it has one. The source is not saved.
    pub(super) fn seal(
        &self,
        transaction: &Transaction<'_>,
        source: &mut SourceState,
        now: Instant,
    ) -> Result<(), StateError> {
        let Some(open) = source.open.clone() else { return Ok(()) };
        source.withdraw_removals(transaction, |removed| !self.retention.stands(removed, now))?;
        let digest = self.digest(transaction, source, &open, now)?.to_bytes();
        let signature = self.sign(&digest)?;
        Seal { segment: open.name, digest, signature }.record(transaction, source)
    }

    /// Seals the open segment and opens the next one, empty. The source is not saved.
    pub(super) fn rotate(
        &self,
        transaction: &Transaction<'_>,
        source: &mut SourceState,
        now: Instant,
    ) -> Result<(), StateError> {
        self.seal(transaction, source, now)?;
        source.open_next(now);
        Ok(())
    }

    pub(super) fn sign(&self, message: &[u8]) -> Result<Option<String>, StateError> {
        let signed = self.signer.as_ref().map(|signer| signer.sign(message)).transpose();
        signed.map_err(|error| StateError::Damaged(format!("a digest could not be signed: {error}")))
    }

    pub(super) fn fingerprint(&self) -> Option<String> {
        self.signer.as_ref().map(|signer| signer.fingerprint().to_owned())
    }

    fn digest(
        &self,
        transaction: &Transaction<'_>,
        source: &SourceState,
        open: &OpenSegment,
        now: Instant,
    ) -> Result<SegmentDigest, StateError> {
        source.verify_rows(transaction)?;
        let identity = source.identity().ok_or_else(|| StateError::DamagedSource {
            source_name: source.folder.clone(),
            detail: "its filter cannot be read".to_owned(),
        })?;
        let mut digest = SegmentDigest {
            format: FORMAT,
            archive: self.archive.clone(),
            source: identity,
            sequence: open.name.sequence(),
            segment: open.name.clone(),
            records: open.records,
            bytes: open.length,
            sha256: open.sha256.sum(),
            first_record: open.times.first,
            last_record: open.times.last,
            late_records: open.times.late,
            lateness_ms: u64::try_from(open.times.lateness.as_millis()).unwrap_or(u64::MAX),
            opened: open.name.opened(),
            sealed: now,
            covered: source.newly_covered().map(Into::into),
            backfilled: Vec::new(),
            reconciled: Vec::new(),
            gaps: untold_gaps(transaction, source)?.into_iter().map(Into::into).collect(),
            damaged: Vec::new(),
            compressed: Vec::new(),
            removed: Vec::new(),
            rebuilt: Vec::new(),
            signing_key: self.fingerprint(),
            previous: source.told.digest.as_ref().map(|last| last.sha256),
            program: program(),
        };
        for event in untold(transaction, source.key)? {
            match event {
                Untold::Backfilled(range) => digest.backfilled.push(range),
                Untold::Reconciled(range) => digest.reconciled.push(range),
                Untold::Damaged(part) => digest.damaged.push(part),
                Untold::Compressed(compressed) => digest.compressed.push(compressed),
                Untold::Removed(removed) => digest.removed.push(removed),
                Untold::Rebuilt(rebuilt) => digest.rebuilt.push(rebuilt),
            }
        }
        Ok(digest)
    }
}

impl Committer {
    /// Seals the open segment of a source now; its next poll opens the next one. What was sealed; nothing where no segment is
    /// open, as long as nothing was collected since the last one.
    ///
    /// # Errors
    /// When state and archive contradict each other, or cannot be written.
    pub fn seal_open(&self, source: &Source) -> Result<Option<OpenSegment>, CommitError> {
        if self.store.read(|connection| SourceState::load(connection, &source.id))?.is_none() {
            return Ok(None);
        }
        let mut state = self.recover(source)?;
        let Some(open) = state.open.clone() else { return Ok(None) };
        self.store.transaction(|transaction| {
            self.sealer.seal(transaction, &mut state, self.clock.now())?;
            state.save(transaction)
        })?;
        self.finish_seals(&mut state).map_err(|error| error.below(self.archive.folder()))?;
        Ok(Some(open))
    }

    /// Steps 2 to 4 for all seals of a source that are decided.
    pub(super) fn finish_seals(&self, source: &mut SourceState) -> Result<(), CommitError> {
        for seal in self.store.read(|connection| Seal::load(connection, source.key))? {
            let files = self.archive.files();
            let folder = Path::new(&source.folder);
            files.make_folder(folder).map_err(CommitError::io("make the folder", folder))?;
            let path = folder.join(seal.segment.digest());
            put_in_place(files, source.key, &path, &seal.digest)?;
            if let Some(signature) = &seal.signature {
                let path = folder.join(seal.segment.digest() + SIGNATURE_SUFFIX);
                put_in_place(files, source.key, &path, signature.as_bytes())?;
            }
            self.store.transaction(|transaction| seal.done(transaction, source))?;
        }
        Ok(())
    }
}
