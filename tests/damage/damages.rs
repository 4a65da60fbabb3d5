//! What is done to a file or a folder, and how it is undone.

use std::{
    collections::HashSet,
    fs::{self, OpenOptions},
    io::Write,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
};

use crate::scene::{copy_folder, list};

/// What can be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Damage {
    CutInHalf,
    CutBetweenRecords,
    Emptied,
    ForgedLine,
    PartialLine,
    ZerosAppended,
    FirstByte,
    MiddleByte,
    LastBytes,
    Deleted,
    Link,
    WrongType,
    AnotherOne,
    OlderCopy,
}

impl Damage {
    /// Whether what it takes of a database depends on where its pages happen to lie.
    pub(crate) fn depends_on_pages(self) -> bool {
        matches!(self, Self::CutInHalf | Self::CutBetweenRecords | Self::MiddleByte | Self::LastBytes)
    }

    pub(crate) const OF_FILES: [Self; 14] = [
        Self::CutInHalf,
        Self::CutBetweenRecords,
        Self::Emptied,
        Self::ForgedLine,
        Self::PartialLine,
        Self::ZerosAppended,
        Self::FirstByte,
        Self::MiddleByte,
        Self::LastBytes,
        Self::Deleted,
        Self::Link,
        Self::WrongType,
        Self::AnotherOne,
        Self::OlderCopy,
    ];

    pub(crate) const OF_FOLDERS: [Self; 6] =
        [Self::Emptied, Self::Deleted, Self::Link, Self::WrongType, Self::AnotherOne, Self::OlderCopy];

    pub(crate) fn in_words(self, of_folder: bool) -> &'static str {
        match self {
            Self::WrongType if of_folder => "a file in its place",
            Self::CutInHalf => "cut in half",
            Self::CutBetweenRecords => "cut between two records",
            Self::Emptied => "emptied",
            Self::ForgedLine => "a forged line appended",
            Self::PartialLine => "a part of a line appended",
            Self::ZerosAppended => "zeros appended",
            Self::FirstByte => "first byte altered",
            Self::MiddleByte => "a byte in the middle altered",
            Self::LastBytes => "last bytes altered",
            Self::Deleted => "deleted",
            Self::Link => "moved, a link to it in its place",
            Self::WrongType => "a folder in its place",
            Self::AnotherOne => "swapped with another one",
            Self::OlderCopy => "an older copy of it",
        }
    }
}

/// Something that is damaged, with all that is needed to do and to undo it.
pub(crate) struct Victim {
    pub(crate) path: PathBuf,
    /// Another one of its kind.
    pub(crate) another: PathBuf,
    /// What it was earlier, where it was something else.
    pub(crate) older: PathBuf,
    /// An empty folder outside of state and archive.
    pub(crate) aside: PathBuf,
}

impl Victim {
    fn original(&self) -> PathBuf {
        self.aside.join("original")
    }

    fn damaged(&self) -> PathBuf {
        self.aside.join("damaged")
    }

    pub(crate) fn damage(&self, damage: Damage) {
        let path = &self.path;
        if !path.exists() {
            return;
        }
        fs::create_dir_all(&self.aside).unwrap();
        copy(path, &self.original());
        match damage {
            Damage::Emptied if path.is_dir() => list(path).iter().for_each(|path| remove(path)),
            Damage::Deleted => remove(path),
            Damage::Link => {
                let moved = self.aside.join("moved");
                fs::rename(path, &moved).unwrap();
                symlink(&moved, path).unwrap();
            }
            Damage::WrongType => {
                let folder = path.is_dir();
                remove(path);
                if folder { fs::write(path, "").unwrap() } else { fs::create_dir(path).unwrap() }
            }
            Damage::AnotherOne => self.replace(&self.another),
            Damage::OlderCopy => self.replace(&self.older),
            of_bytes => damage_bytes(path, of_bytes),
        }
        if path.is_file() {
            fs::copy(path, self.damaged()).unwrap();
        }
    }

    fn replace(&self, other: &Path) {
        if !other.exists() {
            return;
        }
        let copied = self.aside.join("other");
        copy(other, &copied);
        remove(&self.path);
        copy(&copied, &self.path);
    }

    /// The records that were in the files here, but for some files.
    pub(crate) fn records_but_for(&self, some: &[PathBuf]) -> HashSet<Vec<u8>> {
        let mut records = HashSet::new();
        collect(&self.original(), &self.path, some, &mut records);
        records
    }

    /// Puts back what was there; what was appended to a damaged file since stays.
    pub(crate) fn undo(&self) {
        let appended = match (fs::read(&self.path), fs::read(self.damaged())) {
            (Ok(now), Ok(damaged)) if now.starts_with(&damaged) => now[damaged.len()..].to_vec(),
            _ => Vec::new(),
        };
        remove(&self.path);
        copy(&self.original(), &self.path);
        if !appended.is_empty() {
            append(&self.path, &appended);
        }
    }
}

fn collect(original: &Path, path: &Path, some: &[PathBuf], records: &mut HashSet<Vec<u8>>) {
    if some.iter().any(|one| one == path) {
        return;
    }
    for below in list(original) {
        collect(&below, &path.join(below.file_name().unwrap()), some, records);
    }
    let bytes = fs::read(original).unwrap_or_default();
    records.extend(bytes.split(|byte| *byte == b'\n').map(<[u8]>::to_vec));
}

fn damage_bytes(path: &Path, damage: Damage) {
    let length = fs::metadata(path).unwrap().len();
    match damage {
        Damage::CutInHalf => cut(path, length / 2),
        Damage::CutBetweenRecords => {
            let bytes = fs::read(path).unwrap();
            let newline =
                bytes[..bytes.len().saturating_sub(1)].iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
            cut(path, newline as u64);
        }
        Damage::Emptied => cut(path, 0),
        Damage::ForgedLine => append(path, b"{\"forged\":true}\n"),
        Damage::PartialLine => append(path, b"{\"for"),
        Damage::ZerosAppended => append(path, &[0; 512]),
        Damage::FirstByte => alter(path, 0),
        Damage::MiddleByte => alter(path, length / 2),
        Damage::LastBytes => alter(path, length.saturating_sub(3)),
        other => unreachable!("{other:?} is not done to bytes"),
    }
}

fn cut(path: &Path, length: u64) {
    OpenOptions::new().write(true).open(path).unwrap().set_len(length).unwrap();
}

fn append(path: &Path, bytes: &[u8]) {
    OpenOptions::new().append(true).open(path).unwrap().write_all(bytes).unwrap();
}

/// In place, so that a process that has the file open sees it.
fn alter(path: &Path, at: u64) {
    use std::os::unix::fs::FileExt;
    let file = OpenOptions::new().read(true).write(true).open(path).unwrap();
    let mut byte = [0];
    if file.read_at(&mut byte, at).unwrap() == 1 {
        file.write_all_at(&[byte[0] ^ 1], at).unwrap();
    }
}

fn copy(from: &Path, to: &Path) {
    if from.is_dir() {
        fs::create_dir(to).unwrap();
        copy_folder(from, to);
    } else if from.exists() {
        fs::copy(from, to).unwrap();
    }
}

fn remove(path: &Path) {
    match path.symlink_metadata() {
        Ok(metadata) if metadata.is_dir() => fs::remove_dir_all(path).unwrap(),
        Ok(_) => fs::remove_file(path).unwrap(),
        Err(_) => {}
    }
}
