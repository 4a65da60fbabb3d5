//! The listener and its paths.

use std::{fmt::Display, io, net::SocketAddr, sync::Arc};

use axum::{
    Router,
    extract::{Query, State},
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    middleware::map_response,
    response::{Html, IntoResponse, Response},
    routing::get,
};
use thiserror::Error;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::http::{
    Subject, connections, health,
    metrics::{self, Format},
    page::{self, Asked},
    told::Told,
    turn::{NoTurn, Turn},
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
    metrics_told: Told,
    page_told: Told,
    turn: Turn,
}

/// Shows a daemon over HTTP.
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
        let (metrics_told, page_told) = (Told::default(), Told::default());
        let shown = Shown { subject, metrics_told, page_told, turn: Turn::default() };
        Ok(Self { listener, shown: Arc::new(shown) })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> Option<SocketAddr> {
        self.listener.local_addr().ok()
    }

    /// Answers until it is told to stop.
    pub async fn serve(self, stop: CancellationToken) {
        let router = Router::new()
            .route("/", get(show_page))
            .route("/metrics", get(show_metrics))
            .route(
                "/healthz",
                get(|State(shown): State<Arc<Shown>>| async move { health::alive(&shown.subject.pulse) }),
            )
            .route("/readyz", get(|State(shown): State<Arc<Shown>>| async move { health::ready(&shown.subject.pulse) }))
            .layer(map_response(secured))
            .with_state(self.shown);
        connections::serve(self.listener, router, stop).await;
    }
}

/// Lets a browser take what is shown for what it is, and nothing else: no scripts, no frames, nothing from elsewhere.
async fn secured(mut response: Response) -> Response {
    let headers = response.headers_mut();
    let mut set = |name: HeaderName, value: &'static str| headers.insert(name, HeaderValue::from_static(value));
    set(header::CONTENT_SECURITY_POLICY, page::content_security_policy());
    set(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    set(header::REFERRER_POLICY, "no-referrer");
    set(header::CACHE_CONTROL, "no-store");
    set(HeaderName::from_static("cross-origin-resource-policy"), "same-origin");
    response
}

async fn show_page(State(shown): State<Arc<Shown>>, Query(asked): Query<Asked>) -> Response {
    let of = Arc::clone(&shown);
    let read = match shown.turn.take(move || page::html(&of.subject, &asked)).await {
        Err(NoTurn::Busy) => return busy(),
        Err(error @ NoTurn::Ended(_)) => Err(error.to_string()),
        Ok(read) => read.map_err(|error| error.to_string()),
    };
    let fault = read.as_ref().err().map(|error| error as &dyn Display);
    shown.page_told.tell(fault, "the page cannot be shown", "the page can be shown again");
    match read {
        Ok(html) => Html(html).into_response(),
        // What it says of paths is for those who may read the log.
        Err(_) => failed("the state cannot be read; the log of atlas-logd says why\n"),
    }
}

async fn show_metrics(State(shown): State<Arc<Shown>>, headers: HeaderMap) -> Response {
    let (of, format) = (Arc::clone(&shown), Format::of(&headers));
    match shown.turn.take(move || metrics::text(&of.subject, format, &of.metrics_told)).await {
        Ok(text) => ([(header::CONTENT_TYPE, format.content_type())], text).into_response(),
        Err(NoTurn::Busy) => busy(),
        Err(error @ NoTurn::Ended(_)) => {
            tracing::error!(event = "http-failed", "the metrics cannot be shown: {error}");
            failed("the log of atlas-logd says why\n")
        }
    }
}

fn busy() -> Response {
    let later = [(header::RETRY_AFTER, "5")];
    (StatusCode::SERVICE_UNAVAILABLE, later, format!("{}; try again\n", NoTurn::Busy)).into_response()
}

fn failed(why: &'static str) -> Response {
    (StatusCode::INTERNAL_SERVER_ERROR, why).into_response()
}
