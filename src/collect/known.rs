//! What is archived already, as often as it is: a multiset of fingerprints.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
};

use rusqlite::OptionalExtension;

use crate::{
    collect::scratch::Scratch,
    record::Fingerprint,
    state::{SourceKey, StateError, Store, known_fingerprints},
};

/// So many distinct fingerprints are held in memory (about 1 MiB); more go to a scratch database.
const IN_MEMORY: usize = 16 * 1024;

/// How many fingerprints are read from the state at once.
const PAGE: usize = 4096;

/// The records that one answer may hold and that are archived already.
#[derive(Debug)]
pub(super) struct Known {
    memory: HashMap<Fingerprint, u64>,
    scratch: Option<Scratch>,
    in_memory: usize,
    folder: PathBuf,
    name: String,
}

impl Known {
    /// Nothing. `name` is that of the scratch database, should it be needed.
    pub(super) fn new(folder: &Path, name: String) -> Self {
        Self { memory: HashMap::new(), scratch: None, in_memory: IN_MEMORY, folder: folder.to_owned(), name }
    }

    /// What the state knows of a source.
    pub(super) fn load(store: &Store, key: SourceKey) -> Result<Self, StateError> {
        let mut known = Self::new(store.folder(), format!("known-{key}"));
        let mut last = None;
        loop {
            let page = store.read(|connection| known_fingerprints(connection, key, last, PAGE))?;
            for one in &page {
                known.add(one.fingerprint, one.count)?;
            }
            last = page.last().map(|one| one.fingerprint);
            if page.len() < PAGE {
                return Ok(known);
            }
        }
    }

    /// A record is archived `count` times (more).
    pub(super) fn add(&mut self, fingerprint: Fingerprint, count: u64) -> Result<(), StateError> {
        if let Some(scratch) = &self.scratch {
            return insert(scratch, fingerprint, count);
        }
        *self.memory.entry(fingerprint).or_default() += count;
        if self.memory.len() > self.in_memory {
            let table = "CREATE TABLE known (fingerprint BLOB PRIMARY KEY, count INTEGER NOT NULL) WITHOUT ROWID";
            let scratch = Scratch::create(&self.folder, &self.name, table)?;
            for (fingerprint, count) in std::mem::take(&mut self.memory) {
                insert(&scratch, fingerprint, count)?;
            }
            self.scratch = Some(scratch);
        }
        Ok(())
    }

    /// Takes one archived copy of the record out, if there is one left: the record in hand is that copy. If there is
    /// none, the record is new.
    pub(super) fn take(&mut self, fingerprint: Fingerprint) -> Result<bool, StateError> {
        let Some(scratch) = &self.scratch else {
            return Ok(match self.memory.get_mut(&fingerprint) {
                Some(count) if *count > 0 => {
                    *count -= 1;
                    true
                }
                _ => false,
            });
        };
        let taken = scratch
            .connection()
            .prepare_cached("UPDATE known SET count = count - 1 WHERE fingerprint = ?1 AND count > 0 RETURNING 1")?
            .query_row([fingerprint.as_bytes()], |row| row.get::<_, i64>(0))
            .optional()?;
        Ok(taken.is_some())
    }
}

fn insert(scratch: &Scratch, fingerprint: Fingerprint, count: u64) -> Result<(), StateError> {
    scratch
        .connection()
        .prepare_cached(
            "INSERT INTO known (fingerprint, count) VALUES (?1, ?2)
             ON CONFLICT (fingerprint) DO UPDATE SET count = count + excluded.count",
        )?
        .execute((fingerprint.as_bytes(), i64::try_from(count).unwrap_or(i64::MAX)))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fingerprint(number: u8) -> Fingerprint {
        Fingerprint::of_bytes(&[number])
    }

    /// The same answers, whether it all fits into memory or not.
    fn with_room_for(in_memory: usize, test: impl Fn(&mut Known)) {
        let folder = tempfile::tempdir().unwrap();
        let mut known = Known::new(folder.path(), "test".to_owned());
        known.in_memory = in_memory;
        test(&mut known);
        drop(known);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "a scratch database was left");
    }

    #[test]
    fn each_archived_copy_is_taken_once() {
        for in_memory in [0, 2, 100] {
            with_room_for(in_memory, |known| {
                known.add(fingerprint(1), 2).unwrap();
                (2..10).for_each(|number| known.add(fingerprint(number), 1).unwrap());
                known.add(fingerprint(9), 1).unwrap();
                let mut take = |number| known.take(fingerprint(number)).unwrap();
                assert_eq!([take(1), take(1), take(1)], [true, true, false]);
                assert_eq!([take(9), take(9), take(9)], [true, true, false]);
                assert_eq!([take(5), take(5), take(77)], [true, false, false]);
            });
        }
    }
}
