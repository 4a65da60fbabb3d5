//! A Digest challenge, as a server sends it, and the answers to it.

use std::fmt;

use http_auth::{DigestClient, PasswordParams};
use reqwest::{
    Method,
    header::{HeaderMap, HeaderValue, WWW_AUTHENTICATE},
};

use super::super::request_error::RequestError;
use crate::shown::excerpt;

/// The most characters of a reason that a server's text may have a part in.
const REASON_CHARACTERS: usize = 200;

/// A Digest challenge (RFC 7616, RFC 2617), with its nonce and how often that was used.
pub struct Challenge(DigestClient);

impl Challenge {
    /// The first usable Digest challenge among the challenges in the headers of an answer; none where none is for
    /// Digest.
    ///
    /// # Errors
    /// [`RequestError::Challenge`] when there are challenges and none of them can be answered.
    pub fn find(headers: &HeaderMap) -> Result<Option<Self>, RequestError> {
        let mut unusable = None;
        for value in headers.get_all(WWW_AUTHENTICATE) {
            let challenges = value.to_str().map(http_auth::parse_challenges);
            let Ok(Ok(challenges)) = challenges else {
                unusable = Some("it cannot be read".to_owned());
                continue;
            };
            for challenge in challenges.iter().filter(|challenge| challenge.scheme.eq_ignore_ascii_case("digest")) {
                match DigestClient::try_from(challenge) {
                    Ok(client) => return Ok(Some(Self(client))),
                    Err(reason) => unusable = Some(excerpt(&reason, REASON_CHARACTERS)),
                }
            }
        }
        unusable.map_or(Ok(None), |reason| Err(RequestError::Challenge { reason }))
    }

    /// Whether the server says that only the nonce of the request was too old.
    #[must_use]
    pub fn stale(&self) -> bool {
        self.0.stale()
    }

    /// Whether it was answered at least once.
    #[must_use]
    pub fn is_answered(&self) -> bool {
        self.0.nonce_count() > 0
    }

    /// The header `Authorization` of one GET of `uri` (path and query), marked as sensitive. Each answer counts the
    /// nonce up.
    ///
    /// # Errors
    /// [`RequestError::Challenge`] when the challenge asks for what cannot be answered.
    pub fn answer(&mut self, public_key: &str, private_key: &str, uri: &str) -> Result<HeaderValue, RequestError> {
        let parameters = PasswordParams {
            username: public_key,
            password: private_key,
            uri,
            method: Method::GET.as_str(),
            body: None,
        };
        let unusable = |reason: String| RequestError::Challenge { reason: excerpt(&reason, REASON_CHARACTERS) };
        let header = self.0.respond(&parameters).map_err(unusable)?;
        let mut header = HeaderValue::from_str(&header).map_err(|error| unusable(error.to_string()))?;
        header.set_sensitive(true);
        Ok(header)
    }
}

impl fmt::Debug for Challenge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Challenge").field("stale", &self.stale()).finish_non_exhaustive()
    }
}
