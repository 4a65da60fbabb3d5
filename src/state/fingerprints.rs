//! The fingerprints of records that may come again.

use rusqlite::{Connection, Transaction};

use crate::{
    instant::Instant,
    record::Fingerprint,
    state::{SourceKey, StateError},
};

/// A record that is archived and may come again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KnownFingerprint {
    /// What it is recognised by.
    pub fingerprint: Fingerprint,
    /// How often it is archived.
    pub count: u64,
}

/// A record that has to be known from now on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeptFingerprint {
    /// What it is recognised by.
    pub fingerprint: Fingerprint,
    /// How many times more it is archived; 0 for one that was seen again and only has to be known for longer.
    pub more: u64,
    /// The end watermark must pass this before it is forgotten.
    pub keep_until: Instant,
}

/// What is handed one fingerprint after the other.
pub type KeptSink<'a> = &'a mut dyn FnMut(KeptFingerprint) -> Result<(), StateError>;

/// Up to `limit` fingerprints of a source that come after `after`, in their order.
///
/// # Errors
/// Whatever SQLite gives.
pub fn known_fingerprints(
    connection: &Connection,
    key: SourceKey,
    after: Option<Fingerprint>,
    limit: usize,
) -> Result<Vec<KnownFingerprint>, StateError> {
    let mut statement = connection.prepare_cached(
        "SELECT fingerprint, count FROM fingerprint WHERE source = ?1 AND fingerprint > ?2 ORDER BY fingerprint LIMIT ?3",
    )?;
    let after: &[u8] = after.as_ref().map_or(&[], |after| after.as_bytes());
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let rows = statement.query_map((key, after, limit), |row| {
        let fingerprint = Fingerprint::from_bytes(row.get(0)?);
        Ok(KnownFingerprint { fingerprint, count: super::source_state::unsigned(row.get(1)?) })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Notes what has to be known once the commit under way is done.
pub(super) fn note_pending(
    transaction: &Transaction<'_>,
    key: SourceKey,
    kept: impl FnOnce(KeptSink<'_>) -> Result<(), StateError>,
) -> Result<(), StateError> {
    insert(transaction, "pending_fingerprint", key, kept)
}

/// Forgets what a commit under way had noted.
pub(super) fn forget_pending(transaction: &Transaction<'_>, key: SourceKey) -> Result<(), StateError> {
    transaction.prepare_cached("DELETE FROM pending_fingerprint WHERE source = ?1")?.execute([key])?;
    Ok(())
}

/// What was noted becomes known.
pub(super) fn apply_pending(transaction: &Transaction<'_>, key: SourceKey) -> Result<(), StateError> {
    transaction
        .prepare_cached(
            "INSERT INTO fingerprint (source, fingerprint, count, keep_until_ms)
             SELECT source, fingerprint, count, keep_until_ms FROM pending_fingerprint WHERE source = ?1
             ON CONFLICT (source, fingerprint) DO UPDATE SET count = count + excluded.count,
                keep_until_ms = max(keep_until_ms, excluded.keep_until_ms)",
        )?
        .execute([key])?;
    forget_pending(transaction, key)
}

/// Makes fingerprints known at once.
pub(super) fn remember(
    transaction: &Transaction<'_>,
    key: SourceKey,
    kept: impl FnOnce(KeptSink<'_>) -> Result<(), StateError>,
) -> Result<(), StateError> {
    insert(transaction, "fingerprint", key, kept)
}

/// Forgets what the end watermark has passed.
pub(super) fn forget_passed(transaction: &Transaction<'_>, key: SourceKey, end: Instant) -> Result<(), StateError> {
    transaction
        .prepare_cached("DELETE FROM fingerprint WHERE source = ?1 AND keep_until_ms < ?2")?
        .execute((key, end.millis()))?;
    Ok(())
}

/// Puts `kept` in the place of everything that was known of a source.
///
/// # Errors
/// Whatever SQLite gives, or `kept` does.
pub fn replace_fingerprints(
    transaction: &Transaction<'_>,
    key: SourceKey,
    kept: impl FnOnce(KeptSink<'_>) -> Result<(), StateError>,
) -> Result<(), StateError> {
    transaction.execute("DELETE FROM fingerprint WHERE source = ?1", [key])?;
    remember(transaction, key, kept)
}

fn insert(
    transaction: &Transaction<'_>,
    table: &'static str,
    key: SourceKey,
    kept: impl FnOnce(KeptSink<'_>) -> Result<(), StateError>,
) -> Result<(), StateError> {
    let mut statement = transaction.prepare_cached(&format!(
        "INSERT INTO {table} (source, fingerprint, count, keep_until_ms) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT (source, fingerprint) DO UPDATE SET count = count + excluded.count,
            keep_until_ms = max(keep_until_ms, excluded.keep_until_ms)"
    ))?;
    kept(&mut |one| {
        let count = super::source_state::signed(one.more);
        statement.execute((key, one.fingerprint.as_bytes(), count, one.keep_until.millis()))?;
        Ok(())
    })
}
