//! A new database that is made completely before it takes the place of the one in the state folder.
//!
//! | step | what | a crash after it leaves |
//! |---|---|---|
//! | 1 | the new database is made in `<state>/rebuild.new` | the state as it was; the folder is made anew |
//! | 2 | the old one is moved aside, `state.db` first: without it, its log is refused | a state that knows nothing of the archive, which is refused |
//! | 3 | the new one, without a log, is renamed to `state.db`; fsync of the folder | |

use std::{
    fs::{self, DirBuilder, File},
    io::ErrorKind,
    os::unix::fs::DirBuilderExt as _,
    path::{Path, PathBuf},
};

use crate::{
    instant::Instant,
    lock::Lock,
    state::{ArchiveId, SourceState, StateError, Store, store},
};

/// Where the new database is made.
const BUILDING: &str = "rebuild.new";

/// The name of the database.
const DATABASE: &str = "state.db";

/// What SQLite adds to the name of the database for its files.
const SUFFIXES: [&str; 3] = ["", "-wal", "-shm"];

/// A database that is made. The state folder is locked.
#[derive(Debug)]
pub struct Replacement {
    folder: PathBuf,
    store: Store,
    building: Building,
    _lock: Lock,
}

/// The folder in which it is made, which goes with it.
#[derive(Debug)]
struct Building(PathBuf);

impl Drop for Building {
    fn drop(&mut self) {
        // What is left of it is removed before the next one is made.
        let _ = fs::remove_dir_all(&self.0);
    }
}

impl Replacement {
    /// Locks the state folder and makes an empty database beside the one that may be in it.
    ///
    /// # Errors
    /// When the folder is missing, not ours or in use.
    pub fn begin(folder: &Path) -> Result<Self, StateError> {
        let lock = store::lock(folder)?;
        let building = folder.join(BUILDING);
        match fs::remove_dir_all(&building) {
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            cleared => cleared.map_err(in_folder(&building))?,
        }
        DirBuilder::new().mode(0o750).create(&building).map_err(in_folder(&building))?;
        let building = Building(building);
        let store = Store::open(&building.0)?;
        Ok(Self { folder: folder.to_owned(), store, building, _lock: lock })
    }

    /// The new database.
    #[must_use]
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// The database that is there already, if it may know something. One that was made by a start that was refused then
    /// knows of no archive and no source.
    #[must_use]
    pub fn replaces(&self) -> Option<PathBuf> {
        let (path, _) = old_files(&self.folder).next()?;
        let is_blank = || {
            let old = Store::open_read_only(&self.folder)?;
            old.read(|connection| {
                Ok::<_, StateError>(
                    ArchiveId::load(connection)?.is_none() && SourceState::load_all(connection)?.is_empty(),
                )
            })
        };
        // Whatever cannot be read may know something.
        (!is_blank().unwrap_or(false)).then_some(path)
    }

    /// Moves the database that is there aside and puts the new one into its place. The files that were moved, by their new
    /// names.
    ///
    /// # Errors
    /// When a file cannot be written or moved.
    pub fn finish(self, now: Instant) -> Result<Vec<PathBuf>, StateError> {
        let Self { folder, store, building, _lock } = self;
        store.close()?;
        let database = building.0.join(DATABASE);
        File::open(&database).and_then(|file| file.sync_all()).map_err(in_folder(&database))?;
        let moved = move_aside(&folder, now)?;
        rename(&database, &folder.join(DATABASE))?;
        sync(&folder)?;
        Ok(moved)
    }
}

fn move_aside(folder: &Path, now: Instant) -> Result<Vec<PathBuf>, StateError> {
    let mut moved = Vec::new();
    let aside = free_name(folder, now);
    for (path, suffix) in old_files(folder) {
        // SQLite finds the log of a database by its name.
        let aside = folder.join(format!("{aside}{suffix}"));
        rename(&path, &aside)?;
        sync(folder)?;
        moved.push(aside);
    }
    Ok(moved)
}

/// A name that no file has that was moved aside, not even one in the same second.
fn free_name(folder: &Path, now: Instant) -> String {
    let name = format!("{DATABASE}.replaced-{}", now.compact());
    let is_taken =
        |name: &str| SUFFIXES.iter().any(|suffix| folder.join(format!("{name}{suffix}")).symlink_metadata().is_ok());
    let others = (2_u32..).map(|number| format!("{name}-{number}"));
    std::iter::once(name.clone()).chain(others).find(|name| !is_taken(name)).unwrap_or(name)
}

/// What is there of a database, the database first, each file with what SQLite adds to its name.
fn old_files(folder: &Path) -> impl Iterator<Item = (PathBuf, &'static str)> {
    let files = SUFFIXES.into_iter().map(move |suffix| (folder.join(format!("{DATABASE}{suffix}")), suffix));
    files.filter(|(path, _)| path.symlink_metadata().is_ok())
}

/// Nobody else writes here: a look before is enough to replace nothing.
fn rename(from: &Path, to: &Path) -> Result<(), StateError> {
    if to.symlink_metadata().is_ok() {
        return Err(in_folder(to)(ErrorKind::AlreadyExists.into()));
    }
    fs::rename(from, to).map_err(in_folder(from))
}

fn sync(folder: &Path) -> Result<(), StateError> {
    File::open(folder).and_then(|file| file.sync_all()).map_err(in_folder(folder))
}

fn in_folder(path: &Path) -> impl FnOnce(std::io::Error) -> StateError {
    let path = path.to_owned();
    move |cause| StateError::Folder { path, cause }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<String> = entries.collect();
        names.sort();
        names
    }

    /// An archive id tells one database from another.
    fn id(folder: &Path) -> Option<ArchiveId> {
        let store = Store::open_read_only(folder).unwrap();
        store.read(ArchiveId::load).unwrap().map(|(id, _)| id)
    }

    fn mark(store: &Store) -> ArchiveId {
        let id = ArchiveId::random();
        store.transaction(|transaction| id.save(transaction, true)).unwrap();
        id
    }

    #[test]
    fn nothing_is_there_before_all_of_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let replacement = Replacement::begin(folder.path()).unwrap();
        mark(replacement.store());
        assert_eq!(names(folder.path()), ["lock", "rebuild.new"]);
        drop(replacement);
        assert_eq!(names(folder.path()), ["lock"]);
        // As a process leaves it that is killed.
        fs::create_dir(folder.path().join(BUILDING)).unwrap();
        mark(&Store::open(&folder.path().join(BUILDING)).unwrap());
        let replacement = Replacement::begin(folder.path()).unwrap();
        assert_eq!(replacement.replaces(), None);
        assert_eq!(replacement.store().read(ArchiveId::load).unwrap(), None, "what was begun is begun again");
        let new = mark(replacement.store());
        assert!(matches!(Store::open(folder.path()), Err(StateError::Locked(_))));
        assert_eq!(replacement.finish(Instant::from_seconds(0)).unwrap(), Vec::<PathBuf>::new());
        assert_eq!(names(folder.path()), ["lock", "state.db"]);
        assert_eq!(id(folder.path()), Some(new));
    }

    #[test]
    fn what_was_there_is_moved_aside_with_its_log_and_can_be_read_there() {
        let folder = tempfile::tempdir().unwrap();
        let old = Store::open(folder.path()).unwrap();
        let known = mark(&old);
        // As a process leaves it that is killed: what was committed last is in the log.
        let copy = tempfile::tempdir().unwrap();
        for name in ["state.db", "state.db-wal"] {
            fs::copy(folder.path().join(name), copy.path().join(name)).unwrap();
        }
        assert!(fs::metadata(copy.path().join("state.db-wal")).unwrap().len() > 0);
        let replacement = Replacement::begin(copy.path()).unwrap();
        assert_eq!(replacement.replaces(), Some(copy.path().join("state.db")));
        let new = mark(replacement.store());
        let moved = replacement.finish(Instant::from_seconds(0)).unwrap();
        assert_eq!(moved[0], copy.path().join("state.db.replaced-19700101T000000Z"));
        assert_eq!(moved[1], copy.path().join("state.db.replaced-19700101T000000Z-wal"));
        assert_eq!(id(copy.path()), Some(new));
        let connection = rusqlite::Connection::open(&moved[0]).unwrap();
        assert_eq!(ArchiveId::load(&connection).unwrap(), Some((known, true)));
        drop(connection);
        // Once more within the same second.
        let moved = Replacement::begin(copy.path()).unwrap().finish(Instant::from_seconds(0)).unwrap();
        assert_eq!(moved[0], copy.path().join("state.db.replaced-19700101T000000Z-2"));
    }

    #[test]
    fn a_database_of_a_refused_start_knows_nothing_and_one_that_cannot_be_read_may_know_something() {
        let folder = tempfile::tempdir().unwrap();
        drop(Store::open(folder.path()).unwrap());
        assert_eq!(Replacement::begin(folder.path()).unwrap().replaces(), None);
        let database = folder.path().join("state.db");
        fs::write(&database, "not a database").unwrap();
        assert_eq!(Replacement::begin(folder.path()).unwrap().replaces(), Some(database.clone()));
        fs::remove_file(&database).unwrap();
        let log = folder.path().join("state.db-wal");
        fs::write(&log, "a log alone").unwrap();
        assert_eq!(Replacement::begin(folder.path()).unwrap().replaces(), Some(log));
    }
}
