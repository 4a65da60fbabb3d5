//! Compresses a sealed segment.

use std::{
    io::{self, Read, Write},
    path::Path,
};

use flate2::{Compression, GzBuilder};

use crate::{
    archive::{Files, StoredForm, WriteFile},
    evidence::{RunningSha256, Sha256Sum},
};

/// How much is read at once.
const BUFFER: usize = 256 * 1024;

/// What both tools take unless they are told otherwise: more costs much time and saves little.
const GZIP_LEVEL: u32 = 6;
const ZSTD_LEVEL: i32 = 3;

/// Bytes and what they are recognised by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Measured {
    /// How many.
    pub bytes: u64,
    /// Their SHA-256.
    pub sha256: Sha256Sum,
}

/// A segment that was compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CompressedSegment {
    /// What was read: to be compared with what the segment's digest says, before the compressed form counts.
    pub plain: Measured,
    /// What was written.
    pub stored: Measured,
}

/// Writes the plain segment with this path, below the archive's root, in another form to `out`, which is not synced yet.
///
/// The same bytes give the same file, on every machine and at any time, as long as the library is the same. Takes the same
/// memory for any segment.
///
/// # Errors
/// Whatever reading and writing give, and when the segment's length changes meanwhile.
pub fn compress(
    files: &dyn Files,
    segment: &Path,
    form: StoredForm,
    out: &mut dyn WriteFile,
) -> io::Result<CompressedSegment> {
    let length = files.length(segment)?.ok_or(io::ErrorKind::NotFound)?;
    let mut file = files.read(segment)?;
    let stored = Measuring::new(out);
    let (plain, stored) = match form {
        StoredForm::Plain => copied(&mut file, stored)?,
        StoredForm::Gzip => {
            // Neither name nor time: they would make the file another one each time.
            let encoder = GzBuilder::new().mtime(0).write(stored, Compression::new(GZIP_LEVEL));
            let (plain, encoder) = copied(&mut file, encoder)?;
            (plain, encoder.finish()?)
        }
        StoredForm::Zstd => {
            let mut encoder = zstd::Encoder::new(stored, ZSTD_LEVEL)?;
            encoder.include_checksum(true)?;
            encoder.set_pledged_src_size(Some(length))?;
            let (plain, encoder) = copied(&mut file, encoder)?;
            (plain, encoder.finish()?)
        }
    };
    if plain.bytes != length {
        return Err(io::Error::other(format!("it had {length} bytes, and then {} were read", plain.bytes)));
    }
    Ok(CompressedSegment { plain, stored: stored.measured() })
}

/// Copies all of `from`, and says what it was.
fn copied<W: Write>(from: &mut impl Read, to: W) -> io::Result<(Measured, W)> {
    let mut to = Measuring::new(to);
    let mut buffer = vec![0; BUFFER];
    loop {
        match from.read(&mut buffer) {
            Ok(0) => return Ok((to.measured(), to.out)),
            Ok(read) => to.write_all(&buffer[..read])?,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// Measures what is written.
struct Measuring<W> {
    out: W,
    bytes: u64,
    sha256: RunningSha256,
}

impl<W> Measuring<W> {
    fn new(out: W) -> Self {
        Self { out, bytes: 0, sha256: RunningSha256::default() }
    }

    fn measured(&self) -> Measured {
        Measured { bytes: self.bytes, sha256: self.sha256.sum() }
    }
}

impl<W: Write> Write for Measuring<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.out.write(bytes)?;
        self.bytes += written as u64;
        self.sha256.update(&bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::archive::{RealFiles, SegmentReader};

    const PLAIN: &str = "00000001-20261122T101500Z.ndjson";

    fn measured(bytes: &[u8]) -> Measured {
        Measured { bytes: bytes.len() as u64, sha256: Sha256Sum::of(bytes) }
    }

    /// An archive that holds one segment with these bytes, and the same compressed.
    fn compressed(plain: &[u8], form: StoredForm) -> (tempfile::TempDir, RealFiles, CompressedSegment) {
        let root = tempfile::tempdir().unwrap();
        fs::write(root.path().join(PLAIN), plain).unwrap();
        let files = RealFiles::open(root.path(), 0o640, 0o750).unwrap();
        let mut out = files.create(Path::new("out")).unwrap();
        let done = compress(&files, Path::new(PLAIN), form, out.as_mut()).unwrap();
        (root, files, done)
    }

    fn lines(count: u32) -> Vec<u8> {
        (0..count).flat_map(|number| format!("{{\"time\":{number},\"é\":\"\\u00ff\"}}\r\n").into_bytes()).collect()
    }

    #[test]
    fn what_was_compressed_is_read_back_and_measured() {
        for plain in [Vec::new(), b"\xff\n".to_vec(), lines(100_000)] {
            for form in StoredForm::ALL {
                let (root, files, done) = compressed(&plain, form);
                let stored = fs::read(root.path().join("out")).unwrap();
                assert_eq!(done, CompressedSegment { plain: measured(&plain), stored: measured(&stored) }, "{form:?}");
                let mut back = Vec::new();
                let file = files.read(Path::new("out")).unwrap();
                SegmentReader::of_file(form, file).unwrap().read_to_end(&mut back).unwrap();
                assert!(back == plain, "{form:?}");
                assert!(form == StoredForm::Plain || plain.len() < 1000 || stored.len() < plain.len() / 2);
            }
        }
    }

    #[test]
    fn the_same_bytes_give_the_same_file() {
        for form in StoredForm::ALL {
            let (_one, _, first) = compressed(&lines(1000), form);
            let (_other, _, second) = compressed(&lines(1000), form);
            assert_eq!(first, second);
        }
    }

    #[test]
    fn gzip_is_one_member_without_name_and_time() {
        let (root, ..) = compressed(&lines(50_000), StoredForm::Gzip);
        let stored = fs::read(root.path().join("out")).unwrap();
        let mut decoder = flate2::bufread::GzDecoder::new(&stored[..]);
        let mut back = Vec::new();
        decoder.read_to_end(&mut back).unwrap();
        assert!(back == lines(50_000));
        let header = decoder.header().unwrap();
        assert_eq!((header.mtime(), header.filename(), header.comment(), header.extra()), (0, None, None, None));
        assert_eq!(decoder.into_inner(), b"", "nothing lies behind it");
    }

    #[test]
    fn zstd_is_one_frame_with_checksum_and_length() {
        let plain = lines(50_000);
        let (root, ..) = compressed(&plain, StoredForm::Zstd);
        let stored = fs::read(root.path().join("out")).unwrap();
        assert_eq!(zstd::zstd_safe::find_frame_compressed_size(&stored), Ok(stored.len()));
        let length = zstd::zstd_safe::get_frame_content_size(&stored).ok().flatten();
        assert_eq!(length, Some(plain.len() as u64));
        // The bit of the frame's header that says that a checksum follows.
        assert_eq!(stored[4] & 4, 4);
    }

    #[test]
    fn what_is_not_there_is_an_error() {
        let (_root, files, _) = compressed(b"", StoredForm::Gzip);
        let mut out = files.create(Path::new("other")).unwrap();
        let error = compress(&files, Path::new("none"), StoredForm::Zstd, out.as_mut()).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::NotFound);
    }
}
