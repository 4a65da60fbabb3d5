//! Why the body of an answer is not what it should be.

use std::io;

/// Why a decoder gave up. `E` is the error of the caller's own sink, passed through.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError<E> {
    /// The body did not arrive; whoever fed the reader knows why.
    #[error("the body did not arrive whole: {0}")]
    Body(io::Error),
    /// The gzip data stops before its end.
    #[error("the gzip data stops in the middle, after {decompressed} decompressed bytes")]
    GzipCut {
        /// Bytes that came out before.
        decompressed: u64,
    },
    /// Not gzip, a wrong checksum or length, or something after the end that is not gzip.
    #[error("the gzip data is damaged after {decompressed} decompressed bytes: {cause}")]
    GzipDamaged {
        /// Bytes that came out before.
        decompressed: u64,
        /// What the decompressor says.
        cause: io::Error,
    },
    /// A small body that expands without end.
    #[error("the gzip data expands without end: {compressed} bytes became {decompressed} and more")]
    GzipExpands {
        /// Bytes that went in.
        compressed: u64,
        /// Bytes that came out.
        decompressed: u64,
    },
    /// The JSON stops before its end.
    #[error("the JSON stops in the middle, after {}", entries_in_words(*.entries))]
    JsonCut {
        /// Entries before.
        entries: u64,
    },
    /// Not JSON, or something after its end.
    #[error("the body is not JSON at line {line}, column {column}, after {}", entries_in_words(*.entries))]
    JsonDamaged {
        /// Entries before.
        entries: u64,
        /// The line, from 1.
        line: usize,
        /// The column, in bytes.
        column: usize,
    },
    /// JSON, but not a page of access history.
    #[error("JSON of another shape: {0}")]
    Shape(Shape),
    /// One record is too long to be held in memory.
    #[error("a record is longer than {limit} bytes")]
    RecordTooLong {
        /// The longest record that is taken, in bytes.
        limit: usize,
    },
    /// The answer is larger than the configuration allows.
    #[error("the answer is larger than {limit} bytes")]
    AnswerTooLarge {
        /// The largest answer that is taken, in bytes.
        limit: u64,
    },
    /// The caller's own sink failed.
    #[error("{0}")]
    Sink(E),
}

impl<E> DecodeError<E> {
    /// Whether the same window will most likely fail in the same way again, so that only an operator's `skip` (or a
    /// higher limit) gets past it.
    #[must_use]
    pub fn lasts(&self) -> bool {
        match self {
            Self::Body(_) | Self::GzipCut { .. } | Self::JsonCut { .. } | Self::Sink(_) => false,
            Self::GzipDamaged { .. }
            | Self::GzipExpands { .. }
            | Self::JsonDamaged { .. }
            | Self::Shape(_)
            | Self::RecordTooLong { .. }
            | Self::AnswerTooLarge { .. } => true,
        }
    }

    /// Whether a page may be good, and only its compression was mishandled on the way: inflated, and still said to be
    /// compressed, or the other way round.
    #[must_use]
    pub fn may_be_of_compression(&self) -> bool {
        matches!(self, Self::GzipDamaged { decompressed: 0, .. } | Self::JsonDamaged { line: 1, column: 1, .. })
    }
}

fn entries_in_words(entries: u64) -> String {
    format!("{entries} {}", if entries == 1 { "entry" } else { "entries" })
}

/// How JSON differs from `{"accessLogs":[{…},…]}`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Shape {
    /// The body is no object.
    #[error("the body is not an object")]
    TopNotObject,
    /// The object has no such field.
    #[error("there is no \"accessLogs\"")]
    Missing,
    /// The object has the field twice.
    #[error("\"accessLogs\" is there twice")]
    Twice,
    /// The field is something else.
    #[error("\"accessLogs\" is not an array")]
    NotArray,
    /// An entry is something else.
    #[error("entry {index} of \"accessLogs\" is not an object")]
    EntryNotObject {
        /// The entry's place in the page, from 0.
        index: u64,
    },
}
