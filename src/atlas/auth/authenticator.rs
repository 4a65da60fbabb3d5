//! The two ways to authenticate, behind one face.

use reqwest::header::{HeaderMap, HeaderValue};

use super::{
    super::{request_error::RequestError, target::Target, transport::Transport},
    Identity,
    digest::{ApiKey, Signature, Verdict},
    service_account::ServiceAccount,
    token::Token,
};
use crate::config::Credential;

/// What the digest of an API key is primed with: the list of projects, which is never shown without credentials.
const PRIME_PATH: &str = "/api/atlas/v2/groups";

/// A credential with its token or nonce.
#[derive(Debug)]
pub(in crate::atlas) enum Authenticator {
    ServiceAccount(ServiceAccount),
    ApiKey(ApiKey),
}

/// What one request is authorized with.
pub(in crate::atlas) enum Authorization {
    Bearer(Token),
    Digest(Signature),
}

impl Authorization {
    /// The header `Authorization`, marked as sensitive.
    pub(in crate::atlas) fn header(&self) -> &HeaderValue {
        match self {
            Self::Bearer(token) => &token.header,
            Self::Digest(signature) => &signature.header,
        }
    }
}

/// What a first 401 leads to.
pub(in crate::atlas) enum Renewal {
    /// One more try, with this.
    Again(Authorization),
    /// No other token or nonce would help. With a reason where it lies in the authentication itself, unless the body
    /// of the answer names another.
    Denied(Option<RequestError>),
}

impl Authenticator {
    pub(in crate::atlas) fn new(credential: &Credential) -> Self {
        match credential {
            Credential::ServiceAccount { client_id, client_secret, expires: _ } => {
                Self::ServiceAccount(ServiceAccount::new(client_id, client_secret))
            }
            Credential::ApiKey { public_key, private_key } => Self::ApiKey(ApiKey::new(public_key, private_key)),
        }
    }

    pub(in crate::atlas) fn identity(&self) -> Identity {
        match self {
            Self::ServiceAccount(account) => account.identity(),
            Self::ApiKey(key) => key.identity(),
        }
    }

    /// Authorizes one GET of `target`, with a token or nonce that is got now when there is none.
    pub(in crate::atlas) async fn authorize(
        &self,
        transport: &Transport,
        target: &Target,
    ) -> Result<Authorization, RequestError> {
        match self {
            Self::ServiceAccount(account) => account.token(transport).await.map(Authorization::Bearer),
            Self::ApiKey(key) => key.sign(transport, target).await.map(Authorization::Digest),
        }
    }

    /// Judges a 401 to the first try.
    pub(in crate::atlas) async fn after_401(
        &self,
        transport: &Transport,
        target: &Target,
        used: &Authorization,
        headers: &HeaderMap,
    ) -> Result<Renewal, RequestError> {
        match (self, used) {
            (Self::ServiceAccount(account), Authorization::Bearer(token)) => {
                let renewed = account.after_401(transport, token.generation, target.path()).await?;
                Ok(renewed.map_or(Renewal::Denied(None), |token| Renewal::Again(Authorization::Bearer(token))))
            }
            (Self::ApiKey(key), Authorization::Digest(signature)) => {
                match key.after_401(signature, headers, target).await? {
                    Verdict::Again(signature) => Ok(Renewal::Again(Authorization::Digest(signature))),
                    Verdict::WrongKey => Ok(Renewal::Denied(Some(key.wrong_key()))),
                    Verdict::Denied => Ok(Renewal::Denied(None)),
                }
            }
            // An authorization is used with the authenticator that made it.
            (Self::ServiceAccount(_), Authorization::Digest(_)) | (Self::ApiKey(_), Authorization::Bearer(_)) => {
                Ok(Renewal::Denied(None))
            }
        }
    }

    /// Judges a 401 to the second try: the reason, when it lies in the authentication and not in a missing role.
    pub(in crate::atlas) async fn after_second_401(
        &self,
        target: &Target,
        used: &Authorization,
        headers: &HeaderMap,
    ) -> Option<RequestError> {
        match (self, used) {
            (Self::ServiceAccount(account), _) => {
                account.denied(target.path()).await;
                None
            }
            (Self::ApiKey(key), Authorization::Digest(signature)) => key.after_second_401(signature, headers),
            (Self::ApiKey(_), Authorization::Bearer(_)) => None,
        }
    }

    /// Notes an answer other than 401.
    pub(in crate::atlas) fn accepted(&self, target: &Target) {
        match self {
            Self::ServiceAccount(account) => account.accepted(target.path()),
            Self::ApiKey(_) => {}
        }
    }

    /// Gets the token or nonce now, so that an answer was seen.
    pub(in crate::atlas) async fn prime(&self, transport: &Transport) -> Result<(), RequestError> {
        match self {
            Self::ServiceAccount(account) => account.token(transport).await.map(drop),
            Self::ApiKey(key) => key.prime(transport, &Target::prime(transport, PRIME_PATH)?).await,
        }
    }

    /// Gives the token back; best effort.
    pub(in crate::atlas) async fn revoke(&self, transport: &Transport) {
        match self {
            Self::ServiceAccount(account) => account.revoke(transport).await,
            Self::ApiKey(_) => {}
        }
    }
}
