//! The Atlas client: how the two endpoints are asked, and how their answers are read.
//!
//! [`Client::ask`] sends one request for one window of one source. It authenticates, keeps account of the rate limit
//! and checks the beginning of the answer; it neither waits nor tries again, except once after a 401. Its callers own
//! schedule, waits and retries, led by [`RequestError::consequence`]. The body comes in chunks ([`Body`]), which go
//! through [`decode::channel`] to a decoder on a blocking thread, which inflates it first where it was compressed for its
//! way ([`Encoding`]).
//!
//! The invariant: an answer is never taken for complete because it stopped. The framing of HTTP, the trailer of gzip
//! and the closing of JSON must all say so.

mod advice;
mod ask;
mod auth;
mod body;
mod cause;
mod client;
mod client_error;
mod clock_offset;
mod content_disposition;
pub mod decode;
mod encoding;
mod endpoint;
mod error_body;
mod holds;
mod http_date;
mod listing;
mod rate_limits;
mod refusal;
mod request_error;
mod retry_after;
mod stats;
mod target;
mod transport;

#[cfg(test)]
mod tests;

pub(crate) use advice::NOT_ATLAS;
pub use ask::{Answer, Ask};
pub use auth::{Challenge, Identity, SecretError, SecretFault, SecretPlace, TokenRefusal};
pub use body::Body;
pub use cause::Cause;
pub use client::Client;
pub use client_error::ClientError;
pub use encoding::Encoding;
pub use error_body::{Code, ErrorBody};
pub use holds::{oldest, retention};
pub use listing::{Listed, Listing};
pub use request_error::{Consequence, PageFault, RequestError};
pub use stats::ClientStats;
pub use target::PAGE_LIMIT;
