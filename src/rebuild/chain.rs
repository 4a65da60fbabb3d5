//! What the digests of a source tell, one after the other.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use jiff::civil::Date;

use crate::{
    archive::{Archive, SegmentName, SegmentReader, StoredForm, digest_names, segment_names},
    commit::{CommitError, tail_of_sealed},
    evidence::{Compressed, DamagedPart, LastDigest, Ledger, RunningSha256, SegmentDigest, Sha256Sum, SourceIdentity},
    export::{ExportError, SourceFolder, read_digest},
    instant::Instant,
    rebuild::{Assumption, RebuildError},
    state::SealedSegment,
};

/// A segment that has a digest.
#[derive(Clone, Copy, Debug)]
struct Sealed {
    bytes: u64,
    records: u64,
    sha256: Sha256Sum,
    /// Of the digest's file.
    digest: Sha256Sum,
    /// As in [`SealedSegment`].
    collected_from: Option<Instant>,
}

/// The digests of a source, added up, and the segments beside them.
#[derive(Debug, Default)]
pub(super) struct Chain {
    pub(super) ledger: Ledger,
    /// The newest digest.
    pub(super) last: Option<SegmentDigest>,
    sealed: BTreeMap<SegmentName, Sealed>,
    /// The one segment without a digest.
    pub(super) open: Option<SegmentName>,
    damaged: BTreeMap<SegmentName, DamagedPart>,
    removed: BTreeSet<SegmentName>,
    /// Those of them that lie there still.
    lingering: BTreeSet<SegmentName>,
    pub(super) compressed_to: u64,
    pub(super) bytes: u64,
    pub(super) late_records: u64,
    pub(super) lateness_ms: u64,
}

impl Chain {
    /// Reads the digests in the folder of a source, and the names of its segments.
    pub(super) fn read(archive: &Archive, folder: &SourceFolder) -> Result<Self, RebuildError> {
        let files = archive.files();
        let unreadable = |cause| ExportError::Folder { path: folder.path().to_owned(), cause };
        let mut chain = Self::default();
        let mut before = None;
        for segment in digest_names(files, folder.path()).map_err(unreadable)? {
            let expected = chain.sealed.len() as u64 + 1;
            let (digest, proof) = read_digest(files, folder, &segment).map_err(RebuildError::Digest)?;
            let shown = proof.digest;
            if digest.archive != *archive.id() {
                return Err(RebuildError::ForeignArchive { digest: shown, found: digest.archive.to_string() });
            }
            if digest.sequence != segment.sequence() || segment.sequence() < expected {
                return Err(RebuildError::BrokenChain { digest: shown });
            }
            if segment.sequence() > expected {
                let folder = folder.as_str().to_owned();
                return Err(RebuildError::MissingDigest { folder, expected, found: segment.digest() });
            }
            if digest.previous != before {
                return Err(RebuildError::BrokenChain { digest: shown });
            }
            if chain.identity().is_some_and(|identity| !identity.is_same(&digest.source)) {
                return Err(RebuildError::OtherSource { digest: shown });
            }
            before = Some(proof.sha256);
            let told_to = chain.told_to();
            chain.ledger.add(&digest).map_err(|cause| RebuildError::Unfollowed { digest: shown, cause })?;
            chain.add(digest, proof.sha256, told_to);
        }
        for segment in segment_names(files, folder.path()).map_err(unreadable)? {
            chain.find(folder, segment)?;
        }
        Ok(chain)
    }

    fn add(&mut self, digest: SegmentDigest, sha256: Sha256Sum, told_to: Option<Instant>) {
        let collected_from = (digest.records > 0).then(|| self.collected_from(&digest, told_to)).flatten();
        self.bytes += digest.bytes;
        self.late_records += digest.late_records;
        self.lateness_ms = self.lateness_ms.max(digest.lateness_ms);
        let compressed = digest.compressed.iter().map(|compressed| compressed.segment.sequence());
        self.compressed_to = compressed.fold(self.compressed_to, u64::max);
        self.removed.extend(digest.removed.iter().map(|removed| removed.segment.clone()));
        // What was told of a segment last is what is still good of it.
        self.damaged.extend(digest.damaged.iter().map(|part| (part.segment.clone(), part.clone())));
        let sealed = Sealed {
            bytes: digest.bytes,
            records: digest.records,
            sha256: digest.sha256,
            digest: sha256,
            collected_from,
        };
        self.sealed.insert(digest.segment.clone(), sealed);
        self.last = Some(digest);
    }

    /// The beginning of the earliest range that the records of a segment can come from and that counts as collected.
    fn collected_from(&self, digest: &SegmentDigest, told_to: Option<Instant>) -> Option<Instant> {
        let covered = digest.covered.map(|range| range.from).or(told_to);
        let asked_again = digest.backfilled.iter().chain(&digest.reconciled).map(|range| range.from);
        // What damage took of an earlier segment was asked again.
        let refilled = digest.damaged.iter().filter_map(|part| self.sealed.get(&part.segment)?.collected_from);
        covered.into_iter().chain(asked_again).chain(refilled).min()
    }

    /// Takes note of a segment that lies there.
    fn find(&mut self, folder: &SourceFolder, segment: SegmentName) -> Result<(), RebuildError> {
        let next = self.sealed.len() as u64 + 1;
        match segment.sequence() {
            _ if self.sealed.contains_key(&segment) => {
                if self.removed.contains(&segment) {
                    self.lingering.insert(segment);
                }
            }
            number if number == next && self.open.is_none() => self.open = Some(segment),
            number if number > next => {
                let (folder, found) = (folder.as_str().to_owned(), segment.to_string());
                return Err(RebuildError::MissingDigest { folder, expected: next, found });
            }
            _ => return Err(RebuildError::UnknownSegment { segment: format!("{}/{segment}", folder.as_str()) }),
        }
        Ok(())
    }

    /// Compares the lengths of the plain segments that lie there with those that were told. Which ones are not there though
    /// they should be. The newest is looked at whenever its source is opened.
    pub(super) fn compare_lengths(
        &self,
        archive: &Archive,
        folder: &SourceFolder,
    ) -> Result<Option<Assumption>, RebuildError> {
        let mut gone = Vec::new();
        let newest = self.newest().map(|(name, _)| name);
        for (name, sealed) in self.sealed.iter().filter(|(name, _)| Some(*name) != newest) {
            let path = folder.path().join(name.as_str());
            let shown = || path.display().to_string();
            if self.removed.contains(name) || self.damaged.contains_key(name) || is_compressed(archive, &path)? {
                continue;
            }
            match archive.files().length(&path).map_err(CommitError::io("look at", &path))? {
                Some(found) if found != sealed.bytes => {
                    return Err(RebuildError::Length { segment: shown(), found, told: sealed.bytes });
                }
                Some(_) => {}
                None => gone.push(shown()),
            }
        }
        Ok((!gone.is_empty()).then_some(Assumption::Gone { segments: gone }))
    }

    /// The segments that were compressed since the newest digest was made: what lies there of them is what their digests say,
    /// and no digest tells of its form yet.
    pub(super) fn untold_compressed(
        &self,
        archive: &Archive,
        folder: &SourceFolder,
    ) -> Result<Vec<Compressed>, RebuildError> {
        let mut untold = Vec::new();
        let is_whole = |name: &SegmentName| !self.removed.contains(name) && !self.damaged.contains_key(name);
        // They are compressed in their order.
        let candidates = self.sealed.iter().filter(|(name, _)| name.sequence() > self.compressed_to && is_whole(name));
        for (name, sealed) in candidates {
            let path = folder.path().join(name.as_str());
            // Where the plain form is still there, it is compressed again.
            if archive.files().length(&path).map_err(CommitError::io("look at", &path))?.is_none() {
                untold.extend(compressed(archive, name, &path, sealed.sha256)?);
            }
        }
        Ok(untold)
    }

    /// The source, as the newest digest names it.
    pub(super) fn identity(&self) -> Option<&SourceIdentity> {
        self.last.as_ref().map(|digest| &digest.source)
    }

    /// Up to where the digests tell that the archive is complete.
    pub(super) fn told_to(&self) -> Option<Instant> {
        self.ledger.watermarks().map(|covered| covered.to)
    }

    /// The number of the next segment, should there be no open one.
    pub(super) fn next_sequence(&self) -> u64 {
        self.sealed.len() as u64 + 1
    }

    /// When the first segment was opened.
    pub(super) fn first_opened(&self) -> Option<Instant> {
        self.sealed.keys().next().or(self.open.as_ref()).map(SegmentName::opened)
    }

    /// How many records the segments hold that were opened on a day: it ends for all of them with the day.
    pub(super) fn records_on(&self, day: Date) -> u64 {
        let opened_then = self.sealed.iter().filter(|(name, _)| name.opened().date() == day);
        opened_then.map(|(_, sealed)| sealed.records).sum()
    }

    /// The SHA-256 of the file of a segment's digest.
    pub(super) fn digest_of(&self, segment: &SegmentName) -> Option<Sha256Sum> {
        self.sealed.get(segment).map(|sealed| sealed.digest)
    }

    /// The newest digest.
    pub(super) fn last_digest(&self) -> Option<LastDigest> {
        self.newest().map(|(name, sealed)| LastDigest { segment: name.clone(), sha256: sealed.digest })
    }

    /// The segments that the digests say are removed, and that lie there still: the lost state had still to remove them.
    pub(super) fn lingering(&self) -> Vec<SegmentName> {
        self.lingering.iter().cloned().collect()
    }

    /// Segments up to this number were removed.
    pub(super) fn removed_to(&self) -> u64 {
        self.removed.iter().map(SegmentName::sequence).max().unwrap_or(0)
    }

    /// The last sealed segment, as a state knows it; nothing where its plain bytes are not meant to be there.
    pub(super) fn last_sealed(
        &self,
        archive: &Archive,
        folder: &SourceFolder,
    ) -> Result<Option<SealedSegment>, RebuildError> {
        let Some((name, sealed)) = self.newest() else { return Ok(None) };
        let path = folder.path().join(name.as_str());
        if self.removed.contains(name) || is_compressed(archive, &path)? {
            return Ok(None);
        }
        let good = self.damaged.get(name).map(|part| (part.good_bytes, part.good_sha256));
        let (length, sha256) = good.unwrap_or((sealed.bytes, sealed.sha256));
        let tail = tail_of_sealed(archive.files(), &path, length)?;
        let collected_from = sealed.collected_from;
        Ok(Some(SealedSegment { name: name.clone(), length, collected_from, tail, sha256 }))
    }

    /// What is still good of damaged segments.
    pub(super) fn damaged(&self) -> Vec<DamagedPart> {
        self.damaged.values().cloned().collect()
    }

    fn newest(&self) -> Option<(&SegmentName, &Sealed)> {
        self.sealed.last_key_value()
    }
}

/// Whether a segment lies there in a compressed form.
fn is_compressed(archive: &Archive, plain: &Path) -> Result<bool, CommitError> {
    for form in [StoredForm::Gzip, StoredForm::Zstd] {
        let path = form.path(plain);
        if archive.files().length(&path).map_err(CommitError::io("look at", &path))?.is_some() {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The compressed form of a segment whose plain form has this path and this sum; nothing where there is none, or one that
/// is not what it has to be.
fn compressed(
    archive: &Archive,
    name: &SegmentName,
    plain: &Path,
    told: Sha256Sum,
) -> Result<Option<Compressed>, CommitError> {
    let files = archive.files();
    for form in [StoredForm::Gzip, StoredForm::Zstd] {
        let path = form.path(plain);
        let Some(bytes) = files.length(&path).map_err(CommitError::io("look at", &path))? else { continue };
        let open = || files.read(&path).map_err(CommitError::io("read", &path));
        let mut content = RunningSha256::default();
        let read =
            SegmentReader::of_file(form, open()?).and_then(|mut reader| std::io::copy(&mut reader, &mut content));
        // One that cannot be read is what another command names.
        if read.is_err() || content.sum() != told {
            continue;
        }
        let mut stored = RunningSha256::default();
        std::io::copy(&mut open()?, &mut stored).map_err(CommitError::io("read", &path))?;
        let file = form.file_name(name);
        return Ok(Some(Compressed { segment: name.clone(), file, bytes, sha256: stored.sum() }));
    }
    Ok(None)
}
