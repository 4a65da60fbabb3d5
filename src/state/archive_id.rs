//! The random id that state and archive carry both, so that neither is ever used with another.

use std::fmt;

use rand::Rng;
use rusqlite::{Connection, OptionalExtension, Transaction};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

use crate::state::StateError;

/// 128 random bits in hexadecimal digits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ArchiveId(String);

impl ArchiveId {
    /// A new id.
    #[must_use]
    pub fn random() -> Self {
        let mut bits = [0; 16];
        rand::rng().fill_bytes(&mut bits);
        Self(bits.iter().map(|byte| format!("{byte:02x}")).collect())
    }

    /// Reads an id as it stands in the archive's marker.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.len() == 32 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        digits.then(|| Self(text.to_owned()))
    }

    /// The id in the state, and whether the archive was marked with it; nothing in a new state.
    ///
    /// # Errors
    /// Whatever SQLite gives.
    pub fn load(connection: &Connection) -> Result<Option<(Self, bool)>, StateError> {
        let row = connection
            .query_row("SELECT id, marked FROM archive", [], |row| Ok((Self(row.get(0)?), row.get::<_, i64>(1)? != 0)));
        Ok(row.optional()?)
    }

    /// Stores the id, and whether the archive is marked with it.
    ///
    /// # Errors
    /// Whatever SQLite gives.
    pub fn save(&self, transaction: &Transaction<'_>, marked: bool) -> Result<(), StateError> {
        let marked = i64::from(marked);
        transaction
            .execute("INSERT OR REPLACE INTO archive (one, id, marked) VALUES (1, ?1, ?2)", (&self.0, marked))?;
        Ok(())
    }
}

impl fmt::Display for ArchiveId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Serialize for ArchiveId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for ArchiveId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| D::Error::custom("an archive id has 32 hexadecimal digits in lower case"))
    }
}
