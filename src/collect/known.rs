//! What is archived already, as often as it is: a multiset of fingerprints.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
};

use rusqlite::OptionalExtension;

use crate::{
    collect::scratch::Scratch,
    record::Fingerprint,
    state::{RecordKey, SourceKey, StateError, Store, known_fingerprints},
    window::Window,
};

/// So many distinct fingerprints are held in memory (about a quarter of a MiB); more go to a scratch database. Each
/// thread's share of the heap keeps what was once needed at a time, so this counts several times.
const IN_MEMORY: usize = 4 * 1024;

/// How many fingerprints are read from the state at once.
const PAGE: usize = 1024;

/// The records that one answer may hold and that are archived already.
#[derive(Debug)]
pub(super) struct Known {
    timed: HashMap<Fingerprint, u64>,
    /// Records without a clock, each with the ranges that its copies lie in.
    timeless: HashMap<Fingerprint, Vec<(Window, u64)>>,
    entries: usize,
    scratch: Option<Scratch>,
    in_memory: usize,
    folder: PathBuf,
    name: String,
}

impl Known {
    /// Nothing. `name` is that of the scratch database, should it be needed.
    pub(super) fn new(folder: &Path, name: String) -> Self {
        Self {
            timed: HashMap::new(),
            timeless: HashMap::new(),
            entries: 0,
            scratch: None,
            in_memory: IN_MEMORY,
            folder: folder.to_owned(),
            name,
        }
    }

    /// What the state knows of a source.
    pub(super) fn load(store: &Store, source: SourceKey) -> Result<Self, StateError> {
        let mut known = Self::new(store.folder(), format!("known-{source}"));
        let mut last = None;
        loop {
            let page = store.read(|connection| known_fingerprints(connection, source, last, PAGE))?;
            for one in &page {
                known.add(one.key, one.count)?;
            }
            last = page.last().map(|one| one.key);
            if page.len() < PAGE {
                return Ok(known);
            }
        }
    }

    /// A record is archived `count` times (more).
    pub(super) fn add(&mut self, key: RecordKey, count: u64) -> Result<(), StateError> {
        if let Some(scratch) = &self.scratch {
            return insert(scratch, key, count);
        }
        self.entries += 1;
        match key.between {
            None => *self.timed.entry(key.fingerprint).or_default() += count,
            Some(between) => self.timeless.entry(key.fingerprint).or_default().push((between, count)),
        }
        if self.entries > self.in_memory { self.spill() } else { Ok(()) }
    }

    /// Takes one archived copy of the record out, if there is one left: the record in hand is that copy, and was known
    /// by the key that is returned. If there is none, the record is new.
    pub(super) fn take(&mut self, key: RecordKey) -> Result<Option<RecordKey>, StateError> {
        if let Some(scratch) = &self.scratch {
            return take(scratch, key);
        }
        let Some(between) = key.between else {
            let left = self.timed.get_mut(&key.fingerprint).filter(|count| **count > 0);
            return Ok(left.map(|count| {
                *count -= 1;
                key
            }));
        };
        let copies = self.timeless.get_mut(&key.fingerprint).into_iter().flatten();
        let copy = copies.into_iter().find(|(range, count)| *count > 0 && overlap(*range, between));
        Ok(copy.map(|(range, count)| {
            *count -= 1;
            RecordKey { between: Some(*range), ..key }
        }))
    }

    /// Moves everything to a scratch database.
    fn spill(&mut self) -> Result<(), StateError> {
        let table = "CREATE TABLE known (fingerprint BLOB, from_ms INTEGER, to_ms INTEGER, count INTEGER,
            PRIMARY KEY (fingerprint, from_ms, to_ms)) WITHOUT ROWID";
        let scratch = Scratch::create(&self.folder, &self.name, table)?;
        for (fingerprint, count) in std::mem::take(&mut self.timed) {
            insert(&scratch, RecordKey { fingerprint, between: None }, count)?;
        }
        for (fingerprint, copies) in std::mem::take(&mut self.timeless) {
            for (between, count) in copies {
                insert(&scratch, RecordKey { fingerprint, between: Some(between) }, count)?;
            }
        }
        self.scratch = Some(scratch);
        Ok(())
    }
}

/// Whether a record can lie in both ranges. One that holds no more than an instant can hold the record all the same.
fn overlap(one: Window, other: Window) -> bool {
    one == other || (one.from < other.to && other.from < one.to)
}

fn insert(scratch: &Scratch, key: RecordKey, count: u64) -> Result<(), StateError> {
    let (fingerprint, from_ms, to_ms) = key.to_stored();
    scratch
        .connection()
        .prepare_cached(
            "INSERT INTO known (fingerprint, from_ms, to_ms, count) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT (fingerprint, from_ms, to_ms) DO UPDATE SET count = count + excluded.count",
        )?
        .execute((fingerprint, from_ms, to_ms, i64::try_from(count).unwrap_or(i64::MAX)))?;
    Ok(())
}

fn take(scratch: &Scratch, key: RecordKey) -> Result<Option<RecordKey>, StateError> {
    let (fingerprint, from_ms, to_ms) = key.to_stored();
    // A record with a clock has the range 0 to 0, which only the same range overlaps.
    let found = scratch
        .connection()
        .prepare_cached(
            "SELECT from_ms, to_ms FROM known WHERE fingerprint = ?1 AND count > 0
                AND ((from_ms = ?2 AND to_ms = ?3) OR (from_ms < ?3 AND ?2 < to_ms)) LIMIT 1",
        )?
        .query_row((fingerprint, from_ms, to_ms), |row| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?)))
        .optional()?;
    let Some((from_ms, to_ms)) = found else { return Ok(None) };
    scratch
        .connection()
        .prepare_cached("UPDATE known SET count = count - 1 WHERE fingerprint = ?1 AND from_ms = ?2 AND to_ms = ?3")?
        .execute((fingerprint, from_ms, to_ms))?;
    Ok(Some(RecordKey::from_stored(fingerprint, from_ms, to_ms)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::instant::Instant;

    fn timed(number: u8) -> RecordKey {
        RecordKey { fingerprint: Fingerprint::of_bytes(&[number]), between: None }
    }

    fn timeless(number: u8, from: i64, to: i64) -> RecordKey {
        let between = Window::new(Instant::from_millis(from), Instant::from_millis(to));
        RecordKey { between: Some(between), ..timed(number) }
    }

    /// The same answers, whether it all fits into memory or not.
    fn whatever_fits_into_memory(test: impl Fn(&mut Known)) {
        for in_memory in [0, 2, 100] {
            let folder = tempfile::tempdir().unwrap();
            let mut known = Known::new(folder.path(), "test".to_owned());
            known.in_memory = in_memory;
            test(&mut known);
            drop(known);
            assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "a scratch database was left");
        }
    }

    #[test]
    fn each_archived_copy_is_taken_once() {
        whatever_fits_into_memory(|known| {
            known.add(timed(1), 2).unwrap();
            (2..10).for_each(|number| known.add(timed(number), 1).unwrap());
            known.add(timed(9), 1).unwrap();
            let mut take = |number| known.take(timed(number)).unwrap().is_some();
            assert_eq!([take(1), take(1), take(1)], [true, true, false]);
            assert_eq!([take(9), take(9), take(9)], [true, true, false]);
            assert_eq!([take(5), take(5), take(77)], [true, false, false]);
        });
    }

    #[test]
    fn a_record_without_a_clock_is_the_one_that_lay_in_the_same_place() {
        whatever_fits_into_memory(|known| {
            known.add(timeless(1, 10, 20), 1).unwrap();
            known.add(timeless(1, 30, 40), 2).unwrap();
            known.add(timeless(1, 50, 50), 1).unwrap();
            let mut take = |from, to| known.take(timeless(1, from, to)).unwrap();
            assert_eq!(take(20, 30), None, "between the two others");
            assert_eq!(take(35, 90), Some(timeless(1, 30, 40)));
            assert_eq!(take(31, 32), Some(timeless(1, 30, 40)));
            assert_eq!(take(31, 32), None, "both copies are taken");
            assert_eq!(take(0, 15), Some(timeless(1, 10, 20)));
            assert_eq!(take(50, 50), Some(timeless(1, 50, 50)));
            assert_eq!(known.take(timed(1)).unwrap(), None);
        });
    }
}
