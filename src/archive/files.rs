//! The file system below the archive's root: one of the three seams that tests replace.

use std::{
    ffi::OsString,
    fmt::Debug,
    fs::File,
    io::{self, Read, Seek, SeekFrom, Write},
    num::NonZeroU64,
    os::fd::OwnedFd,
    path::{Component, Path, PathBuf},
};

use rustix::{
    fs::{Advice, AtFlags, CWD, FileType, Mode, OFlags, RenameFlags},
    io::Errno,
};

use crate::vitals;

use crate::file_system::FileSystem;

/// What the archive needs of a file system. All paths are relative to the archive's root.
///
/// Links are never followed, at no step of a path. Nothing replaces an existing file. What was written is durable only
/// after [`WriteFile::sync`], and a name only after [`Files::sync_folder`] of its folder.
pub trait Files: Debug + Send + Sync {
    /// Whether the root is still the folder that was opened.
    fn is_in_place(&self) -> io::Result<bool>;
    /// Makes a folder if it is not there, durably, with those above it.
    fn make_folder(&self, folder: &Path) -> io::Result<()>;
    /// What lies in a folder, in no particular order; nothing when it is not there.
    fn list(&self, folder: &Path) -> io::Result<Vec<Entry>>;
    /// The length of a file in bytes; nothing when it is not there.
    ///
    /// # Errors
    /// Also for anything that is not a regular file.
    fn length(&self, path: &Path) -> io::Result<Option<u64>>;
    /// Creates a file that must not be there yet, for writing.
    fn create(&self, path: &Path) -> io::Result<Box<dyn WriteFile>>;
    /// The same for one that nobody needs any more once this process is done with it: nothing of it has to reach the disk.
    fn create_scratch(&self, path: &Path) -> io::Result<Box<dyn WriteFile>> {
        self.create(path)
    }
    /// Opens an existing file; all that is written goes to its end.
    fn append(&self, path: &Path) -> io::Result<Box<dyn WriteFile>>;
    /// Opens an existing file for reading.
    fn read(&self, path: &Path) -> io::Result<Box<dyn ReadFile>>;
    /// Gives a file another name, which must not be there yet.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// Removes a file.
    fn remove(&self, path: &Path) -> io::Result<()>;
    /// Makes the names in a folder durable.
    fn sync_folder(&self, folder: &Path) -> io::Result<()>;
    /// How many bytes can still be written to the file system that the root lies in.
    fn free_bytes(&self) -> io::Result<u64>;
}

/// A file that is written to.
pub trait WriteFile: Write + Send {
    /// Makes all that was written durable.
    fn sync(&mut self) -> io::Result<()>;
    /// The file's length in bytes.
    fn length(&self) -> io::Result<u64>;
}

/// A file that is read.
pub trait ReadFile: Read + Seek + Send {}

impl<T: Read + Seek + Send> ReadFile for T {}

impl WriteFile for RealFile {
    fn sync(&mut self) -> io::Result<()> {
        self.file.sync_all().inspect(|()| vitals::moved())
    }

    fn length(&self) -> io::Result<u64> {
        Ok(self.file.metadata()?.len())
    }
}

/// A file of the real file system. Each block that went through is a sign of life: some files take their time.
struct RealFile {
    file: File,
    /// Where it ends, if it is written to.
    end: u64,
    /// So many bytes of what was written the disk was asked to begin with; nothing where it never has to.
    handed_on: Option<u64>,
}

/// How a file is opened that must not be there yet.
const NEW: OFlags = OFlags::WRONLY.union(OFlags::APPEND).union(OFlags::CREATE).union(OFlags::EXCL);

/// So much is written before the disk is asked to begin with it: else it does nothing until a sync waits for all of it.
const HAND_ON: u64 = 8 << 20;

impl RealFile {
    /// Lets the disk begin with what was written, once it is enough. Nothing depends on it, so that it does not matter where
    /// it fails.
    fn hand_on(&mut self) {
        let Some(from) = self.handed_on.filter(|from| self.end - from >= HAND_ON) else { return };
        let _ = rustix::fs::fadvise(&self.file, from, NonZeroU64::new(self.end - from), Advice::DontNeed);
        self.handed_on = Some(self.end);
    }
}

impl Read for RealFile {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.file.read(into).inspect(|_| vitals::moved())
    }
}

impl Write for RealFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.file.write(bytes)?;
        vitals::moved();
        self.end += written as u64;
        self.hand_on();
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Seek for RealFile {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.file.seek(to)
    }
}

/// Something in a folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its name.
    pub name: OsString,
    /// What it is.
    pub is: EntryIs,
}

/// What an [`Entry`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EntryIs {
    /// A regular file.
    File,
    /// A folder.
    Folder,
    /// A link, a device or the like: nothing that belongs into an archive.
    Other,
}

/// The real file system below a root folder.
#[derive(Debug)]
pub struct RealFiles {
    root: OwnedFd,
    path: PathBuf,
    file_mode: Mode,
    folder_mode: Mode,
}

impl RealFiles {
    /// Opens the root folder, which must be there. It may be reached through links.
    ///
    /// # Errors
    /// Whatever opening the folder gives.
    pub fn open(path: &Path, file_mode: u32, folder_mode: u32) -> io::Result<Self> {
        let root = rustix::fs::openat(CWD, path, OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?;
        let path = path.to_owned();
        Ok(Self {
            root,
            path,
            file_mode: Mode::from_raw_mode(file_mode),
            folder_mode: Mode::from_raw_mode(folder_mode),
        })
    }

    /// Opens a folder step by step, so that a link anywhere in the path is refused.
    fn folder(&self, folder: &Path) -> io::Result<OwnedFd> {
        vitals::moved();
        let mut at = self.root.try_clone()?;
        for name in names(folder)? {
            at = open_folder(&at, &name)?;
        }
        Ok(at)
    }

    /// The folder that a path lies in, opened, and its last name.
    fn parent(&self, path: &Path) -> io::Result<(OwnedFd, PathBuf)> {
        vitals::moved();
        let mut names = names(path)?;
        let last = names.pop().ok_or_else(|| io::Error::from(io::ErrorKind::InvalidInput))?;
        let mut at = self.root.try_clone()?;
        for name in names {
            at = open_folder(&at, &name)?;
        }
        Ok((at, last))
    }

    fn open_file(&self, path: &Path, flags: OFlags) -> io::Result<RealFile> {
        let (folder, name) = self.parent(path)?;
        let flags = flags | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK;
        let file = rustix::fs::openat(&folder, &name, flags, self.file_mode)?;
        let status = rustix::fs::fstat(&file)?;
        if FileType::from_raw_mode(status.st_mode) != FileType::RegularFile {
            return Err(not_a_file());
        }
        if flags.contains(OFlags::CREATE) {
            // The process's umask must not decide who can read the archive.
            rustix::fs::fchmod(&file, self.file_mode)?;
        }
        let end = u64::try_from(status.st_size).unwrap_or(0);
        Ok(RealFile { file: File::from(file), end, handed_on: Some(end) })
    }
}

impl Files for RealFiles {
    fn is_in_place(&self) -> io::Result<bool> {
        let (opened, there) = (rustix::fs::fstat(&self.root)?, rustix::fs::stat(&self.path)?);
        Ok((opened.st_dev, opened.st_ino) == (there.st_dev, there.st_ino))
    }

    fn make_folder(&self, folder: &Path) -> io::Result<()> {
        let mut at = self.root.try_clone()?;
        for name in names(folder)? {
            match rustix::fs::mkdirat(&at, &name, self.folder_mode) {
                Ok(()) => {
                    let made = open_folder(&at, &name)?;
                    rustix::fs::fchmod(&made, self.folder_mode)?;
                    rustix::fs::fsync(&made)?;
                    rustix::fs::fsync(&at)?;
                    at = made;
                }
                Err(Errno::EXIST) => {
                    // Whoever made it may have been killed before its name was durable.
                    let found = open_folder(&at, &name)?;
                    rustix::fs::fsync(&at)?;
                    at = found;
                }
                Err(errno) => return Err(errno.into()),
            }
        }
        Ok(())
    }

    fn list(&self, folder: &Path) -> io::Result<Vec<Entry>> {
        let folder = match self.folder(folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            folder => folder?,
        };
        let mut entries = Vec::new();
        for entry in rustix::fs::Dir::read_from(&folder)? {
            let entry = entry?;
            let name = entry.file_name();
            if name == c"." || name == c".." {
                continue;
            }
            let status = rustix::fs::statat(&folder, name, AtFlags::SYMLINK_NOFOLLOW)?;
            let is = match FileType::from_raw_mode(status.st_mode) {
                FileType::RegularFile => EntryIs::File,
                FileType::Directory => EntryIs::Folder,
                _ => EntryIs::Other,
            };
            let name = std::os::unix::ffi::OsStringExt::from_vec(name.to_bytes().to_vec());
            entries.push(Entry { name, is });
        }
        Ok(entries)
    }

    fn length(&self, path: &Path) -> io::Result<Option<u64>> {
        let (folder, name) = match self.parent(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            parent => parent?,
        };
        match rustix::fs::statat(&folder, &name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(status) if FileType::from_raw_mode(status.st_mode) == FileType::RegularFile => {
                Ok(Some(u64::try_from(status.st_size).unwrap_or(0)))
            }
            Ok(_) => Err(not_a_file()),
            Err(Errno::NOENT) => Ok(None),
            Err(errno) => Err(errno.into()),
        }
    }

    fn create(&self, path: &Path) -> io::Result<Box<dyn WriteFile>> {
        Ok(Box::new(self.open_file(path, NEW)?))
    }

    fn create_scratch(&self, path: &Path) -> io::Result<Box<dyn WriteFile>> {
        Ok(Box::new(RealFile { handed_on: None, ..self.open_file(path, NEW)? }))
    }

    fn append(&self, path: &Path) -> io::Result<Box<dyn WriteFile>> {
        Ok(Box::new(self.open_file(path, OFlags::WRONLY | OFlags::APPEND)?))
    }

    fn read(&self, path: &Path) -> io::Result<Box<dyn ReadFile>> {
        Ok(Box::new(self.open_file(path, OFlags::RDONLY)?))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let (from_folder, from_name) = self.parent(from)?;
        let (to_folder, to_name) = self.parent(to)?;
        match rustix::fs::renameat_with(&from_folder, &from_name, &to_folder, &to_name, RenameFlags::NOREPLACE) {
            // Some file systems cannot refuse to replace. Nobody else writes here, so that a look before is enough.
            Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) => {
                if self.length(to)?.is_some() {
                    return Err(io::ErrorKind::AlreadyExists.into());
                }
                Ok(rustix::fs::renameat(&from_folder, &from_name, &to_folder, &to_name)?)
            }
            renamed => Ok(renamed?),
        }
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        let (folder, name) = self.parent(path)?;
        Ok(rustix::fs::unlinkat(&folder, &name, AtFlags::empty())?)
    }

    fn sync_folder(&self, folder: &Path) -> io::Result<()> {
        Ok(rustix::fs::fsync(self.folder(folder)?)?)
    }

    fn free_bytes(&self) -> io::Result<u64> {
        Ok(FileSystem::of_open(&self.root)?.free)
    }
}

fn open_folder(at: &OwnedFd, name: &Path) -> io::Result<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    Ok(rustix::fs::openat(at, name, flags, Mode::empty())?)
}

fn not_a_file() -> io::Error {
    io::Error::new(
        io::ErrorKind::InvalidInput,
        "it is a link, a device or a folder, where a regular file has to be: put the file back",
    )
}

/// The names of a relative path, one for each step down.
fn names(path: &Path) -> io::Result<Vec<PathBuf>> {
    path.components()
        .map(|component| match component {
            Component::Normal(name) => Ok(PathBuf::from(name)),
            _ => Err(io::ErrorKind::InvalidInput.into()),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    fn archive() -> (tempfile::TempDir, RealFiles) {
        let root = tempfile::tempdir().unwrap();
        let files = RealFiles::open(root.path(), 0o640, 0o750).unwrap();
        (root, files)
    }

    #[test]
    fn files_and_folders_get_the_modes_asked_for() {
        let (root, files) = archive();
        files.make_folder(Path::new("a/b")).unwrap();
        files.create(Path::new("a/b/c")).unwrap();
        let mode = |path: &str| root.path().join(path).metadata().unwrap().permissions().mode() & 0o777;
        assert_eq!((mode("a"), mode("a/b"), mode("a/b/c")), (0o750, 0o750, 0o640));
    }

    #[test]
    fn links_are_refused_at_every_step() {
        let (root, files) = archive();
        let elsewhere = tempfile::tempdir().unwrap();
        std::fs::write(elsewhere.path().join("file"), "x").unwrap();
        symlink(elsewhere.path(), root.path().join("folder")).unwrap();
        symlink(elsewhere.path().join("file"), root.path().join("file")).unwrap();
        assert!(files.append(Path::new("folder/file")).is_err());
        assert!(files.append(Path::new("file")).is_err());
        assert!(files.read(Path::new("file")).is_err());
        assert!(files.length(Path::new("file")).is_err());
        assert!(files.make_folder(Path::new("folder/new")).is_err());
        assert!(files.create(Path::new("../outside")).is_err());
        assert_eq!(files.list(Path::new("")).unwrap().iter().filter(|entry| entry.is == EntryIs::Other).count(), 2);
    }

    #[test]
    fn nothing_is_replaced() {
        let (_root, files) = archive();
        for name in ["a", "b"] {
            files.create(Path::new(name)).unwrap().write_all(name.as_bytes()).unwrap();
        }
        assert!(files.create(Path::new("a")).is_err());
        assert!(files.rename(Path::new("a"), Path::new("b")).is_err());
        files.rename(Path::new("a"), Path::new("c")).unwrap();
        assert_eq!(files.length(Path::new("a")).unwrap(), None);
        assert_eq!(files.length(Path::new("c")).unwrap(), Some(1));
    }

    #[test]
    fn a_device_is_no_segment() {
        let (root, files) = archive();
        rustix::fs::mkfifoat(CWD, root.path().join("pipe"), Mode::from_raw_mode(0o600)).unwrap();
        assert!(files.read(Path::new("pipe")).is_err());
        assert!(files.length(Path::new("pipe")).is_err());
    }
}
