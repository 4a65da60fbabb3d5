//! How the daemon ends.

use std::time::Duration;

use crate::{
    atlas::Client,
    daemon::{service::Service, stop::Stop},
};

/// How long revoking tokens may take at the end.
const REVOKE_WITHIN: Duration = Duration::from_secs(5);

impl Service {
    pub(super) async fn wind_down(&mut self, stop: &Stop) {
        tracing::info!(event = "stopping", polls = self.polls.len() + self.orders.len(), "stopping");
        self.wind_down.cancel();
        let grace = self.station.config.collect.grace;
        let finish = async {
            while let Some(done) = self.polls.join_next_with_id().await {
                self.end_poll(done);
            }
            while let Some(done) = self.orders.done().await {
                self.end_order(done);
            }
            while self.retiring.join_next().await.is_some() {}
            self.head.finish().await;
        };
        let finished = tokio::select! {
            () = finish => true,
            () = stop.patience(grace) => false,
        };
        if !finished {
            tracing::warn!(
                event = "polls-cut-off",
                polls = self.polls.len() + self.orders.len(),
                grace_ms = u64::try_from(grace.as_millis()).unwrap_or(u64::MAX),
                "polls did not finish in time and are cut off; nothing is lost, the next start goes on",
            );
            self.polls.shutdown().await;
            self.orders.cut_off().await;
        }
        let revoked = futures_util::future::join(self.station.revoke(), revoke(std::mem::take(&mut self.replaced)));
        if tokio::time::timeout(REVOKE_WITHIN, revoked).await.is_err() {
            tracing::warn!(
                event = "tokens-not-revoked",
                "Atlas did not answer when access tokens were revoked; they end by themselves"
            );
        }
        tracing::info!(event = "stopped", "stopped");
    }
}

pub(super) async fn revoke(clients: Vec<Client>) {
    let revoked = futures_util::future::join_all(clients.iter().map(Client::revoke));
    // Best effort: tokens end by themselves.
    let _ = tokio::time::timeout(REVOKE_WITHIN, revoked).await;
}
