//! The JSON values of a body, one after the other, each in memory whole.

use std::io::{self, Read};

use serde::de::DeserializeOwned;
use serde_json::{Deserializer, error::Category, value::RawValue};

use super::Limits;

/// How much is read at once.
const READ_BYTES: usize = 64 << 10;

/// The memory of a long value is given back when it was more than this.
const KEPT_BYTES: usize = 1 << 20;

/// Why there is no next value or token.
#[derive(Debug)]
pub(super) enum Fault {
    /// The body did not arrive.
    Body(io::Error),
    /// The body ends too early.
    Cut,
    /// Not JSON, at this line and column.
    Damaged {
        /// From 1.
        line: usize,
        /// In bytes, from 1.
        column: usize,
    },
    /// Too much without a complete value.
    ValueTooLong,
    /// Too much in all.
    TooLarge,
}

/// Reads the values and tokens of a body.
pub(super) struct Values<'a, R> {
    body: R,
    limits: &'a Limits,
    buffer: Vec<u8>,
    /// So much of it was handed out.
    at: usize,
    ended: bool,
    /// Bytes of the body that were read.
    total: u64,
    /// Bytes that were handed out since [`Values::settle`], beside what is in the buffer.
    since: u64,
    /// Lines, and bytes of the last one, before the buffer.
    lines: usize,
    column: usize,
}

impl<'a, R: Read> Values<'a, R> {
    pub(super) fn new(body: R, limits: &'a Limits) -> Self {
        let buffer = Vec::new();
        Self { body, limits, buffer, at: 0, ended: false, total: 0, since: 0, lines: 0, column: 0 }
    }

    /// What was handed out so far counts for nothing any more: it was complete.
    pub(super) fn settle(&mut self) {
        self.since = 0;
    }

    /// The next byte that is no whitespace, which stays; nothing at the end.
    pub(super) fn peek(&mut self) -> Result<Option<u8>, Fault> {
        loop {
            let rest = &self.buffer[self.at..];
            let blank = rest.iter().take_while(|byte| matches!(byte, b' ' | b'\n' | b'\r' | b'\t')).count();
            let next = rest.get(blank).copied();
            self.pass(blank);
            if next.is_some() || self.ended {
                return Ok(next);
            }
            self.bound(self.since)?;
            self.read(0)?;
        }
    }

    /// Takes the byte that was peeked.
    pub(super) fn take(&mut self) {
        self.pass(1);
    }

    /// What lies here is not JSON.
    pub(super) fn damaged(&self) -> Fault {
        self.damaged_at(self.at)
    }

    /// The next value, as it stands in the body, and what a `T` makes of it; nothing where it makes nothing of it, or where the
    /// value was not in memory whole.
    pub(super) fn value_as<T: DeserializeOwned>(&mut self) -> Result<(&[u8], Option<T>), Fault> {
        let rest = &self.buffer[self.at..];
        let mut values = Deserializer::from_slice(rest).into_iter();
        let understood = values.next().and_then(Result::ok);
        let length = values.byte_offset();
        // What is passed over is looked at as JSON, but not as text.
        if understood.is_none() || length == rest.len() || std::str::from_utf8(&rest[..length]).is_err() {
            return Ok((self.value()?, None));
        }
        Ok((self.hand_out(length), understood))
    }

    /// The next value, as it stands in the body.
    pub(super) fn value(&mut self) -> Result<&[u8], Fault> {
        let length = loop {
            let rest = &self.buffer[self.at..];
            let mut values = Deserializer::from_slice(rest).into_iter::<&RawValue>();
            let fault = match values.next() {
                // A number at the very end may go on.
                Some(Ok(_)) if values.byte_offset() < rest.len() || self.ended => break values.byte_offset(),
                Some(Err(error)) => Some(error),
                Some(Ok(_)) | None => None,
            };
            let read = rest.len();
            if let Some(error) = fault {
                let place = place_of(rest, error.line(), error.column());
                // What stops in the middle of a number is called bad syntax, not an early end.
                let at_end = error.classify() == Category::Eof || place + 1 >= read;
                match (at_end, self.ended) {
                    (false, _) => return Err(self.damaged_at(self.at + place.saturating_sub(1))),
                    (true, true) => return Err(Fault::Cut),
                    (true, false) => {}
                }
            } else if self.ended {
                return Err(Fault::Cut);
            }
            self.bound(self.since + read as u64)?;
            // Each try begins anew: the longer it is, the more has to come first.
            self.read(read / 2)?;
        };
        Ok(self.hand_out(length))
    }

    /// The value in the next `length` bytes.
    fn hand_out(&mut self, length: usize) -> &[u8] {
        let from = self.at;
        self.pass(length);
        let value = &self.buffer[from..self.at];
        let blank = value.iter().take_while(|byte| byte.is_ascii_whitespace()).count();
        &value[blank..]
    }

    fn pass(&mut self, bytes: usize) {
        self.at += bytes;
        self.since += bytes as u64;
    }

    /// Reads `wanted` bytes and a little more, or up to the end.
    fn read(&mut self, wanted: usize) -> Result<(), Fault> {
        self.forget_passed();
        let mut read = 0;
        while read <= wanted && !self.ended {
            let more = self.body.by_ref().take(READ_BYTES as u64).read_to_end(&mut self.buffer).map_err(Fault::Body)?;
            self.ended = more == 0;
            read += more;
            self.total += more as u64;
            if self.total > self.limits.answer {
                return Err(Fault::TooLarge);
            }
        }
        Ok(())
    }

    /// Refuses so many bytes without a complete value. Commas and whitespace count too; values are measured exactly by
    /// whoever takes them.
    fn bound(&self, bytes: u64) -> Result<(), Fault> {
        let slack = 2 * READ_BYTES as u64;
        if bytes > self.limits.record as u64 + slack { Err(Fault::ValueTooLong) } else { Ok(()) }
    }

    fn forget_passed(&mut self) {
        let passed = &self.buffer[..self.at];
        match memchr::memrchr(b'\n', passed) {
            Some(newline) => {
                self.lines += memchr::memchr_iter(b'\n', passed).count();
                self.column = passed.len() - newline - 1;
            }
            None => self.column += passed.len(),
        }
        self.buffer.drain(..self.at);
        self.at = 0;
        if self.buffer.len() <= READ_BYTES && self.buffer.capacity() > KEPT_BYTES {
            self.buffer.shrink_to(READ_BYTES);
        }
    }

    fn damaged_at(&self, at: usize) -> Fault {
        let before = &self.buffer[..at.min(self.buffer.len())];
        let newline = memchr::memrchr(b'\n', before);
        let line = self.lines + memchr::memchr_iter(b'\n', before).count() + 1;
        let column = newline.map_or(self.column + before.len(), |newline| before.len() - newline - 1) + 1;
        Fault::Damaged { line, column }
    }
}

/// How many bytes of `text` lie before the place with this line and column, its own one included.
fn place_of(text: &[u8], line: usize, column: usize) -> usize {
    let begin = match line {
        0 | 1 => 0,
        line => memchr::memchr_iter(b'\n', text).nth(line - 2).map_or(text.len(), |newline| newline + 1),
    };
    begin + column
}
