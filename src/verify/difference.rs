//! How a file differs from what it was.

/// How the length of a file differs from what it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Difference {
    /// As long as it was.
    SameLength,
    /// It has so many bytes less.
    Shorter(u64),
    /// It has more bytes, and those before them are as they were.
    Appended,
    /// It has more bytes, and those that it had before are not as they were.
    Longer,
}

impl Difference {
    pub(super) fn sentence(self) -> String {
        match self {
            Self::SameLength => "bytes of it were changed".to_owned(),
            Self::Shorter(bytes) => format!("it is {bytes} bytes too short"),
            Self::Appended => "something was appended to it".to_owned(),
            Self::Longer => "bytes were put into it".to_owned(),
        }
    }
}
