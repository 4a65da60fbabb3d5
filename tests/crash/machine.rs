//! A machine: a disk for the archive and a folder for the state. It can be photographed, and made again from a
//! photograph.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
};

use tempfile::TempDir;

use crate::disk::{Content, Disk};

/// SQLite's own durability is taken as given: what it returned from is in these two files.
const DATABASE: [&str; 2] = ["state.db", "state.db-wal"];

/// The machine at one moment.
#[derive(Clone)]
pub(crate) struct Snapshot {
    pub(crate) content: Content,
    state: Vec<(&'static str, Vec<u8>)>,
}

pub(crate) struct Machine {
    pub(crate) disk: Disk,
    state: TempDir,
}

impl Machine {
    /// An empty one.
    pub(crate) fn new() -> Self {
        Self { disk: Disk::default(), state: state_folder() }
    }

    /// The one of `snapshot`, with `content` on its disk.
    pub(crate) fn again(snapshot: &Snapshot, content: Content) -> Self {
        let machine = Self { disk: Disk::new(content), state: state_folder() };
        for (name, bytes) in &snapshot.state {
            std::fs::write(machine.state.path().join(name), bytes).unwrap();
        }
        machine
    }

    pub(crate) fn state_folder(&self) -> &Path {
        self.state.path()
    }

    /// Photographs every moment of `life`, and the one after it.
    pub(crate) fn film<T>(&self, life: impl FnOnce() -> T) -> (T, Vec<Snapshot>) {
        let album: Arc<Mutex<Vec<Snapshot>>> = Arc::default();
        let (pages, folder) = (Arc::clone(&album), self.state.path().to_owned());
        self.disk.film(move |content| {
            let snapshot = Snapshot { content: content.clone(), state: database(&folder) };
            let mut pages = pages.lock().unwrap();
            if pages.last().is_none_or(|last| last.content != snapshot.content || last.state != snapshot.state) {
                pages.push(snapshot);
            }
        });
        let lived = life();
        self.disk.stop_filming();
        let mut snapshots = std::mem::take(&mut *album.lock().unwrap());
        snapshots.push(Snapshot { content: self.disk.content(), state: database(self.state.path()) });
        (lived, snapshots)
    }
}

fn database(folder: &Path) -> Vec<(&'static str, Vec<u8>)> {
    DATABASE.iter().filter_map(|name| Some((*name, std::fs::read(folder.join(name)).ok()?))).collect()
}

/// In memory where the machine has a file system there: thousands of databases are opened.
fn state_folder() -> TempDir {
    let memory = PathBuf::from("/dev/shm");
    if memory.is_dir() { TempDir::new_in(memory).unwrap() } else { TempDir::new().unwrap() }
}
