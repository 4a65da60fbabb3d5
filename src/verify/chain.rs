//! The chain of a source: its digests, oldest to newest, and what they add up to.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

use crate::{
    archive::{Files, SegmentName, StoredForm},
    evidence::{
        Compressed, DamagedPart, LONGEST_DIGEST, Ledger, Rebuilt, Removed, SegmentDigest, Sha256Sum, SourceIdentity,
    },
    instant::Instant,
    shown::shown_path,
    state::ArchiveId,
    verify::{
        Fault, Reason, Request,
        folder::{Folder, digest_path},
        holdable::{can_hold, says_of},
        signing::{Announced, Keys},
        whole_file,
    },
};

/// What the chain says of a sealed segment. Of each digest only this is kept.
#[derive(Debug)]
pub(super) struct Sealed {
    pub(super) name: SegmentName,
    /// SHA-256 of the digest's file.
    pub(super) digest_sha256: Sha256Sum,
    pub(super) bytes: u64,
    pub(super) records: u64,
    pub(super) sha256: Sha256Sum,
    pub(super) late_records: u64,
    /// The latest time that a record of it says it happened.
    pub(super) last_record: Option<Instant>,
    /// Up to where its digest says that the archive is complete.
    pub(super) covered_to: Option<Instant>,
    /// Whether it can hold records of the range that is asked for; where that is unsure, it can.
    pub(super) asked: bool,
    /// Whether its digest says that it may hold some, by the times of its records or by what was collected with it.
    pub(super) of_range: bool,
    /// What counts of it, as far as damage was noticed last.
    pub(super) damaged: Option<DamagedPart>,
    /// What it was compressed into.
    pub(super) compressed: Option<Compressed>,
    /// Whether it was removed by retention.
    pub(super) removed: Option<Removed>,
    /// The forms in which it lies there.
    pub(super) forms: Vec<StoredForm>,
}

impl Sealed {
    /// Whether retention removed it.
    pub(super) fn is_gone(&self) -> bool {
        self.removed.is_some() && self.forms.is_empty()
    }
}

/// A segment that no digest is of yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenSegment {
    /// Its name.
    pub segment: SegmentName,
    /// Its length.
    pub bytes: u64,
}

/// The digests of a source, judged.
#[derive(Debug, Default)]
pub(super) struct Chain {
    /// Below the archive's root.
    pub(super) folder: PathBuf,
    /// As the newest digest has it.
    pub(super) source: Option<SourceIdentity>,
    pub(super) archive: Option<ArchiveId>,
    /// By number; only those whose digest is sound.
    pub(super) sealed: BTreeMap<u64, Sealed>,
    /// The segments whose digest lies there, sound or not.
    pub(super) digests: BTreeSet<SegmentName>,
    /// The greatest number of a digest that lies there.
    pub(super) newest: u64,
    /// All digests up to this number are held by a signature.
    pub(super) signed_up_to: u64,
    pub(super) keys: Keys,
    pub(super) ledger: Ledger,
    /// When the state was made again from the archive.
    pub(super) rebuilt: Vec<Rebuilt>,
    /// Of each digest that no later one says was sealed before: when it was.
    pub(super) sealed_at: BTreeMap<u64, Instant>,
    pub(super) open: Option<OpenSegment>,
    pub(super) faults: Vec<Fault>,
    /// The ranges of numbers whose digests are missing, by their first number.
    pub(super) missing: BTreeMap<u64, u64>,
    /// Whether one newer than all that lie there is among them.
    pub(super) newest_missing: bool,
    /// Segments that later digests speak of, while their own digest is missing or unsound.
    pub(super) mentioned: BTreeSet<SegmentName>,
    /// Whether a digest is missing or unsound, so that those behind it cannot be added up.
    pub(super) broken: bool,
}

/// The digest before.
struct Before {
    name: SegmentName,
    sha256: Sha256Sum,
    sound: bool,
}

impl Chain {
    /// Reads all digests in the folder of a source, one after the other.
    pub(super) fn read(files: &dyn Files, folder: &Path, request: &Request) -> Self {
        let mut chain = Self { folder: folder.to_owned(), ..Self::default() };
        let found = Folder::list(files, folder, &mut chain.faults);
        let mut moved = Vec::new();
        let mut before: Option<Before> = None;
        for name in &found.digests {
            let number = name.sequence();
            if before.as_ref().is_some_and(|before| before.name.sequence() == number) {
                chain.fault(name, Reason::Fork(number));
                chain.broken = true;
                continue;
            }
            let next = before.as_ref().map_or(1, |before| before.name.sequence().saturating_add(1));
            if number > next {
                chain.missing.insert(next, number - 1);
                chain.broken = true;
                before = None;
            }
            before = Some(chain.read_digest(files, name, &found, request, before, &mut moved));
            chain.newest = number;
        }
        chain.tell_leftovers(files, found, moved);
        chain
    }

    pub(super) fn fault(&mut self, digest: &SegmentName, reason: Reason) {
        self.faults.push(Fault::new(digest_path(&self.folder, digest), reason));
    }

    /// Reads the digest of the segment `name` and adds it, if it is sound.
    fn read_digest(
        &mut self,
        files: &dyn Files,
        name: &SegmentName,
        found: &Folder,
        request: &Request,
        before: Option<Before>,
        moved: &mut Vec<(SegmentName, String)>,
    ) -> Before {
        let path = digest_path(&self.folder, name);
        let read = whole_file::read(files, &path, LONGEST_DIGEST);
        let sha256 = read.as_ref().map_or(Sha256Sum::of(b""), |bytes| Sha256Sum::of(bytes));
        let parsed = read.and_then(|bytes| Ok((SegmentDigest::parse(&bytes).map_err(Reason::Format)?, bytes)));
        let (digest, bytes) = match parsed {
            Ok(read) => read,
            Err(reason) => {
                self.fault(name, reason);
                self.broken = true;
                return Before { name: name.clone(), sha256, sound: false };
            }
        };
        let mut faults = self.faults.len() + moved.len();
        if !self.check_link(&digest, name, before) {
            // What is wrong there does not make this one wrong.
            faults += 1;
            self.broken = true;
        }
        self.check_identity(&digest, name, moved);
        let sound = self.faults.len() + moved.len() == faults;
        let announced = Announced {
            digest: &path,
            bytes: &bytes,
            key: digest.signing_key.as_deref(),
            made: digest.sealed,
            lies_there: found.signatures.contains(name),
        };
        // What is wrong with a signature does not make wrong what the digest says: that would only hide what it explains.
        match announced.check(files, request, &mut self.keys) {
            Ok(true) => self.signed_up_to = name.sequence(),
            Ok(false) => {}
            Err(fault) => self.faults.push(fault),
        }
        if sound {
            self.add(digest, sha256, request);
        } else {
            self.broken = true;
        }
        Before { name: name.clone(), sha256, sound }
    }

    /// Checks whether the digest names the one before it; whether that one is what it names.
    fn check_link(&mut self, digest: &SegmentDigest, name: &SegmentName, before: Option<Before>) -> bool {
        match (before, digest.previous) {
            (None, Some(_)) if name.sequence() <= 1 => self.fault(name, Reason::NamesBefore),
            // The one before it is missing, which is said once.
            (None, _) => {}
            (Some(_), None) => self.fault(name, Reason::NamesNone),
            // Of one that is not sound something was said already.
            (Some(before), Some(expected)) if before.sha256 != expected && before.sound => {
                let by = shown_path(&digest_path(&self.folder, name));
                self.fault(&before.name, Reason::NotNamed { by, expected, found: before.sha256 });
                return false;
            }
            (Some(_), Some(_)) => {}
        }
        true
    }

    /// Whether the digest belongs where it lies.
    fn check_identity(&mut self, digest: &SegmentDigest, name: &SegmentName, moved: &mut Vec<(SegmentName, String)>) {
        let fits = digest.segment == *name
            && digest.sequence == name.sequence()
            && digest.sequence > 0
            && digest.opened == name.opened();
        if !fits {
            self.fault(name, Reason::Renamed(digest.segment.to_string()));
        }
        if self.folder.to_str() != Some(&digest.source.folder) {
            moved.push((name.clone(), digest.source.folder.clone()));
            return;
        }
        match &self.archive {
            Some(expected) if *expected != digest.archive => {
                let reason = Reason::OtherArchive { found: digest.archive.clone(), expected: expected.clone() };
                self.fault(name, reason);
            }
            Some(_) => {}
            None => self.archive = Some(digest.archive.clone()),
        }
        if self.source.as_ref().is_some_and(|source| !source.is_same(&digest.source)) {
            self.fault(name, Reason::OtherSource);
        } else if fits {
            // The display name may change.
            self.source = Some(digest.source.clone());
        }
    }

    /// Adds what a sound digest says.
    fn add(&mut self, digest: SegmentDigest, digest_sha256: Sha256Sum, request: &Request) {
        let range = request.range();
        let (asked, of_range) = (can_hold(&digest, range), digest.records > 0 && says_of(&digest, range));
        if !self.broken
            && let Err(fault) = self.ledger.add(&digest)
        {
            self.fault(&digest.segment, Reason::Ledger(fault));
            self.broken = true;
        }
        let number = digest.sequence;
        let mut sealed = Sealed {
            name: digest.segment.clone(),
            digest_sha256,
            bytes: digest.bytes,
            records: digest.records,
            sha256: digest.sha256,
            late_records: digest.late_records,
            last_record: digest.last_record,
            covered_to: digest.covered.map(|covered| covered.to),
            asked,
            of_range,
            damaged: None,
            compressed: None,
            removed: None,
            forms: Vec::new(),
        };
        let (own, earlier): (Vec<DamagedPart>, Vec<DamagedPart>) =
            digest.damaged.into_iter().partition(|part| part.segment == digest.segment);
        sealed.damaged = own.into_iter().last();
        for part in earlier {
            self.tell(&digest.segment, &part.segment.clone(), |sealed| sealed.damaged = Some(part));
        }
        for entry in digest.compressed {
            if StoredForm::of_file(&entry.file)
                .is_none_or(|(segment, form)| segment != entry.segment || form == StoredForm::Plain)
            {
                self.fault(&digest.segment, Reason::Speaks(entry.file.clone()));
            }
            self.tell(&digest.segment, &entry.segment.clone(), |sealed| sealed.compressed = Some(entry));
        }
        self.note_sealed(number, digest.sealed);
        for entry in digest.removed {
            self.check_removal(&digest.segment, &entry);
            self.tell(&digest.segment, &entry.segment.clone(), |sealed| sealed.removed = Some(entry));
        }
        self.rebuilt.extend(digest.rebuilt);
        self.sealed.insert(number, sealed);
    }

    /// Adds what the digest of `by` says of an earlier segment.
    fn tell(&mut self, by: &SegmentName, of: &SegmentName, change: impl FnOnce(&mut Sealed)) {
        match self.sealed.get_mut(&of.sequence()).filter(|sealed| sealed.name == *of) {
            Some(sealed) => change(sealed),
            None if self.broken => {
                self.mentioned.insert(of.clone());
            }
            None => self.fault(by, Reason::Speaks(of.to_string())),
        }
    }
}
