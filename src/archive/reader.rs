//! Reads records back out of segments.

use std::{
    convert::identity,
    io::{self, BufRead, BufReader, Read, SeekFrom},
    path::{Path, PathBuf},
};

use crate::{
    archive::{Files, ReadFile, SegmentReader},
    record::MAX_RECORD_BYTES,
};

/// How much is read at once.
const BUFFER: usize = 256 * 1024;

/// How much is read of the first and of the last record.
const EDGE: usize = 64 * 1024;

/// The good bytes of a segment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SegmentPart {
    /// The path of its plain form, below the archive's root. Whatever form lies there is read.
    pub path: PathBuf,
    /// Bytes behind this length, of the plain form, do not count; nothing means all of them do.
    pub length: Option<u64>,
}

/// The first and the last record of a segment, of longer ones a part; nothing of an empty one.
///
/// Of a plain segment only its edges are read; a compressed one has to be read as a whole to come to its end.
///
/// # Errors
/// Whatever reading gives.
pub fn edge_records(files: &dyn Files, segment: &SegmentPart) -> io::Result<Vec<Vec<u8>>> {
    match files.read(&segment.path) {
        Ok(mut file) => {
            let length = file.seek(SeekFrom::End(0))?.min(segment.length.unwrap_or(u64::MAX));
            edges_of_plain(file.as_mut(), length)
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => edges_of_compressed(files, segment),
        Err(error) => Err(error),
    }
}

fn edges_of_plain(file: &mut dyn ReadFile, length: u64) -> io::Result<Vec<Vec<u8>>> {
    if length == 0 {
        return Ok(Vec::new());
    }
    let mut read = |from: u64| {
        let mut bytes = Vec::new();
        file.seek(SeekFrom::Start(from))?;
        (&mut *file).take((length - from).min(EDGE as u64)).read_to_end(&mut bytes)?;
        Ok::<_, io::Error>(bytes)
    };
    let mut first = read(0)?;
    first.truncate(memchr::memchr(b'\n', &first).unwrap_or(first.len()));
    let mut last = read(length.saturating_sub(EDGE as u64))?;
    last.pop_if(|byte| *byte == b'\n');
    let begin = memchr::memrchr(b'\n', &last).map_or(0, |newline| newline + 1);
    Ok(vec![first, last.split_off(begin)])
}

fn edges_of_compressed(files: &dyn Files, segment: &SegmentPart) -> io::Result<Vec<Vec<u8>>> {
    let mut edges: Vec<Vec<u8>> = Vec::new();
    for_each_record(files, segment, identity, |record| {
        let (begin, end) = (&record[..record.len().min(EDGE)], &record[record.len().saturating_sub(EDGE)..]);
        match edges.as_mut_slice() {
            [_, last] => {
                last.clear();
                last.extend_from_slice(end);
            }
            _ => edges.extend([begin.to_vec(), end.to_vec()]),
        }
        Ok(())
    })?;
    Ok(edges)
}

/// The bytes of a small file, of which no honest one is longer than `longest`.
///
/// # Errors
/// Whatever reading gives, and a longer file.
pub fn read_small(files: &dyn Files, path: &Path, longest: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    files.read(path)?.take(longest + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > longest {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, "it is longer than any that atlas-logd writes"));
    }
    Ok(bytes)
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
    let reader = SegmentReader::open(files, &segment.path).map_err(&unreadable)?;
    let reader = reader.take(segment.length.unwrap_or(u64::MAX));
    for_each_line(reader, unreadable, |line| each(line.strip_suffix(b"\n").unwrap_or(line)))
}

/// Calls `each` with every line of the plain bytes that `reader` gives, its newline included; the last one may have none.
///
/// # Errors
/// As [`for_each_record`].
pub fn for_each_line<E>(
    reader: impl Read,
    unreadable: impl Fn(io::Error) -> E,
    mut each: impl FnMut(&[u8]) -> Result<(), E>,
) -> Result<(), E> {
    let mut reader = BufReader::with_capacity(BUFFER, reader);
    let mut line = Vec::new();
    loop {
        line.clear();
        let limit = MAX_RECORD_BYTES as u64 + 1;
        let read = reader.by_ref().take(limit).read_until(b'\n', &mut line).map_err(&unreadable)?;
        if read == 0 {
            return Ok(());
        }
        if line.len() > MAX_RECORD_BYTES && line.last() != Some(&b'\n') {
            return Err(unreadable(io::Error::new(io::ErrorKind::InvalidData, "a record is longer than 16 MiB")));
        }
        each(&line)?;
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::archive::{RealFiles, StoredForm};

    const SEGMENT: &str = "00000001-20261122T101500Z.ndjson";

    /// The bytes of a segment in a form, in an archive that holds nothing else.
    fn stored(form: StoredForm, plain: &[u8]) -> (tempfile::TempDir, RealFiles) {
        let root = tempfile::tempdir().unwrap();
        let bytes = match form {
            StoredForm::Plain => plain.to_vec(),
            StoredForm::Gzip => {
                let mut encoder = flate2::read::GzEncoder::new(plain, flate2::Compression::fast());
                let mut bytes = Vec::new();
                encoder.read_to_end(&mut bytes).unwrap();
                bytes
            }
            StoredForm::Zstd => zstd::encode_all(plain, 1).unwrap(),
        };
        fs::write(form.path(&root.path().join(SEGMENT)), bytes).unwrap();
        let files = RealFiles::open(root.path(), 0o640, 0o750).unwrap();
        (root, files)
    }

    fn records(files: &dyn Files, length: Option<u64>) -> Vec<Vec<u8>> {
        let mut records = Vec::new();
        let part = SegmentPart { path: SEGMENT.into(), length };
        for_each_record(files, &part, identity, |record| {
            records.push(record.to_vec());
            Ok(())
        })
        .unwrap();
        records
    }

    #[test]
    fn records_are_the_same_in_every_form() {
        for form in StoredForm::ALL {
            let (_root, files) = stored(form, b"one\r\n\n\xff\nfour\n");
            assert_eq!(records(&files, None), [&b"one\r"[..], b"", b"\xff", b"four"]);
            assert_eq!(records(&files, Some(6)), [&b"one\r"[..], b""], "{form:?}");
            assert_eq!(records(&files, Some(0)), [b""; 0], "{form:?}");
        }
    }

    #[test]
    fn where_both_forms_lie_the_plain_one_is_read() {
        let (root, files) = stored(StoredForm::Gzip, b"compressed\n");
        fs::write(root.path().join(SEGMENT), "plain\n").unwrap();
        assert_eq!(records(&files, None), [b"plain"]);
        fs::remove_file(root.path().join(SEGMENT)).unwrap();
        assert_eq!(records(&files, None), [b"compressed"]);
    }

    #[test]
    fn the_edges_are_the_same_in_every_form() {
        let long = [vec![b'a'; EDGE + 1], vec![b'b'; 3 * EDGE + 1]];
        let cases: [(Vec<u8>, Vec<&[u8]>); 4] = [
            (Vec::new(), vec![]),
            (b"one\n".to_vec(), vec![b"one", b"one"]),
            (b"one\ntwo\nthree\n".to_vec(), vec![b"one", b"three"]),
            (long.join(&b'\n'), vec![&long[0][..EDGE], &long[1][..EDGE]]),
        ];
        for form in StoredForm::ALL {
            for (plain, edges) in &cases {
                let (_root, files) = stored(form, plain);
                let part = SegmentPart { path: SEGMENT.into(), length: None };
                assert!(edge_records(&files, &part).unwrap() == *edges, "{form:?}");
            }
        }
        let part = SegmentPart { path: Path::new("none").into(), length: None };
        let (_root, files) = stored(StoredForm::Zstd, b"");
        assert_eq!(edge_records(&files, &part).unwrap_err().kind(), io::ErrorKind::NotFound);
    }
}
