//! How digests are written and read: JSON in one form only, so that every byte of one counts.

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use thiserror::Error;

use crate::evidence::FORMAT;

/// Why a file is no digest.
#[derive(Debug, Error)]
pub enum FormatError {
    /// It is not what any version writes.
    #[error("it cannot be understood: {0}")]
    Malformed(String),
    /// A newer program wrote it.
    #[error("it has format version {found}, and this program knows version {FORMAT}; run a newer atlas-logd")]
    Newer {
        /// Its version.
        found: u64,
    },
    /// It says what a digest can say, but not as it is written.
    #[error("it is not written as atlas-logd writes it, so that somebody else has written it")]
    NotCanonical,
}

#[derive(Deserialize)]
struct Version {
    format: u64,
}

/// The bytes of a digest: indented JSON, for those who read it with their eyes, and a newline.
pub(super) fn to_bytes(digest: &impl Serialize) -> Vec<u8> {
    // Serialising texts, numbers and lists of them cannot fail; if it ever does, an empty digest reads as malformed.
    let mut bytes = serde_json::to_vec_pretty(digest).unwrap_or_default();
    bytes.push(b'\n');
    bytes
}

/// Reads what [`to_bytes`] wrote, and nothing else.
pub(super) fn parse<T: Serialize + DeserializeOwned>(bytes: &[u8]) -> Result<T, FormatError> {
    let malformed = |error: serde_json::Error| FormatError::Malformed(error.to_string());
    let Version { format } = serde_json::from_slice(bytes).map_err(malformed)?;
    if format != FORMAT {
        return Err(FormatError::Newer { found: format });
    }
    let digest: T = serde_json::from_slice(bytes).map_err(malformed)?;
    if to_bytes(&digest) == bytes { Ok(digest) } else { Err(FormatError::NotCanonical) }
}
