//! Segments as they lie in the archive, for a state that is made again from it.

use std::path::Path;

use rusqlite::Transaction;

use crate::{
    archive::{Files, SegmentName, for_each_line},
    commit::{CommitError, damage, place::Damage, seal::Sealer, tail},
    evidence::{SegmentDigest, Signer},
    instant::Instant,
    record::Clocks,
    source::Kind,
    state::{ArchiveId, OpenSegment, Seal, SourceState, StateError},
};

/// A segment without a digest, taken as it lies there.
#[derive(Debug)]
pub struct FoundSegment {
    /// What it holds up to the end of its last complete line.
    pub open: OpenSegment,
    /// So many bytes lie behind that: the beginning of a line, from a commit that was interrupted.
    pub torn_bytes: u64,
}

impl FoundSegment {
    /// Reads the segment `name` in `folder`. How late its records came cannot be told any more, nor which windows they came
    /// from.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn read(files: &dyn Files, folder: &Path, name: SegmentName, kind: Kind) -> Result<Self, CommitError> {
        let path = folder.join(name.as_str());
        let unreadable = |cause| CommitError::Io { doing: "read", path: path.clone(), cause };
        let mut found = Self { open: OpenSegment::new(name), torn_bytes: 0 };
        let mut file = files.read(&path).map_err(unreadable)?;
        for_each_line(file.as_mut(), unreadable, |line| {
            match line.strip_suffix(b"\n") {
                Some(record) => {
                    found.open.length += line.len() as u64;
                    found.open.records += 1;
                    found.open.sha256.update(line);
                    found.open.times.note(Clocks::of(kind, record), None);
                }
                None => found.torn_bytes = line.len() as u64,
            }
            Ok(())
        })?;
        if found.open.length > 0 {
            found.open.tail = tail::tail_of(file.as_mut(), found.open.length, found.open.length).map_err(unreadable)?;
        }
        Ok(found)
    }
}

/// The tail of a sealed segment of so many bytes; nothing where it is shorter or not there.
///
/// # Errors
/// When it cannot be read.
pub fn tail_of_sealed(files: &dyn Files, path: &Path, length: u64) -> Result<Vec<u8>, CommitError> {
    let found = files.length(path).map_err(CommitError::io("look at", path))?;
    if length == 0 || found.is_none_or(|found| found < length) {
        return Ok(Vec::new());
    }
    let read = files.read(path).and_then(|mut file| tail::tail_of(file.as_mut(), length, length));
    read.map_err(CommitError::io("read", path))
}

/// Decides what the lost state had under way, as far as the archive shows it.
#[derive(Debug)]
pub struct Resealer(Sealer);

impl Resealer {
    /// For the archive with this id, whose digests may be signed.
    #[must_use]
    pub fn new(archive: ArchiveId, signer: Option<Signer>) -> Self {
        Self(Sealer::new(archive, signer))
    }

    /// Decides the seal of the open segment of `source`, behind whose records so many bytes lie: its digest will admit that
    /// they do not count. It is written when the source is opened next. The source is saved.
    ///
    /// # Errors
    /// When the rows of the source are damaged, or whatever SQLite gives.
    pub fn seal_torn(
        &self,
        transaction: &Transaction<'_>,
        source: &mut SourceState,
        torn_bytes: u64,
        now: Instant,
    ) -> Result<(), StateError> {
        let good_length = source.open.as_ref().map_or(0, |open| open.length);
        let detail = format!("behind its last complete line lie {torn_bytes} bytes of a commit that was interrupted");
        let damage = Damage::without_loss(good_length, detail);
        damage::seal_damaged(&self.0, transaction, source, &damage, now)
    }

    /// The seal of a digest that is in its place without its signature; nothing where its key is not at hand.
    ///
    /// # Errors
    /// When it cannot be signed.
    pub fn sign_again(&self, digest: &SegmentDigest) -> Result<Option<Seal>, StateError> {
        if digest.signing_key.is_none() || digest.signing_key != self.0.fingerprint() {
            return Ok(None);
        }
        let (segment, digest) = (digest.segment.clone(), digest.to_bytes());
        let signature = self.0.sign(&digest)?;
        Ok(Some(Seal { segment, digest, signature }))
    }
}
