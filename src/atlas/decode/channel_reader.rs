//! Carries a body from async code to a decoder on a blocking thread.
//!
//! The end of the body is a message of its own. A channel that is merely closed (its task was dropped) is an error for
//! the reader, because a decoder would take it for the end of a complete body: a gzip body cut exactly between two
//! members decodes.

use std::io::{self, BufRead, Read};

use bytes::{Buf, Bytes};
use tokio::sync::mpsc;

use super::read_buffered;
use crate::vitals;

/// A bounded channel that holds at most `chunks` chunks (at least 1) between the two halves.
#[must_use]
pub fn channel(chunks: usize) -> (BodySender, BodyReader) {
    let (sender, receiver) = mpsc::channel(chunks.max(1));
    (BodySender(sender), BodyReader { receiver, chunk: Bytes::new(), state: State::Open })
}

#[derive(Debug)]
enum Message {
    Chunk(Bytes),
    End,
    Failed,
}

/// The reader is gone: its decoder has returned and tells itself why.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the reader of the body is gone")]
pub struct Closed;

/// Why a [`BodyReader`] has no more bytes, though the body did not end. It is the inner error of an [`io::Error`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Interruption {
    /// The sender said so; it keeps the reason.
    #[error("the body was interrupted")]
    Failed,
    /// The sender was dropped without a word.
    #[error("the body was abandoned")]
    Abandoned,
}

/// The async half.
#[derive(Debug)]
pub struct BodySender(mpsc::Sender<Message>);

impl BodySender {
    /// Hands over the next bytes; waits while the channel is full.
    pub async fn send(&self, chunk: Bytes) -> Result<(), Closed> {
        self.0.send(Message::Chunk(chunk)).await.map_err(|_| Closed)
    }

    /// Says that the body is complete.
    pub async fn finish(self) -> Result<(), Closed> {
        self.0.send(Message::End).await.map_err(|_| Closed)
    }

    /// Says that the body will not become complete. The caller keeps the reason.
    pub async fn fail(self) -> Result<(), Closed> {
        self.0.send(Message::Failed).await.map_err(|_| Closed)
    }
}

#[derive(Clone, Copy, Debug)]
enum State {
    Open,
    Ended,
    Interrupted(Interruption),
}

/// The blocking half. It must not be read on an async worker thread, where waiting would panic.
#[derive(Debug)]
pub struct BodyReader {
    receiver: mpsc::Receiver<Message>,
    chunk: Bytes,
    state: State,
}

impl BufRead for BodyReader {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        while self.chunk.is_empty() {
            match self.state {
                State::Open => {}
                State::Ended => break,
                // Not ErrorKind::Interrupted: readers take that for a signal and try again for ever.
                State::Interrupted(why) => return Err(io::Error::new(io::ErrorKind::ConnectionAborted, why)),
            }
            let waiting = vitals::waits_for_others();
            let message = self.receiver.blocking_recv();
            drop(waiting);
            match message {
                Some(Message::Chunk(chunk)) => self.chunk = chunk,
                Some(Message::End) => self.state = State::Ended,
                Some(Message::Failed) => self.state = State::Interrupted(Interruption::Failed),
                None => self.state = State::Interrupted(Interruption::Abandoned),
            }
        }
        Ok(&self.chunk)
    }

    fn consume(&mut self, amount: usize) {
        self.chunk.advance(amount.min(self.chunk.len()));
    }
}

impl Read for BodyReader {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        read_buffered(self, into)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn interruption(error: &io::Error) -> Option<Interruption> {
        error.get_ref()?.downcast_ref().copied()
    }

    async fn read_all(mut reader: BodyReader) -> (Vec<u8>, io::Result<usize>) {
        tokio::task::spawn_blocking(move || {
            let mut bytes = Vec::new();
            let result = reader.read_to_end(&mut bytes);
            (bytes, result)
        })
        .await
        .unwrap()
    }

    #[tokio::test]
    async fn the_end_is_a_message_of_its_own() {
        let (sender, reader) = channel(1);
        let reading = tokio::spawn(read_all(reader));
        sender.send(Bytes::from_static(b"ab")).await.unwrap();
        sender.send(Bytes::new()).await.unwrap();
        sender.send(Bytes::from_static(b"cd")).await.unwrap();
        sender.finish().await.unwrap();
        let (bytes, result) = reading.await.unwrap();
        assert_eq!(bytes, b"abcd");
        assert_eq!(result.unwrap(), 4);
    }

    #[tokio::test]
    async fn a_dropped_sender_is_not_the_end() {
        let (sender, reader) = channel(4);
        sender.send(Bytes::from_static(b"ab")).await.unwrap();
        drop(sender);
        let (bytes, result) = read_all(reader).await;
        assert_eq!(bytes, b"ab");
        assert_eq!(interruption(&result.unwrap_err()), Some(Interruption::Abandoned));
    }

    #[tokio::test]
    async fn a_failure_is_told_and_stays() {
        let (sender, mut reader) = channel(4);
        sender.fail().await.unwrap();
        let errors = tokio::task::spawn_blocking(move || [reader.fill_buf().err(), reader.read(&mut [0]).err()]);
        for error in errors.await.unwrap() {
            assert_eq!(interruption(&error.unwrap()), Some(Interruption::Failed));
        }
    }

    #[tokio::test]
    async fn a_sender_learns_that_nobody_reads() {
        let (sender, reader) = channel(1);
        drop(reader);
        assert_eq!(sender.send(Bytes::from_static(b"ab")).await, Err(Closed));
    }
}
