//! Reads records back out of segments.

use std::{
    io::{self, BufRead, BufReader, Read},
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
