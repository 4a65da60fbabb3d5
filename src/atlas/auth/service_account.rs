//! OAuth 2.0 client credentials: one token, kept, renewed early, by one caller at a time.

use std::{
    collections::HashMap,
    fmt, mem,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use futures_util::future::join_all;
use reqwest::{Method, StatusCode};
use secrecy::ExposeSecret;
use tokio::time::Instant;

use super::{
    super::{
        refusal,
        request_error::RequestError,
        transport::{Exchange, Transport},
    },
    Identity, SecretPlace, secret,
    token::{Token, TokenAnswer, TokenRefusal},
    token_pace::TokenPace,
};
use crate::{config::Secret, meters::RequestKind};

const TOKEN_PATH: &str = "/api/oauth/token";
const REVOKE_PATH: &str = "/api/oauth/revoke";
/// A stop does not wait longer than this for the revocation.
const REVOKE_TIMEOUT: Duration = Duration::from_secs(3);
/// The most that is read of an answer, in bytes.
const ANSWER_LIMIT: usize = 64 << 10;
/// Paths that are remembered as denied; more are forgotten, which costs a token request at worst.
const DENIED_LIMIT: usize = 10_000;
/// For so long a denial is taken for a missing role. A token that was revoked twice in a row looks the same.
const DENIED_FOR: Duration = Duration::from_secs(15 * 60);

pub(in crate::atlas) struct ServiceAccount {
    client_id: String,
    secret: Secret,
    /// Held for a moment only, never across a request.
    token: Mutex<Option<Token>>,
    /// Held while a token is renewed: the others wait here and take what comes.
    renewal: tokio::sync::Mutex<Renewal>,
}

#[derive(Default)]
struct Renewal {
    pace: TokenPace,
    generation: u64,
    /// Paths that were answered with 401 for a token that was just renewed because of it, and not with anything else
    /// since, with the time of that: a role is missing there, and another token would not help.
    denied: HashMap<String, Instant>,
    /// Tokens that were replaced and have not ended yet. Requests under way may still use them, so they are revoked at
    /// the end only.
    replaced: Vec<Token>,
}

impl ServiceAccount {
    pub(super) fn new(client_id: &str, secret: &Secret) -> Self {
        Self {
            client_id: client_id.to_owned(),
            secret: secret.clone(),
            token: Mutex::default(),
            renewal: tokio::sync::Mutex::default(),
        }
    }

    pub(super) fn identity(&self) -> Identity {
        Identity::ServiceAccount(self.client_id.clone())
    }

    /// The current token; gets one when there is none, or when it is about to end.
    pub(super) async fn token(&self, transport: &Transport) -> Result<Token, RequestError> {
        let current = self.usable(Instant::now());
        let mut renewal = match current {
            Some(token) if Instant::now() < token.due => return Ok(token),
            // It is still good: only one caller looks after the next one, and nobody waits for him.
            Some(token) => match self.renewal.try_lock() {
                Ok(renewal) => renewal,
                Err(_) => return Ok(token),
            },
            None => self.renewal.lock().await,
        };
        if let Some(token) = self.usable(Instant::now())
            && Instant::now() < token.due
        {
            return Ok(token);
        }
        match (self.mint(transport, &mut renewal).await, self.usable(Instant::now())) {
            (Err(error), Some(token)) => {
                tracing::debug!(%error, "failed to renew the token early, the current one is still good");
                Ok(token)
            }
            (minted, _) => minted,
        }
    }

    /// The token for one more try after a 401 for the token `generation`: the current one when it is newer, else a new
    /// one. None when another token would not help.
    pub(super) async fn after_401(
        &self,
        transport: &Transport,
        generation: u64,
        path: &str,
    ) -> Result<Option<Token>, RequestError> {
        let mut renewal = self.renewal.lock().await;
        if let Some(token) = self.usable(Instant::now())
            && token.generation != generation
        {
            return Ok(Some(token));
        }
        let now = Instant::now();
        if renewal.denied.get(path).is_some_and(|&at| now < at + DENIED_FOR) || !renewal.pace.force(now) {
            return Ok(None);
        }
        self.mint(transport, &mut renewal).await.map(Some)
    }

    /// Notes that `path` was answered with 401 for a renewed token as well.
    pub(super) async fn denied(&self, path: &str) {
        self.renewal.lock().await.deny(path);
    }

    /// Notes that `path` was answered with something else than 401.
    pub(super) fn accepted(&self, path: &str) {
        // Whoever holds the lock is about to bring a new token anyway; the next answer clears the note.
        if let Ok(mut renewal) = self.renewal.try_lock() {
            renewal.denied.remove(path);
        }
    }

    /// Revokes each token that has not ended. Failures are not worth more than a line: it ends by itself.
    pub(super) async fn revoke(&self, transport: &Transport) {
        let mut tokens = mem::take(&mut self.renewal.lock().await.replaced);
        tokens.extend(self.current().take());
        let now = Instant::now();
        join_all(tokens.iter().filter(|token| now < token.ends).map(|token| self.revoke_one(transport, token))).await;
    }

    async fn revoke_one(&self, transport: &Transport, token: &Token) {
        let form = [("token", token.secret.expose_secret()), ("token_type_hint", "access_token")];
        match tokio::time::timeout(REVOKE_TIMEOUT, self.post(transport, RequestKind::Revocation, &form)).await {
            Ok(Ok(exchange)) if exchange.response.status().is_success() => tracing::debug!("revoked a token"),
            Ok(Ok(exchange)) => {
                tracing::debug!(status = exchange.response.status().as_u16(), "failed to revoke a token");
            }
            Ok(Err(error)) => tracing::debug!(%error, "failed to revoke a token"),
            Err(_) => tracing::debug!("failed to revoke a token in time"),
        }
    }

    async fn mint(&self, transport: &Transport, renewal: &mut Renewal) -> Result<Token, RequestError> {
        renewal.pace.request(Instant::now())?;
        match self.ask_for_token(transport).await {
            Ok(answer) => {
                renewal.pace.succeeded();
                renewal.generation += 1;
                let now = Instant::now();
                let token = Token::new(answer, renewal.generation, now);
                renewal.replaced.retain(|earlier| now < earlier.ends);
                renewal.replaced.extend(self.current().replace(token.clone()));
                Ok(token)
            }
            Err(error) => {
                let error = RequestError::Token(Box::new(error));
                renewal.pace.failed(Instant::now(), error.clone());
                Err(error)
            }
        }
    }

    async fn ask_for_token(&self, transport: &Transport) -> Result<TokenAnswer, RequestError> {
        let exchange = self.post(transport, RequestKind::Token, &[("grant_type", "client_credentials")]).await?;
        let status = exchange.response.status();
        if status == StatusCode::TOO_MANY_REQUESTS || status.is_server_error() {
            return Err(refusal::explain(transport, exchange, &self.identity(), None).await);
        }
        let body = transport.short_body(exchange.response, ANSWER_LIMIT).await;
        if status != StatusCode::OK {
            return Err(RequestError::TokenRefused {
                status: status.as_u16(),
                refusal: TokenRefusal::parse(&body?),
                identity: self.identity(),
                place: SecretPlace::of(&self.secret),
            });
        }
        TokenAnswer::parse(&body?).ok_or(RequestError::TokenMissing)
    }

    /// Sends a form to the endpoint that gives tokens, or to the one that takes them back.
    async fn post(
        &self,
        transport: &Transport,
        kind: RequestKind,
        form: &[(&str, &str)],
    ) -> Result<Exchange, RequestError> {
        let path = if kind == RequestKind::Revocation { REVOKE_PATH } else { TOKEN_PATH };
        let secret = secret::read(&self.secret).await?;
        let request = transport.request(Method::POST, transport.url(path)?);
        let request = request.basic_auth(&self.client_id, Some(secret.expose_secret())).form(form);
        transport.count_token_request();
        transport.exchange(kind, request).await
    }

    fn usable(&self, now: Instant) -> Option<Token> {
        self.current().clone().filter(|token| now < token.ends)
    }

    fn current(&self) -> MutexGuard<'_, Option<Token>> {
        self.token.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Renewal {
    fn deny(&mut self, path: &str) {
        if self.denied.len() >= DENIED_LIMIT {
            self.denied.clear();
        }
        self.denied.insert(path.to_owned(), Instant::now());
    }
}

impl fmt::Debug for ServiceAccount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServiceAccount").field("client_id", &self.client_id).finish_non_exhaustive()
    }
}
