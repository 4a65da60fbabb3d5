//! What lies in the folder of a source, and what its digests tell of it.

use std::{
    collections::{BTreeMap, BTreeSet},
    io,
};

use crate::{
    archive::{Files, SegmentName, digest_names, read_small, segment_names},
    evidence::{DamagedPart, LONGEST_DIGEST, Ledger, Removed, SegmentDigest, Sha256Sum},
    export::{ExportError, Finding, Proof, SourceFolder, chain::Chain},
    instant::Instant,
    plan::{Gap, subtract},
    window::Window,
};

/// How often the folder is listed at most until nothing was sealed meanwhile.
const MOST_LISTINGS: usize = 5;

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

/// A damage that a digest admits.
#[derive(Debug)]
pub(super) struct Admitted {
    pub(super) part: DamagedPart,
    pub(super) digest: Proof,
    /// The number of that digest.
    pub(super) number: u64,
}

/// A segment of which something is there, or a digest tells.
#[derive(Debug, Default)]
pub(super) struct Segment {
    pub(super) is_there: bool,
    pub(super) told: Option<Told>,
    /// What the last digest that tells of damage to it says.
    pub(super) damaged: Option<Admitted>,
    pub(super) removed: Option<Removed>,
}

/// The folder of a source. Only what is needed of each digest is kept.
#[derive(Debug, Default)]
pub(super) struct Inventory {
    pub(super) segments: BTreeMap<SegmentName, Segment>,
    pub(super) chain: Chain,
    /// The one segment that need not have a digest.
    pub(super) open: Option<SegmentName>,
    /// Nothing where the digests do not add up.
    ledger: Option<Ledger>,
    pub(super) findings: Vec<Finding>,
}

impl Inventory {
    /// Looks at the folder and reads all digests in it.
    pub(super) fn take(files: &dyn Files, folder: &SourceFolder) -> Result<Self, ExportError> {
        let unreadable = |cause| ExportError::Folder { path: folder.path().to_owned(), cause };
        let (digests, segments) = list(files, folder).map_err(unreadable)?;
        let mut inventory = Self { ledger: Some(Ledger::default()), ..Self::default() };
        for name in segments {
            inventory.segment(name).is_there = true;
        }
        for name in &digests {
            match read_digest(files, folder, name) {
                Ok((digest, file)) => inventory.add(&digest, file),
                Err(finding) => {
                    inventory.chain.pass(name.sequence());
                    inventory.ledger = None;
                    inventory.findings.push(finding);
                }
            }
        }
        inventory.find_open(folder, &digests.into_iter().collect());
        Ok(inventory)
    }

    fn segment(&mut self, name: SegmentName) -> &mut Segment {
        self.segments.entry(name).or_default()
    }

    fn add(&mut self, digest: &SegmentDigest, file: Proof) {
        let number = digest.segment.sequence();
        if let Some((about, cause)) = self.chain.add(number, digest, &file) {
            self.findings.push(Finding::Unchained { digest: about, cause });
            self.ledger = None;
        }
        if let Some(Err(cause)) = self.ledger.as_mut().map(|ledger| ledger.add(digest)) {
            self.findings.push(Finding::Unfollowed { digest: file.digest.clone(), cause });
            self.ledger = None;
        }
        for part in &digest.damaged {
            let admitted = Admitted { part: part.clone(), digest: file.clone(), number };
            self.segment(part.segment.clone()).damaged = Some(admitted);
        }
        for removed in &digest.removed {
            self.segment(removed.segment.clone()).removed = Some(removed.clone());
        }
        self.segment(digest.segment.clone()).told = Some(Told::of(digest, file));
    }

    /// Finds the open segment: the next one behind the newest digest, if it is the only one there. All others have digests.
    fn find_open(&mut self, folder: &SourceFolder, digests: &BTreeSet<SegmentName>) {
        let newest = self.chain.newest_number();
        let there = self.segments.iter().filter(|(name, segment)| segment.is_there && !digests.contains(name));
        let (within, mut behind): (Vec<_>, Vec<_>) =
            there.map(|(name, _)| name.clone()).partition(|name| name.sequence() <= newest);
        if matches!(behind.as_slice(), [name] if name.sequence() == newest.saturating_add(1)) {
            self.open = behind.pop();
        }
        let undigested = within.into_iter().chain(behind);
        self.findings.extend(undigested.map(|name| Finding::Undigested { segment: folder.file(name.as_str()) }));
    }

    /// Whether records that belong to `range` can lie in a segment. Where that is unsure, they can.
    ///
    /// The times in a digest are relied on like everything else in it, since a changed one would break the chain; where the
    /// chain does not hold it, anybody may have written them, so that the segment is read. The newest one, which only a
    /// signature holds, is taken at its word.
    pub(super) fn can_hold(&self, name: &SegmentName, segment: &Segment, range: Window) -> bool {
        let told = segment.told.as_ref().filter(|_| self.chain.holds(name.sequence()));
        told.is_none_or(|told| {
            let (earliest, latest) = told.times;
            told.bytes > 0 && earliest < range.to && range.from <= latest
        })
    }

    /// The gaps in `range`, and the parts of it of which no digest says that they were collected. Nothing where that
    /// cannot be told.
    pub(super) fn missing(&self, range: Window) -> Option<(Vec<Gap>, Vec<Window>)> {
        let ledger = self.ledger.as_ref()?;
        let clipped = ledger.gaps().into_iter().map(|gap| Gap { window: gap.window.intersection(range), ..gap });
        let collected = ledger.islands().into_iter().chain(ledger.watermarks());
        Some((clipped.filter(|gap| !gap.window.is_empty()).collect(), subtract(range, collected)))
    }
}

/// The segments of which digests lie in a folder, and those that lie there themselves, both in order.
fn list(files: &dyn Files, folder: &SourceFolder) -> io::Result<(Vec<SegmentName>, Vec<SegmentName>)> {
    let mut digests = digest_names(files, folder.path())?;
    let mut segments = segment_names(files, folder.path())?;
    // Where a digest was written between the two, so was perhaps the next segment, or retention removed one.
    for _ in 1..MOST_LISTINGS {
        let again = digest_names(files, folder.path())?;
        if again == digests {
            break;
        }
        digests = again;
        segments = segment_names(files, folder.path())?;
    }
    Ok((digests, segments))
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
