//! A disk in memory that knows what would survive a power loss, can fail, and can be photographed at every operation.

use std::{
    collections::BTreeMap,
    ffi::OsString,
    io::{self, Cursor, Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard},
};

use atlas_logd::archive::{Entry, EntryIs, Files, ReadFile, WriteFile};

/// The bytes of a file: what a reader sees, and what is on stable storage. The second is always a beginning of the first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct FileBytes {
    pub(crate) live: Vec<u8>,
    pub(crate) durable: Vec<u8>,
    /// After a failed sync a later one succeeds, but what was not durable by then never will be: the page cache forgot it.
    sync_failed: bool,
}

impl FileBytes {
    /// A file that is on stable storage as a whole.
    pub(crate) fn durable(bytes: Vec<u8>) -> Self {
        Self { live: bytes.clone(), durable: bytes, sync_failed: false }
    }
}

/// What a name stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Thing {
    File(usize),
    Folder,
}

/// All that is on the disk. Names are durable only after a sync of their folder.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Content {
    pub(crate) files: Vec<FileBytes>,
    pub(crate) live: BTreeMap<PathBuf, Thing>,
    pub(crate) durable: BTreeMap<PathBuf, Thing>,
}

impl Content {
    /// What a reader sees of a file.
    pub(crate) fn read(&self, path: &Path) -> Option<&[u8]> {
        match self.live.get(path)? {
            Thing::File(number) => Some(&self.files[*number].live),
            Thing::Folder => None,
        }
    }

    /// All files and what a reader sees of them.
    pub(crate) fn all(&self) -> impl Iterator<Item = (&Path, &FileBytes)> {
        self.live.iter().filter_map(|(path, thing)| match thing {
            Thing::File(number) => Some((path.as_path(), &self.files[*number])),
            Thing::Folder => None,
        })
    }

    fn file(&mut self, path: &Path) -> io::Result<usize> {
        match self.live.get(path) {
            Some(Thing::File(number)) => Ok(*number),
            Some(Thing::Folder) => Err(io::ErrorKind::InvalidInput.into()),
            None => Err(io::ErrorKind::NotFound.into()),
        }
    }

    fn has_folder(&self, folder: &Path) -> bool {
        folder == Path::new("") || self.live.get(folder) == Some(&Thing::Folder)
    }

    fn sync_names(&mut self, folder: &Path) {
        let here = |path: &Path| path.parent() == Some(folder);
        // Of a rename out of this folder, file systems store both halves together, or the new name first.
        let moved_away: Vec<Thing> = self
            .durable
            .iter()
            .filter(|(path, thing)| {
                here(path) && matches!(thing, Thing::File(_)) && self.live.get(*path) != Some(thing)
            })
            .map(|(_, thing)| *thing)
            .collect();
        let arrived = self.live.iter().filter(|(_, thing)| moved_away.contains(thing));
        let arrived: Vec<_> = arrived.map(|(path, thing)| (path.clone(), *thing)).collect();
        self.durable.extend(arrived);
        self.durable.retain(|path, _| !here(path));
        let names: Vec<_> = self.live.iter().filter(|(path, _)| here(path)).collect();
        self.durable.extend(names.into_iter().map(|(path, thing)| (path.clone(), *thing)));
    }
}

/// Is shown the disk whenever it may have changed.
type Camera = Box<dyn FnMut(&Content) + Send>;

/// An operation that fails.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Failing {
    /// Which one, counted from 0.
    pub(crate) operation: usize,
    /// With which error of the system.
    pub(crate) errno: rustix::io::Errno,
    /// How many of the same kind on segments fail after it.
    pub(crate) more: usize,
}

/// Whether a file is a segment: nothing else has this suffix.
pub(crate) fn is_segment(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "ndjson")
}

#[derive(Default)]
struct Drive {
    content: Content,
    /// The operations so far, each with its path.
    operations: Vec<(&'static str, PathBuf)>,
    failing: Option<Failing>,
    camera: Option<Camera>,
}

impl Drive {
    /// Counts an operation, which may have to fail.
    fn begin(&mut self, operation: &'static str, path: &Path) -> io::Result<()> {
        let number = self.operations.len();
        self.operations.push((operation, path.to_owned()));
        self.show();
        let Some(failing) = self.failing else { return Ok(()) };
        let again = |first: &(&str, PathBuf)| first.0 == operation && is_segment(path);
        if number < failing.operation || number > failing.operation && !again(&self.operations[failing.operation]) {
            return Ok(());
        }
        let left = failing.more.checked_sub(usize::from(number > failing.operation));
        self.failing = left.filter(|more| *more > 0).map(|more| Failing { more, ..failing });
        Err(failing.errno.into())
    }

    fn show(&mut self) {
        if let Some(camera) = &mut self.camera {
            camera(&self.content);
        }
    }
}

/// The disk.
#[derive(Clone, Default)]
pub(crate) struct Disk(Arc<Mutex<Drive>>);

impl std::fmt::Debug for Disk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Disk").finish_non_exhaustive()
    }
}

impl Disk {
    /// A disk that holds `content`.
    pub(crate) fn new(content: Content) -> Self {
        Self(Arc::new(Mutex::new(Drive { content, ..Drive::default() })))
    }

    /// From now on `camera` is shown the disk before and after every operation, and in the middle of every write.
    pub(crate) fn film(&self, camera: impl FnMut(&Content) + Send + 'static) {
        self.drive().camera = Some(Box::new(camera));
    }

    pub(crate) fn stop_filming(&self) {
        self.drive().camera = None;
    }

    /// Lets one operation fail.
    pub(crate) fn fail(&self, failing: Failing) {
        self.drive().failing = Some(failing);
    }

    pub(crate) fn content(&self) -> Content {
        self.drive().content.clone()
    }

    /// The operations so far, each with its path.
    pub(crate) fn operations(&self) -> Vec<(&'static str, PathBuf)> {
        self.drive().operations.clone()
    }

    fn drive(&self) -> MutexGuard<'_, Drive> {
        self.0.lock().unwrap()
    }

    /// One operation that changes something.
    fn change<T>(
        &self,
        operation: &'static str,
        path: &Path,
        change: impl FnOnce(&mut Content) -> io::Result<T>,
    ) -> io::Result<T> {
        let mut drive = self.drive();
        drive.begin(operation, path)?;
        let changed = change(&mut drive.content)?;
        drive.show();
        Ok(changed)
    }

    fn look<T>(
        &self,
        operation: &'static str,
        path: &Path,
        look: impl FnOnce(&mut Content) -> io::Result<T>,
    ) -> io::Result<T> {
        let mut drive = self.drive();
        // Looking changes nothing: nothing to film.
        let camera = drive.camera.take();
        let begun = drive.begin(operation, path);
        drive.camera = camera;
        begun?;
        look(&mut drive.content)
    }
}

impl Files for Disk {
    fn is_in_place(&self) -> io::Result<bool> {
        Ok(true)
    }

    fn make_folder(&self, folder: &Path) -> io::Result<()> {
        let mut at = PathBuf::new();
        for name in folder {
            let above = at.clone();
            at.push(name);
            let missing = !self.drive().content.has_folder(&at);
            if missing {
                self.change("make folder", &at, |content| {
                    content.live.insert(at.clone(), Thing::Folder);
                    Ok(())
                })?;
            }
            self.change("sync folder", &above, |content| {
                content.sync_names(&above);
                Ok(())
            })?;
        }
        Ok(())
    }

    fn list(&self, folder: &Path) -> io::Result<Vec<Entry>> {
        self.look("list", folder, |content| {
            let here = content.live.iter().filter(|(path, _)| path.parent() == Some(folder));
            let entries = here.map(|(path, thing)| Entry {
                name: path.file_name().map(OsString::from).unwrap_or_default(),
                is: if *thing == Thing::Folder { EntryIs::Folder } else { EntryIs::File },
            });
            Ok(entries.collect())
        })
    }

    fn length(&self, path: &Path) -> io::Result<Option<u64>> {
        self.look("length", path, |content| match content.file(path) {
            Ok(number) => Ok(Some(content.files[number].live.len() as u64)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        })
    }

    fn create(&self, path: &Path) -> io::Result<Box<dyn WriteFile>> {
        let number = self.change("create", path, |content| {
            if content.live.contains_key(path) {
                return Err(io::ErrorKind::AlreadyExists.into());
            }
            if !path.parent().is_some_and(|folder| content.has_folder(folder)) {
                return Err(io::ErrorKind::NotFound.into());
            }
            content.files.push(FileBytes::default());
            content.live.insert(path.to_owned(), Thing::File(content.files.len() - 1));
            Ok(content.files.len() - 1)
        })?;
        Ok(Box::new(Pen { disk: self.clone(), path: path.to_owned(), number }))
    }

    fn append(&self, path: &Path) -> io::Result<Box<dyn WriteFile>> {
        let number = self.look("append", path, |content| content.file(path))?;
        Ok(Box::new(Pen { disk: self.clone(), path: path.to_owned(), number }))
    }

    fn read(&self, path: &Path) -> io::Result<Box<dyn ReadFile>> {
        let bytes = self.look("open to read", path, |content| {
            let number = content.file(path)?;
            Ok(content.files[number].live.clone())
        })?;
        Ok(Box::new(Eye { disk: self.clone(), path: path.to_owned(), bytes: Cursor::new(bytes) }))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.change("rename", from, |content| {
            if content.live.contains_key(to) {
                return Err(io::ErrorKind::AlreadyExists.into());
            }
            let number = content.file(from)?;
            content.live.remove(from);
            content.live.insert(to.to_owned(), Thing::File(number));
            Ok(())
        })
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.change("remove", path, |content| {
            content.file(path)?;
            content.live.remove(path);
            Ok(())
        })
    }

    fn sync_folder(&self, folder: &Path) -> io::Result<()> {
        self.change("sync folder", folder, |content| {
            content.sync_names(folder);
            Ok(())
        })
    }

    fn free_bytes(&self) -> io::Result<u64> {
        Ok(u64::MAX)
    }
}

/// A file that is written to.
struct Pen {
    disk: Disk,
    path: PathBuf,
    number: usize,
}

impl Write for Pen {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut drive = self.disk.drive();
        let (first, second) = bytes.split_at(bytes.len() / 2);
        let begun = drive.begin("write", &self.path);
        // A write that fails may have written something all the same.
        drive.content.files[self.number].live.extend_from_slice(first);
        begun?;
        drive.show();
        drive.content.files[self.number].live.extend_from_slice(second);
        drive.show();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl WriteFile for Pen {
    fn sync(&mut self) -> io::Result<()> {
        let mut drive = self.disk.drive();
        let begun = drive.begin("sync", &self.path);
        let file = &mut drive.content.files[self.number];
        file.sync_failed |= begun.is_err();
        begun?;
        if !file.sync_failed {
            file.durable.clone_from(&file.live);
        }
        drive.show();
        Ok(())
    }

    fn length(&self) -> io::Result<u64> {
        self.disk.look("length of open file", &self.path, |content| Ok(content.files[self.number].live.len() as u64))
    }
}

/// A file that is read.
struct Eye {
    disk: Disk,
    path: PathBuf,
    bytes: Cursor<Vec<u8>>,
}

impl Read for Eye {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.disk.look("read", &self.path, |_| Ok(()))?;
        self.bytes.read(buffer)
    }
}

impl Seek for Eye {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.bytes.seek(to)
    }
}
