//! The body of an audit log.
//!
//! | first bytes | choose |
//! |---|---|
//! | 1 | what the rest is: a body, raw deflate data to be framed as gzip, or text to be compressed |
//! | 1 | in which pieces the body comes |
//! | 2 | the longest record, and the largest answer |
//! | 2 | where it is cut off |

use std::{
    convert::Infallible,
    io::{BufRead, Read, Write},
};

use atlas_logd::atlas::decode::{DecodeError, Limits, gzip_lines};
use flate2::{Compression, Crc, bufread, write};

use super::{
    chunks::{Chunks, Ending, sent},
    input::Input,
};

/// So much is decompressed at most, by the program and by the oracle.
const LARGEST_ANSWER: u64 = 1 << 20;

type Outcome = (Vec<Vec<u8>>, Result<(), DecodeError<Infallible>>);

/// However a body is cut into pieces, its records are the lines of what flate2 makes of it in one go; a body that is not
/// complete is an error, and no record is longer than allowed.
pub fn check(input: &[u8]) {
    let mut input = Input::new(input);
    let (form, pattern) = (input.byte(), input.byte());
    let limits = limits(input.byte(), input.byte());
    let cut = input.number();
    let body = body(form, input.rest());
    let (lines, decoded) = outcome(&body[..], &limits);
    against_the_oracle(&body, &limits, &lines, &decoded);
    for (again, decoded_again) in
        [outcome(Chunks::new(&body, pattern), &limits), outcome(sent(&body, pattern, Ending::Finished), &limits)]
    {
        assert!(one_begins_the_other(&again, &lines), "other records in pieces");
        match (&decoded, &decoded_again) {
            (Ok(()), Ok(())) => assert_eq!(again.len(), lines.len(), "another number of records in pieces"),
            (Err(one), Err(other)) => {
                // Of several faults, which one shows first depends on the pieces.
                assert_eq!(one.lasts(), other.lasts(), "{one}, and in pieces {other}");
            }
            _ => panic!("{decoded:?}, and in pieces {decoded_again:?}"),
        }
    }
    for ending in [Ending::Failed, Ending::Abandoned] {
        let (begun, interrupted) = outcome(sent(&body[..cut.min(body.len())], pattern, ending), &limits);
        assert!(interrupted.is_err(), "a body that was interrupted after {cut} bytes was taken for whole");
        assert!(one_begins_the_other(&begun, &lines), "other records before the interruption");
    }
}

fn limits(record: u8, answer: u8) -> Limits {
    let record = if record == 0 { Limits::RECORD } else { usize::from(record) };
    let answer = if answer == 0 { LARGEST_ANSWER } else { u64::from(answer) * 16 };
    Limits { record, answer }
}

fn body(form: u8, bytes: &[u8]) -> Vec<u8> {
    match form % 3 {
        0 => bytes.to_vec(),
        1 => framed(bytes),
        // In two members, with the line across them unbroken.
        _ => {
            let (first, second) = bytes.split_at(bytes.len() * usize::from(form) / 256);
            [compressed(first), compressed(second)].concat()
        }
    }
}

fn compressed(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = write::GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).expect("memory takes everything");
    encoder.finish().expect("memory takes everything")
}

/// Puts deflate data between the header and the trailer that fit, which bytes that are made up would hardly ever have.
fn framed(deflated: &[u8]) -> Vec<u8> {
    let mut decoder = bufread::DeflateDecoder::new(deflated);
    let mut inflated = Vec::new();
    // What is no deflate data gets some trailer.
    let _ = decoder.by_ref().take(LARGEST_ANSWER).read_to_end(&mut inflated);
    let mut crc = Crc::new();
    crc.update(&inflated);
    let (data, rest) = deflated.split_at(usize::try_from(decoder.total_in()).expect("it is in memory"));
    let header = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff];
    [&header[..], data, &crc.sum().to_le_bytes(), &crc.amount().to_le_bytes(), rest].concat()
}

fn outcome(body: impl BufRead + Send, limits: &Limits) -> Outcome {
    let mut lines: Vec<Vec<u8>> = Vec::new();
    let decoded = gzip_lines(body, limits, |line| {
        assert!(!line.is_empty() && line.len() <= limits.record && !line.contains(&b'\n'), "no record: {line:?}");
        lines.push(line.to_vec());
        Ok(())
    });
    (lines, decoded)
}

fn against_the_oracle(body: &[u8], limits: &Limits, lines: &[Vec<u8>], decoded: &Result<(), DecodeError<Infallible>>) {
    let (text, complete) = decompressed(body);
    let expected: Vec<&[u8]> = text.split(|&byte| byte == b'\n').filter(|line| !line.is_empty()).collect();
    let too_long = expected.iter().any(|line| line.len() > limits.record);
    let too_large = text.len() as u64 > limits.answer || body.len() as u64 > limits.answer;
    match decoded {
        Ok(()) => {
            assert!(complete, "a body that is not whole was taken for whole");
            assert!(lines == expected, "other records than the lines of the text");
            assert!(!too_long && text.len() as u64 <= limits.answer, "more than was allowed");
        }
        Err(error) => {
            assert!(!complete || too_long || too_large, "a whole body was refused: {error}");
            assert!(lines.iter().zip(&expected).all(|(line, expected)| line == expected), "made-up records");
            if complete && !too_large {
                assert!(matches!(error, DecodeError::RecordTooLong { .. }), "a long record was called {error}");
            }
            if complete && !too_long {
                assert!(matches!(error, DecodeError::AnswerTooLarge { .. }), "a large answer was called {error}");
            }
        }
    }
}

/// All that flate2 makes of a body, member by member, and whether that was the whole of it.
fn decompressed(mut body: &[u8]) -> (Vec<u8>, bool) {
    let mut text = Vec::new();
    while !body.is_empty() {
        let mut member = bufread::GzDecoder::new(body);
        let whole = member.by_ref().take(2 * LARGEST_ANSWER).read_to_end(&mut text).is_ok();
        if !whole {
            return (text, false);
        }
        if text.len() as u64 > LARGEST_ANSWER {
            // More than any limit, so that its end does not matter.
            return (text, true);
        }
        body = member.into_inner();
    }
    (text, true)
}

fn one_begins_the_other(one: &[Vec<u8>], other: &[Vec<u8>]) -> bool {
    one.iter().zip(other).all(|(one, other)| one == other)
}
