//! The fingerprints of records that may come again.

use rusqlite::{Connection, Transaction};

use crate::{
    instant::Instant,
    record::Fingerprint,
    state::{SourceKey, StateError},
    window::Window,
};

/// What is stored for a record with a clock: a range that ends before it begins, as no range does.
const NO_RANGE: (i64, i64) = (1, 0);

/// What a record is recognised by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RecordKey {
    /// Its fingerprint.
    pub fingerprint: Fingerprint,
    /// For a record without any clock: the clocks between which it lay. It is the same record where the ranges overlap.
    pub between: Option<Window>,
}

impl RecordKey {
    /// The range as it is stored.
    fn range(&self) -> (i64, i64) {
        self.between.map_or(NO_RANGE, |between| (between.from.millis(), between.to.millis()))
    }

    /// Back from what is stored.
    pub(crate) fn from_stored(fingerprint: [u8; 16], from_ms: i64, to_ms: i64) -> Self {
        let between = Window::new(Instant::from_millis(from_ms), Instant::from_millis(to_ms));
        let between = Some(between).filter(|_| (from_ms, to_ms) != NO_RANGE);
        Self { fingerprint: Fingerprint::from_bytes(fingerprint), between }
    }

    /// The columns that it is stored in.
    pub(crate) fn to_stored(self) -> ([u8; 16], i64, i64) {
        let (from_ms, to_ms) = self.range();
        (*self.fingerprint.as_bytes(), from_ms, to_ms)
    }
}

/// A record that is archived and may come again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KnownFingerprint {
    /// What it is recognised by.
    pub key: RecordKey,
    /// How often it is archived.
    pub count: u64,
    /// The end of the last range that was asked for and held it.
    pub seen_until: Instant,
}

/// A record that has to be known from now on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeptFingerprint {
    /// What it is recognised by.
    pub key: RecordKey,
    /// How many times more it is archived; 0 for one that was seen again and only has to be known for longer.
    pub more: u64,
    /// The end of the range that was asked for and held it.
    pub seen_until: Instant,
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
    after: Option<RecordKey>,
    limit: usize,
) -> Result<Vec<KnownFingerprint>, StateError> {
    let mut statement = connection.prepare_cached(
        "SELECT fingerprint, from_ms, to_ms, count, seen_until_ms FROM fingerprint
         WHERE source = ?1 AND (fingerprint, from_ms, to_ms) > (?2, ?3, ?4)
         ORDER BY fingerprint, from_ms, to_ms LIMIT ?5",
    )?;
    let (fingerprint, from_ms, to_ms) = match after {
        Some(after) => {
            let (fingerprint, from_ms, to_ms) = after.to_stored();
            (fingerprint.to_vec(), from_ms, to_ms)
        }
        None => (Vec::new(), i64::MIN, i64::MIN),
    };
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let rows = statement.query_map((key, fingerprint, from_ms, to_ms, limit), |row| {
        let key = RecordKey::from_stored(row.get(0)?, row.get(1)?, row.get(2)?);
        let count = super::source_state::unsigned(row.get(3)?);
        Ok(KnownFingerprint { key, count, seen_until: Instant::from_millis(row.get(4)?) })
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
            "INSERT INTO fingerprint (source, fingerprint, from_ms, to_ms, count, seen_until_ms, keep_until_ms)
             SELECT source, fingerprint, from_ms, to_ms, count, seen_until_ms, keep_until_ms
             FROM pending_fingerprint WHERE source = ?1
             ON CONFLICT (source, fingerprint, from_ms, to_ms) DO UPDATE SET count = count + excluded.count,
                seen_until_ms = max(seen_until_ms, excluded.seen_until_ms),
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
        "INSERT INTO {table} (source, fingerprint, from_ms, to_ms, count, seen_until_ms, keep_until_ms)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
         ON CONFLICT (source, fingerprint, from_ms, to_ms) DO UPDATE SET count = count + excluded.count,
            seen_until_ms = max(seen_until_ms, excluded.seen_until_ms),
            keep_until_ms = max(keep_until_ms, excluded.keep_until_ms)"
    ))?;
    kept(&mut |one| {
        let count = super::source_state::signed(one.more);
        let (fingerprint, from_ms, to_ms) = one.key.to_stored();
        let (seen_until_ms, keep_until_ms) = (one.seen_until.millis(), one.keep_until.millis());
        statement.execute((key, fingerprint, from_ms, to_ms, count, seen_until_ms, keep_until_ms))?;
        Ok(())
    })
}
