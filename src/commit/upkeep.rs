//! The upkeep of sealed segments: they are compressed, and removed when they are old enough.
//!
//! | step | compression | a crash after it leaves |
//! |---|---|---|
//! | 1 | the compressed form is complete in the spool; fsync | a spool file; removed |
//! | 2 | it is renamed into its place beside the plain one; fsync of both folders | both forms; the compressed one is made anew |
//! | 3 | one transaction notes it for the next digest | both forms; the plain one is removed at the next upkeep |
//! | 4 | the plain one is removed | |
//!
//! How they are removed is told in `retention`.
//!
//! The last sealed segment is left as it is, so that a shipper that reads it is never cut off. What a segment's digest does
//! not say of it stays as it is, as evidence; [`verify`](crate::verify) names it.

use std::{collections::BTreeMap, path::Path, time::Duration};

use crate::{
    archive::{
        CompressedSegment, SegmentName, SegmentReader, StoredForm, compress, create_spool, note_spool, read_small,
        remove_if_there,
    },
    commit::{
        CommitError, Committer,
        placing::{give_up, sync_names},
    },
    config,
    evidence::{Compressed, LONGEST_DIGEST, RunningSha256, SegmentDigest, Sha256Sum},
    state::{Seal, SourceState, Untold, damaged_segments},
};

/// What becomes of sealed segments.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Upkeep {
    /// In which form they are kept; nothing leaves them as they are.
    pub compress: Option<StoredForm>,
    /// How long they are kept; nothing is for ever.
    pub keep: Option<Duration>,
}

impl From<&config::Archive> for Upkeep {
    fn from(archive: &config::Archive) -> Self {
        let form = archive.compress.form();
        Self { compress: Some(form).filter(|form| *form != StoredForm::Plain), keep: archive.keep }
    }
}

/// The files of a source's segments.
pub(super) type Stored = BTreeMap<SegmentName, Vec<StoredForm>>;

impl Committer {
    /// Does what is due for the sealed segments of an open source; of what takes long, one segment at a time.
    ///
    /// # Errors
    /// When the state or the archive cannot be read or written. Nothing is lost; the next upkeep goes on.
    pub fn keep_up(&self, source: &mut SourceState, upkeep: Upkeep) -> Result<(), CommitError> {
        let kept_up = self.keep_up_source(source, upkeep);
        kept_up.map_err(|error| error.below(self.archive.folder()))
    }

    /// Whether [`Committer::keep_up`] may have something to do: a look at the state alone. `looked` says that it was done since
    /// the last segment was sealed.
    #[must_use]
    pub fn is_due(source: &SourceState, upkeep: Upkeep, looked: bool) -> bool {
        let Some(sealed) = &source.sealed else { return false };
        let compressible = upkeep.compress.is_some() && source.told.compressed_to + 1 < sealed.name.sequence();
        // What the digests say is removed goes, whatever the configuration says now.
        compressible || !looked && (upkeep != Upkeep::default() || source.told.removed_to > 0)
    }

    fn keep_up_source(&self, source: &mut SourceState, upkeep: Upkeep) -> Result<(), CommitError> {
        let pending = self.store.read(|connection| Seal::load(connection, source.key))?;
        if !pending.is_empty() {
            return Ok(());
        }
        self.remove_decided(source)?;
        if upkeep == Upkeep::default() {
            return Ok(());
        }
        let stored = self.stored(source)?;
        self.remove_plain_of_compressed(source, &stored)?;
        if let Some(keep) = upkeep.keep {
            self.decide_removals(source, &stored, keep)?;
        }
        if let Some(form) = upkeep.compress {
            self.compress_next(source, &stored, form)?;
        }
        Ok(())
    }

    fn stored(&self, source: &SourceState) -> Result<Stored, CommitError> {
        let folder = Path::new(&source.folder);
        let entries = self.archive.files().list(folder).map_err(CommitError::io("list", folder))?;
        let mut stored = Stored::new();
        for (segment, form) in entries.iter().filter_map(|entry| StoredForm::of_file(entry.name.to_str()?)) {
            stored.entry(segment).or_default().push(form);
        }
        Ok(stored)
    }

    /// A segment that is compressed and noted, and of which both forms lie there: a crash came before the plain one went.
    fn remove_plain_of_compressed(&self, source: &SourceState, stored: &Stored) -> Result<(), CommitError> {
        // One that is to go may never have been noted, and both forms of it go.
        let to_go = self.to_go(source)?;
        for (segment, forms) in stored.iter().filter(|(segment, _)| !to_go.contains(*segment)) {
            let is_noted = segment.sequence() <= source.told.compressed_to && forms.contains(&StoredForm::Plain);
            let Some(form) = forms.iter().copied().find(|form| is_noted && *form != StoredForm::Plain) else {
                continue;
            };
            let Some(digest) = self.digest_of(source, segment)? else { continue };
            if self.sum_of(source, segment, form)? == Some(digest.sha256) {
                self.remove_plain(source, segment)?;
            }
        }
        Ok(())
    }

    /// Compresses the next segment that is not yet.
    fn compress_next(&self, source: &mut SourceState, stored: &Stored, form: StoredForm) -> Result<(), CommitError> {
        let Some(last) = source.sealed.as_ref().map(|sealed| sealed.name.sequence()) else { return Ok(()) };
        let damaged = self.store.read(|connection| damaged_segments(connection, source.key))?;
        let to_go = self.to_go(source)?;
        let next = stored.iter().find(|(segment, forms)| {
            let is_next = segment.sequence() > source.told.compressed_to && segment.sequence() < last;
            let whole = damaged.iter().all(|damaged| damaged.name != **segment);
            is_next && whole && forms.contains(&StoredForm::Plain) && !to_go.contains(*segment)
        });
        let Some((segment, forms)) = next else {
            if source.told.compressed_to + 1 < last {
                source.told.compressed_to = last - 1;
                self.store.transaction(|transaction| source.save(transaction))?;
            }
            return Ok(());
        };
        let digest = self.digest_of(source, segment)?;
        // It frees more than it takes, but first it takes; what has to stay free may be used for that, but no more.
        let mut claim = self.archive.room().claim();
        let room = claim.set(self.archive.files(), digest.as_ref().map_or(0, |digest| digest.bytes), 0);
        if room.map_err(CommitError::io("look at", self.archive.folder()))?.is_err() {
            return Ok(());
        }
        let compressed = match digest {
            Some(digest) => {
                for left in forms.iter().filter(|form| **form != StoredForm::Plain) {
                    // A crash came before it was noted.
                    self.remove(&Path::new(&source.folder).join(left.file_name(segment)))?;
                }
                self.compress(source, &digest, form)?
            }
            None => None,
        };
        let noted = compressed.is_some();
        source.told.compressed_to = segment.sequence();
        self.store.transaction(|transaction| {
            if let Some(compressed) = compressed {
                source.note_untold(transaction, Untold::Compressed(compressed))?;
            }
            source.save(transaction)
        })?;
        if noted { self.remove_plain(source, segment) } else { Ok(()) }
    }

    /// Puts the compressed form of a segment beside it; nothing where it is not what its digest says.
    fn compress(
        &self,
        source: &SourceState,
        digest: &SegmentDigest,
        form: StoredForm,
    ) -> Result<Option<Compressed>, CommitError> {
        let spool = note_spool(source.key);
        let compressed = self.compress_by_way_of(&spool, source, digest, form);
        compressed.inspect_err(|_| give_up(self.archive.files(), &spool))
    }

    fn compress_by_way_of(
        &self,
        spool: &Path,
        source: &SourceState,
        digest: &SegmentDigest,
        form: StoredForm,
    ) -> Result<Option<Compressed>, CommitError> {
        let files = self.archive.files();
        let folder = Path::new(&source.folder);
        let plain = folder.join(digest.segment.as_str());
        let mut out = create_spool(files, spool).map_err(CommitError::io("create", spool))?;
        let written = compress(files, &plain, form, out.as_mut()).map_err(CommitError::io("compress", &plain))?;
        let CompressedSegment { plain: read, stored } = written;
        if (read.bytes, read.sha256) != (digest.bytes, digest.sha256) {
            tracing::error!(
                event = "segment-changed",
                source = source.display_name(),
                segment = %self.segment_path(source, &digest.segment).display(),
                "a sealed segment is not what its digest says: somebody changed it; it stays as it is, and `atlas-logd verify` \
                 names what else was changed",
            );
            self.remove(spool)?;
            return Ok(None);
        }
        out.sync().map_err(CommitError::io("sync", spool))?;
        drop(out);
        let file = form.file_name(&digest.segment);
        let path = folder.join(&file);
        files.rename(spool, &path).map_err(CommitError::io("rename the spool to", &path))?;
        sync_names(files, folder)?;
        Ok(Some(Compressed { segment: digest.segment.clone(), file, bytes: stored.bytes, sha256: stored.sha256 }))
    }

    /// What a segment's digest says; nothing where there is none that can be read.
    pub(super) fn digest_of(
        &self,
        source: &SourceState,
        segment: &SegmentName,
    ) -> Result<Option<SegmentDigest>, CommitError> {
        let path = Path::new(&source.folder).join(segment.digest());
        let files = self.archive.files();
        if files.length(&path).map_err(CommitError::io("look at", &path))?.is_none_or(|length| length > LONGEST_DIGEST)
        {
            return Ok(None);
        }
        let bytes = read_small(files, &path, LONGEST_DIGEST).map_err(CommitError::io("read", &path))?;
        let digest = SegmentDigest::parse(&bytes).ok();
        Ok(digest.filter(|digest| digest.segment == *segment && digest.source.folder == source.folder))
    }

    /// The SHA-256 of a segment's bytes as they come out of a form; nothing where that cannot be read.
    fn sum_of(
        &self,
        source: &SourceState,
        segment: &SegmentName,
        form: StoredForm,
    ) -> Result<Option<Sha256Sum>, CommitError> {
        let path = Path::new(&source.folder).join(form.file_name(segment));
        let file = self.archive.files().read(&path).map_err(CommitError::io("read", &path))?;
        let mut running = RunningSha256::default();
        let copied = SegmentReader::of_file(form, file).and_then(|mut reader| std::io::copy(&mut reader, &mut running));
        Ok(copied.is_ok().then(|| running.sum()))
    }

    fn remove_plain(&self, source: &SourceState, segment: &SegmentName) -> Result<(), CommitError> {
        let folder = Path::new(&source.folder);
        self.remove(&folder.join(segment.as_str()))?;
        self.archive.files().sync_folder(folder).map_err(CommitError::io("sync", folder))
    }

    /// Removes a file that may be gone already.
    pub(super) fn remove(&self, path: &Path) -> Result<(), CommitError> {
        remove_if_there(self.archive.files(), path).map_err(CommitError::io("remove", path))
    }
}
