//! What can go wrong on purpose.

use std::time::Duration;

use bytes::Bytes;

/// What goes wrong. Several can strike one request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// This instead of any other answer: nobody is authenticated, no token is taken.
    Answer {
        /// The status.
        status: u16,
        /// All headers but `Date`, `Content-Length` and `Server`.
        headers: Vec<(String, String)>,
        /// The body.
        body: Bytes,
    },
    /// 429 with the documented body, and `Retry-After` with so many seconds.
    RateLimited {
        /// Without a number no header.
        retry_after: Option<u64>,
    },
    /// The connection is reset instead of an answer.
    Reset,
    /// There never is an answer.
    Hang,
    /// The connection is closed after exactly so many bytes of the body, in the middle of its framing.
    Cut(usize),
    /// The connection is reset after so many bytes of the body. Some of them may be lost on the way.
    ResetAfter(usize),
    /// The body ends after so many bytes, with correct framing: a gzip cut at any place.
    Truncate(usize),
    /// The byte at this place of the body (from 0) is inverted.
    Corrupt(usize),
    /// More bytes after the end of the body, with correct framing.
    Append(Bytes),
    /// `Content-Length` says so. If it is more than there is, the connection is closed after the last byte.
    Length(u64),
    /// After so many bytes of the body nothing more comes, and the connection stays.
    Stall(usize),
    /// After so many bytes of the body the rest comes byte by byte.
    Trickle {
        /// So many bytes come at once.
        after: usize,
        /// Real time between two of the others.
        every: Duration,
    },
    /// The body is `unit`, again and again. It is compressed where the body is a gzip.
    Repeat {
        /// What is repeated.
        unit: Bytes,
        /// How often; without a number for ever.
        times: Option<u64>,
    },
    /// Another body under the same status and headers, with correct framing.
    Body(Bytes),
    /// Another value of a header, or none of it.
    Header(String, Option<String>),
    /// The `Date` header is off by so many milliseconds, beside what is set for the world.
    DateOffset(i64),
    /// So much of an audit range is left out at its start and at its end, and the `Content-Disposition` says so.
    NarrowRange(Duration, Duration),
}

impl Fault {
    /// A proxy's HTML page.
    #[must_use]
    pub fn html(status: u16) -> Self {
        let body = format!("<html><head><title>{status}</title></head><body><h1>{status}</h1>\n</body></html>\n");
        let headers = vec![("Content-Type".to_owned(), "text/html".to_owned())];
        Self::Answer { status, headers, body: body.into() }
    }

    /// An error of Atlas itself, with every documented field.
    #[must_use]
    pub fn json(status: u16, error_code: &str) -> Self {
        let body = serde_json::json!({
            "badRequestDetail": null,
            "detail": "An unexpected error occurred.",
            "error": status,
            "errorCode": error_code,
            "parameters": [],
            "reason": "Unexpected",
        });
        let headers = vec![("Content-Type".to_owned(), "application/json".to_owned())];
        Self::Answer { status, headers, body: body.to_string().into() }
    }

    /// A redirect.
    #[must_use]
    pub fn redirect(location: &str) -> Self {
        let headers = vec![("Location".to_owned(), location.to_owned())];
        Self::Answer { status: 302, headers, body: Bytes::new() }
    }

    /// No `Date` header.
    #[must_use]
    pub fn no_date() -> Self {
        Self::Header("Date".to_owned(), None)
    }

    /// A line that never ends.
    #[must_use]
    pub fn endless_line() -> Self {
        Self::Repeat { unit: vec![b'x'; 64 * 1024].into(), times: None }
    }

    /// A well-formed gzip that expands to so many MiB of zeros.
    #[must_use]
    pub fn gzip_bomb(mebibytes: u64) -> Self {
        Self::Repeat { unit: vec![0; 1024 * 1024].into(), times: Some(mebibytes) }
    }
}
