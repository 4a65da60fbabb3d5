//! The hash of a segment's last bytes: a cheap look that the open segment is still what was written.

use std::io::{self, Read, SeekFrom};

use crate::archive::ReadFile;

/// At most so many of the last bytes are hashed; `verify` looks at all of them.
pub const TAIL_BYTES: u64 = 4096;

/// The number of hash bytes that are kept.
const HASH_BYTES: usize = 16;

/// The tail of a file that ends at `end` and whose last commit was `committed` bytes long: how many bytes were hashed
/// (4 bytes, little endian), and their hash.
pub(super) fn tail_of(file: &mut dyn ReadFile, end: u64, committed: u64) -> io::Result<Vec<u8>> {
    let length = committed.min(TAIL_BYTES);
    let mut bytes = Vec::new();
    file.seek(SeekFrom::Start(end.saturating_sub(length)))?;
    file.take(length).read_to_end(&mut bytes)?;
    let mut tail = u32::try_from(length).unwrap_or(0).to_le_bytes().to_vec();
    tail.extend_from_slice(&blake3::hash(&bytes).as_bytes()[..HASH_BYTES]);
    Ok(tail)
}

/// Whether the bytes before `end` still have this tail. Without one, nothing was written yet.
pub(super) fn matches(file: &mut dyn ReadFile, end: u64, tail: &[u8]) -> io::Result<bool> {
    let Some(length) = tail.first_chunk::<4>().map(|bytes| u64::from(u32::from_le_bytes(*bytes))) else {
        return Ok(true);
    };
    Ok(tail_of(file, end, length)? == tail)
}
