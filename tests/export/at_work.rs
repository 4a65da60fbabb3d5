//! The daemon may be at work while an archive is exported: what it does is no fault.

use std::{
    fmt, fs, io,
    path::Path,
    sync::atomic::{AtomicUsize, Ordering},
};

use atlas_logd::{
    archive::{Entry, Files, ReadFile, RealFiles, WriteFile},
    export::{SourceFolder, export},
    window::Window,
};

use crate::archive::{Archive, ORDERS, event, midnight, noon};

/// Does some work once, right after the folder of the source was listed for the `after`-th time.
struct AtWork<'a> {
    files: RealFiles,
    listed: AtomicUsize,
    after: usize,
    work: &'a (dyn Fn() + Sync),
}

impl fmt::Debug for AtWork<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AtWork").finish_non_exhaustive()
    }
}

fn read_only<T>() -> io::Result<T> {
    Err(io::ErrorKind::ReadOnlyFilesystem.into())
}

impl Files for AtWork<'_> {
    fn list(&self, folder: &Path) -> io::Result<Vec<Entry>> {
        let entries = self.files.list(folder);
        if folder == Path::new(ORDERS) && self.listed.fetch_add(1, Ordering::SeqCst) + 1 == self.after {
            (self.work)();
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
        read_only()
    }

    fn create(&self, _: &Path) -> io::Result<Box<dyn WriteFile>> {
        read_only()
    }

    fn append(&self, _: &Path) -> io::Result<Box<dyn WriteFile>> {
        read_only()
    }

    fn rename(&self, _: &Path, _: &Path) -> io::Result<()> {
        read_only()
    }

    fn remove(&self, _: &Path) -> io::Result<()> {
        read_only()
    }

    fn sync_folder(&self, _: &Path) -> io::Result<()> {
        read_only()
    }

    fn free_bytes(&self) -> io::Result<u64> {
        Err(io::ErrorKind::Unsupported.into())
    }
}

#[test]
fn a_segment_that_is_sealed_while_the_folder_is_looked_at_is_no_fault() {
    for after in 1..=3 {
        let mut archive = Archive::new();
        let lines = [1, 2, 3].map(|number| event(noon(3), &number.to_string()));
        archive.sealed(3, &lines[..1]);
        let second = archive.sealed(4, &lines[1..2]);
        let third = archive.open(5, &lines[2]);
        // Until it is sealed, it is open, and there is no other.
        let (digest, next) = (archive.path(&second.digest()), archive.path(third.as_str()));
        let bytes = [&digest, &next].map(|path| {
            let bytes = fs::read(path).unwrap();
            fs::remove_file(path).unwrap();
            bytes
        });
        let seal = || {
            fs::write(&digest, &bytes[0]).unwrap();
            fs::write(&next, &bytes[1]).unwrap();
        };
        let files = RealFiles::open(archive.root(), 0o640, 0o750).unwrap();
        let files = AtWork { files, listed: AtomicUsize::new(0), after, work: &seal };
        let folder = SourceFolder::find(&files, ORDERS).unwrap();
        let mut out = Vec::new();
        let report = export(&files, &folder, Window::new(midnight(3), midnight(4)), &mut out).unwrap();
        assert!(report.findings.is_empty(), "{:?}", report.findings);
        let all = lines.concat().into_bytes();
        assert!(
            out == all || (after == 3 && out == lines[..2].concat().into_bytes()),
            "{}",
            String::from_utf8_lossy(&out)
        );
    }
}
