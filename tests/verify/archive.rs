//! An archive with everything in it that an archive can have.

use std::{
    fs,
    path::{Path, PathBuf},
};

use atlas_logd::{
    archive::{Archive, StoredForm},
    evidence::{ArchiveDigest, DamagedPart, FORMAT, HEADS, ListedSource, NotedGap, Range, Removed, Sha256Sum, program},
    plan::GapReason,
    verify::{Report, Request, verify},
};
use jiff::civil::{Date, date};

use crate::{
    key::Key,
    source::{SourceWriter, archive_id, hour, records, write_signed},
    unnoticed::Unnoticed,
};

/// Everything in one source: retention, compression, damage, a gap, a backfill, late records, a quiet hour.
pub(crate) const FULL: &str = "payments/access-history/prod-0";
/// Not signed, but held by signed archive digests.
pub(crate) const UNSIGNED: &str = "payments/stream-audit/orders";
/// Taken out of the configuration: no segment is open.
pub(crate) const REMOVED: &str = "old/access-history/gone";

/// How many bytes of the damaged segment count.
pub(crate) const GOOD_BYTES: usize = 100;

/// An archive in a folder of its own.
pub(crate) struct TestArchive {
    folder: tempfile::TempDir,
    pub(crate) old: Key,
    pub(crate) new: Key,
    /// SHA-256 of each archive digest.
    pub(crate) heads: Vec<Sha256Sum>,
    pub(crate) unnoticed: Unnoticed,
}

impl TestArchive {
    /// Three sources, over three days.
    pub(crate) fn new() -> Self {
        let mut archive = Self::empty();
        let root = archive.root();
        let (old, new) = (Key::new(1, "old@host"), Key::new(2, "new@host"));
        let mut removed = SourceWriter::new(&root, REMOVED, 0);
        let mut full = SourceWriter::new(&root, FULL, 0);
        let mut unsigned = SourceWriter::new(&root, UNSIGNED, 0);

        let mut listed = [removed.listed(), full.listed(), unsigned.listed()];
        removed.seal(&records("gone", 20), Some(&old), |_| {});
        removed.seal(&records("gone again", 3), Some(&old), |_| {});
        let first = full.seal(&records("removed", 30), Some(&old), |_| {});
        let second = full.seal(&records("gzip", 50), Some(&old), |_| {});
        let one = unsigned.seal(&records("one", 40), None, |_| {});
        listed[0] = removed.listed();
        listed[1] = full.listed();
        archive.add_head(date(2026, 11, 1), listed.to_vec(), &old);

        let gzip = full.compress(&second, StoredForm::Gzip);
        full.remove(&second);
        let third = full.seal(&records("zstd", 60), Some(&new), |digest| {
            digest.compressed.push(gzip);
            digest.gaps.push(NotedGap {
                from: hour(2),
                to: hour(3),
                reason: GapReason::RowLimit,
                detail: "more than 20,000 in a second".to_owned(),
                noticed: hour(3),
            });
        });
        let zstd = full.compress(&third, StoredForm::Zstd);
        full.remove(&third);
        let damaged = records("damaged", 25);
        let fourth = full.seal(&damaged, Some(&new), |digest| {
            digest.compressed.push(zstd);
            digest.backfilled.push(Range { from: hour(-10), to: hour(-8) });
            digest.removed.push(Removed { segment: first.clone(), decided: hour(4), keep_seconds: 3600 });
        });
        full.remove(&first);
        full.seal(b"", Some(&new), |digest| {
            digest.damaged.push(DamagedPart {
                segment: fourth,
                good_bytes: GOOD_BYTES as u64,
                good_sha256: Sha256Sum::of(&damaged[..GOOD_BYTES]),
                detail: "bytes were changed".to_owned(),
                noticed: hour(5),
            });
        });
        let gzip = unsigned.compress(&one, StoredForm::Gzip);
        unsigned.remove(&one);
        let two = unsigned.seal(&records("two", 45), None, |digest| digest.compressed.push(gzip));
        let both = unsigned.compress(&two, StoredForm::Gzip);
        listed[1] = full.listed();
        listed[2] = unsigned.listed();
        archive.add_head(date(2026, 11, 2), listed.to_vec(), &new);

        full.seal(&records("newest", 35), Some(&new), |digest| digest.late_records = 4);
        full.open(&records("open", 5));
        let three = unsigned.seal(&records("three", 55), None, |digest| digest.compressed.push(both));
        // Not told of yet.
        unsigned.compress(&three, StoredForm::Gzip);
        unsigned.remove(&three);
        unsigned.seal(&records("four", 65), None, |_| {});
        unsigned.open(&records("open too", 6));
        listed[1] = full.listed();
        listed[2] = unsigned.listed();
        archive.add_head(date(2026, 11, 3), listed.to_vec(), &new);
        archive.unnoticed = Unnoticed {
            open: vec![archive.file(FULL, 7, ".ndjson"), archive.file(UNSIGNED, 5, ".ndjson")],
            damaged: (archive.file(FULL, 4, ".ndjson"), GOOD_BYTES),
            untold: (archive.file(UNSIGNED, 3, ".gz"), records("three", 55)),
            plain_too: archive.file(UNSIGNED, 2, ".ndjson"),
            next_of_removed: 3,
        };
        archive
    }

    /// An archive without any source.
    pub(crate) fn empty() -> Self {
        let archive = Self::without_files();
        fs::create_dir_all(archive.root().join(".spool")).unwrap();
        archive.write(Path::new(".spool/7.records"), &records("spool", 2));
        archive.write(Path::new(".atlas-logd"), Archive::marker(&archive_id()).unwrap().as_bytes());
        archive
    }

    /// A folder in which an archive can be made.
    pub(crate) fn without_files() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("archive")).unwrap();
        let (old, new) = (Key::new(1, "old@host"), Key::new(2, "new@host"));
        Self { folder, old, new, heads: Vec::new(), unnoticed: Unnoticed::default() }
    }

    /// Adds the archive digest of a day.
    pub(crate) fn add_head(&mut self, date: Date, sources: Vec<ListedSource>, key: &Key) {
        let digest = ArchiveDigest {
            format: FORMAT,
            archive: archive_id(),
            sequence: self.heads.len() as u64 + 1,
            date,
            made: hour(24 * i64::from(date.day())),
            sources,
            added: Vec::new(),
            removed: Vec::new(),
            signing_key: Some(key.signer.fingerprint().to_owned()),
            previous_date: self.heads.last().map(|_| date.yesterday().unwrap()),
            previous: self.heads.last().copied(),
            program: program(),
        };
        let folder = self.root().join(HEADS);
        fs::create_dir_all(&folder).unwrap();
        let bytes = digest.to_bytes();
        write_signed(&folder.join(ArchiveDigest::file_name(date)), &bytes, Some(key));
        self.heads.push(Sha256Sum::of(&bytes));
    }

    pub(crate) fn root(&self) -> PathBuf {
        self.folder.path().join("archive")
    }

    /// A path beside the archive.
    pub(crate) fn beside(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// All files, below the root, in order.
    pub(crate) fn files(&self) -> Vec<PathBuf> {
        let mut files = Vec::new();
        let mut folders = vec![self.root()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else {
                    files.push(path.strip_prefix(self.root()).unwrap().to_owned());
                }
            }
        }
        files.sort();
        files
    }

    pub(crate) fn read(&self, path: &Path) -> Vec<u8> {
        fs::read(self.root().join(path)).unwrap()
    }

    pub(crate) fn write(&self, path: &Path, bytes: &[u8]) {
        fs::write(self.root().join(path), bytes).unwrap();
    }

    pub(crate) fn remove(&self, path: &Path) {
        fs::remove_file(self.root().join(path)).unwrap();
    }

    /// The file in a source's folder whose name begins with the number and ends as told.
    pub(crate) fn file(&self, folder: &str, number: u64, end: &str) -> PathBuf {
        let begin = format!("{folder}/{number:08}-");
        let files = self.files();
        let mut found = files.iter().filter(|path| {
            let path = path.to_str().unwrap();
            path.starts_with(&begin) && path.ends_with(end)
        });
        found.next().unwrap_or_else(|| panic!("no {begin}…{end} in {files:?}")).clone()
    }

    /// Proves it in this process.
    pub(crate) fn verify(&self, request: &Request) -> Report {
        verify(&self.root(), request, &|_| {}).unwrap()
    }

    /// Proves it, asking for nothing in particular.
    pub(crate) fn report(&self) -> Report {
        self.verify(&Request::default())
    }

    /// What is wrong, one line each.
    pub(crate) fn faults(&self) -> Vec<String> {
        self.report().all_faults().map(ToString::to_string).collect()
    }

    /// Something is wrong, and one of the lines names `path`.
    #[track_caller]
    pub(crate) fn assert_names(&self, path: &Path, what: &str) {
        let faults = self.faults();
        let path = path.to_str().unwrap();
        assert!(!faults.is_empty(), "{what} of {path} was not noticed");
        assert!(
            faults.iter().any(|fault| fault.contains(path)),
            "{what} of {path} was noticed but not named: {faults:#?}"
        );
    }

    /// Exactly one thing is wrong, told in these words.
    #[track_caller]
    pub(crate) fn assert_fault(&self, path: &str, words: &str) {
        let faults = self.faults();
        assert_eq!(faults.len(), 1, "{faults:#?}");
        assert!(faults[0].starts_with(&format!("{path}: ")) && faults[0].contains(words), "{faults:#?}");
    }
}
