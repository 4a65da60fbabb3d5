//! The daemon may be at work while an archive is verified: what it does is no fault.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::Mutex,
};

use atlas_logd::{
    archive::{Entry, Files, ReadFile, RealFiles, StoredForm, WriteFile},
    evidence::Removed,
    verify::{Progress, Report, Request, verify, verify_files},
};

use crate::{
    archive::{TestArchive, UNSIGNED},
    key::Key,
    source::{SourceWriter, hour, records},
};

type Work = Box<dyn FnOnce() + Send>;

/// Does some work once, right after a folder was listed.
struct AtWork {
    files: RealFiles,
    folder: PathBuf,
    work: Mutex<Option<Work>>,
}

impl std::fmt::Debug for AtWork {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AtWork").finish_non_exhaustive()
    }
}

impl Files for AtWork {
    fn list(&self, folder: &Path) -> io::Result<Vec<Entry>> {
        let entries = self.files.list(folder);
        if folder == self.folder
            && let Some(work) = self.work.lock().unwrap().take()
        {
            work();
        }
        entries
    }

    fn length(&self, path: &Path) -> io::Result<Option<u64>> {
        self.files.length(path)
    }

    fn read(&self, path: &Path) -> io::Result<Box<dyn ReadFile>> {
        self.files.read(path)
    }

    fn is_in_place(&self) -> io::Result<bool> {
        self.files.is_in_place()
    }

    fn make_folder(&self, _: &Path) -> io::Result<()> {
        Err(io::ErrorKind::ReadOnlyFilesystem.into())
    }

    fn create(&self, _: &Path) -> io::Result<Box<dyn WriteFile>> {
        Err(io::ErrorKind::ReadOnlyFilesystem.into())
    }

    fn append(&self, _: &Path) -> io::Result<Box<dyn WriteFile>> {
        Err(io::ErrorKind::ReadOnlyFilesystem.into())
    }

    fn rename(&self, _: &Path, _: &Path) -> io::Result<()> {
        Err(io::ErrorKind::ReadOnlyFilesystem.into())
    }

    fn remove(&self, _: &Path) -> io::Result<()> {
        Err(io::ErrorKind::ReadOnlyFilesystem.into())
    }

    fn sync_folder(&self, _: &Path) -> io::Result<()> {
        Err(io::ErrorKind::ReadOnlyFilesystem.into())
    }

    fn free_bytes(&self) -> io::Result<u64> {
        Err(io::ErrorKind::Unsupported.into())
    }
}

fn verify_at_work(archive: &TestArchive, folder: &str, work: impl FnOnce() + Send + 'static) -> Report {
    let files = AtWork {
        files: RealFiles::open(&archive.root(), 0o640, 0o750).unwrap(),
        folder: folder.into(),
        work: Mutex::new(Some(Box::new(work))),
    };
    let report = verify_files(&files, &Request::default(), &|_| {});
    assert!(files.work.lock().unwrap().is_none());
    report
}

#[track_caller]
fn assert_valid(report: &Report) {
    let faults: Vec<String> = report.all_faults().map(ToString::to_string).collect();
    assert_eq!(faults, [] as [&str; 0]);
}

/// A source with three segments.
fn source(archive: &TestArchive, key: &Key) -> SourceWriter {
    let mut source = SourceWriter::new(&archive.root(), UNSIGNED, 0);
    for name in ["one", "two", "three"] {
        source.seal(&records(name, 10), Some(key), |_| {});
    }
    source
}

#[test]
fn a_digest_whose_signature_is_not_there_yet_is_looked_at_again() {
    let archive = TestArchive::empty();
    let mut source = source(&archive, &archive.new);
    source.seal(&records("four", 10), Some(&archive.new), |_| {});
    let signature = archive.root().join(archive.file(UNSIGNED, 4, ".sig"));
    let bytes = fs::read(&signature).unwrap();
    fs::remove_file(&signature).unwrap();
    let report = verify_at_work(&archive, UNSIGNED, move || fs::write(signature, bytes).unwrap());
    assert_valid(&report);
    assert_eq!(report.sources[0].segments, 4);
}

#[test]
fn a_segment_that_is_sealed_meanwhile_is_no_fault() {
    let archive = TestArchive::empty();
    let mut source = source(&archive, &archive.new);
    source.open(&records("four", 10));
    let key = Key::new(2, "new@host");
    let report = verify_at_work(&archive, UNSIGNED, move || {
        source.seal(&records("four", 10), Some(&key), |_| {});
        source.open(&records("five", 1));
    });
    assert_valid(&report);
}

#[test]
fn a_source_and_an_archive_digest_that_are_made_meanwhile_are_no_fault() {
    let mut archive = TestArchive::empty();
    let first = source(&archive, &archive.new);
    let key = Key::new(2, "new@host");
    archive.add_head(jiff::civil::date(2026, 11, 1), vec![first.listed()], &key);
    let root = archive.root();
    let report = verify_at_work(&archive, ".heads", move || {
        let mut later = SourceWriter::new(&root, "new/stream-audit/later", 9);
        later.seal(&records("later", 10), Some(&key), |_| {});
    });
    assert_valid(&report);
    assert_eq!(report.sources.len(), 2);
}

#[test]
fn a_segment_that_is_compressed_or_removed_meanwhile_is_looked_at_again() {
    let archive = TestArchive::empty();
    let source = Mutex::new(source(&archive, &archive.new));
    let report = verify(&archive.root(), &Request::default(), &|progress| {
        // All chains were read, and no segment yet.
        if let Progress::Begun { .. } = progress {
            let mut source = source.lock().unwrap();
            let name =
                |number| archive.file(UNSIGNED, number, ".ndjson").file_name().unwrap().to_str().unwrap().parse();
            let (one, two) = (name(1).unwrap(), name(2).unwrap());
            source.compress(&two, StoredForm::Zstd);
            source.remove(&two);
            source.seal(b"", Some(&archive.new), |digest| {
                digest.removed.push(Removed { segment: one.clone(), decided: hour(9), keep_seconds: 60 });
            });
            source.remove(&one);
        }
    });
    assert_valid(&report.unwrap());
}

#[test]
fn what_stays_wrong_is_a_fault() {
    let archive = TestArchive::empty();
    source(&archive, &archive.new);
    let path = archive.file(UNSIGNED, 3, ".sig");
    let full = archive.root().join(&path);
    let report = verify_at_work(&archive, UNSIGNED, move || fs::remove_file(full).unwrap());
    let faults: Vec<String> = report.all_faults().map(ToString::to_string).collect();
    assert_eq!(faults.len(), 1, "{faults:#?}");
    assert!(faults[0].starts_with(path.to_str().unwrap()), "{faults:#?}");
}
