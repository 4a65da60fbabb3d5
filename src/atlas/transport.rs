//! Sends one request and sees its answer begin. Knows nothing of authentication, rate limits and retries.

use std::{fs, sync::Arc, time::Duration};

use reqwest::{
    Certificate, Client, Method, RequestBuilder, Response, Url,
    header::{ACCEPT, ACCEPT_ENCODING, DATE, HeaderValue, LOCATION},
    redirect,
};
use tokio::time::timeout;

use super::{
    body::Body,
    client_error::ClientError,
    clock_offset::ClockOffset,
    http_date,
    request_error::RequestError,
    stats::{ClientStats, Counters},
    target::Target,
};
use crate::{
    clock::Clock,
    config,
    instant::Instant,
    meters::{Meters, Outcome, RequestKind},
    shown::excerpt,
    vitals,
};

/// Bytes that one stream of an HTTP/2 connection may have on the way to a caller who does not read …
const STREAM_WINDOW: u32 = 512 << 10;
/// … and all streams together: sixteen callers who wait for a disk leave room for the others.
const CONNECTION_WINDOW: u32 = 16 * STREAM_WINDOW;
/// A connection that is silently dead is found while requests wait on it, not by each of them in turn.
const PING_EVERY: Duration = Duration::from_secs(20);
const PING_TIMEOUT: Duration = Duration::from_secs(20);
/// The largest `ca_file`.
const CA_FILE_LIMIT: u64 = 16 << 20;

#[derive(Debug)]
pub(super) struct Transport {
    http: Client,
    base: Url,
    clock: Arc<dyn Clock>,
    offset: ClockOffset,
    connect_timeout: Duration,
    stall_timeout: Duration,
    counters: Arc<Counters>,
}

/// An answer that has begun.
pub(super) struct Exchange {
    pub(super) response: Response,
    /// The local clock when the request was sent.
    pub(super) asked_at: Instant,
    /// The header `Date`.
    pub(super) date: Option<Instant>,
}

impl Transport {
    pub(super) fn new(atlas: &config::Atlas, clock: Arc<dyn Clock>, meters: Arc<Meters>) -> Result<Self, ClientError> {
        let base = atlas.base_url.trim_end_matches('/');
        let base = Url::parse(base).ok().filter(Url::has_host);
        let base = base.ok_or_else(|| ClientError::BaseUrl { url: atlas.base_url.clone() })?;
        // The provider is one for the process; that somebody else has installed it already is fine.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut builder = Client::builder()
            .user_agent(user_agent())
            .redirect(redirect::Policy::none())
            .referer(false)
            .connect_timeout(atlas.connect_timeout)
            .http2_initial_stream_window_size(STREAM_WINDOW)
            .http2_initial_connection_window_size(CONNECTION_WINDOW)
            .http2_keep_alive_interval(PING_EVERY)
            .http2_keep_alive_timeout(PING_TIMEOUT);
        if is_loopback(&base) {
            builder = builder.no_proxy();
        }
        if let Some(path) = &atlas.ca_file {
            let unreadable = |cause| ClientError::CaFile { path: path.clone(), cause };
            let length = fs::metadata(path).map_err(unreadable)?.len();
            if length > CA_FILE_LIMIT {
                return Err(ClientError::CaFileLarge { path: path.clone(), bytes: length });
            }
            let certificates = Certificate::from_pem_bundle(&fs::read(path).map_err(unreadable)?);
            let certificates = certificates.ok().filter(|certificates| !certificates.is_empty());
            let certificates = certificates.ok_or_else(|| ClientError::NoCertificate { path: path.clone() })?;
            builder = builder.tls_certs_merge(certificates);
        } else if base.scheme() == "http" {
            // Without TLS no certificates are needed; a machine that has none would fail for nothing.
            builder = builder.tls_certs_only([]);
        }
        Ok(Self {
            http: builder.build().map_err(|error| ClientError::Build(error.into()))?,
            base,
            clock,
            offset: ClockOffset::unknown(),
            connect_timeout: atlas.connect_timeout,
            stall_timeout: atlas.stall_timeout,
            counters: Arc::new(Counters::new(meters)),
        })
    }

    /// The URL of `uri` (path and query) at the base URL.
    ///
    /// # Errors
    /// A name such as `..` would change the path, and ask for something else.
    pub(super) fn url(&self, uri: &str) -> Result<Url, RequestError> {
        let (path, query) = uri.split_once('?').map_or((uri, None), |(path, query)| (path, Some(query)));
        let mut url = self.base.clone();
        url.set_path(path);
        url.set_query(query);
        if url.path() != path || url.query() != query {
            return Err(RequestError::Name { name: excerpt(path, 300) });
        }
        Ok(url)
    }

    /// Reads a link: absolute, or relative to the base URL.
    pub(super) fn link(&self, href: &str) -> Option<Url> {
        self.base.join(href).ok()
    }

    /// Whether credentials may be sent there.
    pub(super) fn is_own(&self, url: &Url) -> bool {
        url.origin() == self.base.origin()
    }

    pub(super) fn request(&self, method: Method, url: Url) -> RequestBuilder {
        self.http.request(method, url)
    }

    /// A GET of `target` without credentials.
    pub(super) fn get(&self, target: &Target) -> RequestBuilder {
        self.request(Method::GET, target.url.clone())
            .header(ACCEPT, HeaderValue::from_static(target.endpoint.accept()))
            .header(ACCEPT_ENCODING, HeaderValue::from_static(target.encoding.name()))
    }

    /// Sends `request` and waits until its answer begins; redirects are errors.
    pub(super) async fn exchange(&self, kind: RequestKind, request: RequestBuilder) -> Result<Exchange, RequestError> {
        self.counters.count_request();
        let exchanged = self.send(request).await;
        let outcome = match &exchanged {
            Ok(exchange) => Outcome::Answered(exchange.response.status().as_u16()),
            Err(RequestError::Redirect { status, .. }) => Outcome::Answered(*status),
            Err(RequestError::Connect { .. }) => Outcome::NoConnection,
            Err(RequestError::Silent { .. }) => Outcome::NoAnswer,
            Err(_) => Outcome::Broken,
        };
        self.counters.note_outcome(kind, outcome);
        exchanged
    }

    async fn send(&self, request: RequestBuilder) -> Result<Exchange, RequestError> {
        let asked_at = self.clock.now();
        let within = self.connect_timeout + self.stall_timeout;
        let _waiting = vitals::waits(within);
        let response = match timeout(within, request.send()).await {
            Ok(Ok(response)) => response,
            Ok(Err(error)) if error.is_connect() => {
                return Err(RequestError::Connect { host: self.host(), cause: error.into() });
            }
            Ok(Err(error)) => return Err(RequestError::Broken { host: self.host(), cause: error.into() }),
            Err(_) => return Err(RequestError::Silent { host: self.host(), within }),
        };
        let header = |name| response.headers().get(name).and_then(|value| value.to_str().ok());
        let date = header(DATE).and_then(http_date::parse);
        if let Some(date) = date {
            self.offset.observe(date, asked_at, self.clock.now());
        }
        if response.status().is_redirection() {
            let host = header(LOCATION).and_then(|location| self.link(location));
            let host = host.and_then(|url| url.host_str().map(|host| excerpt(host, 100)));
            return Err(RequestError::Redirect { status: response.status().as_u16(), host });
        }
        Ok(Exchange { response, asked_at, date })
    }

    /// The body of a checked answer.
    pub(super) fn body(&self, response: Response) -> Body {
        Body::new(response, self.stall_timeout, Arc::clone(&self.counters))
    }

    /// At most `limit` bytes of a body that is expected to be short; what is longer is cut there.
    pub(super) async fn short_body(&self, response: Response, limit: usize) -> Result<Vec<u8>, RequestError> {
        let mut body = self.body(response);
        let mut bytes = Vec::new();
        let reading = async {
            while let Some(chunk) = body.chunk().await? {
                bytes.extend_from_slice(&chunk[..chunk.len().min(limit - bytes.len())]);
                if bytes.len() == limit {
                    break;
                }
            }
            Ok::<_, RequestError>(())
        };
        let result = timeout(self.stall_timeout, reading).await;
        match result {
            Ok(result) => result.map(|()| bytes),
            Err(_) => Err(RequestError::Trickles { received: bytes.len() as u64, within: self.stall_timeout }),
        }
    }

    /// The whole body; None when it has more than `limit` bytes.
    pub(super) async fn bounded_body(&self, response: Response, limit: usize) -> Result<Option<Vec<u8>>, RequestError> {
        let mut body = self.body(response);
        let mut bytes = Vec::new();
        while let Some(chunk) = body.chunk().await? {
            if bytes.len() + chunk.len() > limit {
                return Ok(None);
            }
            bytes.extend_from_slice(&chunk);
        }
        Ok(Some(bytes))
    }

    pub(super) fn clock_offset_ms(&self) -> Option<i64> {
        self.offset.get()
    }

    pub(super) fn stats(&self) -> ClientStats {
        self.counters.stats()
    }

    pub(super) fn counters(&self) -> &Counters {
        &self.counters
    }

    pub(super) fn count_token_request(&self) {
        self.counters.count_token_request();
    }

    fn host(&self) -> String {
        self.base.host_str().unwrap_or_default().to_owned()
    }
}

/// `atlas-logd/<version> (<os>;<arch>)`, the form of the vendor's own tools.
fn user_agent() -> String {
    format!("atlas-logd/{} ({};{})", env!("CARGO_PKG_VERSION"), std::env::consts::OS, std::env::consts::ARCH)
}

fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<std::net::IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.is_loopback())
}
