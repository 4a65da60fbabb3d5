//! From an answer that brings nothing to the error that says so.

use std::time::Duration;

use reqwest::{StatusCode, header::RETRY_AFTER};

use super::{
    auth::Identity,
    encoding::Encoding,
    error_body::ErrorBody,
    request_error::RequestError,
    retry_after,
    transport::{Exchange, Transport},
};

/// How long a 429 without `Retry-After` holds where nobody counts.
const USUAL_WAIT: Duration = Duration::from_secs(10);

/// `Retry-After` of an answer, seconds or a date.
pub(super) fn retry_after(exchange: &Exchange) -> Option<Duration> {
    let header = exchange.response.headers().get(RETRY_AFTER)?.to_str().ok()?;
    retry_after::parse(header, exchange.date.unwrap_or(exchange.asked_at))
}

/// The error for an answer whose status is not 200. `wait` is how long a 429 holds, where that was decided already.
pub(super) async fn explain(
    transport: &Transport,
    exchange: Exchange,
    identity: &Identity,
    wait: Option<Duration>,
) -> RequestError {
    let status = exchange.response.status();
    let retry_after = retry_after(&exchange);
    let error = error_body(transport, exchange).await;
    if status == StatusCode::TOO_MANY_REQUESTS {
        return RequestError::RateLimited { wait: wait.or(retry_after).unwrap_or(USUAL_WAIT), error };
    }
    if status.is_server_error() {
        return RequestError::Server { status: status.as_u16(), retry_after, error };
    }
    RequestError::Refused { status: status.as_u16(), error, identity: identity.clone() }
}

/// What the server says about its refusal; nothing when its words do not arrive.
pub(super) async fn error_body(transport: &Transport, exchange: Exchange) -> ErrorBody {
    // Whoever refuses may compress its words as well.
    let Ok(encoding) = Encoding::of(exchange.response.headers()) else { return ErrorBody::default() };
    match transport.short_body(exchange.response, ErrorBody::LIMIT).await {
        Ok(body) => ErrorBody::parse(&encoding.decode_text(body, ErrorBody::LIMIT)),
        Err(_) => ErrorBody::default(),
    }
}
