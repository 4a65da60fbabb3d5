//! The archive digests: their own chain, and what they hold of each source.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

use jiff::civil::Date;

use crate::{
    archive::{EntryIs, Files, SegmentName},
    evidence::{ArchiveDigest, HEADS, LONGEST_DIGEST, ListedSource, SIGNATURE_SUFFIX, Sha256Sum, SourceIdentity},
    instant::Instant,
    shown::shown_path,
    state::ArchiveId,
    verify::{
        Fault, Reason, Request,
        signing::{Announced, Keys},
        whole_file,
    },
};

/// The newest archive digest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// The day that it is of.
    pub date: Date,
    /// When it was made, by the local clock.
    pub made: Instant,
    /// SHA-256 of its file: *the head*.
    pub sha256: Sha256Sum,
    /// The fingerprint of the key that signed it.
    pub signed_by: Option<String>,
}

/// What the archive digests hold of one source.
#[derive(Debug)]
pub(super) struct Listed {
    pub(super) source: SourceIdentity,
    /// All digests that were ever the newest one, each with the day that tells of it first.
    pub(super) digests: BTreeMap<SegmentName, (Sha256Sum, Date)>,
    /// The day that lists the source first.
    pub(super) first: Date,
    /// Since when it was not collected, and the day of the newest archive digest that lists it, which says so.
    pub(super) not_collected: Option<(Instant, Date)>,
    /// The day of the newest archive digest that lists it, where that says that it is not in the configuration any more.
    pub(super) not_configured: Option<Date>,
    /// All digests of the source up to this number are held by a signed archive digest.
    pub(super) signed_up_to: u64,
    /// Likewise by the one that was asked for.
    pub(super) asked_up_to: u64,
}

/// The archive digests, judged.
#[derive(Debug, Default)]
pub(super) struct Heads {
    pub(super) archive: Option<ArchiveId>,
    pub(super) count: u64,
    pub(super) newest: Option<Head>,
    /// By folder.
    pub(super) listed: BTreeMap<String, Listed>,
    pub(super) keys: Keys,
    pub(super) faults: Vec<Fault>,
    asked_found: bool,
    /// Whether the newest one is held by a signature or by the one that was asked for.
    pub(super) held: bool,
}

struct Before {
    date: Date,
    sha256: Sha256Sum,
    sound: bool,
    folders: BTreeSet<String>,
}

/// The path of the archive digest of a day.
pub(super) fn head_path(date: Date) -> PathBuf {
    Path::new(HEADS).join(ArchiveDigest::file_name(date))
}

impl Heads {
    /// Reads all archive digests, one after the other.
    pub(super) fn read(files: &dyn Files, request: &Request) -> Self {
        let mut heads = Self::default();
        let (dates, signatures) = heads.list(files);
        let mut before: Option<Before> = None;
        for date in in_order(files, &dates) {
            before = Some(heads.read_one(files, date, signatures.contains(&date), request, before, &dates));
            heads.count += 1;
        }
        for date in signatures.difference(&dates) {
            let path = format!("{}{SIGNATURE_SUFFIX}", ArchiveDigest::file_name(*date));
            heads.faults.push(Fault::new(Path::new(HEADS).join(path), Reason::SignatureAlone));
        }
        if let Some(asked) = request.head.filter(|_| !heads.asked_found) {
            heads.faults.push(Fault::new(HEADS, Reason::NoSuchHead(asked)));
        }
        if let Some(newest) = &heads.newest
            && request.allowed_signers.is_some()
            && !heads.held
        {
            heads.faults.push(Fault::new(head_path(newest.date), Reason::Unsigned));
        }
        heads
    }

    fn list(&mut self, files: &dyn Files) -> (BTreeSet<Date>, BTreeSet<Date>) {
        let (mut dates, mut signatures) = (BTreeSet::new(), BTreeSet::new());
        let entries = match files.list(Path::new(HEADS)) {
            Ok(entries) => entries,
            Err(cause) => {
                self.faults.push(Fault::new(HEADS, Reason::Unreadable(cause)));
                return (dates, signatures);
            }
        };
        for entry in entries {
            let name = entry.name.to_str().unwrap_or("");
            let reason = match entry.is {
                EntryIs::Other => Reason::NoFile,
                EntryIs::Folder => Reason::ExtraFolder,
                EntryIs::File => {
                    if let Some(date) = ArchiveDigest::date_of(name) {
                        dates.insert(date);
                        continue;
                    }
                    if let Some(date) = name.strip_suffix(SIGNATURE_SUFFIX).and_then(ArchiveDigest::date_of) {
                        signatures.insert(date);
                        continue;
                    }
                    Reason::ExtraFile
                }
            };
            self.faults.push(Fault::new(Path::new(HEADS).join(&entry.name), reason));
        }
        (dates, signatures)
    }

    fn fault(&mut self, date: Date, reason: Reason) {
        self.faults.push(Fault::new(head_path(date), reason));
    }

    fn read_one(
        &mut self,
        files: &dyn Files,
        date: Date,
        signature: bool,
        request: &Request,
        before: Option<Before>,
        dates: &BTreeSet<Date>,
    ) -> Before {
        let path = head_path(date);
        let read = whole_file::read(files, &path, LONGEST_DIGEST);
        let sha256 = read.as_ref().map_or(Sha256Sum::of(b""), |bytes| Sha256Sum::of(bytes));
        let parsed = read.and_then(|bytes| Ok((ArchiveDigest::parse(&bytes).map_err(Reason::Format)?, bytes)));
        let (digest, bytes) = match parsed {
            Ok(read) => read,
            Err(reason) => {
                self.fault(date, reason);
                let folders = before.map(|before| before.folders).unwrap_or_default();
                return Before { date, sha256, sound: false, folders };
            }
        };
        let faults = self.faults.len();
        if digest.date != date {
            self.fault(date, Reason::OtherDate(digest.date));
        }
        match &self.archive {
            Some(expected) if *expected != digest.archive => {
                self.fault(date, Reason::OtherArchive { found: digest.archive.clone(), expected: expected.clone() });
            }
            Some(_) => {}
            None => self.archive = Some(digest.archive.clone()),
        }
        let sound = self.faults.len() == faults;
        let announced = Announced {
            digest: &path,
            bytes: &bytes,
            key: digest.signing_key.as_deref(),
            made: digest.made,
            lies_there: signature,
        };
        let signed = match announced.check(files, request, &mut self.keys) {
            Ok(signed) => signed,
            Err(fault) => {
                self.faults.push(fault);
                false
            }
        };
        let asked = request.head == Some(sha256);
        self.asked_found |= asked;
        self.check_link(&digest, date, before.as_ref(), dates);
        let folders: BTreeSet<String> = digest.sources.iter().map(|listed| listed.source.folder.clone()).collect();
        if sound {
            for folder in before.iter().flat_map(|before| before.folders.difference(&folders)) {
                self.faults.push(Fault::new(&path, Reason::SourceNotListed(folder.clone())));
            }
            digest.sources.into_iter().for_each(|listed| self.add(date, listed));
            self.hold(signed, asked);
            let signed_by = digest.signing_key.filter(|_| signed);
            self.newest = Some(Head { date, made: digest.made, sha256, signed_by });
        }
        Before { date, sha256, sound, folders }
    }

    fn check_link(&mut self, digest: &ArchiveDigest, date: Date, before: Option<&Before>, dates: &BTreeSet<Date>) {
        let by = shown_path(&head_path(date));
        match (before, digest.previous_date, digest.previous) {
            (None, None, None) => {}
            (None, Some(named), _) => self.fault(named, Reason::HeadMissing { by }),
            (None, None, Some(_)) => self.fault(date, Reason::NamesBefore),
            (Some(before), Some(named), Some(expected)) if named == before.date => {
                // Of one that is not sound something was said already.
                if expected != before.sha256 && before.sound {
                    self.fault(before.date, Reason::NotNamed { by, expected, found: before.sha256 });
                }
            }
            (Some(_), Some(named), _) if !dates.contains(&named) => {
                self.fault(named, Reason::HeadMissing { by });
            }
            (Some(before), ..) => {
                self.fault(date, Reason::HeadSkips(shown_path(&head_path(before.date))));
            }
        }
    }

    fn add(&mut self, date: Date, new: ListedSource) {
        let folder = new.source.folder.clone();
        let listed = self.listed.entry(folder.clone()).or_insert_with(|| Listed {
            source: new.source.clone(),
            digests: BTreeMap::new(),
            first: date,
            not_collected: None,
            not_configured: None,
            signed_up_to: 0,
            asked_up_to: 0,
        });
        listed.not_collected = new.not_collected_since.map(|since| (since, date));
        listed.not_configured = (!new.configured).then_some(date);
        let mut contradicts = !listed.source.is_same(&new.source);
        let newest = listed.digests.last_key_value().map(|(segment, _)| segment.sequence());
        match new.last_digest {
            Some(last) => {
                let (sha256, _) = *listed.digests.entry(last.segment.clone()).or_insert((last.sha256, date));
                contradicts |= sha256 != last.sha256 || newest.is_some_and(|newest| newest > last.segment.sequence());
            }
            None => contradicts |= newest.is_some(),
        }
        if contradicts {
            self.fault(date, Reason::ListsOtherwise(folder));
        }
    }

    /// All that was listed so far is held by one that is signed, or that was asked for.
    fn hold(&mut self, signed: bool, asked: bool) {
        self.held = signed || asked;
        if !self.held {
            return;
        }
        for listed in self.listed.values_mut() {
            let up_to = listed.digests.last_key_value().map_or(0, |(segment, _)| segment.sequence());
            if signed {
                listed.signed_up_to = up_to;
            }
            if asked {
                listed.asked_up_to = up_to;
            }
        }
    }
}

/// The order in which they were made, by their numbers: after a clock was wrong it is not that of their days. One that cannot
/// be read comes after the one of the day before it.
fn in_order(files: &dyn Files, dates: &BTreeSet<Date>) -> Vec<Date> {
    let mut last = 0;
    let numbered = dates.iter().map(|date| {
        let bytes = whole_file::read(files, &head_path(*date), LONGEST_DIGEST).ok();
        let number = bytes.and_then(|bytes| ArchiveDigest::sequence_in(&bytes));
        last = number.unwrap_or(last);
        (last, number.is_none(), *date)
    });
    let mut numbered: Vec<_> = numbered.collect();
    numbered.sort();
    numbered.into_iter().map(|(_, _, date)| date).collect()
}
