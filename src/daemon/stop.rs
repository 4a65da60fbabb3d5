//! How polls are told to come to an end.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

/// A stop in two steps.
#[derive(Clone, Debug, Default)]
pub struct Stop {
    /// Cancelled to stop: polls finish the window they are at, and begin no other.
    pub soon: CancellationToken,
    /// Cancelled to wait for nothing any more.
    pub now: CancellationToken,
}

impl Stop {
    /// Waits until polls that are still under way have to be cut off: for `grace` after the first step, or for the
    /// second.
    pub async fn patience(&self, grace: Duration) {
        self.soon.cancelled().await;
        tokio::select! {
            () = tokio::time::sleep(grace) => {}
            () = self.now.cancelled() => {}
        }
    }
}
