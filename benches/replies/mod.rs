//! How an Atlas of a benchmark answers: the heads of its answers.

use atlas_logd::{
    clock::{Clock as _, SystemClock},
    instant::Instant,
};
use axum::{
    body::Body,
    http::{HeaderName, header},
    response::{IntoResponse as _, Response},
};

/// A token for an hour.
pub(crate) fn token() -> Response {
    (
        [dated(), (header::CONTENT_TYPE, "application/json".to_owned())],
        r#"{"access_token":"made-up","expires_in":3600,"token_type":"Bearer"}"#,
    )
        .into_response()
}

/// The gzip of an audit log of the stream instance `name`, of this range.
pub(crate) fn log(name: &str, from: Instant, to: Instant, gzip: impl Into<Body>) -> Response {
    let disposition = format!("attachment; filename=\"{name}_{from}_{to}_audit.log.gz\"");
    let typed = (header::CONTENT_TYPE, "application/vnd.atlas.2023-02-01+gzip".to_owned());
    ([dated(), typed, (header::CONTENT_DISPOSITION, disposition)], gzip.into()).into_response()
}

/// A page of access history.
pub(crate) fn page(json: impl Into<Body>) -> Response {
    let typed = (header::CONTENT_TYPE, "application/vnd.atlas.2023-01-01+json".to_owned());
    ([dated(), typed], json.into()).into_response()
}

fn dated() -> (HeaderName, String) {
    (header::DATE, SystemClock.now().timestamp().strftime("%a, %d %b %Y %H:%M:%S GMT").to_string())
}
