//! The listener.

use std::{io, net::SocketAddr, sync::Arc};

use axum::{
    Router,
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use thiserror::Error;
use tokio::{net::TcpListener, sync::Mutex};
use tokio_util::sync::CancellationToken;

use crate::http::{
    Subject,
    metrics::{self, Format, Told},
};

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
    subject: Subject,
    told: Told,
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
    /// Listens.
    ///
    /// # Errors
    /// When the address is not one of this machine, or is taken.
    pub async fn bind(address: SocketAddr, subject: Subject) -> Result<Self, HttpError> {
        let listener = TcpListener::bind(address).await.map_err(|cause| HttpError { address, cause })?;
        Ok(Self { listener, shown: Arc::new(Shown { subject, told: Told::default(), turn: Mutex::new(()) }) })
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

async fn show_metrics(State(shown): State<Arc<Shown>>, headers: HeaderMap) -> Response {
    let format = Format::of(&headers);
    let _turn = shown.turn.lock().await;
    let of = Arc::clone(&shown);
    match tokio::task::spawn_blocking(move || metrics::text(&of.subject, format, &of.told)).await {
        Ok(text) => ([(header::CONTENT_TYPE, format.content_type())], text).into_response(),
        Err(error) => {
            tracing::error!(event = "http-failed", "the metrics cannot be shown: {error}");
            (StatusCode::INTERNAL_SERVER_ERROR, "the log of atlas-logd says why\n").into_response()
        }
    }
}
