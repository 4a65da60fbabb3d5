//! Runs: the fingerprints of records with a clock, some thousand of one commit together.
//!
//! A record can only come again with the clock that belongs to its fingerprint, so a run is looked into only where that
//! clock lies in its range; of all others, only that range is read. Within a run the fingerprints are in their order, one
//! for each copy. They lie in a table of their own, so that what changes of a run is a short row.

use std::fmt;

use rusqlite::{Connection, OptionalExtension as _, Row, Transaction};

use crate::{
    instant::Instant,
    record::Fingerprint,
    state::{Digest, SourceKey, SourceState, StateError},
};

/// The tables, as the migration makes them.
pub(super) const TABLES: &str = "
    CREATE TABLE fingerprint_run (
        number INTEGER PRIMARY KEY,
        source INTEGER NOT NULL REFERENCES source (key),
        pending INTEGER NOT NULL,
        first_ms INTEGER NOT NULL,
        last_ms INTEGER NOT NULL,
        keep_until_ms INTEGER NOT NULL,
        hash BLOB NOT NULL
    ) STRICT;

    CREATE INDEX fingerprint_run_of_source ON fingerprint_run (source, pending);

    CREATE TABLE fingerprints (
        run INTEGER PRIMARY KEY,
        fingerprints BLOB NOT NULL
    ) STRICT;
";

/// No run holds more fingerprints: it is 64 KiB then.
pub const RUN: usize = 4096;

/// The bytes of a fingerprint.
const FINGERPRINT: usize = size_of::<Fingerprint>();

/// The columns that [`RunHead::from_row`] reads.
const HEAD: &str = "SELECT number, first_ms, last_ms, keep_until_ms, hash FROM fingerprint_run";

/// The fingerprints of new records, on their way into the state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewRun {
    /// The clocks of its records lie from here …
    pub first: Instant,
    /// … up to here.
    pub last: Instant,
    /// The end watermark must pass this before it is forgotten.
    pub keep_until: Instant,
    /// The fingerprints in their order, one behind the other.
    pub fingerprints: Vec<u8>,
}

/// Makes runs of fingerprints that come one by one.
#[derive(Default)]
pub struct RunMaker {
    fingerprints: Vec<[u8; FINGERPRINT]>,
    /// The first clock, the last one, and the latest instant to keep one until.
    range: Option<(Instant, Instant, Instant)>,
}

impl RunMaker {
    /// Adds one more; a run when it is full with it.
    pub fn push(&mut self, fingerprint: Fingerprint, clock: Instant, keep_until: Instant) -> Option<NewRun> {
        let (first, last, keep) = self.range.unwrap_or((clock, clock, keep_until));
        self.range = Some((first.min(clock), last.max(clock), keep.max(keep_until)));
        self.fingerprints.push(*fingerprint.as_bytes());
        if self.fingerprints.len() >= RUN { self.take() } else { None }
    }

    /// The run of those that were added since; nothing where there are none.
    pub fn take(&mut self) -> Option<NewRun> {
        let (first, last, keep_until) = self.range.take()?;
        self.fingerprints.sort_unstable();
        let fingerprints = self.fingerprints.as_flattened().to_vec();
        self.fingerprints.clear();
        Some(NewRun { first, last, keep_until, fingerprints })
    }
}

impl fmt::Debug for RunMaker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} fingerprints", self.fingerprints.len())
    }
}

/// What is known of a run without looking into it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RunHead {
    /// Its number, which no other run has.
    pub number: i64,
    /// The clocks of its records lie from here …
    pub first: Instant,
    /// … up to here.
    pub last: Instant,
    /// The end watermark must pass this before it is forgotten.
    pub keep_until: Instant,
    /// BLAKE3 of the fingerprints.
    hash: [u8; 16],
}

impl RunHead {
    fn from_row(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            number: row.get(0)?,
            first: Instant::from_millis(row.get(1)?),
            last: Instant::from_millis(row.get(2)?),
            keep_until: Instant::from_millis(row.get(3)?),
            hash: row.get(4)?,
        })
    }

    /// Puts it into a digest, or takes it out.
    pub(crate) fn toggle(&self, digest: &mut Digest) {
        let mut row = [0; 48];
        let (numbers, hash) = row.split_at_mut(32);
        let stored = [self.number, self.first.millis(), self.last.millis(), self.keep_until.millis()];
        numbers.chunks_exact_mut(8).zip(stored).for_each(|(place, number)| {
            place.copy_from_slice(&number.to_le_bytes());
        });
        hash.copy_from_slice(&self.hash);
        digest.toggle(&row);
    }

    /// The fingerprints, if they are those that were written.
    ///
    /// # Errors
    /// Whatever SQLite gives.
    pub fn fingerprints(&self, connection: &Connection) -> Result<Option<Vec<u8>>, StateError> {
        let mut statement = connection.prepare_cached("SELECT fingerprints FROM fingerprints WHERE run = ?1")?;
        let fingerprints: Option<Vec<u8>> = statement.query_row([self.number], |row| row.get(0)).optional()?;
        Ok(fingerprints.filter(|fingerprints| hash_of(fingerprints) == self.hash))
    }
}

/// The runs of a source.
///
/// # Errors
/// Whatever SQLite gives.
pub fn runs(connection: &Connection, key: SourceKey) -> Result<Vec<RunHead>, StateError> {
    heads(connection, key, false)
}

/// Notes a run that has to be known once the commit under way is done.
pub(super) fn note_pending(
    transaction: &Transaction<'_>,
    key: SourceKey,
    run: &NewRun,
    digest: &mut Digest,
) -> Result<(), StateError> {
    insert(transaction, key, run, true, digest)
}

/// Makes a run known at once.
pub(super) fn remember(
    transaction: &Transaction<'_>,
    source: &mut SourceState,
    run: &NewRun,
) -> Result<(), StateError> {
    insert(transaction, source.key, run, false, &mut source.fingerprints_digest)
}

/// Keeps a run for longer.
pub(super) fn keep_longer(
    transaction: &Transaction<'_>,
    source: &mut SourceState,
    number: i64,
    keep_until: Instant,
) -> Result<(), StateError> {
    let head = transaction
        .prepare_cached(&format!("{HEAD} WHERE number = ?1 AND source = ?2 AND pending = 0 AND keep_until_ms < ?3"))?
        .query_row((number, source.key, keep_until.millis()), RunHead::from_row)
        .optional()?;
    let Some(head) = head else { return Ok(()) };
    head.toggle(&mut source.fingerprints_digest);
    RunHead { keep_until, ..head }.toggle(&mut source.fingerprints_digest);
    transaction
        .prepare_cached("UPDATE fingerprint_run SET keep_until_ms = ?2 WHERE number = ?1")?
        .execute((number, keep_until.millis()))?;
    Ok(())
}

/// Forgets what a commit under way had noted.
pub(super) fn forget_pending(transaction: &Transaction<'_>, key: SourceKey) -> Result<(), StateError> {
    delete_all(transaction, key, true)
}

/// What was noted becomes known; `applied` is the digest of what was noted.
pub(super) fn apply_pending(
    transaction: &Transaction<'_>,
    source: &mut SourceState,
    applied: &mut Digest,
) -> Result<(), StateError> {
    for head in heads(transaction, source.key, true)? {
        head.toggle(applied);
        head.toggle(&mut source.fingerprints_digest);
    }
    transaction
        .prepare_cached("UPDATE fingerprint_run SET pending = 0 WHERE source = ?1 AND pending = 1")?
        .execute([source.key])?;
    Ok(())
}

/// Forgets what the end watermark has passed.
pub(super) fn forget_passed(
    transaction: &Transaction<'_>,
    source: &mut SourceState,
    end: Instant,
) -> Result<(), StateError> {
    let mut statement =
        transaction.prepare_cached(&format!("{HEAD} WHERE source = ?1 AND pending = 0 AND keep_until_ms < ?2"))?;
    let passed = statement.query_map((source.key, end.millis()), RunHead::from_row)?;
    for head in passed.collect::<Result<Vec<_>, _>>()? {
        head.toggle(&mut source.fingerprints_digest);
        transaction.prepare_cached("DELETE FROM fingerprints WHERE run = ?1")?.execute([head.number])?;
        transaction.prepare_cached("DELETE FROM fingerprint_run WHERE number = ?1")?.execute([head.number])?;
    }
    Ok(())
}

/// Forgets all that is known of a source.
pub(super) fn forget_all(transaction: &Transaction<'_>, key: SourceKey) -> Result<(), StateError> {
    delete_all(transaction, key, false)
}

/// Puts all runs of a source into a digest. Whether each holds what was written.
pub(super) fn toggle_all(connection: &Connection, key: SourceKey, digest: &mut Digest) -> Result<bool, StateError> {
    let mut whole = true;
    for head in runs(connection, key)? {
        head.toggle(digest);
        whole &= head.fingerprints(connection)?.is_some();
    }
    Ok(whole)
}

fn heads(connection: &Connection, key: SourceKey, pending: bool) -> Result<Vec<RunHead>, StateError> {
    let mut statement = connection.prepare_cached(&format!("{HEAD} WHERE source = ?1 AND pending = ?2"))?;
    let rows = statement.query_map((key, pending), RunHead::from_row)?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn delete_all(transaction: &Transaction<'_>, key: SourceKey, pending: bool) -> Result<(), StateError> {
    transaction
        .prepare_cached(
            "DELETE FROM fingerprints
             WHERE run IN (SELECT number FROM fingerprint_run WHERE source = ?1 AND pending = ?2)",
        )?
        .execute((key, pending))?;
    transaction
        .prepare_cached("DELETE FROM fingerprint_run WHERE source = ?1 AND pending = ?2")?
        .execute((key, pending))?;
    Ok(())
}

fn insert(
    transaction: &Transaction<'_>,
    key: SourceKey,
    run: &NewRun,
    pending: bool,
    digest: &mut Digest,
) -> Result<(), StateError> {
    let NewRun { first, last, keep_until, fingerprints } = run;
    let hash = hash_of(fingerprints);
    transaction
        .prepare_cached(
            "INSERT INTO fingerprint_run (source, pending, first_ms, last_ms, keep_until_ms, hash)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        )?
        .execute((key, pending, first.millis(), last.millis(), keep_until.millis(), hash))?;
    let number = transaction.last_insert_rowid();
    transaction
        .prepare_cached("INSERT OR REPLACE INTO fingerprints (run, fingerprints) VALUES (?1, ?2)")?
        .execute((number, fingerprints))?;
    RunHead { number, first: *first, last: *last, keep_until: *keep_until, hash }.toggle(digest);
    Ok(())
}

fn hash_of(fingerprints: &[u8]) -> [u8; 16] {
    let mut hash = [0; 16];
    hash.copy_from_slice(&blake3::hash(fingerprints).as_bytes()[..16]);
    hash
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_is_full_in_time_and_holds_its_fingerprints_in_order() {
        let mut maker = RunMaker::default();
        assert_eq!(maker.take(), None);
        let at = Instant::from_millis;
        let mut made = Vec::new();
        for number in 0..i64::try_from(RUN).unwrap() + 3 {
            let fingerprint = Fingerprint::of_bytes(&number.to_le_bytes());
            made.extend(maker.push(fingerprint, at(-number), at(number % 7)));
        }
        assert_eq!(made.len(), 1);
        made.extend(maker.take());
        assert_eq!(maker.take(), None);
        let [full, rest] = made.try_into().unwrap();
        assert_eq!((full.first, full.last, full.keep_until), (at(1 - i64::try_from(RUN).unwrap()), at(0), at(6)));
        assert_eq!((full.fingerprints.len(), rest.fingerprints.len()), (RUN * FINGERPRINT, 3 * FINGERPRINT));
        assert!(full.fingerprints.as_chunks::<FINGERPRINT>().0.is_sorted());
    }
}
