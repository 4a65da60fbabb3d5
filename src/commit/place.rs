//! Step 3 of a commit: the records reach their segment. The same code for a commit just begun and for recovery.

use std::{
    io::{self, BufRead, BufReader, Read, Seek, SeekFrom},
    path::{Path, PathBuf},
};

use crate::{
    archive::{Files, ReadFile, Spooled},
    commit::{CommitError, placing::sync_names, tail},
    evidence::{RunningSha256, Sha256Sum},
    state::{Intent, OpenSegment, Placement, SealedSegment, SourceState},
};

/// How much is compared or copied at once.
const BUFFER: usize = 256 * 1024;

/// How placing the records went.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Placed {
    /// They are on stable storage in their segment.
    Durable,
    /// The segment is not what it has to be.
    Damaged(Damage),
    /// The records are neither in the spool nor in the segment.
    SpoolLost {
        /// What was found.
        detail: String,
        /// Whether a part of them may have reached the segment.
        partly_written: bool,
    },
}

/// What is wrong with a segment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Damage {
    /// Up to here its records are good.
    pub(super) good_length: u64,
    /// SHA-256 of these bytes; nothing where they are all that was committed.
    pub(super) good_sha256: Option<Sha256Sum>,
    /// Hash of its last good bytes; nothing where they are those of the last commit.
    pub(super) tail: Option<Vec<u8>>,
    /// Whether committed records are lost.
    pub(super) lost: bool,
    /// What was found.
    pub(super) detail: String,
}

impl Damage {
    /// All that was committed is there, so many bytes; what lies behind it does not count.
    pub(super) fn without_loss(committed: u64, detail: String) -> Self {
        Self { good_length: committed, good_sha256: None, tail: None, lost: false, detail }
    }
}

/// Brings the records of `intent` into their segment.
///
/// `fresh` says that this process has just written the spool, so that its hash need not be checked.
pub(super) fn place(
    files: &dyn Files,
    source: &SourceState,
    intent: &Intent,
    fresh: bool,
) -> Result<Placed, CommitError> {
    let folder = Path::new(&source.folder);
    let path = folder.join(intent.segment.as_str());
    let target = Target { files, folder, path, intent, before: before(source, intent) };
    match intent.placement {
        Placement::Append { offset } => {
            let tail = open_segment_of(source, intent).map(|open| &open.tail[..]);
            target.append(offset, tail.unwrap_or_default(), fresh)
        }
        Placement::Adopt => target.adopt(fresh),
    }
}

/// SHA-256 of what is committed to the segment of `intent` before its records.
pub(super) fn before(source: &SourceState, intent: &Intent) -> RunningSha256 {
    open_segment_of(source, intent).map(|open| open.sha256.clone()).unwrap_or_default()
}

fn open_segment_of<'a>(source: &'a SourceState, intent: &Intent) -> Option<&'a OpenSegment> {
    source.open.as_ref().filter(|open| open.name == intent.segment)
}

/// Looks whether an open segment is what the state says. A file that was never needed may be missing; it is made.
pub(super) fn inspect(files: &dyn Files, source: &SourceState) -> Result<Option<Damage>, CommitError> {
    let Some(open) = &source.open else { return Ok(None) };
    let folder = Path::new(&source.folder);
    let path = folder.join(open.name.as_str());
    match files.length(&path).map_err(CommitError::io("look at", &path))? {
        None if open.length == 0 => {
            make(files, folder, &path, false)?;
            Ok(None)
        }
        Some(actual) if actual > open.length => Err(CommitError::Longer { path, expected: open.length, actual }),
        _ => damage_to_open(files, source),
    }
}

/// Whether committed bytes of the open segment are missing or changed.
pub(super) fn damage_to_open(files: &dyn Files, source: &SourceState) -> Result<Option<Damage>, CommitError> {
    let Some(open) = source.open.as_ref().filter(|open| open.length > 0) else { return Ok(None) };
    let path = Path::new(&source.folder).join(open.name.as_str());
    let length = files.length(&path).map_err(CommitError::io("look at", &path))?;
    committed_damage(files, &path, length, open.length, &open.tail)
}

/// Looks whether the last sealed segment is what the state says. Bytes of one that is older are proven only with the whole
/// archive: the state does not grow with it.
pub(super) fn damage_to_sealed(
    files: &dyn Files,
    folder: &Path,
    sealed: &SealedSegment,
) -> Result<Option<Damage>, CommitError> {
    let path = folder.join(sealed.name.as_str());
    let length = files.length(&path).map_err(CommitError::io("look at", &path))?;
    let damage = committed_damage(files, &path, length, sealed.length, &sealed.tail)?;
    let longer = length.filter(|length| damage.is_none() && *length > sealed.length);
    Ok(damage.or(longer.map(|actual| {
        let detail = format!("the segment has {actual} bytes instead of {}", sealed.length);
        Damage::without_loss(sealed.length, detail)
    })))
}

/// Whether the committed bytes of a segment are missing or changed, as far as a cheap look can tell.
fn committed_damage(
    files: &dyn Files,
    path: &Path,
    length: Option<u64>,
    committed: u64,
    tail: &[u8],
) -> Result<Option<Damage>, CommitError> {
    let Some(length) = length else {
        let detail = "the segment is gone".to_owned();
        return Ok(Some(Damage {
            good_length: 0,
            good_sha256: Some(Sha256Sum::of(b"")),
            tail: Some(Vec::new()),
            lost: committed > 0,
            detail,
        }));
    };
    let read = || CommitError::io("read", path);
    let mut file = files.read(path).map_err(read())?;
    let (unchecked, detail) = if length < committed {
        (length, format!("the segment has {length} bytes instead of {committed}"))
    } else if tail::matches(file.as_mut(), committed, tail).map_err(read())? {
        return Ok(None);
    } else {
        let detail = "the last bytes of the segment were changed by someone else";
        (committed.saturating_sub(tail_length(tail)), detail.to_owned())
    };
    let good_length = last_line_end(file.as_mut(), unchecked).map_err(read())?;
    let tail = tail::tail_of(file.as_mut(), good_length, good_length).map_err(read())?;
    let good_sha256 = sum_of(file.as_mut(), good_length).map_err(read())?;
    Ok(Some(Damage { good_length, good_sha256: Some(good_sha256), tail: Some(tail), lost: true, detail }))
}

fn tail_length(tail: &[u8]) -> u64 {
    tail.first_chunk::<4>().map_or(0, |bytes| u64::from(u32::from_le_bytes(*bytes)))
}

/// Where the last complete line within the first `length` bytes ends.
fn last_line_end(file: &mut dyn ReadFile, length: u64) -> io::Result<u64> {
    let mut end = length;
    while end > 0 {
        let begin = end.saturating_sub(BUFFER as u64);
        file.seek(SeekFrom::Start(begin))?;
        let mut block = Vec::new();
        file.take(end - begin).read_to_end(&mut block)?;
        if let Some(newline) = memchr::memrchr(b'\n', &block) {
            return Ok(begin + newline as u64 + 1);
        }
        end = begin;
    }
    Ok(0)
}

/// Makes an empty segment, durably. One that is there already may have been made by a process that was killed before
/// its name was durable.
fn make(files: &dyn Files, folder: &Path, path: &Path, is_there: bool) -> Result<(), CommitError> {
    files.make_folder(folder).map_err(CommitError::io("make the folder", folder))?;
    if !is_there {
        drop(files.create(path).map_err(CommitError::io("create", path))?);
    }
    files.sync_folder(folder).map_err(CommitError::io("sync", folder))
}

/// The segment that the records of an intent go into.
struct Target<'a> {
    files: &'a dyn Files,
    folder: &'a Path,
    path: PathBuf,
    intent: &'a Intent,
    /// SHA-256 of what the records lie behind.
    before: RunningSha256,
}

impl Target<'_> {
    fn append(&self, offset: u64, tail: &[u8], fresh: bool) -> Result<Placed, CommitError> {
        let length = self.length()?;
        if offset == 0 {
            make(self.files, self.folder, &self.path, length.is_some())?;
        } else if let Some(damage) = committed_damage(self.files, &self.path, length, offset, tail)? {
            return Ok(Placed::Damaged(damage));
        }
        let length = length.unwrap_or(0);
        let end = offset + self.intent.length;
        if fresh && length > offset {
            // Nothing of this commit is written yet.
            return Err(CommitError::Longer { path: self.path.clone(), expected: offset, actual: length });
        }
        if length > end {
            let ours = match self.spool(fresh)? {
                Ok(mut spool) => self.alike(spool.as_mut(), offset, self.intent.length)?,
                Err(_) if self.holds_the_records(offset)? => self.intent.length,
                Err(_) => 0,
            };
            let expected = offset + ours;
            return Err(CommitError::Longer { path: self.path.clone(), expected, actual: length });
        }
        let mut spool = match self.spool(fresh)? {
            Ok(spool) => spool,
            Err(detail) if length == end && self.holds_the_records(offset)? => {
                tracing::warn!(
                    event = "spool-lost",
                    segment = %self.path.display(),
                    detail,
                    "the spool was lost, but its records were written"
                );
                return self.sync_segment(offset);
            }
            Err(detail) => return Ok(Placed::SpoolLost { detail, partly_written: length > offset }),
        };
        let written = length - offset;
        if written > 0 && self.alike(spool.as_mut(), offset, written)? < written {
            let detail = "behind the last commit there are other bytes than the interrupted one was to write; \
                          someone else may have written them"
                .to_owned();
            return Ok(Placed::Damaged(Damage::without_loss(offset, detail)));
        }
        spool.seek(SeekFrom::Start(written)).map_err(CommitError::io("read", self.spool_path()))?;
        let mut segment = self.files.append(&self.path).map_err(CommitError::io("open", &self.path))?;
        let mut buffer = vec![0; BUFFER];
        let mut left = self.intent.length - written;
        while left > 0 {
            let want = usize::try_from(left).unwrap_or(BUFFER).min(BUFFER);
            let read = spool.read(&mut buffer[..want]).map_err(CommitError::io("read", self.spool_path()))?;
            if read == 0 {
                let detail = "the spool file ends too early".to_owned();
                return Ok(Placed::SpoolLost { detail, partly_written: true });
            }
            segment.write_all(&buffer[..read]).map_err(CommitError::io("write to", &self.path))?;
            left -= read as u64;
        }
        if let Err(cause) = segment.sync() {
            return Ok(Placed::Damaged(self.sync_failed(offset, &cause)));
        }
        let actual = segment.length().map_err(CommitError::io("look at", &self.path))?;
        if actual != end {
            return Err(CommitError::Longer { path: self.path.clone(), expected: end, actual });
        }
        Ok(Placed::Durable)
    }

    fn adopt(&self, fresh: bool) -> Result<Placed, CommitError> {
        let lost = |detail: String| Ok(Placed::SpoolLost { detail, partly_written: false });
        match self.length()? {
            None => {
                if let Err(detail) = self.spool(fresh)? {
                    return lost(detail);
                }
                self.files.make_folder(self.folder).map_err(CommitError::io("make the folder", self.folder))?;
                let renamed = self.files.rename(&self.spool_path(), &self.path);
                renamed.map_err(CommitError::io("rename the spool to", &self.path))?;
            }
            Some(length) if length == self.intent.length && self.holds_the_records(0)? => {}
            Some(length) => {
                let detail =
                    format!("the segment that the window became has {length} bytes or other bytes than it had");
                return Ok(Placed::SpoolLost { detail, partly_written: true });
            }
        }
        sync_names(self.files, self.folder)?;
        Ok(Placed::Durable)
    }

    fn length(&self) -> Result<Option<u64>, CommitError> {
        self.files.length(&self.path).map_err(CommitError::io("look at", &self.path))
    }

    fn spool_path(&self) -> PathBuf {
        Spooled::path(&self.intent.spool)
    }

    /// The spool, or what is wrong with it.
    fn spool(&self, fresh: bool) -> Result<Result<Box<dyn ReadFile>, String>, CommitError> {
        let path = self.spool_path();
        match self.files.length(&path).map_err(CommitError::io("look at", &path))? {
            None => return Ok(Err("the spool file is gone".to_owned())),
            Some(length) if length != self.intent.length => {
                return Ok(Err(format!("the spool file has {length} bytes instead of {}", self.intent.length)));
            }
            Some(_) => {}
        }
        let mut spool = self.files.read(&path).map_err(CommitError::io("read", &path))?;
        if fresh {
            return Ok(Ok(spool));
        }
        match self.are_the_records(spool.as_mut()) {
            Ok(true) => {
                spool.seek(SeekFrom::Start(0)).map_err(CommitError::io("read", &path))?;
                Ok(Ok(spool))
            }
            Ok(false) => Ok(Err("the spool file was changed by someone else".to_owned())),
            Err(cause) if is_lost_for_good(&cause) => {
                Ok(Err(format!("the disk cannot read the spool file any more: {cause}")))
            }
            Err(cause) => Err(CommitError::io("read", &path)(cause)),
        }
    }

    /// Whether the segment holds all the records from `offset` on.
    fn holds_the_records(&self, offset: u64) -> Result<bool, CommitError> {
        let mut segment = self.files.read(&self.path).map_err(CommitError::io("read", &self.path))?;
        let are = segment.seek(SeekFrom::Start(offset)).and_then(|_| self.are_the_records(segment.as_mut()));
        are.map_err(CommitError::io("read", &self.path))
    }

    /// Whether the next bytes of a file are the records.
    fn are_the_records(&self, file: &mut dyn ReadFile) -> io::Result<bool> {
        let [sha256] = hash(file, self.intent.length, [self.before.clone()])?;
        Ok(sha256.sum() == self.intent.sha256.sum())
    }

    /// How many of the `length` bytes after `offset` of the segment are those that the spool begins with.
    fn alike(&self, spool: &mut dyn ReadFile, offset: u64, length: u64) -> Result<u64, CommitError> {
        let mut segment = self.files.read(&self.path).map_err(CommitError::io("read", &self.path))?;
        let alike = segment.seek(SeekFrom::Start(offset)).and_then(|_| {
            let (mut ours, mut theirs) = (vec![0; BUFFER], vec![0; BUFFER]);
            let mut alike = 0;
            while alike < length {
                let want = usize::try_from(length - alike).unwrap_or(BUFFER).min(BUFFER);
                spool.read_exact(&mut ours[..want])?;
                segment.read_exact(&mut theirs[..want])?;
                let same = ours[..want].iter().zip(&theirs[..want]).take_while(|(ours, theirs)| ours == theirs).count();
                alike += same as u64;
                if same < want {
                    break;
                }
            }
            Ok(alike)
        });
        alike.map_err(CommitError::io("read", &self.path))
    }

    fn sync_segment(&self, offset: u64) -> Result<Placed, CommitError> {
        let mut segment = self.files.append(&self.path).map_err(CommitError::io("open", &self.path))?;
        Ok(match segment.sync() {
            Ok(()) => Placed::Durable,
            Err(cause) => Placed::Damaged(self.sync_failed(offset, &cause)),
        })
    }

    /// After a failed fsync the page cache proves nothing: what reads well now may be gone tomorrow.
    fn sync_failed(&self, offset: u64, cause: &io::Error) -> Damage {
        let detail = format!("the disk did not take its last bytes: {cause}");
        Damage::without_loss(offset, detail)
    }
}

/// Whether a file that cannot be read for this reason will never be read; Atlas still has what it held.
pub(super) fn is_lost_for_good(cause: &io::Error) -> bool {
    cause.kind() == io::ErrorKind::NotFound || cause.raw_os_error() == Some(rustix::io::Errno::IO.raw_os_error())
}

/// SHA-256 of the first `length` bytes.
fn sum_of(file: &mut dyn ReadFile, length: u64) -> io::Result<Sha256Sum> {
    file.seek(SeekFrom::Start(0))?;
    let [sha256] = hash(file, length, [RunningSha256::default()])?;
    Ok(sha256.sum())
}

/// SHA-256 of each of `before` and of the next `length` bytes, fewer if the file ends. They are read once.
pub(super) fn hash<const N: usize>(
    file: &mut dyn ReadFile,
    length: u64,
    before: [RunningSha256; N],
) -> io::Result<[RunningSha256; N]> {
    let mut sums = before;
    let mut bytes = BufReader::with_capacity(BUFFER, file.take(length));
    loop {
        let block = match bytes.fill_buf() {
            Ok([]) => return Ok(sums),
            Ok(block) => block,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        sums.iter_mut().for_each(|sum| sum.update(block));
        let read = block.len();
        bytes.consume(read);
    }
}
