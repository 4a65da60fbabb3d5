//! What a proof found.

use std::path::PathBuf;

use crate::{
    archive::SegmentName,
    evidence::{DamagedPart, Rebuilt, Removed, Sha256Sum, SourceIdentity},
    plan::Gap,
    state::ArchiveId,
    verify::{Fault, Head, Note, OpenSegment, signing::Keys},
    window::Window,
};

/// The newest digest of a source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewestDigest {
    /// The segment that it is of.
    pub segment: SegmentName,
    /// SHA-256 of its file.
    pub sha256: Sha256Sum,
    /// Whether a signature or the head that was asked for holds it.
    pub held: bool,
}

/// What a proof found about one source. Ranges are clipped to the range that was asked for.
#[derive(Debug)]
pub struct SourceReport {
    /// Its folder below the archive's root.
    pub folder: PathBuf,
    /// What it is, as its newest sound digest has it.
    pub source: Option<SourceIdentity>,
    /// The watermarks: between them the archive is complete, less the gaps.
    pub covered: Option<Window>,
    /// What backfills collected before that.
    pub islands: Vec<Window>,
    /// What is missing of the covered range, and between it and the islands.
    pub gaps: Vec<Gap>,
    /// What of the range that was asked for lies outside of all that was covered.
    pub uncovered: Vec<Window>,
    /// Sealed segments with a sound digest, less those that retention removed.
    pub segments: u64,
    /// Those of them that were read: all, or those that can hold records of the range that was asked for.
    pub read: u64,
    /// How many records those that were read were told to hold.
    pub records: u64,
    /// Those of them that came late.
    pub late_records: u64,
    /// The length of what was read, decompressed.
    pub bytes: u64,
    /// The segments that were damaged, with what counts of each.
    pub damaged: Vec<DamagedPart>,
    /// The segments that were removed because they were old enough.
    pub removed: Vec<Removed>,
    /// When the state was made again from the archive.
    pub rebuilt: Vec<Rebuilt>,
    /// How many of them are gone; the others lie there still.
    pub removed_segments: u64,
    /// How many records those that are gone were told to hold.
    pub removed_records: u64,
    /// How many of those that are gone may hold records of the range that was asked for; none where no range was.
    pub removed_of_range: u64,
    /// The segment that is not sealed yet.
    pub open: Option<OpenSegment>,
    /// Its newest digest.
    pub newest: Option<NewestDigest>,
    /// What is worth knowing.
    pub notes: Vec<Note>,
    /// What is wrong.
    pub faults: Vec<Fault>,
}

impl SourceReport {
    /// Whether nothing of the range that was asked for is missing.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.gaps.is_empty() && self.uncovered.is_empty() && self.removed_of_range == 0
    }
}

/// What a proof found.
#[derive(Debug)]
pub struct Report {
    /// The id of the archive.
    pub archive: Option<ArchiveId>,
    /// All sources, by folder.
    pub sources: Vec<SourceReport>,
    /// How many archive digests there are.
    pub heads: u64,
    /// The newest of them.
    pub newest_head: Option<Head>,
    /// The keys of all signatures, with the principals that the allowed signers give for each.
    pub keys: Keys,
    /// What is worth knowing of the archive as a whole.
    pub notes: Vec<Note>,
    /// What is wrong outside of the sources.
    pub faults: Vec<Fault>,
}

impl Report {
    /// All that is wrong.
    pub fn all_faults(&self) -> impl Iterator<Item = &Fault> {
        self.faults.iter().chain(self.sources.iter().flat_map(|source| &source.faults))
    }

    /// All that is worth knowing.
    pub fn all_notes(&self) -> impl Iterator<Item = &Note> {
        self.notes.iter().chain(self.sources.iter().flat_map(|source| &source.notes))
    }

    /// Whether nothing is wrong.
    #[must_use]
    pub fn is_valid(&self) -> bool {
        self.all_faults().next().is_none()
    }

    /// Whether nothing of the range that was asked for is missing. Where there is no source, everything is.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        !self.sources.is_empty() && self.sources.iter().all(SourceReport::is_complete)
    }
}
