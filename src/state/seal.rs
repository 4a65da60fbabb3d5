//! Seals under way: digests that are decided and not yet in their place.

use rusqlite::{Connection, Transaction};

use crate::{
    archive::SegmentName,
    evidence::{LastDigest, Sha256Sum},
    instant::Instant,
    state::{SourceKey, SourceState, StateError, coverage::tell_gaps},
};

/// A digest on its way to its file. While a source has one, it does nothing else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seal {
    /// The segment.
    pub segment: SegmentName,
    /// The bytes of the digest's file.
    pub digest: Vec<u8>,
    /// The text of its signature's file, if it is signed.
    pub signature: Option<String>,
}

impl Seal {
    /// The seals under way of a source, in order.
    ///
    /// # Errors
    /// When they are not what was written, or whatever SQLite gives.
    pub fn load(connection: &Connection, key: SourceKey) -> Result<Vec<Self>, StateError> {
        let mut statement = connection
            .prepare_cached("SELECT segment, digest, signature FROM seal WHERE source = ?1 ORDER BY segment")?;
        let rows =
            statement.query_map([key], |row| Ok((row.get::<_, String>(0)?, row.get::<_, Vec<u8>>(1)?, row.get(2)?)))?;
        let mut seals = Vec::new();
        for row in rows {
            let (segment, digest, signature) = row?;
            let segment =
                segment.parse().map_err(|()| StateError::Damaged(format!("a seal has the name {segment:?}")))?;
            seals.push(Self { segment, digest, signature });
        }
        // By number: names sort alike only up to eight digits.
        seals.sort_by_key(|seal| seal.segment.sequence());
        Ok(seals)
    }

    /// Decides the seal of the open segment: from here on its digest will be written, whatever happens. What the digest tells
    /// is told; there is no open segment any more. The source is not saved.
    ///
    /// # Errors
    /// When the rows of the source are damaged, or whatever SQLite gives.
    pub fn record(&self, transaction: &Transaction<'_>, source: &mut SourceState) -> Result<(), StateError> {
        source.amend(transaction, |source| {
            self.insert(transaction, source.key)?;
            transaction.execute("DELETE FROM untold WHERE source = ?1", [source.key])?;
            tell_gaps(transaction, source)
        })?;
        source.sealed = source.open.take().map(Into::into);
        source.told.digest = Some(LastDigest { segment: self.segment.clone(), sha256: Sha256Sum::of(&self.digest) });
        source.told.end = source.newly_covered().map(|covered| covered.to).or(source.told.end);
        Ok(())
    }

    pub(super) fn insert(&self, transaction: &Transaction<'_>, key: SourceKey) -> Result<(), StateError> {
        transaction.execute(
            "INSERT INTO seal (source, segment, digest, signature) VALUES (?1, ?2, ?3, ?4)",
            (key, self.segment.as_str(), &self.digest, &self.signature),
        )?;
        Ok(())
    }

    /// The digest is in its place. The source is saved.
    ///
    /// # Errors
    /// When the rows of the source are damaged, or whatever SQLite gives.
    pub fn done(&self, transaction: &Transaction<'_>, source: &mut SourceState) -> Result<(), StateError> {
        source.amend(transaction, |source| {
            let done = (source.key, self.segment.as_str());
            transaction.execute("DELETE FROM seal WHERE source = ?1 AND segment = ?2", done)?;
            Ok(())
        })?;
        source.save(transaction)
    }
}

impl SourceState {
    /// How the end watermark advanced since the last digest; nothing where it did not.
    #[must_use]
    pub fn newly_covered(&self) -> Option<crate::window::Window> {
        let (start, end) = (self.start?, self.end?);
        let from: Instant = self.told.end.unwrap_or(start);
        Some(crate::window::Window::new(from, end)).filter(|covered| !covered.is_empty())
    }
}
