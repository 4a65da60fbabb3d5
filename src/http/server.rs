//! The listener.

use std::{io, net::SocketAddr, path::PathBuf, sync::Arc};

use axum::{
    Router,
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use thiserror::Error;
use tokio::{
    net::TcpListener,
    sync::{Mutex, watch},
};
use tokio_util::sync::CancellationToken;

use crate::{clock::Clock, http::metrics, source::Source, state::Store};

/// The text format of OpenMetrics.
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Why nothing can be shown.
#[derive(Debug, Error)]
#[error("failed to listen at {address} ([http] listen): {cause}")]
pub struct HttpError {
    address: SocketAddr,
    cause: io::Error,
}

/// What is shown.
#[derive(Debug)]
struct Shown {
    state_dir: PathBuf,
    sources: watch::Receiver<Vec<Source>>,
    clock: Arc<dyn Clock>,
    /// One answer at a time: whoever asks often must not keep the state from being written.
    turn: Mutex<()>,
}

/// Shows the state over HTTP.
#[derive(Debug)]
pub struct HttpServer {
    listener: TcpListener,
    shown: Arc<Shown>,
}

impl HttpServer {
    /// Listens. `sources` are those of the configuration.
    ///
    /// # Errors
    /// When the address is not one of this machine, or is taken.
    pub async fn bind(
        address: SocketAddr,
        state_dir: PathBuf,
        sources: watch::Receiver<Vec<Source>>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, HttpError> {
        let listener = TcpListener::bind(address).await.map_err(|cause| HttpError { address, cause })?;
        Ok(Self { listener, shown: Arc::new(Shown { state_dir, sources, clock, turn: Mutex::new(()) }) })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> Option<SocketAddr> {
        self.listener.local_addr().ok()
    }

    /// Answers until it is told to stop.
    pub async fn serve(self, stop: CancellationToken) {
        let router = Router::new().route("/metrics", get(show_metrics)).with_state(self.shown);
        let served = axum::serve(self.listener, router).with_graceful_shutdown(stop.cancelled_owned()).await;
        if let Err(error) = served {
            tracing::error!(event = "http-stopped", "nothing is shown over HTTP any more: {error}");
        }
    }
}

async fn show_metrics(State(shown): State<Arc<Shown>>) -> Response {
    let _turn = shown.turn.lock().await;
    let of = Arc::clone(&shown);
    let read = tokio::task::spawn_blocking(move || {
        let sources = of.sources.borrow().clone();
        metrics::text(&Store::open_read_only(&of.state_dir)?, &sources, of.clock.now())
    });
    let error = match read.await {
        Ok(Ok(text)) => return ([(header::CONTENT_TYPE, OPEN_METRICS)], text).into_response(),
        Ok(Err(error)) => error.to_string(),
        Err(error) => error.to_string(),
    };
    tracing::error!(event = "http-failed", "the metrics cannot be shown: {error}");
    // What it says of paths is for those who may read the log.
    (StatusCode::INTERNAL_SERVER_ERROR, "the state cannot be read; the log of atlas-logd says why\n").into_response()
}
