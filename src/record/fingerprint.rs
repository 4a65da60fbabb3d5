//! The fingerprint of a record.

use std::fmt;

use crate::instant::Instant;

/// The number of bytes in a [`Fingerprint`].
const LENGTH: usize = 16;

/// A 128-bit cryptographic hash that recognises a record when Atlas sends it again.
///
/// It has to be cryptographic: some of a record's bytes are chosen by whoever tried to log in, and a collision that can
/// be made on purpose would let him hide his own event.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fingerprint([u8; LENGTH]);

impl Fingerprint {
    /// Of a record that is recognised by all its bytes.
    #[must_use]
    pub fn of_bytes(bytes: &[u8]) -> Self {
        Self::hash("bytes", &[bytes])
    }

    /// Of an access-history entry that is recognised by where and what the server logged, because Atlas may render
    /// the rest anew. `clock` is that of an entry whose log line has none.
    #[must_use]
    pub fn of_log_line(hostname: &str, log_line: &str, clock: Option<Instant>) -> Self {
        let clock = clock.map(|clock| clock.millis().to_le_bytes());
        let clock = clock.as_ref().map_or(&[][..], |bytes| bytes);
        Self::hash("log line", &[hostname.as_bytes(), log_line.as_bytes(), clock])
    }

    /// Every part goes in with its length, so that no two lists of parts hash alike.
    fn hash(domain: &str, parts: &[&[u8]]) -> Self {
        let mut hasher = blake3::Hasher::new();
        hasher.update(&[u8::try_from(domain.len()).unwrap_or(u8::MAX)]);
        hasher.update(domain.as_bytes());
        for part in parts {
            hasher.update(&(part.len() as u64).to_le_bytes());
            hasher.update(part);
        }
        let mut fingerprint = [0; LENGTH];
        fingerprint.copy_from_slice(&hasher.finalize().as_bytes()[..LENGTH]);
        Self(fingerprint)
    }

    /// The bytes, for the state database.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; LENGTH] {
        &self.0
    }

    /// The fingerprint with these bytes.
    #[must_use]
    pub fn from_bytes(bytes: [u8; LENGTH]) -> Self {
        Self(bytes)
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_cannot_be_shifted_into_each_other() {
        assert_ne!(Fingerprint::of_log_line("ab", "c", None), Fingerprint::of_log_line("a", "bc", None));
        assert_ne!(Fingerprint::of_bytes(b"x"), Fingerprint::of_log_line("x", "", None));
    }
}
