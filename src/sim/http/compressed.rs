//! JSON that is compressed for its way.

use std::io::{self, Write as _};

use bytes::Bytes;
use flate2::{Compression, write::GzEncoder};
use futures_util::{StreamExt as _, stream};

use super::answer::{Answer, Pieces};

/// Whether `Accept-Encoding` names gzip.
pub(super) fn takes_gzip(accepted: &str) -> bool {
    accepted.split(',').any(|coding| coding.trim().eq_ignore_ascii_case("gzip"))
}

/// The same answer compressed, if it is JSON. How long it becomes is not known before.
pub(super) fn compressed(answer: Answer) -> Answer {
    let is_json = answer.header("Content-Type").is_some_and(|name| {
        let essence = name.split(';').next().unwrap_or_default();
        essence == "application/json" || essence.ends_with("+json")
    });
    if !is_json {
        return answer;
    }
    let Answer { status, headers, body, .. } = answer;
    Answer { status, headers, body: deflated(body), length: None }
        .with("Content-Encoding", "gzip")
        .with("Vary", "Accept-Encoding")
}

/// A gzip of `body`, piece by piece.
fn deflated(body: Pieces) -> Pieces {
    let encoder = GzEncoder::new(Vec::new(), Compression::fast());
    Box::pin(stream::unfold(Some((body, encoder)), async |state| {
        let (mut body, mut encoder) = state?;
        let piece = match body.next().await {
            Some(piece) => {
                encoder.write_all(&piece).map(|()| (std::mem::take(encoder.get_mut()), Some((body, encoder))))
            }
            None => encoder.finish().map(|rest| (rest, None)),
        };
        match piece {
            Ok((piece, state)) => Some((Bytes::from(piece), state)),
            // A body that fails never ends.
            Err(io::Error { .. }) => std::future::pending().await,
        }
    }))
}
