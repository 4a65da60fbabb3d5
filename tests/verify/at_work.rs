//! The daemon may be at work while an archive is verified: what it does is no fault.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::Mutex,
    time::Duration,
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

/// Does some work once, right after a folder was listed so many times.
struct AtWork {
    files: RealFiles,
    folder: PathBuf,
    work: Mutex<(usize, Option<Work>)>,
}

impl std::fmt::Debug for AtWork {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AtWork").finish_non_exhaustive()
    }
}

impl Files for AtWork {
    fn list(&self, folder: &Path) -> io::Result<Vec<Entry>> {
        let entries = self.files.list(folder);
        if folder == self.folder {
            let (looks, work) = &mut *self.work.lock().unwrap();
            *looks = looks.saturating_sub(1);
            if let Some(work) = work.take_if(|_| *looks == 0) {
                work();
            }
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
    verify_while(archive, folder, 1, Duration::ZERO, work)
}

/// The work is done after so many looks at the folder.
fn verify_while(
    archive: &TestArchive,
    folder: &str,
    looks: usize,
    patience: Duration,
    work: impl FnOnce() + Send + 'static,
) -> Report {
    let files = AtWork {
        files: RealFiles::open(&archive.root(), 0o640, 0o750).unwrap(),
        folder: folder.into(),
        work: Mutex::new((looks, Some(Box::new(work)))),
    };
    let report = verify_files(&files, &Request { patience, ..Request::default() }, &|_| {});
    assert!(files.work.lock().unwrap().1.is_none());
    report
}

/// More than any look takes.
const PATIENCE: Duration = Duration::from_secs(60);

/// Takes a file away; gives what puts it back.
fn take(archive: &TestArchive, path: &Path) -> impl FnOnce() + Send + 'static {
    let (full, bytes) = (archive.root().join(path), archive.read(path));
    archive.remove(path);
    move || fs::write(full, bytes).unwrap()
}

#[test]
fn the_newest_signature_is_waited_for() {
    let mut archive = TestArchive::empty();
    let source = source(&archive, &archive.new);
    let key = Key::new(2, "new@host");
    archive.add_head(jiff::civil::date(2026, 11, 1), vec![source.listed()], &key);
    for (folder, path) in
        [(UNSIGNED, archive.file(UNSIGNED, 3, ".sig")), (".heads", PathBuf::from(".heads/2026-11-01.json.sig"))]
    {
        let put_back = take(&archive, &path);
        assert_valid(&verify_while(&archive, folder, 4, PATIENCE, put_back));
    }
    // That of an older one, no writer takes away.
    archive.remove(&archive.file(UNSIGNED, 2, ".sig"));
    let report = archive.verify(&Request { patience: Duration::MAX, ..Request::default() });
    assert_eq!(report.all_faults().count(), 1);
}

#[test]
fn the_first_file_of_a_folder_is_waited_for() {
    let archive = TestArchive::empty();
    source(&archive, &archive.new);
    for (listed, made) in [("later", "later"), ("later/access-history", "later/access-history")] {
        fs::create_dir_all(archive.root().join(made)).unwrap();
        let root = archive.root();
        let report = verify_while(&archive, listed, 3, PATIENCE, move || {
            let folder = root.join("later/access-history/prod-9");
            fs::create_dir_all(&folder).unwrap();
            fs::write(folder.join("00000001-20261101T000000Z.ndjson"), b"").unwrap();
        });
        assert_valid(&report);
        fs::remove_dir_all(archive.root().join("later")).unwrap();
    }
    let folder = "later/access-history/prod-9";
    fs::create_dir_all(archive.root().join(folder)).unwrap();
    let file = archive.root().join(folder).join("00000001-20261101T000000Z.ndjson");
    assert_valid(&verify_while(&archive, folder, 4, PATIENCE, move || fs::write(file, b"").unwrap()));
}

#[test]
fn a_digest_that_a_listing_missed_is_waited_for() {
    let archive = TestArchive::empty();
    let source = source(&archive, &archive.new);
    source.open(&records("four", 1));
    let digest = take(&archive, &archive.file(UNSIGNED, 3, ".digest.json"));
    let signature = take(&archive, &archive.file(UNSIGNED, 3, ".sig"));
    let report = verify_while(&archive, UNSIGNED, 3, PATIENCE, move || {
        digest();
        signature();
    });
    assert_valid(&report);
    assert_eq!(report.sources[0].segments, 3);
}

#[test]
fn patience_has_an_end() {
    let archive = TestArchive::empty();
    source(&archive, &archive.new);
    let path = archive.file(UNSIGNED, 3, ".sig");
    archive.remove(&path);
    let looks = 3;
    let report = verify_while(&archive, UNSIGNED, looks, Duration::from_millis(30), || {});
    let faults: Vec<String> = report.all_faults().map(ToString::to_string).collect();
    assert!(faults.len() == 1 && faults[0].starts_with(path.to_str().unwrap()), "{faults:#?}");
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
