//! A disk in memory for the archive, a folder for the state, and one process after the other.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use atlas_logd::{
    archive::Archive,
    clock::ManualClock,
    commit::{CommitError, Committer, Rotation},
    config::{self, RotateEvery},
    instant::Instant,
    source::{Filter, Kind, Source, SourceId},
    state::{SourceState, Store},
};
use tempfile::TempDir;

use super::{
    case::Case,
    disk::{Content, Disk, Failing, FileBytes, Thing},
};

/// The archive is said to lie here; nothing does.
pub(super) const ROOT: &str = "/memory/archive";

pub(super) struct Machine {
    pub(super) disk: Disk,
    state: TempDir,
    rotation: Rotation,
}

impl Machine {
    pub(super) fn new(case: &Case) -> Self {
        let memory = Path::new("/dev/shm");
        let state = if memory.is_dir() { TempDir::new_in(memory) } else { TempDir::new() };
        // Every window is at least as large as a segment may be, or none is.
        let size = if case.own_segment { 1 } else { 1 << 20 };
        let rotation = Rotation { size, every: RotateEvery::Day };
        Self { disk: Disk::default(), state: state.expect("a folder for the state can be made"), rotation }
    }

    pub(super) fn rotation(&self) -> Rotation {
        self.rotation
    }

    /// The writer of a process that begins now; the one before must be gone.
    pub(super) fn committer(&self) -> Committer {
        let store = Arc::new(Store::open(self.state.path()).expect("the state is whole"));
        let settings = config::Archive { dir: PathBuf::from(ROOT), ..config::Archive::default() };
        let archive = Archive::open(&settings, Arc::new(self.disk.clone()), &store).expect("the archive is its own");
        Committer::new(store, archive, Arc::new(ManualClock::new(at(9))))
    }

    /// A process that recovers the source and ends. One of its operations may fail.
    pub(super) fn recover(&self, failing: Option<usize>) -> Result<(), CommitError> {
        let committer = self.committer();
        if let Some(operation) = failing {
            self.fail(operation);
        }
        let recovered = committer.open(&source(), self.rotation).map(|_| ());
        // It may have been one that never came.
        self.fail(usize::MAX / 2);
        recovered
    }

    /// Lets an operation fail: 0 is the next one.
    pub(super) fn fail(&self, operation: usize) {
        let operation = self.disk.operations().len() + operation;
        self.disk.fail(Failing { operation, errno: rustix::io::Errno::IO, more: 0 });
    }

    /// Others put bytes where a file lies, or remove it. All that is on the disk is durable from then on.
    pub(super) fn put(&mut self, path: &Path, bytes: Option<Vec<u8>>) {
        let mut content = self.disk.content();
        match bytes {
            None => {
                content.live.remove(path);
            }
            Some(bytes) => {
                for folder in path.ancestors().skip(1).filter(|folder| *folder != Path::new("")) {
                    content.live.insert(folder.to_owned(), Thing::Folder);
                }
                content.files.push(FileBytes::durable(bytes));
                content.live.insert(path.to_owned(), Thing::File(content.files.len() - 1));
            }
        }
        self.disk = Disk::new(durable(content));
    }
}

fn durable(mut content: Content) -> Content {
    content.durable.clone_from(&content.live);
    content.files.iter_mut().for_each(|file| *file = FileBytes::durable(std::mem::take(&mut file.live)));
    content
}

pub(super) fn source() -> Source {
    let project_id = "0123456789abcdef01234567".to_owned();
    let id = SourceId { project_id, kind: Kind::StreamAudit, name: "orders".to_owned(), filter: Filter::default() };
    Source { id, project_name: "payments".to_owned() }
}

/// What the state says of the source.
pub(super) fn state_of(committer: &Committer) -> SourceState {
    let state = committer.store().read(|connection| SourceState::load(connection, &source().id));
    state.expect("the state is whole").expect("the source was seen")
}

/// Minutes of one morning.
pub(super) fn at(minute: i64) -> Instant {
    Instant::from_seconds(1_795_000_000 + minute * 60)
}
