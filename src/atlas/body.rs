//! The body of an answer, chunk by chunk.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use tokio::time::{Instant, timeout};

use super::{decode::BodySender, request_error::RequestError, stats::Counters};
use crate::vitals;

/// A body that brings less than this within the stall time is cut off: it would hold its slot for weeks.
const LEAST_BYTES: u64 = 64 << 10;

/// A body that is still on its way.
#[derive(Debug)]
pub struct Body {
    response: reqwest::Response,
    patience: Patience,
    received: u64,
    counters: Arc<Counters>,
}

impl Body {
    pub(super) fn new(response: reqwest::Response, stall_timeout: Duration, counters: Arc<Counters>) -> Self {
        Self { response, patience: Patience::new(stall_timeout), received: 0, counters }
    }

    /// The next bytes; None only after a body whose framing is complete (length, last chunk or end of stream).
    ///
    /// Cancelling this future loses nothing.
    ///
    /// # Errors
    /// [`RequestError::Cut`] and [`RequestError::Trickles`].
    pub async fn chunk(&mut self) -> Result<Option<Bytes>, RequestError> {
        let began = Instant::now();
        let _waiting = vitals::waits(self.patience.left());
        let next = match timeout(self.patience.left(), self.response.chunk()).await {
            Ok(Ok(next)) => next,
            Ok(Err(error)) => return Err(RequestError::Cut { received: self.received, cause: error.into() }),
            Err(_) => return Err(RequestError::Trickles { received: self.received, within: self.patience.limit }),
        };
        if let Some(chunk) = &next {
            let length = chunk.len() as u64;
            self.received += length;
            self.counters.count_bytes(length);
            self.patience.spend(began.elapsed(), length);
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
                    let _waiting = vitals::waits_for_others();
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

/// How long the current 64 KiB are waited for. The time in which the caller does not ask for more does not count.
#[derive(Debug)]
struct Patience {
    limit: Duration,
    waited: Duration,
    arrived: u64,
}

impl Patience {
    fn new(limit: Duration) -> Self {
        Self { limit, waited: Duration::ZERO, arrived: 0 }
    }

    fn left(&self) -> Duration {
        self.limit.saturating_sub(self.waited)
    }

    /// Notes that `bytes` came after waiting for `time`.
    fn spend(&mut self, time: Duration, bytes: u64) {
        self.waited += time;
        self.arrived += bytes;
        if self.arrived >= LEAST_BYTES {
            *self = Self::new(self.limit);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patience_lasts_while_enough_comes_in_time_and_ends_otherwise() {
        let second = Duration::from_secs(1);
        let mut patience = Patience::new(10 * second);
        for _ in 0..1000 {
            patience.spend(second, 32 << 10);
            assert!(patience.left() >= 9 * second);
        }
        for spent in 1..=10 {
            patience.spend(second, 100);
            assert_eq!(patience.left(), (10 - spent) * second);
        }
        patience.spend(second, (64 << 10) - 1000);
        assert_eq!(patience.left(), 10 * second);
    }
}
