//! What has to be known after a commit: the fingerprints of records that may come again.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use crate::{
    collect::{rows::Rows, scratch::ScratchFile},
    instant::Instant,
    record::{Clocks, Fingerprint},
    state::{Keep, KeptFingerprint, NewRun, RecordKey, RunMaker, StateError},
    vitals,
};

/// What has to be known after a commit, written once and read once.
///
/// Of records with a clock, one run is in memory; more of them go to a scratch file.
#[derive(Debug)]
pub(super) struct Kept {
    maker: RunMaker,
    /// The runs in the scratch file, without their fingerprints, and where those begin and how long they are.
    spilled: Vec<(NewRun, u64, usize)>,
    scratch: Option<ScratchFile>,
    /// Runs that have to be known for longer.
    longer: BTreeMap<i64, Instant>,
    rows: Rows,
    folder: PathBuf,
    name: String,
}

impl Kept {
    /// Nothing. `name` is that of the scratch files, should they be needed.
    pub(super) fn new(folder: &Path, name: String) -> Self {
        Self {
            maker: RunMaker::default(),
            spilled: Vec::new(),
            scratch: None,
            longer: BTreeMap::new(),
            rows: Rows::new(folder, name.clone()),
            folder: folder.to_owned(),
            name,
        }
    }

    /// A record is new. `seen_until` is the end of the range that was asked for and held it; the end watermark must pass
    /// `keep_until` before it is forgotten.
    pub(super) fn new_record(
        &mut self,
        key: RecordKey,
        clocks: Clocks,
        seen_until: Instant,
        keep_until: Instant,
    ) -> Result<(), StateError> {
        match clocks.of_fingerprint() {
            Some(clock) => self.timed(key.fingerprint, clock, keep_until),
            None => self.rows.push(KeptFingerprint { key, more: 1, seen_until, keep_until }),
        }
    }

    /// A record in a row of its own was seen again.
    pub(super) fn row_again(
        &mut self,
        key: RecordKey,
        seen_until: Instant,
        keep_until: Instant,
    ) -> Result<(), StateError> {
        self.rows.push(KeptFingerprint { key, more: 0, seen_until, keep_until })
    }

    /// A record of a run was seen again.
    pub(super) fn run_again(&mut self, run: i64, keep_until: Instant) {
        let longest = self.longer.entry(run).or_insert(keep_until);
        *longest = keep_until.max(*longest);
    }

    /// Calls `each` with everything.
    pub(super) fn for_each(self, mut each: impl FnMut(Keep<'_>) -> Result<(), StateError>) -> Result<(), StateError> {
        let Self { mut maker, spilled, scratch, longer, rows, .. } = self;
        for (run, keep_until) in longer {
            each(Keep::Longer { run, keep_until })?;
        }
        if let Some(scratch) = scratch {
            for (mut run, begin, length) in spilled {
                run.fingerprints = scratch.read(begin, length)?;
                vitals::moved();
                each(Keep::Run(&run))?;
            }
        }
        if let Some(last) = maker.take() {
            each(Keep::Run(&last))?;
        }
        rows.for_each(|row| each(Keep::Row(row)))
    }

    fn timed(&mut self, fingerprint: Fingerprint, clock: Instant, keep_until: Instant) -> Result<(), StateError> {
        let Some(mut run) = self.maker.push(fingerprint, clock, keep_until) else { return Ok(()) };
        let scratch = match &mut self.scratch {
            Some(scratch) => scratch,
            None => self.scratch.insert(ScratchFile::create(&self.folder, &self.name)?),
        };
        let fingerprints = std::mem::take(&mut run.fingerprints);
        let begin = scratch.push(&fingerprints)?;
        self.spilled.push((run, begin, fingerprints.len()));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{state::RUN, window::Window};

    #[test]
    fn all_of_it_comes_back_whether_it_fits_into_memory_or_not() {
        let folder = tempfile::tempdir().unwrap();
        let at = Instant::from_millis;
        for count in [0, 1, RUN - 1, RUN, 3 * RUN + 5] {
            let mut kept = Kept::new(folder.path(), "test".to_owned());
            let mut expected: Vec<Fingerprint> =
                (0..count).map(|number| Fingerprint::of_bytes(&number.to_le_bytes())).collect();
            for (clock, &fingerprint) in (0..).zip(&expected) {
                let key = RecordKey { fingerprint, between: None };
                kept.new_record(key, Clocks::one(Some(at(clock))), at(7), at(9)).unwrap();
            }
            let row =
                RecordKey { fingerprint: Fingerprint::of_bytes(b"row"), between: Some(Window::new(at(1), at(2))) };
            kept.new_record(row, Clocks::NONE, at(7), at(9)).unwrap();
            kept.row_again(row, at(8), at(10)).unwrap();
            for until in [3, 5, 4] {
                kept.run_again(77, at(until));
            }
            let (mut back, mut rows, mut longer) = (Vec::new(), Vec::new(), Vec::new());
            let for_each = kept.for_each(|keep| {
                match keep {
                    Keep::Run(run) => {
                        back.extend(run.fingerprints.as_chunks().0.iter().copied().map(Fingerprint::from_bytes))
                    }
                    Keep::Longer { run, keep_until } => longer.push((run, keep_until)),
                    Keep::Row(row) => rows.push((row.key, row.more, row.seen_until, row.keep_until)),
                }
                Ok(())
            });
            for_each.unwrap();
            expected.sort_unstable();
            back.sort_unstable();
            assert!(back == expected, "{count}");
            assert_eq!(rows, [(row, 1, at(7), at(9)), (row, 0, at(8), at(10))]);
            assert_eq!(longer, [(77, at(5))]);
        }
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "a scratch file was left");
    }
}
