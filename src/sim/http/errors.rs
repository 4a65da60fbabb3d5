//! Error bodies: the documented fields in alphabetical order.

use serde_json::{Value, json};

use super::answer::Answer;

/// The recorded body of a 401 by the gateway, spaces included.
const UNAUTHENTICATED: &str = "{\n  \"error\" : 401,\n  \"reason\" : \"Unauthorized\",\n  \"detail\" : \"You are not authorized for this resource.\",\n  \"errorCode\" : \"UNEXPECTED_ERROR\"\n}";

/// An error of the API itself.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct ApiError {
    pub(super) status: u16,
    pub(super) code: &'static str,
    pub(super) detail: String,
    pub(super) parameters: Vec<Value>,
}

impl ApiError {
    pub(super) fn new(status: u16, code: &'static str, detail: impl Into<String>) -> Self {
        Self { status, code, detail: detail.into(), parameters: Vec::new() }
    }

    /// The same with parameters: strings and numbers, mixed.
    pub(super) fn with(mut self, parameters: impl IntoIterator<Item = Value>) -> Self {
        self.parameters.extend(parameters);
        self
    }

    /// 400 for a parameter of the query.
    pub(super) fn parameter(name: &str, detail: impl Into<String>) -> Self {
        Self::new(400, "INVALID_QUERY_PARAMETER", detail).with([name.into()])
    }

    pub(super) fn into_answer(self) -> Answer {
        let reason = match self.status {
            400 => "Bad Request",
            401 => "Unauthorized",
            403 => "Forbidden",
            404 => "Not Found",
            406 => "Not Acceptable",
            410 => "Gone",
            429 => "Too Many Requests",
            _ => "Internal Server Error",
        };
        let body = json!({
            "detail": self.detail,
            "error": self.status,
            "errorCode": self.code,
            "parameters": self.parameters,
            "reason": reason,
        });
        Answer::json(self.status, body.to_string()).with("X-Error-Code", self.code).with("Vary", "Accept-Encoding")
    }
}

/// 401 of the gateway: no credentials, or none that it accepts.
pub(super) fn unauthenticated(challenge: Option<String>) -> Answer {
    let mut answer = Answer::json(401, UNAUTHENTICATED).with("Vary", "Accept-Encoding");
    answer.set("Www-Authenticate", challenge);
    answer
}

/// 429 with the documented body. The parameters are path, seconds to wait, capacity, refill and the refill's seconds.
pub(super) fn rate_limited(path: &str, retry_after: u64, bucket: (u32, u32, u64), header: bool) -> Answer {
    let (capacity, refill, every) = bucket;
    let path = path.trim_start_matches('/');
    let detail = format!("Rate limit exceeded for {path}. Try again in {retry_after} seconds.");
    let parameters = [path.into(), retry_after.into(), capacity.into(), refill.into(), every.into()];
    let mut answer = ApiError::new(429, "RATE_LIMITED_TOKEN_BUCKET", detail).with(parameters).into_answer();
    answer.set("Retry-After", header.then(|| retry_after.to_string()));
    answer
}
