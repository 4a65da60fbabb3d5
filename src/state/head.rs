//! The last archive digest, and how far its writing is.

use jiff::civil::Date;
use rusqlite::{Connection, OptionalExtension, Transaction};

use crate::{evidence::Sha256Sum, instant::Instant, state::StateError};

/// The last archive digest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// Its number in the chain.
    pub sequence: u64,
    /// The day that it is of.
    pub date: Date,
    /// Its SHA-256: the head.
    pub sha256: Sha256Sum,
    /// When it was made.
    pub made: Instant,
    /// The folders of the sources that were in the configuration then.
    pub configured: Vec<String>,
    /// While it is not in its place: the bytes of its file, and the text of its signature's if it is signed.
    pub pending: Option<(Vec<u8>, Option<String>)>,
}

impl Head {
    /// The last one; nothing before the first.
    ///
    /// # Errors
    /// When it is not what was written, or whatever SQLite gives.
    pub fn load(connection: &Connection) -> Result<Option<Self>, StateError> {
        let row = connection
            .query_row("SELECT date, sha256, made_ms, configured, digest, signature, sequence FROM head", [], |row| {
                let (date, configured): (String, String) = (row.get(0)?, row.get(3)?);
                let (digest, signature): (Option<Vec<u8>>, Option<String>) = (row.get(4)?, row.get(5)?);
                let parts = date.parse().ok().zip(serde_json::from_str(&configured).ok());
                let sha256 = Sha256Sum::from_bytes(row.get(1)?);
                let made = Instant::from_millis(row.get(2)?);
                let sequence = row.get::<_, i64>(6)?.unsigned_abs();
                Ok(parts.map(|(date, configured)| Self {
                    sequence,
                    date,
                    sha256,
                    made,
                    configured,
                    pending: digest.map(|digest| (digest, signature)),
                }))
            })
            .optional()?;
        row.map(|head| head.ok_or_else(|| StateError::Damaged("the last archive digest cannot be read".to_owned())))
            .transpose()
    }

    /// Stores it in the place of the one before.
    ///
    /// # Errors
    /// Whatever SQLite gives.
    pub fn save(&self, transaction: &Transaction<'_>) -> Result<(), StateError> {
        let configured =
            serde_json::to_string(&self.configured).map_err(|error| StateError::Damaged(error.to_string()))?;
        let (digest, signature) = self.pending.clone().unzip();
        transaction.execute(
            "INSERT OR REPLACE INTO head (one, date, sha256, made_ms, configured, digest, signature, sequence)
             VALUES (1, ?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            (
                self.date.to_string(),
                self.sha256.as_bytes(),
                self.made.millis(),
                configured,
                digest,
                signature.flatten(),
                i64::try_from(self.sequence).unwrap_or(i64::MAX),
            ),
        )?;
        Ok(())
    }
}
