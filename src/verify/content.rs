//! Reads what a segment's file holds, whatever form it lies there in.

use std::{
    io::{self, BufRead, BufReader, Read},
    path::Path,
};

use flate2::bufread::GzDecoder;

use crate::{
    archive::{Files, ReadFile, StoredForm},
    evidence::{RunningSha256, Sha256Sum},
};

/// How much is read at once.
const BUFFER: usize = 512 * 1024;

/// A zstd frame may ask its reader for memory; 2 to the power of this, in bytes, is what every level up to 19 needs.
const ZSTD_WINDOW_LOG: u32 = 23;

/// What a file holds.
#[derive(Debug)]
pub(super) struct Content {
    /// The length of the segment's bytes, no more than one over what was expected.
    pub(super) bytes: u64,
    /// SHA-256 of those of them that were expected.
    pub(super) sha256: Sha256Sum,
    /// The lines.
    pub(super) records: u64,
    /// Whether something stands behind the compressed data.
    pub(super) trailing: bool,
    /// SHA-256 of the file itself.
    pub(super) stored_sha256: Sha256Sum,
}

/// Reads a file in `form`. Stops as soon as more than `expected` bytes come out of it. `read` is told of every byte.
///
/// # Errors
/// Whatever reading or decompressing gives.
pub(super) fn read(
    files: &dyn Files,
    path: &Path,
    form: StoredForm,
    expected: u64,
    read: &dyn Fn(u64),
) -> io::Result<Content> {
    let file = files.read(path)?;
    if form == StoredForm::Plain {
        let mut file = file;
        let (bytes, sha256, records) = sum(&mut file, expected, read)?;
        return Ok(Content { bytes, sha256, records, trailing: false, stored_sha256: sha256 });
    }
    let stored = BufReader::with_capacity(BUFFER, Stored { file, sha256: RunningSha256::default() });
    let decompressed = |count| read(count);
    let ((bytes, sha256, records), mut stored) = match form {
        StoredForm::Zstd => {
            let mut decoder = zstd::stream::read::Decoder::with_buffer(stored)?.single_frame();
            decoder.window_log_max(ZSTD_WINDOW_LOG)?;
            (sum(&mut decoder, expected, &decompressed)?, decoder.finish())
        }
        StoredForm::Gzip | StoredForm::Plain => {
            let mut decoder = GzDecoder::new(stored);
            (sum(&mut decoder, expected, &decompressed)?, decoder.into_inner())
        }
    };
    let trailing = bytes <= expected && !stored.fill_buf()?.is_empty();
    Ok(Content { bytes, sha256, records, trailing, stored_sha256: stored.into_inner().sha256.sum() })
}

/// Length, SHA-256 and lines of what comes out of `reader`; of what comes after the expected bytes only that it does.
fn sum(reader: &mut dyn Read, expected: u64, read: &dyn Fn(u64)) -> io::Result<(u64, Sha256Sum, u64)> {
    let mut buffer = vec![0; BUFFER];
    let (mut bytes, mut records) = (0, 0);
    let mut sha256 = RunningSha256::default();
    loop {
        let count = match reader.read(&mut buffer) {
            Ok(0) => return Ok((bytes, sha256.sum(), records)),
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        let left = usize::try_from(expected - bytes).unwrap_or(usize::MAX);
        let counted = &buffer[..count.min(left)];
        sha256.update(counted);
        records += memchr::memchr_iter(b'\n', counted).count() as u64;
        bytes += counted.len() as u64;
        read(counted.len() as u64);
        if count > left {
            return Ok((bytes.saturating_add(1), sha256.sum(), records));
        }
    }
}

/// The file below a decoder, which sums what is read of it.
struct Stored {
    file: Box<dyn ReadFile>,
    sha256: RunningSha256,
}

impl Read for Stored {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.file.read(buffer)?;
        self.sha256.update(&buffer[..count]);
        Ok(count)
    }
}
