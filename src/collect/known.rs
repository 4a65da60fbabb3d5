//! What is archived already, as often as it is: a multiset of fingerprints.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
};

use rusqlite::OptionalExtension;

use crate::{
    collect::{
        scratch::Scratch,
        sought::{Archived, Comparison, Sought},
    },
    instant::Instant,
    record::Fingerprint,
    state::{Digest, RecordKey, SourceState, StateError, Store, known_fingerprints},
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
    /// Records without a clock, each with its copies.
    timeless: HashMap<Fingerprint, Vec<(Archived, u64)>>,
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

    /// What the state knows of a source in rows, which go into `digest`.
    ///
    /// # Errors
    /// Whatever SQLite gives.
    pub(super) fn load(store: &Store, source: &SourceState, digest: &mut Digest) -> Result<Self, StateError> {
        let mut known = Self::new(store.folder(), format!("known-{}", source.key));
        let mut last = None;
        loop {
            let page = store.read(|connection| known_fingerprints(connection, source.key, last, PAGE))?;
            for one in &page {
                one.toggle(digest);
                known.add(one.key, one.seen_until, one.count)?;
            }
            last = page.last().map(|one| one.key);
            if page.len() < PAGE {
                break;
            }
        }
        Ok(known)
    }

    /// Whether nothing is archived.
    pub(super) fn is_empty(&self) -> bool {
        self.entries == 0
    }

    /// A record is archived `count` times (more). `until` is the end of the last range that was asked for and held it.
    pub(super) fn add(&mut self, key: RecordKey, until: Instant, count: u64) -> Result<(), StateError> {
        if let Some(scratch) = &self.scratch {
            return insert(scratch, key, until, count);
        }
        self.entries += 1;
        match key.between {
            None => *self.timed.entry(key.fingerprint).or_default() += count,
            Some(place) => {
                self.timeless.entry(key.fingerprint).or_default().push((Archived { place, until }, count));
            }
        }
        if self.entries > self.in_memory { self.spill() } else { Ok(()) }
    }

    /// Takes one archived copy of the record out, if there is one left: the record in hand is that copy, and was known
    /// by the key that is returned. If there is none, the record is new.
    pub(super) fn take(&mut self, key: RecordKey, comparison: &Comparison) -> Result<Option<RecordKey>, StateError> {
        let sought = key.between.map(|place| comparison.at(place));
        if let Some(scratch) = &self.scratch {
            return take(scratch, key, sought.as_ref());
        }
        let Some(sought) = sought else {
            let left = self.timed.get_mut(&key.fingerprint).filter(|count| **count > 0);
            return Ok(left.map(|count| {
                *count -= 1;
                key
            }));
        };
        let copies = self.timeless.get_mut(&key.fingerprint).into_iter().flatten();
        let possible = copies.filter(|(archived, count)| *count > 0 && sought.can_be(archived));
        let best = possible.min_by_key(|(archived, _)| 2 - sought.neighbours_in_common(archived.place));
        Ok(best.map(|(archived, count)| {
            *count -= 1;
            RecordKey { between: Some(archived.place), ..key }
        }))
    }

    /// How many copies of a record without a place are archived.
    pub(super) fn copies(&self, key: RecordKey) -> Result<u64, StateError> {
        let Some(scratch) = &self.scratch else {
            return Ok(self.timed.get(&key.fingerprint).copied().unwrap_or(0));
        };
        let mut count = scratch
            .connection()
            .prepare_cached("SELECT count FROM known WHERE fingerprint = ?1 AND from_ms = ?2 AND to_ms = ?3")?;
        let count: Option<i64> = count.query_row(key.to_stored(), |row| row.get(0)).optional()?;
        Ok(count.map_or(0, |count| u64::try_from(count).unwrap_or(0)))
    }

    /// Moves everything to a scratch database.
    fn spill(&mut self) -> Result<(), StateError> {
        let table = "CREATE TABLE known (fingerprint BLOB, from_ms INTEGER, to_ms INTEGER, until_ms INTEGER,
            count INTEGER, PRIMARY KEY (fingerprint, from_ms, to_ms)) WITHOUT ROWID";
        let scratch = Scratch::create(&self.folder, &self.name, table)?;
        for (fingerprint, count) in std::mem::take(&mut self.timed) {
            insert(&scratch, RecordKey { fingerprint, between: None }, Instant::MIN, count)?;
        }
        for (fingerprint, copies) in std::mem::take(&mut self.timeless) {
            for (Archived { place, until }, count) in copies {
                insert(&scratch, RecordKey { fingerprint, between: Some(place) }, until, count)?;
            }
        }
        self.scratch = Some(scratch);
        Ok(())
    }
}

fn insert(scratch: &Scratch, key: RecordKey, until: Instant, count: u64) -> Result<(), StateError> {
    let (fingerprint, from_ms, to_ms) = key.to_stored();
    scratch
        .connection()
        .prepare_cached(
            "INSERT INTO known (fingerprint, from_ms, to_ms, until_ms, count) VALUES (?1, ?2, ?3, ?4, ?5)
             ON CONFLICT (fingerprint, from_ms, to_ms) DO UPDATE SET count = count + excluded.count,
                until_ms = max(until_ms, excluded.until_ms)",
        )?
        .execute((fingerprint, from_ms, to_ms, until.millis(), i64::try_from(count).unwrap_or(i64::MAX)))?;
    Ok(())
}

fn take(scratch: &Scratch, key: RecordKey, sought: Option<&Sought>) -> Result<Option<RecordKey>, StateError> {
    // Nothing has more in common with a record than what lies in the very same place, as all records with a clock do.
    if take_exactly(scratch, key)? {
        return Ok(Some(key));
    }
    let best = sought.map(|sought| best_copy(scratch, key, sought)).transpose()?.flatten();
    if let Some(best) = best {
        take_exactly(scratch, best)?;
    }
    Ok(best)
}

fn take_exactly(scratch: &Scratch, key: RecordKey) -> Result<bool, StateError> {
    let taken = scratch
        .connection()
        .prepare_cached(
            "UPDATE known SET count = count - 1 WHERE fingerprint = ?1 AND from_ms = ?2 AND to_ms = ?3 AND count > 0",
        )?
        .execute(key.to_stored())?;
    Ok(taken > 0)
}

/// The archived copy that the record is. The same choice as among those in memory.
fn best_copy(scratch: &Scratch, key: RecordKey, sought: &Sought) -> Result<Option<RecordKey>, StateError> {
    let mut copies = scratch
        .connection()
        .prepare_cached("SELECT from_ms, to_ms, until_ms FROM known WHERE fingerprint = ?1 AND count > 0")?;
    let mut rows = copies.query([key.to_stored().0])?;
    let mut best = None;
    while let Some(row) = rows.next()? {
        let place = Window::new(Instant::from_millis(row.get(0)?), Instant::from_millis(row.get(1)?));
        let in_common = sought.neighbours_in_common(place);
        let archived = Archived { place, until: Instant::from_millis(row.get(2)?) };
        if sought.can_be(&archived) && best.is_none_or(|(_, most)| in_common > most) {
            best = Some((place, in_common));
        }
    }
    Ok(best.map(|(place, _)| RecordKey { between: Some(place), ..key }))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

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

    /// Everything was asked for by both answers.
    fn take(known: &mut Known, key: RecordKey) -> Option<RecordKey> {
        let comparison = Comparison { asked_from: Instant::MIN, slack: Duration::ZERO, late: Duration::ZERO };
        known.take(key, &comparison).unwrap()
    }

    #[test]
    fn each_archived_copy_is_taken_once() {
        whatever_fits_into_memory(|known| {
            let mut add = |number, count| known.add(timed(number), Instant::MAX, count).unwrap();
            add(1, 2);
            (2..10).for_each(|number| add(number, 1));
            add(9, 1);
            assert_eq!([1, 5, 9, 77].map(|number| known.copies(timed(number)).unwrap()), [2, 1, 2, 0]);
            let mut take = |number| take(known, timed(number)).is_some();
            assert_eq!([take(1), take(1), take(1)], [true, true, false]);
            assert_eq!([take(9), take(9), take(9)], [true, true, false]);
            assert_eq!([take(5), take(5), take(77)], [true, false, false]);
        });
    }

    #[test]
    fn a_record_without_a_clock_is_the_one_that_lay_in_the_same_place() {
        whatever_fits_into_memory(|known| {
            let mut add = |from, to, count| known.add(timeless(1, from, to), Instant::MAX, count).unwrap();
            add(10, 20, 1);
            add(30, 40, 2);
            add(50, 50, 1);
            assert_eq!(take(known, timed(1)), None);
            let mut take = |from, to| take(known, timeless(1, from, to));
            assert_eq!(take(21, 29), None, "between the two others");
            assert_eq!(take(35, 45), Some(timeless(1, 30, 40)));
            assert_eq!(take(31, 32), Some(timeless(1, 30, 40)));
            assert_eq!(take(31, 32), None, "both copies are taken");
            assert_eq!(take(0, 15), Some(timeless(1, 10, 20)));
            assert_eq!(take(50, 50), Some(timeless(1, 50, 50)));
        });
    }

    #[test]
    fn of_several_copies_the_one_with_the_most_neighbours_in_common_is_taken() {
        whatever_fits_into_memory(|known| {
            let mut add = |from, to| known.add(timeless(1, from, to), Instant::MAX, 1).unwrap();
            add(10, 20);
            add(10, 30);
            add(20, 30);
            let mut take = |from, to| take(known, timeless(1, from, to));
            assert_eq!(take(20, 30), Some(timeless(1, 20, 30)));
            assert_eq!(take(20, 30), Some(timeless(1, 10, 30)));
            assert_eq!(take(20, 30), None, "what is left only touches it");
        });
    }
}
