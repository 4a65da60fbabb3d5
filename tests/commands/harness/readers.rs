//! Readers of the segments: what they saw once must be there for ever, plain or compressed.

use std::{
    collections::BTreeMap,
    fs,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use atlas_logd::source::Source;

use super::{
    Stage,
    stored::{Stored, note_segments},
};

/// What was seen of the segments so far.
#[derive(Default)]
pub(crate) struct Readers {
    /// By the path that a segment has when it is plain.
    seen: BTreeMap<PathBuf, Seen>,
    /// Where commits ended, in the bytes of all segments of a folder one after the other.
    ends: BTreeMap<PathBuf, Vec<usize>>,
}

/// The beginning of a segment.
struct Seen {
    length: usize,
    hash: blake3::Hash,
    /// Inode and time of the last change: a file for which they are the same was not written to.
    stamp: (u64, i64, i64),
}

impl Seen {
    fn of(stored: &Stored) -> Self {
        let (bytes, metadata) = (stored.bytes(), fs::metadata(&stored.path).unwrap());
        Self { length: bytes.len(), hash: blake3::hash(&bytes), stamp: stamp(&metadata) }
    }
}

fn stamp(metadata: &fs::Metadata) -> (u64, i64, i64) {
    (metadata.ino(), metadata.ctime(), metadata.ctime_nsec())
}

impl Readers {
    /// Looks at all files. Those that seem not to have been written to are read too where a look is `thorough`.
    #[track_caller]
    fn look(&mut self, files: BTreeMap<PathBuf, Stored>, thorough: bool) {
        let mut lengths: BTreeMap<PathBuf, usize> = BTreeMap::new();
        let mut before = std::mem::take(&mut self.seen);
        for (path, stored) in files {
            let now = match before.remove(&path) {
                Some(seen) if !thorough && seen.stamp == stamp(&fs::metadata(&stored.path).unwrap()) => seen,
                Some(seen) => grown(&stored, &seen),
                None => Seen::of(&stored),
            };
            *lengths.entry(path.parent().unwrap().to_owned()).or_default() += now.length;
            self.seen.insert(path, now);
        }
        assert!(before.is_empty(), "files are gone: {:?}", before.keys());
        lengths.into_iter().for_each(|(folder, length)| self.note_end(folder, length));
    }

    fn note_end(&mut self, folder: PathBuf, end: usize) {
        let ends = self.ends.entry(folder).or_default();
        if ends.last().is_none_or(|&last| last < end) {
            ends.push(end);
        }
    }
}

/// A segment that begins with what was seen of it.
#[track_caller]
fn grown(stored: &Stored, seen: &Seen) -> Seen {
    let (now, path) = (Seen::of(stored), &stored.path);
    assert!(now.length >= seen.length, "{} became shorter: it had {}", path.display(), seen.length);
    let same =
        now.length == seen.length && now.hash == seen.hash || blake3::hash(&stored.bytes()[..seen.length]) == seen.hash;
    assert!(same, "{}: of the first {} bytes some have changed", path.display(), seen.length);
    now
}

/// The segments below `folder`; what begins with a dot is no segment.
fn segments_below(folder: &Path, found: &mut BTreeMap<PathBuf, Stored>) {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap()) {
        if entry.file_name().to_string_lossy().starts_with('.') {
            continue;
        }
        match entry.file_type().unwrap().is_dir() {
            true => segments_below(&entry.path(), found),
            false => files.push(entry.path()),
        }
    }
    note_segments(files, found);
}

impl Stage {
    /// Looks at all segments: whatever was there at the last look has to be there still. Every command and every poll
    /// does it.
    #[track_caller]
    pub(crate) fn look_at_segments(&self) {
        self.look(false);
    }

    /// The same, and at those too that seem not to have been written to.
    #[track_caller]
    pub(crate) fn look_thoroughly_at_segments(&self) {
        self.look(true);
    }

    #[track_caller]
    fn look(&self, thorough: bool) {
        let mut files = BTreeMap::new();
        if self.archive().is_dir() {
            segments_below(&self.archive(), &mut files);
        }
        self.readers.borrow_mut().look(files, thorough);
    }

    /// Lets somebody else write to segments; what was seen before need not be there any more.
    pub(crate) fn damaged(&self, damage: impl FnOnce()) {
        self.look_thoroughly_at_segments();
        damage();
        *self.readers.borrow_mut() = Readers::default();
    }

    /// Notes commits of a source of which so many bytes each were told.
    pub(super) fn note_commits(&self, source: &Source, commits: &[u64]) {
        let folder = self.folder_of(source);
        let mut readers = self.readers.borrow_mut();
        let mut end = readers.ends.get(&folder).and_then(|ends| ends.last()).copied().unwrap_or(0);
        for bytes in commits {
            end += usize::try_from(*bytes).unwrap();
            readers.note_end(folder.clone(), end);
        }
    }

    /// Where commits of a source ended, as far as they were seen.
    pub(super) fn commit_ends(&self, source: &Source) -> Vec<usize> {
        self.readers.borrow().ends.get(&self.folder_of(source)).cloned().unwrap_or_default()
    }
}
