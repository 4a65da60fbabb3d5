//! A service account's access token and the answer that brings it.

use std::{fmt, time::Duration};

use reqwest::header::HeaderValue;
use secrecy::{SecretString, zeroize::Zeroize};
use serde_json::Value;
use tokio::time::Instant;

use crate::shown::excerpt;

/// What the vendor documents; assumed when the answer does not say.
const USUAL_LIFETIME: Duration = Duration::from_secs(3600);
const LONGEST_LIFETIME: Duration = Duration::from_secs(24 * 3600);
/// A token is renewed when this much of its life is over …
const RENEWED_AT: f64 = 0.9;
/// … and this long before its end at the latest.
const RENEWED_BEFORE: Duration = Duration::from_secs(60);
/// Short-lived tokens are used at least this long: a lifetime of a few seconds must not mean a token for every request.
const LEAST_USE: Duration = Duration::from_secs(10);

/// An access token.
#[derive(Clone)]
pub(in crate::atlas) struct Token {
    /// `Bearer …`, marked as sensitive.
    pub(super) header: HeaderValue,
    /// The token alone.
    pub(super) secret: SecretString,
    /// Counts the tokens of this process, from 1.
    pub(super) generation: u64,
    /// When to get the next one.
    pub(super) due: Instant,
    /// When it is of no use any more.
    pub(super) ends: Instant,
}

impl Token {
    pub(super) fn new(answer: TokenAnswer, generation: u64, now: Instant) -> Self {
        let TokenAnswer { header, secret, lifetime } = answer;
        let early = lifetime.mul_f64(RENEWED_AT).min(lifetime.saturating_sub(RENEWED_BEFORE));
        let due = now + early.max(lifetime / 2).max(LEAST_USE).min(lifetime.max(LEAST_USE));
        Self { header, secret, generation, due, ends: now + lifetime.max(LEAST_USE) }
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Token").field("generation", &self.generation).finish_non_exhaustive()
    }
}

/// `{"access_token":"…","expires_in":3600,"token_type":"Bearer"}`
pub(super) struct TokenAnswer {
    header: HeaderValue,
    secret: SecretString,
    lifetime: Duration,
}

impl TokenAnswer {
    /// Reads the answer of the token endpoint; None when there is no usable bearer token in it.
    pub(super) fn parse(body: &[u8]) -> Option<Self> {
        let body: Value = serde_json::from_slice(body).ok()?;
        let is_bearer = body.get("token_type").and_then(Value::as_str).is_none_or(|t| t.eq_ignore_ascii_case("bearer"));
        let token = body.get("access_token")?.as_str().filter(|token| !token.is_empty() && is_bearer)?;
        let mut bearer = format!("Bearer {token}");
        let header = HeaderValue::from_str(&bearer);
        bearer.zeroize();
        let mut header = header.ok()?;
        header.set_sensitive(true);
        let lifetime = body.get("expires_in").and_then(Value::as_u64).map_or(USUAL_LIFETIME, Duration::from_secs);
        Some(Self { header, secret: token.into(), lifetime: lifetime.min(LONGEST_LIFETIME) })
    }
}

/// A refusal of the token endpoint: `{"error":"invalid_client","error_description":"…"}` (RFC 6749, 5.2).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TokenRefusal {
    /// `error`, for example `invalid_client`; None when the body is of another shape.
    pub error: Option<String>,
    /// `error_description`.
    pub description: Option<String>,
}

impl TokenRefusal {
    pub(super) fn parse(body: &[u8]) -> Self {
        let body: Value = serde_json::from_slice(body).unwrap_or_default();
        let text = |field, limit| body.get(field).and_then(Value::as_str).map(|text| excerpt(text, limit));
        Self { error: text("error", 80), description: text("error_description", 300) }
    }

    /// Whether the secret is wrong, has expired or was revoked.
    #[must_use]
    pub fn is_invalid_client(&self) -> bool {
        self.error.as_deref() == Some("invalid_client")
    }
}

impl fmt::Display for TokenRefusal {
    /// Continues a sentence: empty, or for example ` (invalid_client: Client authentication failed)`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.error, &self.description) {
            (Some(error), Some(description)) => write!(f, " ({error}: {description})"),
            (Some(text), None) | (None, Some(text)) => write!(f, " ({text})"),
            (None, None) => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(expires_in: &str, now: Instant) -> Token {
        let body = format!(r#"{{"access_token":"hush","expires_in":{expires_in},"token_type":"bearer"}}"#);
        Token::new(TokenAnswer::parse(body.as_bytes()).unwrap(), 1, now)
    }

    #[test]
    fn is_renewed_early_but_never_at_once() {
        let now = Instant::now();
        for (expires_in, due, ends) in [
            ("3600", 3240, 3600),
            ("300", 240, 300),
            ("100", 50, 100),
            ("30", 15, 30),
            ("5", 10, 10),
            ("0", 10, 10),
            ("null", 3240, 3600),
            ("-1", 3240, 3600),
            ("18446744073709551615", 77_760, 86_400),
        ] {
            let token = token(expires_in, now);
            assert_eq!((token.due - now).as_secs(), due, "due of {expires_in}");
            assert_eq!((token.ends - now).as_secs(), ends, "end of {expires_in}");
        }
    }

    #[test]
    fn is_not_shown() {
        let shown = format!("{0:?} {0:#?}", token("1", Instant::now()));
        assert!(!shown.contains("hush"), "{shown}");
    }

    #[test]
    fn an_answer_without_a_usable_token_is_none() {
        for body in [
            "",
            "<html>",
            "{}",
            r#"{"access_token":""}"#,
            r#"{"access_token":7}"#,
            r#"{"access_token":"a\nb"}"#,
            r#"{"access_token":"a","token_type":"mac"}"#,
        ] {
            assert!(TokenAnswer::parse(body.as_bytes()).is_none(), "{body}");
        }
    }

    #[test]
    fn a_refusal_is_read_leniently() {
        let refusal = TokenRefusal::parse(br#"{"error":"invalid_client","error_description":"no"}"#);
        assert!(refusal.is_invalid_client());
        assert_eq!(refusal.to_string(), " (invalid_client: no)");
        assert_eq!(TokenRefusal::parse(b"<html>"), TokenRefusal::default());
        assert_eq!(TokenRefusal::parse(br#"{"error":401}"#).to_string(), "");
    }
}
