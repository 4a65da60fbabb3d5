//! The body of an audit log: gzip of one or several members, one record a line.

use std::{io::BufRead, sync::mpsc, thread};

use super::{
    DecodeError, Limits,
    inflate::{Fault, Inflate},
};
use crate::vitals;

/// A line's memory is given back when it was more than this.
const KEPT_LINE_BYTES: usize = 1 << 20;

/// An answer that becomes more than this is inflated on a thread of its own, while its records are taken in.
const INFLATED_HERE: u64 = 1 << 20;

/// How many inflated blocks may wait.
const BLOCKS_AHEAD: usize = 4;

/// Decompresses `body` and calls `each` once for each record, in order.
///
/// A record is a line without its `\n`; a `\r` belongs to it, an empty line is none, a last line without `\n` is one.
/// A body of zero bytes holds no records, like a gzip of nothing (Atlas sends both).
///
/// # Errors
/// See [`DecodeError`]; a wrong checksum shows only after the records before it were handed out.
pub fn gzip_lines<E>(
    mut body: impl BufRead + Send,
    limits: &Limits,
    each: impl FnMut(&[u8]) -> Result<(), E>,
) -> Result<(), DecodeError<E>> {
    match body.fill_buf() {
        Ok([]) => return Ok(()),
        Ok(_) => {}
        Err(error) => return Err(DecodeError::Body(error)),
    }
    let mut inflate = Inflate::new(body, limits);
    let mut lines = Lines { line: Vec::new(), limit: limits.record, each };
    let mut block = Vec::new();
    while inflate.decompressed() < INFLATED_HERE {
        if !inflate.fill(&mut block)? {
            return lines.finish();
        }
        lines.take(&block)?;
    }
    thread::scope(|scope| {
        let (full, blocks) = mpsc::sync_channel(BLOCKS_AHEAD);
        let (empty, used) = mpsc::channel::<Vec<u8>>();
        scope.spawn(move || {
            loop {
                let mut block = used.try_recv().unwrap_or_default();
                let filled = inflate.fill(&mut block).map(|more| more.then_some(block));
                let last = !matches!(filled, Ok(Some(_)));
                if full.send(filled).is_err() || last {
                    break;
                }
            }
        });
        loop {
            // It waits for the body, which is watched.
            let waiting = vitals::waits_for_others();
            let filled = blocks.recv();
            drop(waiting);
            match filled {
                Ok(Ok(Some(block))) => {
                    lines.take(&block)?;
                    // At the end, nobody needs it any more.
                    let _ = empty.send(block);
                }
                Ok(Ok(None)) => return lines.finish(),
                Ok(Err(fault)) => return Err(fault.into()),
                // The thread panicked, and so does the scope.
                Err(mpsc::RecvError) => return Err(Fault::Abandoned.into()),
            }
        }
    })
}

/// Cuts decompressed bytes into records.
struct Lines<F> {
    /// The beginning of a line whose end has not come yet.
    line: Vec<u8>,
    limit: usize,
    each: F,
}

impl<F> Lines<F> {
    fn take<E>(&mut self, bytes: &[u8]) -> Result<(), DecodeError<E>>
    where
        F: FnMut(&[u8]) -> Result<(), E>,
    {
        let mut start = 0;
        for end in memchr::memchr_iter(b'\n', bytes) {
            let rest = &bytes[start..end];
            start = end + 1;
            if self.line.is_empty() {
                self.record(rest)?;
                continue;
            }
            self.extend(rest)?;
            let line = std::mem::take(&mut self.line);
            self.record(&line)?;
            if line.capacity() <= KEPT_LINE_BYTES {
                self.line = line;
                self.line.clear();
            }
        }
        self.extend(&bytes[start..])
    }

    fn finish<E>(&mut self) -> Result<(), DecodeError<E>>
    where
        F: FnMut(&[u8]) -> Result<(), E>,
    {
        let line = std::mem::take(&mut self.line);
        self.record(&line)
    }

    fn record<E>(&mut self, line: &[u8]) -> Result<(), DecodeError<E>>
    where
        F: FnMut(&[u8]) -> Result<(), E>,
    {
        if line.is_empty() {
            return Ok(());
        }
        if line.len() > self.limit {
            return Err(DecodeError::RecordTooLong { limit: self.limit });
        }
        (self.each)(line).map_err(DecodeError::Sink)
    }

    fn extend<E>(&mut self, bytes: &[u8]) -> Result<(), DecodeError<E>> {
        let length = self.line.len() + bytes.len();
        if length > self.limit {
            return Err(DecodeError::RecordTooLong { limit: self.limit });
        }
        if length > self.line.capacity() {
            // Doubling for what is usual. What is longer gets room for the longest line at once: memory that is not
            // written to costs nothing, and a copy while it grows would cost as much again.
            let doubled = self.line.capacity().saturating_mul(2).max(length);
            let capacity = if doubled > KEPT_LINE_BYTES { self.limit.max(length) } else { doubled };
            self.line.reserve_exact(capacity - self.line.len());
        }
        self.line.extend_from_slice(bytes);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::{
        convert::Infallible,
        io::{self, Read, Write as _},
    };

    use flate2::{Compression, write::GzEncoder};

    use super::*;

    const LIMITS: Limits = Limits { record: Limits::RECORD, answer: 1 << 30 };

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn lines_within(body: &[u8], limits: &Limits) -> Result<Vec<Vec<u8>>, DecodeError<Infallible>> {
        let mut lines = Vec::new();
        gzip_lines(body, limits, |line| {
            lines.push(line.to_vec());
            Ok(())
        })?;
        Ok(lines)
    }

    fn lines(body: &[u8]) -> Result<Vec<Vec<u8>>, DecodeError<Infallible>> {
        lines_within(body, &LIMITS)
    }

    fn three_members() -> (Vec<u8>, Vec<usize>) {
        let mut body = Vec::new();
        let mut boundaries = vec![0];
        for text in ["{\"a\":1}\n{\"b\":", "2}\n", "c\nd"] {
            body.extend(gzip(text.as_bytes()));
            boundaries.push(body.len());
        }
        (body, boundaries)
    }

    #[test]
    fn a_record_is_a_line_without_its_newline() {
        let found = lines(&gzip(b"one\n\ntwo\r\n\r\n \nlast")).unwrap();
        assert_eq!(found, [&b"one"[..], b"two\r", b"\r", b" ", b"last"]);
    }

    #[test]
    fn nothing_comes_in_three_forms() {
        assert!(lines(b"").unwrap().is_empty());
        let recorded = *b"\x1f\x8b\x08\0\0\0\0\0\0\xff\x01\0\0\xff\xff\0\0\0\0\0\0\0\0";
        assert!(lines(&recorded).unwrap().is_empty());
        assert!(lines(&[recorded, recorded].concat()).unwrap().is_empty());
        assert!(lines(&gzip(b"\n\n")).unwrap().is_empty());
    }

    #[test]
    fn members_are_joined_before_lines_are_cut() {
        let found = lines(&three_members().0).unwrap();
        assert_eq!(found, [&b"{\"a\":1}"[..], b"{\"b\":2}", b"c", b"d"]);
    }

    #[test]
    fn every_cut_is_an_error_except_between_members_which_only_the_http_framing_can_see() {
        let (body, boundaries) = three_members();
        for length in 0..=body.len() {
            let result = lines(&body[..length]);
            if boundaries.contains(&length) {
                assert!(result.is_ok(), "cut at {length}");
            } else {
                assert!(matches!(result, Err(DecodeError::GzipCut { .. })), "cut at {length}: {result:?}");
            }
        }
    }

    #[test]
    fn every_wrong_bit_of_a_checksum_or_length_is_an_error() {
        let (body, boundaries) = three_members();
        for end in &boundaries[1..] {
            for position in end - 8..*end {
                for bit in 0..8 {
                    let mut damaged = body.clone();
                    damaged[position] ^= 1 << bit;
                    let result = lines(&damaged);
                    assert!(matches!(result, Err(DecodeError::GzipDamaged { .. })), "byte {position}: {result:?}");
                }
            }
        }
    }

    #[test]
    fn what_follows_the_last_member_must_be_gzip() {
        for garbage in [&b"x"[..], b"\0", &[0; 512], b"<html></html>", b"\x1f", b"\x1f\x8b\x08"] {
            let mut body = gzip(b"one\n");
            body.extend(garbage);
            assert!(lines(&body).is_err(), "{garbage:?}");
        }
        assert!(matches!(lines(b"<html>no gzip at all</html>"), Err(DecodeError::GzipDamaged { .. })));
    }

    #[test]
    fn a_line_may_be_as_long_as_the_limit_and_no_longer() {
        let limits = Limits { record: 200_000, answer: 1 << 30 };
        let fits = [vec![b'x'; 200_000], b"\nshort\n".to_vec()].concat();
        let found = lines_within(&gzip(&fits), &limits).unwrap();
        assert_eq!([found[0].len(), found[1].len()], [200_000, 5]);
        for text in [vec![b'x'; 200_001], [vec![b'x'; 200_001], b"\n".to_vec()].concat()] {
            let result = lines_within(&gzip(&text), &limits);
            assert!(matches!(result, Err(DecodeError::RecordTooLong { limit: 200_000 })), "{result:?}");
        }
    }

    #[test]
    fn expansion_without_end_is_an_error() {
        let limits = Limits { record: usize::MAX, answer: 1 << 40 };
        let line = [vec![b' '; 65_535], b"\n".to_vec()].concat();
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        for _ in 0..1100 {
            encoder.write_all(&line).unwrap();
        }
        let bomb = encoder.finish().unwrap();
        let result = lines_within(&bomb, &limits);
        assert!(matches!(result, Err(DecodeError::GzipExpands { .. })), "{:?}", result.map(|lines| lines.len()));
    }

    #[test]
    fn an_answer_is_bounded_in_what_comes_out_and_in_what_goes_in() {
        let limits = Limits { record: 100, answer: 1000 };
        assert!(lines_within(&gzip(&[b'\n'; 1000]), &limits).is_ok());
        let too_much = lines_within(&gzip(&[b'\n'; 1001]), &limits);
        assert!(matches!(too_much, Err(DecodeError::AnswerTooLarge { limit: 1000 })), "{too_much:?}");

        let endless = io::BufReader::new(Endless(gzip(b""), 0));
        let result = gzip_lines(endless, &limits, |_| Ok::<_, Infallible>(()));
        assert!(matches!(result, Err(DecodeError::AnswerTooLarge { limit: 1000 })), "{result:?}");
    }

    #[test]
    fn an_error_of_the_sink_or_the_body_comes_through() {
        let result = gzip_lines(&gzip(b"one\ntwo\n")[..], &LIMITS, |line| if line == b"two" { Err(7) } else { Ok(()) });
        assert!(matches!(result, Err(DecodeError::Sink(7))));

        let (body, _) = three_members();
        for length in 0..body.len() {
            let broken = io::BufReader::with_capacity(3, (&body[..length]).chain(Broken));
            let result = gzip_lines(broken, &LIMITS, |_| Ok::<_, Infallible>(()));
            let Err(DecodeError::Body(error)) = result else { panic!("broken at {length}: {result:?}") };
            assert_eq!(error.to_string(), "broken wire");
        }
    }

    #[test]
    fn a_long_answer_is_the_same_as_a_short_one() {
        let text: Vec<u8> =
            (0..300_000_u64).flat_map(|number| format!("{:x}\n", number * number).into_bytes()).collect();
        assert!(text.len() as u64 > 2 * INFLATED_HERE);
        let body = gzip(&text);
        let found = lines(&body).unwrap();
        assert!(found.iter().flat_map(|line| [line, &b"\n"[..]].concat()).eq(text.iter().copied()));
        let cut = lines(&body[..body.len() - 1]);
        assert!(matches!(cut, Err(DecodeError::GzipCut { .. })), "{:?}", cut.map(|lines| lines.len()));
        let broken = io::BufReader::new((&body[..body.len() - 1]).chain(Broken));
        let result = gzip_lines(broken, &LIMITS, |_| Ok::<_, Infallible>(()));
        assert!(matches!(result, Err(DecodeError::Body(error)) if error.to_string() == "broken wire"));
        let mut left = 250_000;
        let result = gzip_lines(&body[..], &LIMITS, |_| {
            left -= 1;
            if left == 0 { Err(7) } else { Ok(()) }
        });
        assert!(matches!(result, Err(DecodeError::Sink(7))), "{result:?}");
    }

    /// The same bytes for ever.
    struct Endless(Vec<u8>, usize);

    impl Read for Endless {
        fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
            for byte in into.iter_mut() {
                *byte = self.0[self.1 % self.0.len()];
                self.1 += 1;
            }
            Ok(into.len())
        }
    }

    struct Broken;

    impl Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::Error::other("broken wire"))
        }
    }
}
