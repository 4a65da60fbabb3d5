//! The body of an answer, chunk by chunk.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use tokio::time::{Instant, timeout};

use super::{decode::BodySender, request_error::RequestError, stats::Counters};

/// A body that brings less than this within the stall time is cut off.
const LEAST_BYTES: u64 = 1 << 10;

/// A body that is still on its way.
#[derive(Debug)]
pub struct Body {
    response: reqwest::Response,
    stall_timeout: Duration,
    received: u64,
    /// Waited for the current KiB; the time in which the caller does not ask for more does not count.
    waited: Duration,
    /// Bytes of the current KiB.
    arrived: u64,
    counters: Arc<Counters>,
}

impl Body {
    pub(super) fn new(response: reqwest::Response, stall_timeout: Duration, counters: Arc<Counters>) -> Self {
        Self { response, stall_timeout, received: 0, waited: Duration::ZERO, arrived: 0, counters }
    }

    /// The next bytes; None only after a body whose framing is complete (length, last chunk or end of stream).
    ///
    /// Cancelling this future loses nothing.
    ///
    /// # Errors
    /// [`RequestError::Cut`] and [`RequestError::Trickles`].
    pub async fn chunk(&mut self) -> Result<Option<Bytes>, RequestError> {
        let began = Instant::now();
        let left = self.stall_timeout.saturating_sub(self.waited);
        let next = match timeout(left, self.response.chunk()).await {
            Ok(Ok(next)) => next,
            Ok(Err(error)) => return Err(RequestError::Cut { received: self.received, cause: error.into() }),
            Err(_) => return Err(RequestError::Trickles { received: self.received, within: self.stall_timeout }),
        };
        self.waited += began.elapsed();
        if let Some(chunk) = &next {
            let length = chunk.len() as u64;
            self.received += length;
            self.arrived += length;
            self.counters.count_bytes(length);
            if self.arrived >= LEAST_BYTES {
                (self.waited, self.arrived) = (Duration::ZERO, 0);
            }
        }
        Ok(next)
    }

    /// Hands the whole body to the reader at the other end of `sender`, with its end or its failure.
    ///
    /// Returns early without an error when the reader is gone: its decoder tells why.
    ///
    /// # Errors
    /// Those of [`Body::chunk`]; the reader learns only that there was one.
    pub async fn pump(mut self, sender: BodySender) -> Result<(), RequestError> {
        loop {
            match self.chunk().await {
                Ok(Some(chunk)) => {
                    if sender.send(chunk).await.is_err() {
                        return Ok(());
                    }
                }
                Ok(None) => {
                    // The reader may have seen all it wanted.
                    let _ = sender.finish().await;
                    return Ok(());
                }
                Err(error) => {
                    let _ = sender.fail().await;
                    return Err(error);
                }
            }
        }
    }
}
