//! What lies in the folder of a source, and what its digests tell of it.

use std::{collections::BTreeMap, io};

use crate::{
    archive::{Files, SegmentName, read_small, segment_names},
    evidence::{DamagedPart, LONGEST_DIGEST, Ledger, Removed, SegmentDigest, Sha256Sum},
    export::{ExportError, Finding, Proof, SourceFolder},
    instant::Instant,
    plan::{Gap, subtract},
    window::Window,
};

/// What the digest of a segment tells of it.
#[derive(Debug)]
pub(super) struct Told {
    pub(super) digest: Proof,
    pub(super) bytes: u64,
    pub(super) sha256: Sha256Sum,
    /// The earliest and the latest clock of its records; for which time it was open where they have none.
    times: (Instant, Instant),
}

impl Told {
    fn of(digest: &SegmentDigest, file: Proof) -> Self {
        let open = (digest.opened.min(digest.sealed), digest.opened.max(digest.sealed));
        Self {
            digest: file,
            bytes: digest.bytes,
            sha256: digest.sha256,
            times: digest.first_record.zip(digest.last_record).unwrap_or(open),
        }
    }
}

/// A segment of which something is there, or a digest tells.
#[derive(Debug, Default)]
pub(super) struct Segment {
    pub(super) is_there: bool,
    pub(super) told: Option<Told>,
    /// What the last digest that tells of damage to it says, and which one that is.
    pub(super) damaged: Option<(DamagedPart, Proof)>,
    pub(super) removed: Option<Removed>,
}

impl Segment {
    /// Whether records that belong to `range` can lie in it. Where that is unsure, they can.
    pub(super) fn can_hold(&self, range: Window) -> bool {
        self.told.as_ref().is_none_or(|told| {
            let (earliest, latest) = told.times;
            told.bytes > 0 && earliest < range.to && range.from <= latest
        })
    }
}

/// The folder of a source. Only what is needed of each digest is kept.
#[derive(Debug, Default)]
pub(super) struct Inventory {
    pub(super) segments: BTreeMap<SegmentName, Segment>,
    /// Nothing where the digests do not add up.
    ledger: Option<Ledger>,
    pub(super) findings: Vec<Finding>,
}

impl Inventory {
    /// Looks at the folder and reads all digests in it.
    pub(super) fn take(files: &dyn Files, folder: &SourceFolder) -> Result<Self, ExportError> {
        let unreadable = |cause| ExportError::Folder { path: folder.path().to_owned(), cause };
        // Digests are listed first: a segment that is sealed meanwhile is there as an open one then, and never missing.
        let digests = digest_names(files, folder).map_err(unreadable)?;
        let mut inventory = Self { ledger: Some(Ledger::default()), ..Self::default() };
        for name in segment_names(files, folder.path()).map_err(unreadable)? {
            inventory.segment(name).is_there = true;
        }
        for name in digests {
            match read_digest(files, folder, &name) {
                Ok((digest, file)) => inventory.add(&digest, file),
                Err(finding) => inventory.findings.push(finding),
            }
        }
        Ok(inventory)
    }

    fn segment(&mut self, name: SegmentName) -> &mut Segment {
        self.segments.entry(name).or_default()
    }

    fn add(&mut self, digest: &SegmentDigest, file: Proof) {
        if let Some(Err(cause)) = self.ledger.as_mut().map(|ledger| ledger.add(digest)) {
            self.findings.push(Finding::Unfollowed { digest: file.digest.clone(), cause });
            self.ledger = None;
        }
        for damaged in &digest.damaged {
            self.segment(damaged.segment.clone()).damaged = Some((damaged.clone(), file.clone()));
        }
        for removed in &digest.removed {
            self.segment(removed.segment.clone()).removed = Some(removed.clone());
        }
        self.segment(digest.segment.clone()).told = Some(Told::of(digest, file));
    }

    /// The gaps in `range`, and the parts of it of which no digest says that they were collected. Nothing where that
    /// cannot be told.
    pub(super) fn missing(&self, range: Window) -> (Vec<Gap>, Vec<Window>) {
        let Some(ledger) = &self.ledger else { return Default::default() };
        let clipped = ledger.gaps().into_iter().map(|gap| Gap { window: gap.window.intersection(range), ..gap });
        let collected = ledger.islands().into_iter().chain(ledger.watermarks());
        (clipped.filter(|gap| !gap.window.is_empty()).collect(), subtract(range, collected))
    }
}

/// The segments of which digests lie in a folder, in order.
pub(crate) fn digest_names(files: &dyn Files, folder: &SourceFolder) -> io::Result<Vec<SegmentName>> {
    let entries = files.list(folder.path())?;
    let mut digests: Vec<SegmentName> =
        entries.iter().filter_map(|entry| SegmentName::of_digest(entry.name.to_str()?)).collect();
    digests.sort_unstable();
    Ok(digests)
}

/// Reads the digest of `segment`, which lies where it belongs.
pub(crate) fn read_digest(
    files: &dyn Files,
    folder: &SourceFolder,
    segment: &SegmentName,
) -> Result<(SegmentDigest, Proof), Finding> {
    let shown = folder.file(&segment.digest());
    let unreadable = |cause| Finding::UnreadableDigest { digest: shown.clone(), cause };
    let bytes = read_small(files, &folder.path().join(segment.digest()), LONGEST_DIGEST).map_err(unreadable)?;
    let digest = SegmentDigest::parse(&bytes).map_err(|cause| Finding::NoDigest { digest: shown.clone(), cause })?;
    if digest.segment != *segment || digest.source.folder != folder.as_str() {
        let of = format!("{}/{}", digest.source.folder, digest.segment);
        return Err(Finding::Foreign { digest: shown, of });
    }
    let sha256 = Sha256Sum::of(&bytes);
    Ok((digest, Proof { digest: shown, sha256 }))
}
