//! HTTP Digest with an API key: one nonce, kept and counted up until the server calls it stale.
//!
//! A nonce lives about a minute. It is got by the 401 to a request without credentials, which is sent only when there
//! is no nonce at all; later the 401 to a stale one brings the next.

use std::{
    fmt,
    sync::{Mutex, MutexGuard, PoisonError},
};

use reqwest::{
    StatusCode,
    header::{HeaderMap, HeaderValue},
};
use secrecy::{ExposeSecret, SecretString};
use tokio::time::Instant;

use super::{
    super::{refusal, request_error::RequestError, target::Target, transport::Transport},
    Challenge, Identity, SecretPlace, secret,
};
use crate::config::Secret;

pub(in crate::atlas) struct ApiKey {
    public_key: String,
    private_key: Secret,
    /// Held for a moment only: each request takes the next count of the nonce under it.
    nonce: Mutex<Option<Nonce>>,
    /// Held while the first nonce is got, with the last failure: who waited for it shares it.
    challenge: tokio::sync::Mutex<Option<(Instant, RequestError)>>,
}

struct Nonce {
    challenge: Challenge,
    password: SecretString,
    generation: u64,
}

/// The header `Authorization` for one request.
pub(in crate::atlas) struct Signature {
    pub(super) header: HeaderValue,
    pub(super) generation: u64,
    /// Whether the nonce was never used before.
    pub(super) first_use: bool,
}

/// What a 401 to a signed request means.
pub(super) enum Verdict {
    /// The nonce may be at fault: try once more with this.
    Again(Signature),
    /// The server does not know the key, or the signature is wrong.
    WrongKey,
    /// The server knows the key and denies the request: it sent no challenge.
    Denied,
}

impl ApiKey {
    pub(super) fn new(public_key: &str, private_key: &Secret) -> Self {
        Self {
            public_key: public_key.to_owned(),
            private_key: private_key.clone(),
            nonce: Mutex::default(),
            challenge: tokio::sync::Mutex::default(),
        }
    }

    pub(super) fn identity(&self) -> Identity {
        Identity::ApiKey(self.public_key.clone())
    }

    pub(super) fn place(&self) -> SecretPlace {
        SecretPlace::of(&self.private_key)
    }

    /// Signs a GET of `target`; gets a nonce first when there is none.
    pub(super) async fn sign(&self, transport: &Transport, target: &Target) -> Result<Signature, RequestError> {
        if let Some(signature) = self.sign_with_current(target) {
            return signature;
        }
        let waiting_since = Instant::now();
        let mut failure = self.challenge.lock().await;
        if let Some(signature) = self.sign_with_current(target) {
            return signature;
        }
        if let Some((at, error)) = &*failure
            && *at >= waiting_since
        {
            return Err(error.clone());
        }
        match self.first_challenge(transport, target).await {
            Ok(challenge) => self.adopt(challenge, target).await,
            Err(error) => {
                *failure = Some((Instant::now(), error.clone()));
                Err(error)
            }
        }
    }

    /// Judges a 401 with `headers` to the request that was signed with `used`.
    pub(super) async fn after_401(
        &self,
        used: &Signature,
        headers: &HeaderMap,
        target: &Target,
    ) -> Result<Verdict, RequestError> {
        let Some(challenge) = Challenge::find(headers)? else { return Ok(Verdict::Denied) };
        // A server that forgets to say `stale` still gets one try with a new nonce, unless this one was new.
        if !challenge.stale() && used.first_use {
            self.forget(used.generation);
            return Ok(Verdict::WrongKey);
        }
        let newer = self.nonce().as_ref().is_some_and(|nonce| nonce.generation != used.generation);
        if newer && let Some(signature) = self.sign_with_current(target) {
            return signature.map(Verdict::Again);
        }
        self.adopt(challenge, target).await.map(Verdict::Again)
    }

    /// Judges a 401 with `headers` to the second try: whether even the new nonce was called stale, or the key is wrong.
    pub(super) fn after_second_401(&self, used: &Signature, headers: &HeaderMap) -> Option<RequestError> {
        let error = match Challenge::find(headers) {
            Ok(Some(challenge)) if challenge.stale() => RequestError::NonceStale,
            Ok(Some(_)) => self.wrong_key(),
            Ok(None) => return None,
            Err(error) => error,
        };
        self.forget(used.generation);
        Some(error)
    }

    pub(super) fn wrong_key(&self) -> RequestError {
        RequestError::WrongKey { identity: self.identity(), place: self.place() }
    }

    /// Asks without credentials, and keeps the challenge when there is one.
    pub(super) async fn prime(&self, transport: &Transport, target: &Target) -> Result<(), RequestError> {
        let exchange = transport.exchange(target.endpoint.into(), transport.get(target)).await?;
        if let Ok(Some(challenge)) = Challenge::find(exchange.response.headers()) {
            self.adopt(challenge, target).await?;
        }
        Ok(())
    }

    async fn first_challenge(&self, transport: &Transport, target: &Target) -> Result<Challenge, RequestError> {
        let exchange = transport.exchange(target.endpoint.into(), transport.get(target)).await?;
        let status = exchange.response.status();
        if status == StatusCode::UNAUTHORIZED {
            return Challenge::find(exchange.response.headers())?
                .ok_or(RequestError::NoChallenge { status: status.as_u16() });
        }
        if status.is_success() {
            return Err(RequestError::NoChallenge { status: status.as_u16() });
        }
        Err(refusal::explain(transport, exchange, &self.identity(), None).await)
    }

    /// Keeps a new nonce and signs with it. The private key is read anew with each.
    async fn adopt(&self, challenge: Challenge, target: &Target) -> Result<Signature, RequestError> {
        let password = secret::read(&self.private_key).await?;
        let mut current = self.nonce();
        let generation = current.as_ref().map_or(0, |nonce| nonce.generation) + 1;
        let nonce = current.insert(Nonce { challenge, password, generation });
        nonce.sign(&self.public_key, target)
    }

    fn sign_with_current(&self, target: &Target) -> Option<Result<Signature, RequestError>> {
        self.nonce().as_mut().map(|nonce| nonce.sign(&self.public_key, target))
    }

    fn forget(&self, generation: u64) {
        self.nonce().take_if(|nonce| nonce.generation == generation);
    }

    fn nonce(&self) -> MutexGuard<'_, Option<Nonce>> {
        self.nonce.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Nonce {
    fn sign(&mut self, public_key: &str, target: &Target) -> Result<Signature, RequestError> {
        let first_use = !self.challenge.is_answered();
        let header = self.challenge.answer(public_key, self.password.expose_secret(), &target.uri)?;
        Ok(Signature { header, generation: self.generation, first_use })
    }
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ApiKey").field("public_key", &self.public_key).finish_non_exhaustive()
    }
}
