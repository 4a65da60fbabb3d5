//! The client of the Atlas Administration API: one for each credential.

use std::{
    collections::HashSet,
    fmt,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use reqwest::{
    StatusCode, Version,
    header::{AUTHORIZATION, CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, TRANSFER_ENCODING},
};
use tokio::time::Instant;

use super::{
    ask::{Answer, Ask},
    auth::{Authenticator, Authorization, Renewal},
    client_error::ClientError,
    content_disposition::echoed_window,
    encoding::Encoding,
    endpoint::Endpoint,
    error_body::Code,
    listing::{Listed, Listing, Page},
    rate_limits::{Flight, RateLimits},
    refusal,
    request_error::{PageFault, RequestError},
    stats::ClientStats,
    target::Target,
    transport::{Exchange, Transport},
};
use crate::{
    clock::Clock,
    config,
    meters::{Meters, RateLimit},
    shown::excerpt,
    source::Kind,
};

/// The largest page of a list, in bytes; 500 clusters have about 3 MB.
const PAGE_BYTES: usize = 32 << 20;
/// The most pages of a list.
const PAGES: usize = 200;

/// Asks Atlas with one credential. Clones share token, nonce, rate limits and connections.
#[derive(Clone)]
pub struct Client(Arc<Shared>);

struct Shared {
    transport: Transport,
    authenticator: Authenticator,
    limits: RateLimits,
    primed: AtomicBool,
    /// Whether pages are asked for compressed.
    compressed: AtomicBool,
    /// Held while the first answer is got, with the last failure: who waited for it shares it.
    priming: tokio::sync::Mutex<Option<(Instant, RequestError)>>,
    /// Endpoints whose removal was announced to us, and reported.
    deprecated: Mutex<HashSet<Endpoint>>,
}

impl Client {
    /// Makes a client without asking anybody anything: a token or nonce is got when a request needs one.
    ///
    /// # Errors
    /// A `ca_file` that cannot be used, or a machine without certificate authorities.
    pub fn new(
        atlas: &config::Atlas,
        credential: &config::Credential,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, ClientError> {
        Self::metered(atlas, credential, clock, Arc::default())
    }

    /// The same, which notes what it does in `meters` too.
    ///
    /// # Errors
    /// Those of [`Client::new`].
    pub fn metered(
        atlas: &config::Atlas,
        credential: &config::Credential,
        clock: Arc<dyn Clock>,
        meters: Arc<Meters>,
    ) -> Result<Self, ClientError> {
        Ok(Self(Arc::new(Shared {
            transport: Transport::new(atlas, clock, meters)?,
            authenticator: Authenticator::new(credential),
            limits: RateLimits::default(),
            primed: AtomicBool::new(false),
            compressed: AtomicBool::new(true),
            priming: tokio::sync::Mutex::default(),
            deprecated: Mutex::default(),
        })))
    }

    /// How long to wait before this project and kind may be asked; None: now. The caller waits, without holding
    /// anything that others need, and asks again.
    #[must_use]
    pub fn hold(&self, project_id: &str, kind: Kind) -> Option<Duration> {
        self.0.limits.hold(project_id, kind, Instant::now())
    }

    /// Atlas' clock minus the local one, in milliseconds, by the last `Date` seen; None before any. It is 0 where the
    /// rounding of `Date` and the travel time explain the difference.
    #[must_use]
    pub fn clock_offset_ms(&self) -> Option<i64> {
        self.0.transport.clock_offset_ms()
    }

    /// Makes sure that an answer was seen, so that the clock offset is known: gets the token, or the first nonce, which
    /// a request needs anyway. Does nothing when one was seen.
    ///
    /// # Errors
    /// Those of getting a token or nonce.
    pub async fn prime(&self) -> Result<(), RequestError> {
        let shared = &*self.0;
        if shared.is_primed() {
            return Ok(());
        }
        let waiting_since = Instant::now();
        let mut failure = shared.priming.lock().await;
        if shared.is_primed() {
            return Ok(());
        }
        if let Some((at, error)) = &*failure
            && *at >= waiting_since
        {
            return Err(error.clone());
        }
        if let Err(error) = shared.authenticator.prime(&shared.transport).await {
            *failure = Some((Instant::now(), error.clone()));
            return Err(error);
        }
        // An answer without a Date is no reason to ask again and again.
        shared.primed.store(true, Ordering::Relaxed);
        Ok(())
    }

    /// Asks for one window of one source, once; a 401 gets one renewal of token or nonce and one retry.
    ///
    /// It does not wait: see [`Client::hold`]. The answer counts only when its body came to its end.
    ///
    /// # Errors
    /// [`RequestError::consequence`] tells what follows.
    pub async fn ask(&self, ask: &Ask<'_>) -> Result<Answer, RequestError> {
        let shared = &*self.0;
        let mut target = Target::ask(&shared.transport, ask)?;
        if !ask.compressed || !self.asks_compressed() {
            target.encoding = Encoding::Identity;
        }
        let (exchange, encoding) = shared.get(&target, Some((&ask.source.project_id, ask.source.kind))).await?;
        let Exchange { response, asked_at, date } = exchange;
        let headers = response.headers();
        if target.endpoint == Endpoint::StreamAudit && !has_end(response.version(), headers) {
            return Err(RequestError::Unframed);
        }
        let disposition = header(headers, CONTENT_DISPOSITION.as_str());
        let echoed = disposition.filter(|_| ask.source.kind == Kind::StreamAudit).and_then(echoed_window);
        Ok(Answer { asked_at, date, echoed, encoding, body: shared.transport.body(response) })
    }

    /// Reads a whole list, following its pages.
    ///
    /// # Errors
    /// Those of asking; a page that is too large or of another shape; a next page at another origin than the base URL.
    pub async fn list(&self, listing: Listing<'_>) -> Result<Vec<Listed>, RequestError> {
        let shared = &*self.0;
        let fault = |fault| RequestError::Page { list: listing.endpoint().name(), fault };
        let mut items = Vec::new();
        let mut target = Target::list(&shared.transport, &listing)?;
        for _ in 0..PAGES {
            let (exchange, _) = shared.get(&target, None).await?;
            let body = shared.transport.bounded_body(exchange.response, PAGE_BYTES).await?;
            let body = body.ok_or_else(|| fault(PageFault::TooLarge { limit: PAGE_BYTES }))?;
            let page = Page::parse(&body).ok_or_else(|| fault(PageFault::Shape))?;
            let next = match page.next() {
                Some(href) => Some(shared.transport.link(href).ok_or_else(|| fault(PageFault::Shape))?),
                None => None,
            };
            items.extend(page.into_items(listing));
            let Some(next) = next else { return Ok(items) };
            if !shared.transport.is_own(&next) {
                let origin = excerpt(&next.origin().ascii_serialization(), 200);
                return Err(fault(PageFault::Elsewhere { origin }));
            }
            let uri = next.query().map_or(next.path().to_owned(), |query| format!("{}?{query}", next.path()));
            target = Target::new(&shared.transport, listing.endpoint(), uri)?;
        }
        Err(fault(PageFault::TooMany { limit: PAGES }))
    }

    /// Whether pages are asked for compressed.
    #[must_use]
    pub fn asks_compressed(&self) -> bool {
        self.0.compressed.load(Ordering::Relaxed)
    }

    /// Asks for nothing compressed any more: something on the way may mishandle it.
    pub fn distrust_compression(&self) {
        if self.0.compressed.swap(false, Ordering::Relaxed) {
            tracing::info!(
                event = "compression-off",
                "a page of access history could be read uncompressed only; pages are asked for so from now on"
            );
        }
    }

    /// Gives the token back, best effort and within a few seconds, when there is one.
    pub async fn revoke(&self) {
        self.0.authenticator.revoke(&self.0.transport).await;
    }

    /// What this client has done so far.
    #[must_use]
    pub fn stats(&self) -> ClientStats {
        self.0.transport.stats()
    }
}

impl Shared {
    fn is_primed(&self) -> bool {
        self.primed.load(Ordering::Relaxed) || self.transport.clock_offset_ms().is_some()
    }

    /// Gets an answer with status 200 and the right type, and how it is encoded; `limited` is whose rate limit it counts for.
    async fn get(&self, target: &Target, limited: Option<(&str, Kind)>) -> Result<(Exchange, Encoding), RequestError> {
        let authorization = self.authenticator.authorize(&self.transport, target).await?;
        let (exchange, flight) = self.send(target, limited, &authorization).await?;
        if exchange.response.status() != StatusCode::UNAUTHORIZED {
            self.authenticator.accepted(target);
            return self.check(target, exchange, flight).await;
        }
        let headers = exchange.response.headers();
        let renewal = self.authenticator.after_401(&self.transport, target, &authorization, headers).await?;
        let authorization = match renewal {
            Renewal::Again(authorization) => authorization,
            Renewal::Denied(reason) => return Err(self.denied(exchange, reason).await),
        };
        drop(exchange);
        let (exchange, flight) = self.send(target, limited, &authorization).await?;
        if exchange.response.status() != StatusCode::UNAUTHORIZED {
            self.authenticator.accepted(target);
            return self.check(target, exchange, flight).await;
        }
        let headers = exchange.response.headers();
        let reason = self.authenticator.after_second_401(target, &authorization, headers).await;
        Err(self.denied(exchange, reason).await)
    }

    /// Sends one request and notes what its answer tells of the rate limit.
    async fn send<'a>(
        &'a self,
        target: &Target,
        limited: Option<(&str, Kind)>,
        authorization: &Authorization,
    ) -> Result<(Exchange, Option<Flight<'a>>), RequestError> {
        let flight = limited.map(|(project_id, kind)| self.limits.depart(project_id, kind, Instant::now()));
        let request = self.transport.get(target).header(AUTHORIZATION, authorization.header().clone());
        let exchange = self.transport.exchange(target.endpoint.into(), request).await?;
        let headers = exchange.response.headers();
        self.warn_once_of_removal(target.endpoint, headers);
        if let (Some(flight), Some((project_id, kind))) = (&flight, limited) {
            let number = |name| header(headers, name).and_then(|text| text.trim().parse::<u64>().ok());
            let (limit, remaining) = (number("ratelimit-limit"), number("ratelimit-remaining"));
            flight.observe(limit, remaining, Instant::now());
            if let Some(remaining) = remaining {
                let told = RateLimit { limit, remaining };
                self.transport.counters().note_rate_limit(project_id, kind, told);
            }
        }
        Ok((exchange, flight))
    }

    /// Lets an answer pass that can bring what was asked for.
    async fn check(
        &self,
        target: &Target,
        exchange: Exchange,
        flight: Option<Flight<'_>>,
    ) -> Result<(Exchange, Encoding), RequestError> {
        let status = exchange.response.status();
        if status != StatusCode::OK {
            let wait = self.note_refusal(status, &exchange, flight.as_ref());
            drop(flight);
            return Err(refusal::explain(&self.transport, exchange, &self.authenticator.identity(), wait).await);
        }
        if let Some(flight) = flight {
            flight.accepted();
        }
        let headers = exchange.response.headers();
        // Without any type the decoder decides: an answer of zero bytes has no need of one.
        if let Some(found) = header(headers, CONTENT_TYPE.as_str())
            && !target.endpoint.takes(found)
        {
            return Err(RequestError::MediaType { found: excerpt(found, 100), expected: target.endpoint.expected() });
        }
        let encoding = encoding(target, headers)?;
        Ok((exchange, encoding))
    }

    /// Lets a 429 hold its project and kind; any other answer ends the doubling of waits.
    fn note_refusal(&self, status: StatusCode, exchange: &Exchange, flight: Option<&Flight<'_>>) -> Option<Duration> {
        if status == StatusCode::TOO_MANY_REQUESTS {
            self.transport.counters().count_rate_limited();
            return flight.map(|flight| flight.refused(refusal::retry_after(exchange), Instant::now()));
        }
        if let Some(flight) = flight {
            flight.accepted();
        }
        None
    }

    /// The error for a 401 that no renewal helps: what its body says, else `reason`, else that it was refused.
    async fn denied(&self, exchange: Exchange, reason: Option<RequestError>) -> RequestError {
        let refused = refusal::explain(&self.transport, exchange, &self.authenticator.identity(), None).await;
        let says_more = matches!(&refused, RequestError::Refused { error, .. }
            if matches!(error.code, Some(Code::RoleMissing | Code::IpAddressNotOnAccessList)));
        match reason {
            Some(reason) if !says_more => reason,
            _ => refused,
        }
    }

    fn warn_once_of_removal(&self, endpoint: Endpoint, headers: &HeaderMap) {
        let (deprecation, sunset) = (header(headers, "deprecation"), header(headers, "sunset"));
        if deprecation.is_none() && sunset.is_none() {
            return;
        }
        if self.deprecated.lock().unwrap_or_else(PoisonError::into_inner).insert(endpoint) {
            let shown = |text: Option<&str>| text.map(|text| excerpt(text, 60)).unwrap_or_default();
            tracing::warn!(
                event = "api-deprecated",
                endpoint = endpoint.name(),
                version = endpoint.accept(),
                deprecation = shown(deprecation),
                sunset = shown(sunset),
                "Atlas will remove this version of its API: install a newer atlas-logd before that"
            );
        }
    }
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

/// How a body is encoded that `target` answers with.
fn encoding(target: &Target, headers: &HeaderMap) -> Result<Encoding, RequestError> {
    match Encoding::of(headers) {
        Ok(encoding) if encoding == Encoding::Identity || encoding == Encoding::asked(target.endpoint) => Ok(encoding),
        Ok(other) => Err(RequestError::Encoding { found: other.name().to_owned() }),
        Err(found) => Err(RequestError::Encoding { found }),
    }
}

/// Whether the end of the body can be told from a connection that just stops. HTTP/2 ends its streams; HTTP/1 needs a
/// length or chunks. JSON shows its own end, gzip does not: it may be cut between two members, or be nothing at all.
fn has_end(version: Version, headers: &HeaderMap) -> bool {
    let chunked = headers
        .get_all(TRANSFER_ENCODING)
        .iter()
        .any(|coding| coding.to_str().is_ok_and(|coding| coding.trim().to_ascii_lowercase().ends_with("chunked")));
    version >= Version::HTTP_2 || headers.contains_key(CONTENT_LENGTH) || (version == Version::HTTP_11 && chunked)
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("authenticator", &self.0.authenticator).finish_non_exhaustive()
    }
}
