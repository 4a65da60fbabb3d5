//! How large an answer and a record may be.

/// What a decoder refuses; both bounds are in bytes after decompression.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The longest record. A longer one is an error, since a record is held in memory whole.
    pub record: usize,
    /// The largest answer.
    pub answer: u64,
}

impl Limits {
    /// 16 MiB, the longest record that is archived.
    pub const RECORD: usize = 16 << 20;

    /// The limits for answers of at most `answer` bytes, with records of at most [`Limits::RECORD`] bytes.
    #[must_use]
    pub fn new(answer: u64) -> Self {
        Self { record: Self::RECORD, answer }
    }
}
