//! SHA-256: of all hashes the one that every auditor has a tool for.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use sha2::{
    Digest as _, Sha256,
    digest::common::hazmat::{SerializableState as _, SerializedState},
};

/// The SHA-256 of some bytes; written as 64 hexadecimal digits in lower case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Sha256Sum([u8; 32]);

impl Sha256Sum {
    /// The sum of `bytes`.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    /// The 32 bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Back from [`Sha256Sum::as_bytes`].
    #[must_use]
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }
}

impl fmt::Display for Sha256Sum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl FromStr for Sha256Sum {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let digits = text.as_bytes();
        if digits.len() != 64 || !digits.iter().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f')) {
            return Err(());
        }
        let mut bytes = [0; 32];
        for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
            let pair = std::str::from_utf8(pair).map_err(|_| ())?;
            *byte = u8::from_str_radix(pair, 16).map_err(|_| ())?;
        }
        Ok(Self(bytes))
    }
}

impl Serialize for Sha256Sum {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Sha256Sum {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(|()| D::Error::custom("a SHA-256 has 64 hexadecimal digits in lower case"))
    }
}

/// A SHA-256 of bytes that come in pieces, between which the program may end: it can be stored and gone on with.
#[derive(Clone, Debug, Default)]
pub struct RunningSha256(Sha256);

impl RunningSha256 {
    /// Adds bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// The sum of all bytes so far.
    #[must_use]
    pub fn sum(&self) -> Sha256Sum {
        Sha256Sum(self.0.clone().finalize().into())
    }

    /// How far it is, to be stored.
    #[must_use]
    pub fn to_stored(&self) -> Vec<u8> {
        self.0.serialize().to_vec()
    }

    /// Back from [`RunningSha256::to_stored`]; nothing for what nobody stored.
    #[must_use]
    pub fn from_stored(bytes: &[u8]) -> Option<Self> {
        let state: SerializedState<Sha256> = bytes.try_into().ok()?;
        Sha256::deserialize(&state).ok().map(Self)
    }
}

impl std::io::Write for RunningSha256 {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl PartialEq for RunningSha256 {
    fn eq(&self, other: &Self) -> bool {
        self.to_stored() == other.to_stored()
    }
}

impl Eq for RunningSha256 {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sum_is_that_of_the_standard_tools_and_is_read_back() {
        let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(Sha256Sum::of(b"abc").to_string(), abc);
        assert_eq!(abc.parse(), Ok(Sha256Sum::of(b"abc")));
        for other in [&abc[1..], &abc.to_uppercase(), &abc.replace('b', "g"), ""] {
            assert_eq!(other.parse::<Sha256Sum>(), Err(()), "{other}");
        }
    }

    #[test]
    fn one_that_was_stored_goes_on_where_it_was() {
        let bytes: Vec<u8> = (0..=255).cycle().take(1000).collect();
        for cut in [0, 1, 63, 64, 65, 127, 500, 1000] {
            let mut running = RunningSha256::default();
            running.update(&bytes[..cut]);
            let mut again = RunningSha256::from_stored(&running.to_stored()).unwrap();
            again.update(&bytes[cut..]);
            assert_eq!(again.sum(), Sha256Sum::of(&bytes));
        }
        assert_eq!(RunningSha256::from_stored(b"short"), None);
    }
}
