//! An answer before it becomes HTTP: status, headers, and a body that may come in pieces.

use std::{pin::Pin, sync::Arc};

use axum::body::Body;
use bytes::{Bytes, BytesMut};
use futures_util::{
    StreamExt as _,
    stream::{self, Stream},
};
use hyper::{
    Response,
    header::{HeaderName, HeaderValue},
};

use super::connection::Line;
use crate::sim::settings::Framing;

/// The pieces of a body. Its end is the end of the body; a body that fails never ends, so that no failure looks whole.
pub(super) type Pieces = Pin<Box<dyn Stream<Item = Bytes> + Send>>;

/// Bodies up to this many bytes are collected to be sent with their length.
const COLLECTED: usize = 1024 * 1024;

/// An answer.
pub(super) struct Answer {
    pub(super) status: u16,
    /// By name; in the order of the alphabet when sent, as recorded.
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Pieces,
    /// What `Content-Length` says; chunked without a number.
    pub(super) length: Option<u64>,
}

impl Answer {
    /// An answer with a whole body.
    pub(super) fn whole(status: u16, body: impl Into<Bytes>) -> Self {
        let body: Bytes = body.into();
        let length = Some(body.len() as u64);
        Self { status, headers: Vec::new(), body: once(body), length }
    }

    /// An answer with a JSON body.
    pub(super) fn json(status: u16, body: impl Into<Bytes>) -> Self {
        Self::whole(status, body).with("Content-Type", "application/json")
    }

    /// A successful answer with a body in pieces.
    pub(super) async fn pieces(mut body: Pieces, framing: Framing) -> Self {
        let limit = match framing {
            Framing::Auto => COLLECTED,
            Framing::Length => usize::MAX,
            Framing::Chunked => 0,
        };
        let mut collected = BytesMut::new();
        while collected.len() < limit {
            match body.next().await {
                Some(piece) => collected.extend_from_slice(&piece),
                None => return Self::whole(200, collected),
            }
        }
        let body = Box::pin(once(collected.freeze()).chain(body));
        Self { status: 200, headers: Vec::new(), body, length: None }
    }

    /// The same with one more header, in place of one of the same name.
    pub(super) fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.set(name, Some(value.into()));
        self
    }

    /// Sets a header or takes it away.
    pub(super) fn set(&mut self, name: &str, value: Option<String>) {
        self.headers.retain(|(known, _)| !known.eq_ignore_ascii_case(name));
        self.headers.extend(value.map(|value| (name.to_owned(), value)));
    }

    /// The value of a header.
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        let known = self.headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        known.map(|(_, value)| value.as_str())
    }

    /// The answer as HTTP.
    pub(super) fn into_response(mut self) -> Response<Body> {
        if let Some(length) = self.length {
            self.set("Content-Length", Some(length.to_string()));
        }
        self.headers.sort_by_key(|(name, _)| name.to_ascii_lowercase());
        let body = self.body.map(Ok::<_, std::convert::Infallible>);
        let mut response = Response::new(Body::from_stream(body));
        if let Ok(status) = hyper::StatusCode::from_u16(self.status) {
            *response.status_mut() = status;
        }
        for (name, value) in self.headers {
            // What cannot stand in a header is left out.
            if let (Ok(name), Ok(value)) =
                (HeaderName::from_bytes(name.as_bytes()), HeaderValue::from_bytes(value.as_bytes()))
            {
                response.headers_mut().append(name, value);
            }
        }
        response
    }
}

/// A body of one piece.
pub(super) fn once(piece: Bytes) -> Pieces {
    Box::pin(stream::iter((!piece.is_empty()).then_some(piece)))
}

/// Ends the connection in the middle of the body.
pub(super) fn cut(line: &Line) -> Pieces {
    let line = Arc::new(line.clone());
    Box::pin(stream::once(async move {
        line.cut();
        std::future::pending().await
    }))
}
