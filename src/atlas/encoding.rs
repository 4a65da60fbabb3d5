//! How the body of an answer is encoded on its way.

use std::io::{BufRead, Read as _};

use flate2::read::MultiGzDecoder;
use reqwest::header::{CONTENT_ENCODING, HeaderMap};
use serde::de::DeserializeOwned;

use super::{
    decode::{DecodeError, Limits, inflated, json_entries},
    endpoint::Endpoint,
};
use crate::shown::excerpt;

/// How the body of an answer is encoded on its way: what is decoded first, before it is what `Content-Type` says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// As it is.
    Identity,
    /// Compressed, and protected by a checksum.
    Gzip,
}

impl Encoding {
    /// What is asked of an endpoint (`Accept-Encoding`): Atlas need not do it.
    ///
    /// A page of access history is a tenth as long compressed. An audit log is a gzip already.
    pub(super) fn asked(endpoint: Endpoint) -> Self {
        match endpoint {
            Endpoint::AccessHistory => Self::Gzip,
            Endpoint::StreamAudit | Endpoint::Projects | Endpoint::Clusters | Endpoint::StreamInstances => {
                Self::Identity
            }
        }
    }

    /// Its name in the headers.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Identity => "identity",
            Self::Gzip => "gzip",
        }
    }

    /// The one that the headers of an answer name.
    ///
    /// # Errors
    /// What they name instead.
    pub(super) fn of(headers: &HeaderMap) -> Result<Self, String> {
        let mut named = headers.get_all(CONTENT_ENCODING).iter();
        let Some(first) = named.next() else { return Ok(Self::Identity) };
        let name = String::from_utf8_lossy(first.as_bytes()).trim().to_ascii_lowercase();
        match name.as_str() {
            _ if named.next().is_some() => Err("several at once".to_owned()),
            "identity" => Ok(Self::Identity),
            "gzip" | "x-gzip" => Ok(Self::Gzip),
            _ => Err(excerpt(&name, 100)),
        }
    }

    /// Calls `each` with every entry of a page of access history whose `body` is so encoded: see [`json_entries`].
    ///
    /// # Errors
    /// See [`DecodeError`].
    pub fn json_entries<T: DeserializeOwned, E>(
        self,
        body: impl BufRead,
        limits: &Limits,
        each: impl FnMut(&[u8], Option<T>) -> Result<(), E>,
    ) -> Result<u64, DecodeError<E>> {
        match self {
            Self::Identity => json_entries(body, limits, each),
            Self::Gzip => inflated(body, limits, |page| json_entries(page, limits, each)),
        }
    }

    /// The beginning of a short text that only people read: at most `limit` bytes of it, and what is there of one that does
    /// not arrive whole.
    pub(super) fn decode_text(self, body: Vec<u8>, limit: usize) -> Vec<u8> {
        match self {
            Self::Identity => body,
            Self::Gzip => {
                let mut text = Vec::new();
                // What is left out or wrong is not there to be read.
                let _ = MultiGzDecoder::new(&body[..]).take(limit as u64).read_to_end(&mut text);
                text
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use flate2::{Compression, write::GzEncoder};
    use reqwest::header::HeaderValue;

    use super::*;

    fn of(values: &[&[u8]]) -> Result<Encoding, String> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(CONTENT_ENCODING, HeaderValue::from_bytes(value).unwrap());
        }
        Encoding::of(&headers)
    }

    #[test]
    fn one_encoding_at_a_time_is_understood() {
        assert_eq!(of(&[]), Ok(Encoding::Identity));
        assert_eq!(of(&[b" Identity "]), Ok(Encoding::Identity));
        assert_eq!(of(&[b"GZIP"]), Ok(Encoding::Gzip));
        assert_eq!(of(&[b"x-gzip"]), Ok(Encoding::Gzip));
        assert_eq!(of(&[b"br"]), Err("br".to_owned()));
        assert_eq!(of(&[b"gzip, gzip"]), Err("gzip, gzip".to_owned()));
        assert_eq!(of(&[b"gzip", b"gzip"]), Err("several at once".to_owned()));
        assert!(of(&[b"\xff"]).is_err());
    }

    #[test]
    fn of_a_text_there_is_what_arrived_and_no_more_than_the_limit() {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
        encoder.write_all(&[b'x'; 10_000]).unwrap();
        let body = encoder.finish().unwrap();
        assert_eq!(Encoding::Gzip.decode_text(body.clone(), 100), [b'x'; 100]);
        assert_eq!(Encoding::Gzip.decode_text(body[..body.len() - 4].to_vec(), 20_000), [b'x'; 10_000]);
        assert_eq!(Encoding::Gzip.decode_text(b"<html>".to_vec(), 100), b"");
        assert_eq!(Encoding::Identity.decode_text(b"<html>".to_vec(), 100), b"<html>");
    }
}
