//! What is known of records that may come again: runs of those with a clock, and a row for each without.
//!
//! Rows of records with a clock are left from an older version; they are forgotten in their time.

use rusqlite::{Connection, OptionalExtension, Row, Transaction};

use crate::{
    instant::Instant,
    record::Fingerprint,
    state::{
        Digest, NewRun, SourceKey, SourceState, StateError, runs,
        source_row::{signed, unsigned},
    },
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

/// A row: a record that is archived and may come again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KnownFingerprint {
    /// What it is recognised by.
    pub key: RecordKey,
    /// How often it is archived.
    pub count: u64,
    /// The end of the last range that was asked for and held it.
    pub seen_until: Instant,
    /// The end watermark must pass this before it is forgotten.
    pub keep_until: Instant,
}

impl KnownFingerprint {
    fn from_row(row: &Row<'_>) -> rusqlite::Result<Self> {
        let key = RecordKey::from_stored(row.get(0)?, row.get(1)?, row.get(2)?);
        let count = unsigned(row.get(3)?);
        let (seen_until, keep_until) = (Instant::from_millis(row.get(4)?), Instant::from_millis(row.get(5)?));
        Ok(Self { key, count, seen_until, keep_until })
    }

    /// Puts it into a digest, or takes it out.
    pub(crate) fn toggle(&self, digest: &mut Digest) {
        let (fingerprint, from_ms, to_ms) = self.key.to_stored();
        let mut row = [0; 56];
        let (head, numbers) = row.split_at_mut(16);
        head.copy_from_slice(&fingerprint);
        let stored = [from_ms, to_ms, signed(self.count), self.seen_until.millis(), self.keep_until.millis()];
        numbers.chunks_exact_mut(8).zip(stored).for_each(|(place, number)| {
            place.copy_from_slice(&number.to_le_bytes());
        });
        digest.toggle(&row);
    }
}

/// A record that has to be known from now on, in a row of its own.
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

/// Something that has to be known from now on.
#[derive(Clone, Copy, Debug)]
pub enum Keep<'a> {
    /// New records with a clock.
    Run(&'a NewRun),
    /// Those of a run that is known, for longer.
    Longer {
        /// The number of the run.
        run: i64,
        /// The end watermark must pass this, too.
        keep_until: Instant,
    },
    /// A record in a row of its own.
    Row(KeptFingerprint),
}

/// What is handed one after the other.
pub type KeptSink<'a> = &'a mut dyn FnMut(Keep<'_>) -> Result<(), StateError>;

/// Up to `limit` rows of a source that come after `after`, in their order.
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
        "SELECT fingerprint, from_ms, to_ms, count, seen_until_ms, keep_until_ms FROM fingerprint
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
    let rows = statement.query_map((key, fingerprint, from_ms, to_ms, limit), KnownFingerprint::from_row)?;
    Ok(rows.collect::<Result<_, _>>()?)
}

impl SourceState {
    /// Whether the fingerprints in the database are those that were written.
    ///
    /// # Errors
    /// Whatever SQLite gives.
    pub fn knows_its_fingerprints(&self, connection: &Connection) -> Result<bool, StateError> {
        let mut digest = Digest::default();
        for_each(connection, "fingerprint", self.key, |row| {
            row.toggle(&mut digest);
            Ok(())
        })?;
        let whole = runs::toggle_all(connection, self.key, &mut digest)?;
        Ok(whole && digest == self.fingerprints_digest)
    }

    /// Forgets all fingerprints, because they cannot be trusted: they have to be made again from the segments. The source
    /// is saved.
    ///
    /// # Errors
    /// Whatever SQLite gives.
    pub fn lose_fingerprints(&mut self, transaction: &Transaction<'_>) -> Result<(), StateError> {
        forget_all(transaction, self)?;
        self.fingerprints_lost = true;
        self.save(transaction)
    }
}

/// Notes what has to be known once the commit under way is done, and takes the digest of it. What is known already and has to
/// be known for longer, is so from now on, whatever becomes of the commit.
pub(super) fn note_pending(
    transaction: &Transaction<'_>,
    source: &mut SourceState,
    kept: impl FnOnce(KeptSink<'_>) -> Result<(), StateError>,
) -> Result<Digest, StateError> {
    let mut digest = Digest::default();
    kept(&mut |keep| match keep {
        Keep::Run(run) => runs::note_pending(transaction, source.key, run, &mut digest),
        Keep::Longer { run, keep_until } => runs::keep_longer(transaction, source, run, keep_until),
        Keep::Row(row) => insert(transaction, "pending_fingerprint", source.key, row, &mut digest),
    })?;
    Ok(digest)
}

/// Forgets what a commit under way had noted.
pub(super) fn forget_pending(transaction: &Transaction<'_>, key: SourceKey) -> Result<(), StateError> {
    transaction.prepare_cached("DELETE FROM pending_fingerprint WHERE source = ?1")?.execute([key])?;
    runs::forget_pending(transaction, key)
}

/// What was noted becomes known. The digest of what was noted.
pub(super) fn apply_pending(transaction: &Transaction<'_>, source: &mut SourceState) -> Result<Digest, StateError> {
    let (key, mut applied) = (source.key, Digest::default());
    for_each(transaction, "pending_fingerprint", key, |pending| {
        pending.toggle(&mut applied);
        let KnownFingerprint { key: record, count: more, seen_until, keep_until } = *pending;
        let kept = KeptFingerprint { key: record, more, seen_until, keep_until };
        insert(transaction, "fingerprint", key, kept, &mut source.fingerprints_digest)
    })?;
    runs::apply_pending(transaction, source, &mut applied)?;
    forget_pending(transaction, key)?;
    Ok(applied)
}

/// Makes it known at once.
pub(super) fn remember(
    transaction: &Transaction<'_>,
    source: &mut SourceState,
    kept: impl FnOnce(KeptSink<'_>) -> Result<(), StateError>,
) -> Result<(), StateError> {
    kept(&mut |keep| match keep {
        Keep::Run(run) => runs::remember(transaction, source, run),
        Keep::Longer { run, keep_until } => runs::keep_longer(transaction, source, run, keep_until),
        Keep::Row(row) => insert(transaction, "fingerprint", source.key, row, &mut source.fingerprints_digest),
    })
}

/// Forgets what the end watermark has passed.
pub(super) fn forget_passed(transaction: &Transaction<'_>, source: &mut SourceState) -> Result<(), StateError> {
    let Some(end) = source.end else { return Ok(()) };
    let mut statement = transaction.prepare_cached(
        "SELECT fingerprint, from_ms, to_ms, count, seen_until_ms, keep_until_ms FROM fingerprint
         WHERE source = ?1 AND keep_until_ms < ?2",
    )?;
    let mut passed = false;
    for row in statement.query_map((source.key, end.millis()), KnownFingerprint::from_row)? {
        row?.toggle(&mut source.fingerprints_digest);
        passed = true;
    }
    if passed {
        transaction
            .prepare_cached("DELETE FROM fingerprint WHERE source = ?1 AND keep_until_ms < ?2")?
            .execute((source.key, end.millis()))?;
    }
    runs::forget_passed(transaction, source, end)
}

/// Puts `kept` in the place of everything that was known of a source. The source is not saved.
///
/// # Errors
/// Whatever SQLite gives, or `kept` does.
pub fn replace_fingerprints(
    transaction: &Transaction<'_>,
    source: &mut SourceState,
    kept: impl FnOnce(KeptSink<'_>) -> Result<(), StateError>,
) -> Result<(), StateError> {
    forget_all(transaction, source)?;
    remember(transaction, source, kept)
}

/// Puts `kept` in the place of everything that was known of a source's records with a clock. The source is not saved.
///
/// # Errors
/// Whatever SQLite gives, or `kept` does.
pub fn replace_timed_fingerprints(
    transaction: &Transaction<'_>,
    source: &mut SourceState,
    kept: impl FnOnce(KeptSink<'_>) -> Result<(), StateError>,
) -> Result<(), StateError> {
    let mut digest = Digest::default();
    for_each(transaction, "fingerprint", source.key, |row| {
        if row.key.between.is_some() {
            row.toggle(&mut digest);
        }
        Ok(())
    })?;
    transaction.execute(
        "DELETE FROM fingerprint WHERE source = ?1 AND from_ms = ?2 AND to_ms = ?3",
        (source.key, NO_RANGE.0, NO_RANGE.1),
    )?;
    runs::forget_all(transaction, source.key)?;
    source.fingerprints_digest = digest;
    remember(transaction, source, kept)
}

fn forget_all(transaction: &Transaction<'_>, source: &mut SourceState) -> Result<(), StateError> {
    transaction.execute("DELETE FROM fingerprint WHERE source = ?1", [source.key])?;
    runs::forget_all(transaction, source.key)?;
    source.fingerprints_digest = Digest::default();
    Ok(())
}

/// Calls `each` with every row of a source in `table`.
fn for_each(
    connection: &Connection,
    table: &'static str,
    key: SourceKey,
    mut each: impl FnMut(&KnownFingerprint) -> Result<(), StateError>,
) -> Result<(), StateError> {
    let mut statement = connection.prepare_cached(&format!(
        "SELECT fingerprint, from_ms, to_ms, count, seen_until_ms, keep_until_ms FROM {table} WHERE source = ?1"
    ))?;
    for row in statement.query_map([key], KnownFingerprint::from_row)? {
        each(&row?)?;
    }
    Ok(())
}

/// Adds a fingerprint to `table`, and to the digest of the rows there.
fn insert(
    transaction: &Transaction<'_>,
    table: &'static str,
    key: SourceKey,
    kept: KeptFingerprint,
    digest: &mut Digest,
) -> Result<(), StateError> {
    let (fingerprint, from_ms, to_ms) = kept.key.to_stored();
    let before = transaction
        .prepare_cached(&format!(
            "SELECT fingerprint, from_ms, to_ms, count, seen_until_ms, keep_until_ms FROM {table}
             WHERE source = ?1 AND fingerprint = ?2 AND from_ms = ?3 AND to_ms = ?4"
        ))?
        .query_row((key, fingerprint, from_ms, to_ms), KnownFingerprint::from_row)
        .optional()?;
    let KeptFingerprint { key: record, more, seen_until, keep_until } = kept;
    let mut after = KnownFingerprint { key: record, count: more, seen_until, keep_until };
    if let Some(before) = before {
        before.toggle(digest);
        after.count += before.count;
        after.seen_until = after.seen_until.max(before.seen_until);
        after.keep_until = after.keep_until.max(before.keep_until);
    }
    after.toggle(digest);
    let (seen_until_ms, keep_until_ms) = (after.seen_until.millis(), after.keep_until.millis());
    transaction
        .prepare_cached(&format!(
            "INSERT OR REPLACE INTO {table} (source, fingerprint, from_ms, to_ms, count, seen_until_ms, keep_until_ms)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)"
        ))?
        .execute((key, fingerprint, from_ms, to_ms, signed(after.count), seen_until_ms, keep_until_ms))?;
    Ok(())
}
