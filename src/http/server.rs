//! The listener and its paths.

use std::{convert::Infallible, fmt, io, net::SocketAddr, sync::Arc};

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
    metrics::{self, Format, Told},
    page::{self, Asked},
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
    told: Told,
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
        Ok(Self { listener, shown: Arc::new(Shown { subject, told: Told::default(), turn: Turn::default() }) })
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
    let read = shown.turn.take(move || page::html(&of.subject, &asked));
    answer("page", read.await, |html| Html(html).into_response())
}

async fn show_metrics(State(shown): State<Arc<Shown>>, headers: HeaderMap) -> Response {
    let (of, format) = (Arc::clone(&shown), Format::of(&headers));
    let read = shown.turn.take(move || Ok::<_, Infallible>(metrics::text(&of.subject, format, &of.told)));
    answer("metrics", read.await, |text| ([(header::CONTENT_TYPE, format.content_type())], text).into_response())
}

/// What was read, or that it could not be.
fn answer<E: fmt::Display>(
    what: &str,
    read: Result<Result<String, E>, NoTurn>,
    whole: impl FnOnce(String) -> Response,
) -> Response {
    let error = match read {
        Ok(Ok(text)) => return whole(text),
        Err(busy @ NoTurn::Busy) => {
            let later = [(header::RETRY_AFTER, "5")];
            return (StatusCode::SERVICE_UNAVAILABLE, later, format!("{busy}; try again\n")).into_response();
        }
        Ok(Err(error)) => error.to_string(),
        Err(error) => error.to_string(),
    };
    tracing::error!(event = "http-failed", "the {what} cannot be shown: {error}");
    // What it says of paths is for those who may read the log.
    (StatusCode::INTERNAL_SERVER_ERROR, "the state cannot be read; the log of atlas-logd says why\n").into_response()
}
