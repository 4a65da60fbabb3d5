//! A body that is written on a blocking thread while it is sent: memory does not grow with it.

use std::io::{self, Write};

use bytes::Bytes;
use futures_util::stream;
use tokio::sync::mpsc;

use super::answer::Pieces;

/// Bytes of a piece.
const PIECE: usize = 64 * 1024;

/// Where a body is written to.
pub(super) struct Sink {
    buffer: Vec<u8>,
    sender: mpsc::Sender<Option<Bytes>>,
}

impl Sink {
    fn send(&mut self) -> io::Result<()> {
        let piece = std::mem::replace(&mut self.buffer, Vec::with_capacity(PIECE));
        self.sender.blocking_send(Some(piece.into())).map_err(|_| io::ErrorKind::BrokenPipe.into())
    }
}

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.buffer.extend_from_slice(bytes);
        if self.buffer.len() >= PIECE {
            self.send()?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The body that `write` writes. If it fails, the body never ends.
pub(super) fn produce(write: impl FnOnce(&mut Sink) -> io::Result<()> + Send + 'static) -> Pieces {
    let (sender, receiver) = mpsc::channel(2);
    let mut sink = Sink { buffer: Vec::with_capacity(PIECE), sender };
    tokio::task::spawn_blocking(move || {
        // A failure means that nobody listens any more.
        if write(&mut sink).and_then(|()| sink.send()).is_ok() {
            let _ = sink.sender.blocking_send(None);
        }
    });
    Box::pin(stream::unfold(receiver, async |mut receiver| match receiver.recv().await {
        Some(Some(piece)) => Some((piece, receiver)),
        Some(None) => None,
        None => std::future::pending().await,
    }))
}
