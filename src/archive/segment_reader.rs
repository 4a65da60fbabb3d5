//! Reads the bytes of a segment, in whatever form it lies there.

use std::{
    io::{self, BufRead, BufReader, Read},
    path::Path,
};

use flate2::bufread::GzDecoder;

use crate::archive::{Files, ReadFile, StoredForm};

/// How much of a compressed file is read at once.
const BUFFER: usize = 64 * 1024;

/// A zstd frame that looks back further than 8 MiB is refused: decoding takes as much memory. Ours look back 2 MiB.
const LONGEST_WINDOW_LOG: u32 = 23;

/// The plain bytes of a segment. Takes the same memory for any file, however it was made.
///
/// The end of a compressed form is checked: a stream that just stops is an error, and so is anything behind its end.
pub struct SegmentReader {
    form: StoredForm,
    stream: Stream,
}

enum Stream {
    Plain(Box<dyn ReadFile>),
    Gzip(Box<GzDecoder<Stored>>),
    Zstd(zstd::Decoder<'static, Stored>),
}

/// A file with compressed bytes.
type Stored = BufReader<Box<dyn ReadFile>>;

impl SegmentReader {
    /// Opens the segment whose plain form has this path below the archive's root. Where several forms lie there, because
    /// somebody is compressing it or was interrupted, the plain one is read.
    ///
    /// # Errors
    /// Whatever opening gives; the kind is `NotFound` when no form lies there.
    pub fn open(files: &dyn Files, segment: &Path) -> io::Result<Self> {
        for form in StoredForm::ALL {
            match files.read(&form.path(segment)) {
                // The next form: what was plain a moment ago may be compressed now, never the other way round.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                file => return Self::of_file(form, file?),
            }
        }
        Err(io::ErrorKind::NotFound.into())
    }

    /// Reads a file that holds a segment in this form.
    ///
    /// # Errors
    /// When there is no memory for a decoder.
    pub fn of_file(form: StoredForm, file: Box<dyn ReadFile>) -> io::Result<Self> {
        let stored = |file| BufReader::with_capacity(BUFFER, file);
        let stream = match form {
            StoredForm::Plain => Stream::Plain(file),
            StoredForm::Gzip => Stream::Gzip(Box::new(GzDecoder::new(stored(file)))),
            StoredForm::Zstd => {
                let mut decoder = zstd::Decoder::with_buffer(stored(file))?.single_frame();
                decoder.window_log_max(LONGEST_WINDOW_LOG)?;
                Stream::Zstd(decoder)
            }
        };
        Ok(Self { form, stream })
    }

    /// The form that is read.
    #[must_use]
    pub fn form(&self) -> StoredForm {
        self.form
    }

    /// What a compressed form is wrong with, said so that nobody looks into the plain one.
    fn explained(&self, error: io::Error) -> io::Error {
        match self.form {
            // What the operating system says concerns the file whatever is in it.
            StoredForm::Plain => error,
            _ if error.raw_os_error().is_some() => error,
            form => io::Error::new(error.kind(), format!("its compressed form ({}): {error}", form.suffix())),
        }
    }
}

impl Read for SegmentReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = match &mut self.stream {
            Stream::Plain(file) => return file.read(buffer),
            Stream::Gzip(decoder) => {
                decoder.read(buffer).and_then(|read| unless_more(read, buffer.is_empty(), decoder.get_mut()))
            }
            Stream::Zstd(decoder) => {
                decoder.read(buffer).and_then(|read| unless_more(read, buffer.is_empty(), decoder.get_mut()))
            }
        };
        read.map_err(|error| self.explained(error))
    }
}

/// What was `read`, unless it was the end of the stream (`nothing_asked` tells that it was not) and not that of the file.
fn unless_more(read: usize, nothing_asked: bool, stored: &mut Stored) -> io::Result<usize> {
    if read > 0 || nothing_asked || stored.fill_buf()?.is_empty() {
        return Ok(read);
    }
    Err(io::Error::new(io::ErrorKind::InvalidData, "there is data behind its end"))
}

#[cfg(test)]
mod tests {
    use std::io::{Cursor, Write};

    use proptest::prelude::*;

    use super::*;

    fn read(form: StoredForm, stored: &[u8]) -> io::Result<Vec<u8>> {
        let mut plain = Vec::new();
        SegmentReader::of_file(form, Box::new(Cursor::new(stored.to_vec())))?.read_to_end(&mut plain)?;
        Ok(plain)
    }

    fn compressed(form: StoredForm, plain: &[u8]) -> Vec<u8> {
        match form {
            StoredForm::Plain => plain.to_vec(),
            StoredForm::Gzip => {
                let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
                encoder.write_all(plain).unwrap();
                encoder.finish().unwrap()
            }
            StoredForm::Zstd => {
                let mut encoder = zstd::Encoder::new(Vec::new(), 3).unwrap();
                encoder.include_checksum(true).unwrap();
                encoder.write_all(plain).unwrap();
                encoder.finish().unwrap()
            }
        }
    }

    const COMPRESSED: [StoredForm; 2] = [StoredForm::Gzip, StoredForm::Zstd];

    #[test]
    fn all_forms_of_a_segment_read_the_same() {
        let long: Vec<u8> = (0..300_000_u32).flat_map(|number| format!("{number}\n").into_bytes()).collect();
        for plain in [&b""[..], b"one\r\n\xff\n", &long] {
            for form in StoredForm::ALL {
                assert!(read(form, &compressed(form, plain)).unwrap() == plain, "{form:?}");
            }
        }
    }

    #[test]
    fn a_compressed_form_that_just_stops_or_goes_on_is_refused() {
        let plain = b"{\"time\":1}\n{\"time\":2}\n".repeat(100);
        for form in COMPRESSED {
            let whole = compressed(form, &plain);
            for end in 0..whole.len() {
                read(form, &whole[..end]).expect_err(&format!("{form:?} cut off at {end}"));
            }
            for behind in [&b"\0"[..], b"x", &whole] {
                let error = read(form, &[&whole, behind].concat()).unwrap_err();
                let said = format!("its compressed form ({}): there is data behind its end", form.suffix());
                assert_eq!(error.to_string(), said);
            }
        }
    }

    #[test]
    fn no_changed_byte_goes_unnoticed_but_those_that_say_nothing() {
        let plain = b"{\"time\":1}\n{\"time\":2}\n".repeat(5);
        for form in COMPRESSED {
            let whole = compressed(form, &plain);
            for position in 0..whole.len() {
                let mut changed = whole.clone();
                changed[position] ^= 0x10;
                // Of the header of gzip, some bytes tell of where it was made only.
                if let Ok(found) = read(form, &changed) {
                    assert!(found == plain, "{form:?} {position}");
                }
            }
        }
    }

    proptest! {
        /// Whatever somebody put there: an answer, not a panic, and no more memory for it.
        #[test]
        fn any_bytes_are_read_or_refused(
            begins in any::<bool>(),
            cut in 0..200_usize,
            bytes in proptest::collection::vec(any::<u8>(), 0..200),
        ) {
            for form in COMPRESSED {
                let whole = compressed(form, &b"{\"time\":1}\n".repeat(20));
                let begin = if begins { &whole[..cut.min(whole.len())] } else { &[] };
                let stored = [begin, &bytes].concat();
                let reader = SegmentReader::of_file(form, Box::new(Cursor::new(stored))).unwrap();
                let _ = reader.take(1 << 20).read_to_end(&mut Vec::new());
            }
        }
    }

    #[test]
    fn a_frame_that_would_take_much_memory_is_refused() {
        let mut encoder = zstd::Encoder::new(Vec::new(), 3).unwrap();
        encoder.window_log(LONGEST_WINDOW_LOG + 1).unwrap();
        encoder.include_contentsize(false).unwrap();
        encoder.write_all(&vec![b'x'; 32 << 20]).unwrap();
        read(StoredForm::Zstd, &encoder.finish().unwrap()).unwrap_err();
    }

    #[test]
    fn an_error_of_the_disk_stays_what_it_is() {
        #[derive(Debug)]
        struct Broken;
        impl Read for Broken {
            fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
                Err(rustix::io::Errno::IO.into())
            }
        }
        impl io::Seek for Broken {
            fn seek(&mut self, _: io::SeekFrom) -> io::Result<u64> {
                Ok(0)
            }
        }
        for form in StoredForm::ALL {
            let error = SegmentReader::of_file(form, Box::new(Broken)).unwrap().read(&mut [0]).unwrap_err();
            assert_eq!(error.raw_os_error(), Some(rustix::io::Errno::IO.raw_os_error()));
        }
    }
}
