//! Reads records back out of segments.

use std::{
    io::{self, BufRead, BufReader, Read, SeekFrom},
    path::PathBuf,
};

use crate::{archive::Files, record::MAX_RECORD_BYTES};

/// How much is read at once.
const BUFFER: usize = 256 * 1024;

/// The good bytes of a segment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SegmentPart {
    /// The path below the archive's root.
    pub path: PathBuf,
    /// Bytes behind this length do not count; nothing means all of them do.
    pub length: Option<u64>,
}

/// How much is read of the first and of the last record.
const EDGE: u64 = 64 * 1024;

/// The first and the last record of a segment, of longer ones a part; nothing of an empty one.
///
/// # Errors
/// Whatever reading gives.
pub fn edge_records(files: &dyn Files, segment: &SegmentPart) -> io::Result<Vec<Vec<u8>>> {
    let mut file = files.read(&segment.path)?;
    let length = file.seek(SeekFrom::End(0))?.min(segment.length.unwrap_or(u64::MAX));
    if length == 0 {
        return Ok(Vec::new());
    }
    let mut read = |from: u64| {
        let mut bytes = Vec::new();
        file.seek(SeekFrom::Start(from))?;
        file.as_mut().take((length - from).min(EDGE)).read_to_end(&mut bytes)?;
        Ok::<_, io::Error>(bytes)
    };
    let mut first = read(0)?;
    first.truncate(memchr::memchr(b'\n', &first).unwrap_or(first.len()));
    let mut last = read(length.saturating_sub(EDGE))?;
    last.pop_if(|byte| *byte == b'\n');
    let begin = memchr::memrchr(b'\n', &last).map_or(0, |newline| newline + 1);
    Ok(vec![first, last.split_off(begin)])
}

/// Calls `each` with every record of the segment, in order, without its newline.
///
/// # Errors
/// Whatever reading gives, and a record longer than [`MAX_RECORD_BYTES`], both as `unreadable` makes of it.
pub fn for_each_record<E>(
    files: &dyn Files,
    segment: &SegmentPart,
    unreadable: impl Fn(io::Error) -> E,
    mut each: impl FnMut(&[u8]) -> Result<(), E>,
) -> Result<(), E> {
    let file = files.read(&segment.path).map_err(&unreadable)?;
    let mut reader = BufReader::with_capacity(BUFFER, file.take(segment.length.unwrap_or(u64::MAX)));
    let mut record = Vec::new();
    loop {
        record.clear();
        let limit = MAX_RECORD_BYTES as u64 + 1;
        let read = reader.by_ref().take(limit).read_until(b'\n', &mut record).map_err(&unreadable)?;
        if read == 0 {
            return Ok(());
        }
        if record.last() == Some(&b'\n') {
            record.pop();
        } else if record.len() > MAX_RECORD_BYTES {
            return Err(unreadable(io::Error::new(io::ErrorKind::InvalidData, "a record is longer than 16 MiB")));
        }
        each(&record)?;
    }
}
