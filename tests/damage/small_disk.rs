//! Real files on a disk that is watched: the least that was ever free is remembered. It can be given a size of its own;
//! what does not fit is refused then, as a full disk does.

use std::{
    io::{self, Write},
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use atlas_logd::archive::{Entry, Files, ReadFile, RealFiles, WriteFile};
use rustix::io::Errno;

/// Files whose disk is watched.
#[derive(Clone, Debug)]
pub(crate) struct SmallDisk(Arc<Inside>);

#[derive(Debug)]
struct Inside {
    files: RealFiles,
    /// In bytes; nothing where the real file system says what is free.
    size: Option<AtomicU64>,
    used: AtomicU64,
    least_free: AtomicU64,
}

impl SmallDisk {
    /// As large as the file system below it.
    pub(crate) fn real(files: RealFiles) -> Self {
        Self::new(files, None)
    }

    /// So many bytes large. Nothing lies on it yet.
    pub(crate) fn of_size(files: RealFiles, size: u64) -> Self {
        Self::new(files, Some(AtomicU64::new(size)))
    }

    fn new(files: RealFiles, size: Option<AtomicU64>) -> Self {
        let (used, least_free) = (AtomicU64::new(0), AtomicU64::new(u64::MAX));
        Self(Arc::new(Inside { files, size, used, least_free }))
    }

    /// Makes it larger or smaller, so that `free` bytes are free.
    pub(crate) fn set_free(&self, free: u64) {
        let size = self.0.size.as_ref().expect("its size is its own");
        size.store(self.0.used.load(Ordering::SeqCst) + free, Ordering::SeqCst);
    }

    /// The least that was free after a write.
    pub(crate) fn least_free(&self) -> u64 {
        self.0.least_free.load(Ordering::SeqCst)
    }
}

impl Inside {
    fn free(&self) -> io::Result<u64> {
        match &self.size {
            Some(size) => Ok(size.load(Ordering::SeqCst).saturating_sub(self.used.load(Ordering::SeqCst))),
            None => self.files.free_bytes(),
        }
    }
}

/// A file on such a disk.
struct Pen {
    disk: Arc<Inside>,
    file: Box<dyn WriteFile>,
}

impl Write for Pen {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let fits = match self.disk.size {
            Some(_) => bytes.len().min(usize::try_from(self.disk.free()?).unwrap()),
            None => bytes.len(),
        };
        if fits == 0 && !bytes.is_empty() {
            return Err(Errno::NOSPC.into());
        }
        let written = self.file.write(&bytes[..fits])?;
        self.disk.used.fetch_add(written as u64, Ordering::SeqCst);
        self.disk.least_free.fetch_min(self.disk.free()?, Ordering::SeqCst);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl WriteFile for Pen {
    fn sync(&mut self) -> io::Result<()> {
        self.file.sync()
    }

    fn length(&self) -> io::Result<u64> {
        self.file.length()
    }
}

impl Files for SmallDisk {
    fn is_in_place(&self) -> io::Result<bool> {
        self.0.files.is_in_place()
    }

    fn make_folder(&self, folder: &Path) -> io::Result<()> {
        self.0.files.make_folder(folder)
    }

    fn list(&self, folder: &Path) -> io::Result<Vec<Entry>> {
        self.0.files.list(folder)
    }

    fn length(&self, path: &Path) -> io::Result<Option<u64>> {
        self.0.files.length(path)
    }

    fn create(&self, path: &Path) -> io::Result<Box<dyn WriteFile>> {
        Ok(Box::new(Pen { disk: Arc::clone(&self.0), file: self.0.files.create(path)? }))
    }

    fn append(&self, path: &Path) -> io::Result<Box<dyn WriteFile>> {
        Ok(Box::new(Pen { disk: Arc::clone(&self.0), file: self.0.files.append(path)? }))
    }

    fn read(&self, path: &Path) -> io::Result<Box<dyn ReadFile>> {
        self.0.files.read(path)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.0.files.rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        let length = self.0.files.length(path)?.unwrap_or(0);
        self.0.files.remove(path)?;
        self.0.used.fetch_sub(length, Ordering::SeqCst);
        Ok(())
    }

    fn sync_folder(&self, folder: &Path) -> io::Result<()> {
        self.0.files.sync_folder(folder)
    }

    fn free_bytes(&self) -> io::Result<u64> {
        self.0.free()
    }
}
