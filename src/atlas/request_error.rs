//! Why a request did not bring a complete answer, and what follows from it.

use std::time::Duration;

use super::{
    auth::{Identity, SecretError, SecretPlace, TokenRefusal},
    cause::Cause,
    error_body::{Code, ErrorBody},
};

/// What a failed request means for the poll that made it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Consequence {
    /// Try again, but not before this time has passed: a rate limit.
    RetryAfter(Duration),
    /// Try again with backoff, within the poll's budget.
    Retry,
    /// It will not get better within this poll.
    GiveUp,
}

/// A failed request. Nothing in it is secret; text of the server is short and printable.
#[derive(Clone, Debug, thiserror::Error)]
pub enum RequestError {
    /// 429.
    #[error("the rate limit is reached{error}, next try in {} s", wait.as_secs_f64().ceil())]
    RateLimited {
        /// How long nothing may be asked.
        wait: Duration,
        /// What the server says.
        error: ErrorBody,
    },
    /// Our own bound on token requests is reached.
    #[error("too many access tokens were asked for, the next one in {} s", wait.as_secs_f64().ceil())]
    TokenPace {
        /// How long none may be asked for.
        wait: Duration,
    },
    /// No connection.
    #[error("no connection to {host}: {cause}")]
    Connect {
        /// The host of the base URL.
        host: String,
        /// Why.
        cause: Cause,
    },
    /// The server took the request and did not answer.
    #[error("{host} did not begin to answer within {} s", within.as_secs_f64())]
    Silent {
        /// The host of the base URL.
        host: String,
        /// The time it had.
        within: Duration,
    },
    /// The connection broke before the answer began, or the answer is not HTTP.
    #[error("the exchange with {host} failed: {cause}")]
    Broken {
        /// The host of the base URL.
        host: String,
        /// Why.
        cause: Cause,
    },
    /// The body stopped before its end.
    #[error("the body broke off after {received} bytes: {cause}")]
    Cut {
        /// Bytes of the body that had come.
        received: u64,
        /// Why.
        cause: Cause,
    },
    /// The body comes too slowly.
    #[error("the body trickles: less than 64 KiB came within {} s, {received} bytes in all", within.as_secs_f64())]
    Trickles {
        /// Bytes of the body that had come.
        received: u64,
        /// The time for each KiB.
        within: Duration,
    },
    /// Neither a length nor chunks: a cut body would look complete.
    #[error("the body has no end that could be seen: neither a length nor chunks")]
    Unframed,
    /// 4xx, or another status that brings no records.
    #[error("the answer is {status}{error}")]
    Refused {
        /// The HTTP status.
        status: u16,
        /// What the server says.
        error: ErrorBody,
        /// Who was refused.
        identity: Identity,
    },
    /// 5xx.
    #[error("the server failed with {status}{error}")]
    Server {
        /// The HTTP status.
        status: u16,
        /// `Retry-After`, where there is one.
        retry_after: Option<Duration>,
        /// What the server says.
        error: ErrorBody,
    },
    /// 3xx. None is followed: Atlas does not redirect, and credentials are for one host only.
    #[error("the answer is a redirect ({status}) to {}", host.as_deref().unwrap_or("nowhere"))]
    Redirect {
        /// The HTTP status.
        status: u16,
        /// The host to which it leads, where it can be read.
        host: Option<String>,
    },
    /// 200, but something else than asked for.
    #[error("the answer is {found} instead of {expected}")]
    MediaType {
        /// `Content-Type`.
        found: String,
        /// What was asked for.
        expected: &'static str,
    },
    /// 200, but encoded in a way that was not asked for.
    #[error("the answer has the content encoding {found}, which was not asked for")]
    Encoding {
        /// `Content-Encoding`.
        found: String,
    },
    /// A Digest challenge that cannot be answered.
    #[error("the digest challenge cannot be answered: {reason}")]
    Challenge {
        /// Why.
        reason: String,
    },
    /// No Digest challenge where one is needed.
    #[error("the server did not ask for a digest: its answer is {status} without a challenge")]
    NoChallenge {
        /// The HTTP status.
        status: u16,
    },
    /// Two nonces in a row were called stale.
    #[error("the server called a new nonce stale")]
    NonceStale,
    /// The server does not accept the API key.
    #[error("the {identity} was not accepted")]
    WrongKey {
        /// Which key.
        identity: Identity,
        /// Where its private key comes from.
        place: SecretPlace,
    },
    /// No access token could be got.
    #[error("no access token: {0}")]
    Token(Box<RequestError>),
    /// The token endpoint refused.
    #[error("the {identity} was not accepted: {status}{refusal}")]
    TokenRefused {
        /// The HTTP status.
        status: u16,
        /// What the server says.
        refusal: TokenRefusal,
        /// Who was refused.
        identity: Identity,
        /// Where the secret comes from.
        place: SecretPlace,
    },
    /// The token endpoint answered something else than a token.
    #[error("the answer holds no bearer token")]
    TokenMissing,
    /// There is no secret.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// The name or id cannot be part of a URL.
    #[error("{name:?} cannot be part of a request")]
    Name {
        /// The path.
        name: String,
    },
    /// A page of a list is not what it should be.
    #[error("the {list} is not what it should be: {fault}")]
    Page {
        /// Which list.
        list: &'static str,
        /// What is wrong.
        fault: PageFault,
    },
}

/// What is wrong with a page of a list.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PageFault {
    /// Not JSON of the right shape.
    #[error("JSON of another shape")]
    Shape,
    /// Too many bytes.
    #[error("a page is larger than {limit} bytes")]
    TooLarge {
        /// The most that is read.
        limit: usize,
    },
    /// Too many pages.
    #[error("there are more than {limit} pages")]
    TooMany {
        /// The most that are followed.
        limit: usize,
    },
    /// The link to the next page leads elsewhere.
    #[error("the next page is at {origin}")]
    Elsewhere {
        /// Scheme, host and port of the link.
        origin: String,
    },
}

impl RequestError {
    /// Whether the server took the request and failed with this very answer, so that a smaller one may come whole.
    #[must_use]
    pub fn is_of_the_answer(&self) -> bool {
        matches!(
            self,
            Self::Silent { .. }
                | Self::Cut { .. }
                | Self::Trickles { .. }
                | Self::Unframed
                | Self::Server { retry_after: None, .. }
        )
    }

    /// Whether Atlas itself says that there is no such cluster or instance. (A project that is not found is one that the
    /// credential cannot see; an unknown resource is a wrong URL.)
    #[must_use]
    pub fn says_absent(&self) -> bool {
        let Self::Refused { status: 404, error, .. } = self else { return false };
        let elsewhere = error.name.as_deref() == Some("RESOURCE_NOT_FOUND");
        error.code.is_some_and(|code| code != Code::GroupNotFound) && !elsewhere
    }

    /// Whether Atlas says that there is no such cluster or instance, or no such project that the credential can see.
    #[must_use]
    pub fn says_gone(&self) -> bool {
        let no_project = matches!(
            self, Self::Refused { status: 404, error, .. } if error.code == Some(Code::GroupNotFound)
        );
        no_project || self.says_absent()
    }

    /// Whether nobody answered at all who could be Atlas.
    #[must_use]
    pub fn concerns_connection(&self) -> bool {
        matches!(self, Self::Connect { .. } | Self::Silent { .. } | Self::Broken { .. } | Self::Redirect { .. })
    }

    /// Whether any other request with the same credential would fail likewise.
    #[must_use]
    pub fn concerns_all(&self) -> bool {
        match self {
            Self::Connect { .. }
            | Self::Token(_)
            | Self::TokenPace { .. }
            | Self::WrongKey { .. }
            | Self::Secret(_)
            | Self::Challenge { .. }
            | Self::NoChallenge { .. } => true,
            Self::Refused { error, .. } => error.code == Some(Code::IpAddressNotOnAccessList),
            _ => false,
        }
    }

    /// What follows for the poll.
    #[must_use]
    pub fn consequence(&self) -> Consequence {
        match self {
            Self::RateLimited { wait, .. } | Self::TokenPace { wait } => Consequence::RetryAfter(*wait),
            Self::Server { retry_after: Some(wait), .. } => Consequence::RetryAfter(*wait),
            Self::Token(error) => error.consequence(),
            // 408: the server gave up waiting for the request.
            Self::Refused { status: 408, .. } => Consequence::Retry,
            Self::Connect { .. }
            | Self::Silent { .. }
            | Self::Broken { .. }
            | Self::Cut { .. }
            | Self::Trickles { .. }
            | Self::Unframed
            | Self::Server { .. }
            | Self::NonceStale => Consequence::Retry,
            Self::Refused { .. }
            | Self::Redirect { .. }
            | Self::MediaType { .. }
            | Self::Encoding { .. }
            | Self::Challenge { .. }
            | Self::NoChallenge { .. }
            | Self::WrongKey { .. }
            | Self::TokenRefused { .. }
            | Self::TokenMissing
            | Self::Secret(_)
            | Self::Name { .. }
            | Self::Page { .. } => Consequence::GiveUp,
        }
    }
}
