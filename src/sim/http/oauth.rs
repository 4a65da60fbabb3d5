//! The two OAuth endpoints: a token for an id and secret (RFC 6749), and its end (RFC 7009).

use hyper::HeaderMap;
use serde_json::json;

use super::{answer::Answer, caller::scheme, errors::ApiError, query::parameters};
use crate::sim::{AuthKind, ServiceAccount, World, auth::TokenRefusal};

/// `POST /api/oauth/token` with `grant_type=client_credentials`.
pub(super) fn token(world: &World, headers: &HeaderMap, body: &[u8]) -> Answer {
    let (settings, now) = (world.settings(), world.now());
    if let Some((client_id, _)) = basic(headers)
        && world.service_accounts().iter().any(|account| account.client_id == client_id)
        && let Err(refusal) = world.tokens().count_request(&client_id, &settings, now)
    {
        return refused(refusal, settings.retry_after);
    }
    let account = match client(world, headers) {
        Ok(account) => account,
        Err(answer) => return answer,
    };
    let form = match form(headers, body) {
        Ok(form) => form,
        Err(answer) => return answer,
    };
    match field(&form, "grant_type") {
        Some("client_credentials") => {}
        Some(_) => return oauth_error(400, "unsupported_grant_type", "The grant type is not supported."),
        None => return oauth_error(400, "invalid_request", "The parameter grant_type is missing."),
    }
    let token = format!("eyJhbGciOiJub25lIn0.{}.sim", world.draw(48));
    if let Err(refusal) = world.tokens().mint(&account.client_id, token.clone(), &settings, now) {
        return refused(refusal, settings.retry_after);
    }
    let body = json!({ "access_token": token, "expires_in": settings.token_life.as_secs(), "token_type": "Bearer" });
    Answer::json(200, body.to_string()).with("Cache-Control", "no-store").with("Pragma", "no-cache")
}

/// `POST /api/oauth/revoke` with `token=…`. A token that is not there, or not the account's, is no error (RFC 7009).
pub(super) fn revoke(world: &World, headers: &HeaderMap, body: &[u8]) -> Answer {
    let account = match client(world, headers) {
        Ok(account) => account,
        Err(answer) => return answer,
    };
    let form = match form(headers, body) {
        Ok(form) => form,
        Err(answer) => return answer,
    };
    let Some(token) = field(&form, "token") else {
        return oauth_error(400, "invalid_request", "The parameter token is missing.");
    };
    world.tokens().revoke(&account.client_id, token);
    Answer::whole(200, "")
}

fn client(world: &World, headers: &HeaderMap) -> Result<ServiceAccount, Answer> {
    let invalid = || {
        oauth_error(401, "invalid_client", "The client id or the client secret is wrong.")
            .with("Www-Authenticate", "Basic realm=\"MMS Public API\"")
    };
    let (client_id, secret) = basic(headers).ok_or_else(invalid)?;
    let accounts = world.service_accounts();
    let account = accounts.iter().find(|account| account.client_id == client_id).ok_or_else(invalid)?;
    if account.accepts(&secret, world.now()) { Ok(account.clone()) } else { Err(invalid()) }
}

/// Id and secret of HTTP Basic.
fn basic(headers: &HeaderMap) -> Option<(String, String)> {
    let value = headers.get("authorization").and_then(|value| value.to_str().ok());
    let (AuthKind::Basic, encoded) = scheme(value) else { return None };
    let text = String::from_utf8(base64(encoded)?).ok()?;
    let (id, secret) = text.split_once(':')?;
    Some((id.to_owned(), secret.to_owned()))
}

/// Decodes base64 with the usual alphabet and its padding.
fn base64(text: &str) -> Option<Vec<u8>> {
    const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    if !text.len().is_multiple_of(4) {
        return None;
    }
    let digits = text.trim_end_matches('=');
    if text.len() - digits.len() > 2 {
        return None;
    }
    let (mut bits, mut value, mut bytes) = (0_u32, 0_u32, Vec::new());
    for digit in digits.bytes() {
        let place = ALPHABET.iter().position(|known| *known == digit)?;
        value = (value << 6 | u32::try_from(place).ok()?) & 0xfff;
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            bytes.push(u8::try_from(value >> bits & 0xff).ok()?);
        }
    }
    Some(bytes)
}

type Form = Vec<(String, String)>;

fn form(headers: &HeaderMap, body: &[u8]) -> Result<Form, Answer> {
    let media_type = headers.get("content-type").and_then(|value| value.to_str().ok()).unwrap_or_default();
    if media_type.split(';').next().map(str::trim) != Some("application/x-www-form-urlencoded") {
        return Err(oauth_error(400, "invalid_request", "The body must be application/x-www-form-urlencoded."));
    }
    Ok(parameters(&String::from_utf8_lossy(body)))
}

fn field<'a>(form: &'a Form, name: &str) -> Option<&'a str> {
    form.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
}

fn oauth_error(status: u16, error: &str, description: &str) -> Answer {
    let body = json!({ "error": error, "error_description": description });
    Answer::json(status, body.to_string()).with("Cache-Control", "no-store")
}

fn refused(refusal: TokenRefusal, header: bool) -> Answer {
    let (detail, retry_after) = match refusal {
        TokenRefusal::TooOften(seconds) => ("Too many token requests for this service account.", Some(seconds.max(1))),
        TokenRefusal::TooManyLive => ("This service account has too many active tokens.", None),
    };
    let mut answer = ApiError::new(429, "RATE_LIMITED", detail).into_answer();
    answer.set("Retry-After", retry_after.filter(|_| header).map(|seconds| seconds.to_string()));
    answer
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_that_of_the_rfc() {
        for (encoded, decoded) in
            [("", ""), ("Zg==", "f"), ("Zm8=", "fo"), ("Zm9v", "foo"), ("Zm9vYmFy", "foobar"), ("Pz8/Pg==", "???>")]
        {
            assert_eq!(base64(encoded).unwrap(), decoded.as_bytes());
        }
        for wrong in ["Z", "Zg=", "Z===", "Zm 9v", "Zm9-"] {
            assert_eq!(base64(wrong), None, "{wrong}");
        }
    }
}
