//! The root of the archive: its marker, its lock, and whether it belongs to the state.

use std::{
    fs::{File, TryLockError},
    io::{self, Read as _},
    path::{Path, PathBuf},
    sync::Arc,
};

use serde::{Deserialize, Serialize};

use crate::{
    archive::{ArchiveError, EntryIs, Files, Room, SPOOL},
    config,
    lock::Lock,
    state::{ArchiveId, Store},
};

/// The name of the marker.
pub const MARKER: &str = ".atlas-logd";

/// The version of the layout on disk.
const FORMAT: u64 = 1;

/// A marker is some 70 bytes long.
const MARKER_LIMIT: u64 = 4096;

#[derive(Serialize, Deserialize)]
struct Marker {
    format: u64,
    archive: String,
}

/// An archive that is open for writing.
#[derive(Debug)]
pub struct Archive {
    folder: PathBuf,
    files: Arc<dyn Files>,
    id: ArchiveId,
    room: Room,
    _lock: Option<Lock>,
}

impl Archive {
    /// Opens the archive that belongs to `store`, and makes it when both are new.
    ///
    /// Crash points: the id goes into the state first (not marked), then into the marker, then the state says marked.
    /// A marker is missed only where the state says marked, and may be cut short only where it does not.
    ///
    /// # Errors
    /// When the folder is missing, not writable or in use, or when archive and state do not belong together.
    pub fn open(settings: &config::Archive, files: Arc<dyn Files>, store: &Store) -> Result<Self, ArchiveError> {
        let folder = settings.dir.clone();
        let in_folder = |cause| ArchiveError::Folder { path: folder.clone(), cause };
        let known = store.read(ArchiveId::load)?;
        let marked = known.as_ref().is_some_and(|(_, marked)| *marked);
        let unfinished = known.as_ref().is_some_and(|(_, marked)| !marked);
        let found = pair(files.as_ref(), &folder, known.as_ref())?;
        let id = match known {
            Some((id, _)) => id,
            None => {
                let id = ArchiveId::random();
                store.transaction(|transaction| id.save(transaction, false))?;
                id
            }
        };
        if found.is_none() {
            touch_marker(files.as_ref()).map_err(in_folder)?;
        }
        let mut lock = lock(&folder)?;
        if found.is_some() && unfinished {
            // Whoever wrote it may have been killed before it was durable.
            sync_marker(files.as_ref()).map_err(in_folder)?;
        }
        if found.is_none() {
            // Another first start may have been faster.
            match marker_of(files.as_ref(), &folder, unfinished)? {
                Some(found) if found != id => return Err(foreign(folder, &found, &id)),
                Some(_) => {}
                None => {
                    let replaced = write_marker(files.as_ref(), &id).map_err(in_folder)?;
                    if replaced {
                        drop(lock);
                        lock = self::lock(&folder)?;
                    }
                }
            }
        }
        if !marked {
            // Not each time: were the id in the log, a database that is swapped with another one would seem to be ours.
            store.transaction(|transaction| id.save(transaction, true))?;
        }
        files.make_folder(Path::new(SPOOL)).map_err(in_folder)?;
        Ok(Self { folder, files, id, room: Room::default(), _lock: lock })
    }

    /// Opens an archive that was used before, whose state is lost: nothing but its marker says which one it is.
    ///
    /// # Errors
    /// When the folder is missing, not readable or in use, or has no marker.
    pub fn open_without_state(settings: &config::Archive, files: Arc<dyn Files>) -> Result<Self, ArchiveError> {
        let folder = settings.dir.clone();
        let lock = lock(&folder)?;
        let id = read_marker(files.as_ref(), &folder)?.ok_or_else(|| ArchiveError::Unmarked(folder.clone()))?;
        Ok(Self { folder, files, id, room: Room::default(), _lock: lock })
    }

    /// Looks whether archive and state belong together, and changes nothing. `known` is what the state knows of its
    /// archive.
    ///
    /// # Errors
    /// Those of [`Archive::open`], except that another process may have the archive open.
    pub fn check(folder: &Path, files: &dyn Files, known: Option<&(ArchiveId, bool)>) -> Result<(), ArchiveError> {
        pair(files, folder, known).map(|_| ())
    }

    /// What tells it from every other archive.
    #[must_use]
    pub fn id(&self) -> &ArchiveId {
        &self.id
    }

    /// What stands in the marker of the archive with this id.
    ///
    /// # Errors
    /// Whatever JSON gives; for a number and a text there is nothing that can go wrong.
    pub fn marker(id: &ArchiveId) -> Result<String, serde_json::Error> {
        Ok(serde_json::to_string(&Marker { format: FORMAT, archive: id.to_string() })? + "\n")
    }

    /// The root folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The file system below the root.
    #[must_use]
    pub fn files(&self) -> &dyn Files {
        self.files.as_ref()
    }

    /// How much of the file system is spoken for by those who write at the moment.
    #[must_use]
    pub fn room(&self) -> &Room {
        &self.room
    }

    /// The file system below the root, to share.
    #[must_use]
    pub fn shared_files(&self) -> Arc<dyn Files> {
        Arc::clone(&self.files)
    }
}

/// What the marker says, if archive and state belong together.
fn pair(
    files: &dyn Files,
    folder: &Path,
    known: Option<&(ArchiveId, bool)>,
) -> Result<Option<ArchiveId>, ArchiveError> {
    let unfinished = known.is_some_and(|(_, marked)| !marked);
    let found = marker_of(files, folder, unfinished)?;
    match (&found, known) {
        (Some(found), Some((known, _))) if found != known => return Err(foreign(folder.to_owned(), found, known)),
        (Some(_), None) => return Err(ArchiveError::StateMissing(folder.to_owned())),
        (None, Some((_, true))) => return Err(ArchiveError::NotMounted(folder.to_owned())),
        (None, None | Some((_, false))) => refuse_unless_empty(files, folder)?,
        (Some(_), Some(_)) => {}
    }
    Ok(found)
}

/// The marker; one that was cut short counts as none while the state does not rely on it yet.
fn marker_of(files: &dyn Files, folder: &Path, unfinished: bool) -> Result<Option<ArchiveId>, ArchiveError> {
    match read_marker(files, folder) {
        Err(ArchiveError::Marker { .. }) if unfinished => Ok(None),
        found => found,
    }
}

fn read_marker(files: &dyn Files, folder: &Path) -> Result<Option<ArchiveId>, ArchiveError> {
    let path = folder.join(MARKER);
    let mut text = String::new();
    match files.length(Path::new(MARKER)) {
        // An empty marker is one whose writing was interrupted before anything was archived.
        Ok(None | Some(0)) => return Ok(None),
        Ok(Some(_)) => {}
        Err(cause) => return Err(ArchiveError::Folder { path, cause }),
    }
    let read = files.read(Path::new(MARKER)).and_then(|file| file.take(MARKER_LIMIT).read_to_string(&mut text));
    read.map_err(|cause| ArchiveError::Folder { path: path.clone(), cause })?;
    let marker: Marker = serde_json::from_str(&text)
        .map_err(|error| ArchiveError::Marker { path: path.clone(), detail: error.to_string() })?;
    if marker.format != FORMAT {
        return Err(ArchiveError::Newer { path: folder.to_owned(), found: marker.format, known: FORMAT });
    }
    match ArchiveId::parse(&marker.archive) {
        Some(id) => Ok(Some(id)),
        None => Err(ArchiveError::Marker { path, detail: "its archive id is not 32 hexadecimal digits".to_owned() }),
    }
}

fn foreign(path: PathBuf, found: &ArchiveId, expected: &ArchiveId) -> ArchiveError {
    ArchiveError::Foreign { path, found: found.to_string(), expected: expected.to_string() }
}

/// Makes an empty marker, which can be locked.
fn touch_marker(files: &dyn Files) -> io::Result<()> {
    match files.create(Path::new(MARKER)) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}

/// Writes the marker, whose lock is held. Whether the file was replaced, because it held the beginning of one.
fn write_marker(files: &dyn Files, id: &ArchiveId) -> io::Result<bool> {
    let marker = Archive::marker(id)?;
    let path = Path::new(MARKER);
    let replaced = files.length(path)? != Some(0);
    let mut file = if replaced {
        files.remove(path)?;
        files.create(path)?
    } else {
        files.append(path)?
    };
    file.write_all(marker.as_bytes())?;
    drop(file);
    sync_marker(files)?;
    Ok(replaced)
}

fn sync_marker(files: &dyn Files) -> io::Result<()> {
    files.append(Path::new(MARKER))?.sync()?;
    files.sync_folder(Path::new(""))
}

/// A folder that is to become an archive holds nothing yet, except what a file system or a start cut short leaves.
fn refuse_unless_empty(files: &dyn Files, folder: &Path) -> Result<(), ArchiveError> {
    let entries = files.list(Path::new("")).map_err(|cause| ArchiveError::Folder { path: folder.to_owned(), cause })?;
    let foreign = entries.into_iter().find(|entry| {
        let name = entry.name.to_string_lossy();
        !(name == MARKER || name == "lost+found" || (name == SPOOL && entry.is == EntryIs::Folder))
    });
    match foreign {
        Some(entry) => {
            Err(ArchiveError::NotEmpty { path: folder.to_owned(), found: entry.name.to_string_lossy().into_owned() })
        }
        None => Ok(()),
    }
}

fn lock(folder: &Path) -> Result<Option<Lock>, ArchiveError> {
    let path = folder.join(MARKER);
    // An archive that lives in a test's memory has no file to lock, and no second process.
    if !path.exists() {
        return Ok(None);
    }
    let file = File::open(&path).map_err(|cause| ArchiveError::Folder { path: path.clone(), cause })?;
    match Lock::take(file) {
        Ok(lock) => Ok(Some(lock)),
        Err(TryLockError::WouldBlock) => Err(ArchiveError::Locked(folder.to_owned())),
        Err(TryLockError::Error(cause)) => Err(ArchiveError::Folder { path, cause }),
    }
}
