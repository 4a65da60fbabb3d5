//! The same body in pieces: cut anywhere, as a network does, and through the channel between network and decoder.

use std::{
    io::{self, BufRead, Read},
    pin::pin,
    task::{Context, Poll, Waker},
};

use atlas_logd::atlas::decode::{BodyReader, channel};
use bytes::Bytes;

/// Gives out a body in pieces whose lengths follow a pattern.
pub(super) struct Chunks<'a> {
    body: &'a [u8],
    lengths: Lengths,
    /// How much of the piece in hand is left.
    left: usize,
}

impl<'a> Chunks<'a> {
    pub(super) fn new(body: &'a [u8], pattern: u8) -> Self {
        Self { body, lengths: Lengths(pattern), left: 0 }
    }
}

impl BufRead for Chunks<'_> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.left == 0 {
            self.left = self.lengths.next_length();
        }
        Ok(&self.body[..self.left.min(self.body.len())])
    }

    fn consume(&mut self, amount: usize) {
        self.body = &self.body[amount..];
        self.left -= amount;
    }
}

impl Read for Chunks<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let available = self.fill_buf()?;
        let count = available.len().min(into.len());
        into[..count].copy_from_slice(&available[..count]);
        self.consume(count);
        Ok(count)
    }
}

/// Lengths from 1 to 64 that look like chance, but the same ones for the same pattern.
struct Lengths(u8);

impl Lengths {
    fn next_length(&mut self) -> usize {
        self.0 = self.0.wrapping_mul(5).wrapping_add(17);
        1 + usize::from(self.0 >> 2)
    }
}

/// How a body ends that came over the channel.
#[derive(Clone, Copy)]
pub(super) enum Ending {
    Finished,
    Failed,
    Abandoned,
}

/// The body as the decoder gets it from the network.
pub(super) fn sent(mut body: &[u8], pattern: u8, ending: Ending) -> BodyReader {
    let (sender, reader) = channel(body.len() + 1);
    let mut lengths = Lengths(pattern);
    while !body.is_empty() {
        let (chunk, rest) = body.split_at(lengths.next_length().min(body.len()));
        at_once(sender.send(Bytes::copy_from_slice(chunk))).expect("the reader is there");
        body = rest;
    }
    match ending {
        Ending::Finished => at_once(sender.finish()).expect("the reader is there"),
        Ending::Failed => at_once(sender.fail()).expect("the reader is there"),
        Ending::Abandoned => drop(sender),
    }
    reader
}

/// What a future gives that need not wait: the channel has room for everything.
fn at_once<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("the channel has room for each byte of the body"),
    }
}
