//! The spool: the records of one window on their way into a segment.

use std::{
    io::{self, SeekFrom},
    path::{Path, PathBuf},
    sync::Arc,
};

use crate::{
    archive::{Files, ReadFile, WriteFile, pen::Pen},
    evidence::RunningSha256,
};

/// The folder of spool files, below the archive's root.
pub const SPOOL: &str = ".spool";

/// So much of an answer that comes newest first is turned round in memory; more of it goes through a file.
const IN_MEMORY: usize = 512 * 1024;

/// How much of a file is turned round at once.
const REVERSE_BLOCK: u64 = 256 * 1024;

/// The records of a window, complete and durable in a spool file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spooled {
    /// The name of the file in [`SPOOL`].
    pub name: String,
    /// Bytes, newlines included.
    pub length: u64,
    /// Records.
    pub records: u64,
    /// SHA-256 of what they are to lie behind, as it was said to [`SpoolWriter::new`].
    pub before: RunningSha256,
    /// The same with the bytes.
    pub sha256: RunningSha256,
}

impl Spooled {
    /// The path below the archive's root.
    #[must_use]
    pub fn path(name: &str) -> PathBuf {
        Path::new(SPOOL).join(name)
    }
}

/// Writes the new records of a window. The file is made with the first of them. Dropped before it is finished, or when that
/// failed, it leaves no file behind.
pub struct SpoolWriter {
    files: Arc<dyn Files>,
    /// The number in the file's name.
    number: i64,
    newest_first: bool,
    before: RunningSha256,
    pen: Option<Pen>,
    /// What comes newest first, as long as it is little.
    answer: Vec<u8>,
    /// Whether there may be a file that nobody will need.
    unfinished: bool,
    length: u64,
    records: u64,
}

impl SpoolWriter {
    /// The spool of the source with this number. Records that come newest first are turned round at the end. Their SHA-256 goes
    /// on from `before`, that of what they are to lie behind.
    #[must_use]
    pub fn new(files: Arc<dyn Files>, number: i64, newest_first: bool, before: RunningSha256) -> Self {
        let answer = Vec::new();
        Self { files, number, newest_first, before, pen: None, answer, unfinished: false, length: 0, records: 0 }
    }

    /// Adds a record; a newline is added to it.
    ///
    /// # Errors
    /// Whatever writing gives.
    pub fn push(&mut self, record: &[u8]) -> io::Result<()> {
        self.length += record.len() as u64 + 1;
        self.records += 1;
        if self.newest_first && self.pen.is_none() {
            self.answer.extend_from_slice(record);
            self.answer.push(b'\n');
            if self.answer.len() > IN_MEMORY {
                let answer = std::mem::take(&mut self.answer);
                self.pen()?.write(&answer)?;
            }
            return Ok(());
        }
        let pen = self.pen()?;
        pen.write(record)?;
        pen.write(b"\n")
    }

    fn pen(&mut self) -> io::Result<&mut Pen> {
        let pen = match self.pen.take() {
            Some(pen) => pen,
            None => {
                self.unfinished = true;
                match self.newest_first {
                    true => {
                        let path = Spooled::path(&answer_name(self.number));
                        Pen::new(create_answer(self.files.as_ref(), &path)?, None)
                    }
                    false => self.final_pen()?,
                }
            }
        };
        Ok(self.pen.insert(pen))
    }

    fn final_pen(&self) -> io::Result<Pen> {
        let file = create_spool(self.files.as_ref(), &Spooled::path(&final_name(self.number)))?;
        Ok(Pen::new(file, Some(self.before.clone())))
    }

    /// Makes the records durable; nothing when there are none.
    ///
    /// # Errors
    /// Whatever writing gives.
    pub fn finish(mut self) -> io::Result<Option<Spooled>> {
        if self.records == 0 {
            return Ok(None);
        }
        let written = self.pen.take().map(Pen::finish).transpose()?;
        let (mut file, sha256) = match written {
            Some(written) if !self.newest_first => written,
            answer => {
                drop(answer);
                self.turn_round()?
            }
        };
        file.sync()?;
        self.files.sync_folder(Path::new(SPOOL))?;
        self.unfinished = false;
        let (before, name) = (std::mem::take(&mut self.before), final_name(self.number));
        Ok(Some(Spooled { name, length: self.length, records: self.records, before, sha256 }))
    }

    /// Removes what was written.
    ///
    /// # Errors
    /// Whatever removing gives.
    pub fn discard(mut self) -> io::Result<()> {
        self.remove()
    }

    fn remove(&mut self) -> io::Result<()> {
        drop(self.pen.take());
        self.unfinished = false;
        remove_stale(self.files.as_ref(), self.number)
    }

    /// Writes the lines of the answer in reverse order into the final file. No record holds a newline.
    fn turn_round(&mut self) -> io::Result<(Box<dyn WriteFile>, RunningSha256)> {
        self.unfinished = true;
        let mut pen = self.final_pen()?;
        if !self.answer.is_empty() {
            reversed_lines(&mut io::Cursor::new(&self.answer), self.length, |line| pen.write(line))?;
            return pen.finish();
        }
        let path = Spooled::path(&answer_name(self.number));
        let mut answer = self.files.read(&path)?;
        reversed_lines(answer.as_mut(), self.length, |line| pen.write(line))?;
        self.files.remove(&path)?;
        pen.finish()
    }
}

impl Drop for SpoolWriter {
    fn drop(&mut self) {
        if self.unfinished {
            // What cannot be removed now is removed when the source is opened, or gives way to the next spool.
            let _ = self.remove();
        }
    }
}

/// Calls `each` with every line (its newline included) of a file of `length` bytes, the last one first; with a line
/// that is longer than a block, piece by piece.
///
/// Holds one block in memory.
fn reversed_lines(
    file: &mut dyn ReadFile,
    length: u64,
    mut each: impl FnMut(&[u8]) -> io::Result<()>,
) -> io::Result<()> {
    let mut block = vec![0; usize::try_from(REVERSE_BLOCK.min(length)).unwrap_or(0)];
    // What lies behind this was handed out; it is the end of a line.
    let mut left = length;
    while left > 0 {
        let begin = left.saturating_sub(REVERSE_BLOCK);
        let block = read_range(file, begin, left, &mut block)?;
        let mut end = block.len();
        while let Some(newline) = memchr::memrchr(b'\n', &block[..end.saturating_sub(1)]) {
            each(&block[newline + 1..end])?;
            end = newline + 1;
        }
        if begin == 0 {
            return each(&block[..end]);
        }
        left = match end < block.len() {
            true => begin + end as u64,
            // Not even one line fits into the block.
            false => long_line(file, begin, left, &mut each)?,
        };
    }
    Ok(())
}

/// Hands out the line that ends at `end` and begins somewhere before `known`, and returns where it begins.
fn long_line(
    file: &mut dyn ReadFile,
    known: u64,
    end: u64,
    each: &mut impl FnMut(&[u8]) -> io::Result<()>,
) -> io::Result<u64> {
    let mut block = vec![0; usize::try_from(REVERSE_BLOCK).unwrap_or(0)];
    let mut begin = known;
    while begin > 0 {
        let from = begin.saturating_sub(REVERSE_BLOCK);
        let newline = memchr::memrchr(b'\n', read_range(file, from, begin, &mut block)?);
        begin = newline.map_or(from, |newline| from + newline as u64 + 1);
        if newline.is_some() {
            break;
        }
    }
    let mut from = begin;
    while from < end {
        let to = end.min(from + REVERSE_BLOCK);
        each(read_range(file, from, to, &mut block)?)?;
        from = to;
    }
    Ok(begin)
}

/// The bytes of a file from `from` to `to`, which are no more than `block` holds.
fn read_range<'a>(file: &mut dyn ReadFile, from: u64, to: u64, block: &'a mut [u8]) -> io::Result<&'a [u8]> {
    let block = &mut block[..usize::try_from(to - from).unwrap_or(0)];
    file.seek(SeekFrom::Start(from))?;
    file.read_exact(block)?;
    Ok(block)
}

/// Removes what an earlier attempt left. Only for a source without a commit under way.
pub(crate) fn remove_stale(files: &dyn Files, number: i64) -> io::Result<()> {
    let all = [Spooled::path(&final_name(number)), Spooled::path(&answer_name(number)), note_spool(number)];
    // One that cannot be removed does not keep the others.
    all.map(|path| remove_if_there(files, &path)).into_iter().collect()
}

/// Removes a file that may be gone already.
pub(crate) fn remove_if_there(files: &dyn Files, path: &Path) -> io::Result<()> {
    match files.remove(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Makes a file in the spool; one that is left from before is given up.
pub(crate) fn create_spool(files: &dyn Files, path: &Path) -> io::Result<Box<dyn WriteFile>> {
    create_with(files, path, || files.create(path))
}

/// The same for an answer that is going to be turned round.
fn create_answer(files: &dyn Files, path: &Path) -> io::Result<Box<dyn WriteFile>> {
    create_with(files, path, || files.create_scratch(path))
}

fn create_with(
    files: &dyn Files,
    path: &Path,
    create: impl Fn() -> io::Result<Box<dyn WriteFile>>,
) -> io::Result<Box<dyn WriteFile>> {
    match create() {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            files.remove(path)?;
            create()
        }
        // Someone tidied up. Nothing was lost with it that is not asked for again.
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            files.make_folder(Path::new(SPOOL))?;
            create()
        }
        created => created,
    }
}

/// Where a digest or the like lies until it is put into its place.
pub(crate) fn note_spool(number: i64) -> PathBuf {
    Spooled::path(&format!("{number}.note"))
}

/// Not the suffix of a segment: a shipper that matches that one everywhere below the archive must not see the records twice.
fn final_name(number: i64) -> String {
    format!("{number}.records")
}

fn answer_name(number: i64) -> String {
    format!("{number}.answer")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{archive::RealFiles, evidence::Sha256Sum};

    fn spool(newest_first: bool, records: &[&[u8]]) -> Vec<u8> {
        let root = tempfile::tempdir().unwrap();
        let files: Arc<dyn Files> = Arc::new(RealFiles::open(root.path(), 0o640, 0o750).unwrap());
        files.make_folder(Path::new(SPOOL)).unwrap();
        let mut before = RunningSha256::default();
        before.update(b"before\n");
        let mut writer = SpoolWriter::new(files, 7, newest_first, before.clone());
        records.iter().for_each(|record| writer.push(record).unwrap());
        let Some(spooled) = writer.finish().unwrap() else { return Vec::new() };
        let bytes = std::fs::read(root.path().join(Spooled::path(&spooled.name))).unwrap();
        assert_eq!(spooled.length, bytes.len() as u64);
        assert_eq!(spooled.before, before);
        assert_eq!(spooled.sha256.sum(), Sha256Sum::of(&[&b"before\n"[..], &bytes].concat()));
        assert_eq!(spooled.records, records.len() as u64);
        assert_eq!(std::fs::read_dir(root.path().join(SPOOL)).unwrap().count(), 1);
        bytes
    }

    #[test]
    fn records_keep_their_bytes_and_their_order() {
        assert_eq!(spool(false, &[b"a\r", b"\xff", b"c"]), b"a\r\n\xff\nc\n");
        assert_eq!(spool(true, &[b"a\r", b"\xff", b"c"]), b"c\n\xff\na\r\n");
        assert_eq!(spool(true, &[]), b"");
    }

    #[test]
    fn what_is_not_finished_leaves_nothing_behind() {
        let root = tempfile::tempdir().unwrap();
        let files: Arc<dyn Files> = Arc::new(RealFiles::open(root.path(), 0o640, 0o750).unwrap());
        files.make_folder(Path::new(SPOOL)).unwrap();
        let left = || std::fs::read_dir(root.path().join(SPOOL)).unwrap().count();
        for newest_first in [false, true] {
            let mut writer = SpoolWriter::new(Arc::clone(&files), 7, newest_first, RunningSha256::default());
            writer.push(&vec![b'a'; IN_MEMORY]).unwrap();
            assert_eq!(left(), 1);
            drop(writer);
            assert_eq!(left(), 0);
        }
        let mut writer = SpoolWriter::new(Arc::clone(&files), 7, true, RunningSha256::default());
        writer.push(&vec![b'a'; IN_MEMORY]).unwrap();
        // A folder lies where the answer is to be turned round to.
        std::fs::create_dir_all(root.path().join(SPOOL).join("7.records")).unwrap();
        writer.finish().unwrap_err();
        assert!(!root.path().join(SPOOL).join("7.answer").exists());
    }

    #[test]
    fn lines_of_any_length_are_turned_round_exactly() {
        let block = usize::try_from(REVERSE_BLOCK).unwrap();
        let lines: Vec<Vec<u8>> = [1, block - 1, block, block + 1, 3 * block, 5, 2 * block - 7, 1]
            .iter()
            .enumerate()
            .map(|(number, &length)| vec![b'a' + u8::try_from(number).unwrap(); length])
            .collect();
        let records: Vec<&[u8]> = lines.iter().map(Vec::as_slice).collect();
        let expected: Vec<u8> = lines.iter().rev().flat_map(|line| [line.as_slice(), b"\n"].concat()).collect();
        assert!(spool(true, &records) == expected);
    }
}
