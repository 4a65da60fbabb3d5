//! A list of records that have to be known in rows of their own, written once and read once.

use std::path::{Path, PathBuf};

use crate::{
    collect::scratch::Scratch,
    instant::Instant,
    state::{KeptFingerprint, RecordKey, StateError},
    vitals,
};

/// So many are held in memory (about a quarter of a MiB); more go to a scratch database.
const IN_MEMORY: usize = 4 * 1024;

/// The list.
#[derive(Debug)]
pub(super) struct Rows {
    memory: Vec<KeptFingerprint>,
    scratch: Option<Scratch>,
    in_memory: usize,
    folder: PathBuf,
    name: String,
}

impl Rows {
    /// An empty list. `name` is that of the scratch database, should it be needed.
    pub(super) fn new(folder: &Path, name: String) -> Self {
        Self { memory: Vec::new(), scratch: None, in_memory: IN_MEMORY, folder: folder.to_owned(), name }
    }

    /// Adds one.
    pub(super) fn push(&mut self, kept: KeptFingerprint) -> Result<(), StateError> {
        self.memory.push(kept);
        if self.memory.len() >= self.in_memory {
            let scratch = match self.scratch.take() {
                Some(scratch) => scratch,
                None => Scratch::create(
                    &self.folder,
                    &self.name,
                    "CREATE TABLE kept (fingerprint BLOB, from_ms INTEGER, to_ms INTEGER, more INTEGER,
                        seen_until_ms INTEGER, keep_until_ms INTEGER)",
                )?,
            };
            for kept in self.memory.drain(..) {
                let (fingerprint, from_ms, to_ms) = kept.key.to_stored();
                let more = i64::try_from(kept.more).unwrap_or(i64::MAX);
                scratch.connection().prepare_cached("INSERT INTO kept VALUES (?1, ?2, ?3, ?4, ?5, ?6)")?.execute((
                    fingerprint,
                    from_ms,
                    to_ms,
                    more,
                    kept.seen_until.millis(),
                    kept.keep_until.millis(),
                ))?;
            }
            self.scratch = Some(scratch);
        }
        Ok(())
    }

    /// Calls `each` with every one of them.
    pub(super) fn for_each<E: From<StateError>>(
        &self,
        mut each: impl FnMut(KeptFingerprint) -> Result<(), E>,
    ) -> Result<(), E> {
        if let Some(scratch) = &self.scratch {
            let mut statement = scratch
                .connection()
                .prepare_cached("SELECT fingerprint, from_ms, to_ms, more, seen_until_ms, keep_until_ms FROM kept")
                .map_err(StateError::from)?;
            let rows = statement
                .query_map([], |row| {
                    Ok(KeptFingerprint {
                        key: RecordKey::from_stored(row.get(0)?, row.get(1)?, row.get(2)?),
                        more: u64::try_from(row.get::<_, i64>(3)?).unwrap_or(0),
                        seen_until: Instant::from_millis(row.get(4)?),
                        keep_until: Instant::from_millis(row.get(5)?),
                    })
                })
                .map_err(StateError::from)?;
            for kept in rows {
                vitals::moved();
                each(kept.map_err(StateError::from)?)?;
            }
        }
        self.memory.iter().copied().try_for_each(each)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{record::Fingerprint, window::Window};

    #[test]
    fn all_of_them_come_back_whether_they_fit_into_memory_or_not() {
        let folder = tempfile::tempdir().unwrap();
        for in_memory in [1, 3, 100] {
            let mut kept = Rows::new(folder.path(), "test".to_owned());
            kept.in_memory = in_memory;
            let all: Vec<_> = (0..10)
                .map(|number| KeptFingerprint {
                    key: RecordKey {
                        fingerprint: Fingerprint::of_bytes(&[number]),
                        between: (number % 2 == 0)
                            .then(|| Window::new(Instant::from_millis(1), Instant::from_millis(2))),
                    },
                    more: u64::from(number),
                    seen_until: Instant::from_millis(i64::from(number) + 7),
                    keep_until: Instant::from_millis(i64::from(number)),
                })
                .collect();
            all.iter().for_each(|&one| kept.push(one).unwrap());
            let mut back = Vec::new();
            kept.for_each(|one| {
                back.push(one);
                Ok::<_, StateError>(())
            })
            .unwrap();
            assert_eq!(back, all);
        }
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "a scratch database was left");
    }
}
