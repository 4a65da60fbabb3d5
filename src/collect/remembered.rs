//! What the state knows of a source's records, looked into as an answer goes through time.

use std::{collections::VecDeque, ops::Range, sync::Arc, time::Duration};

use crate::{
    collect::{known::Known, sought::Comparison},
    instant::Instant,
    record::Fingerprint,
    state::{Digest, RecordKey, RunHead, SourceState, StateError, Store, runs},
    window::Window,
};

/// The fingerprints of so many bytes of runs are in memory at once. An answer goes through time, so those that its records
/// can be in are few; each thread's share of the heap keeps what was once needed, so this counts several times.
const IN_MEMORY: usize = 1 << 20;

/// The bytes of a fingerprint.
const FINGERPRINT: usize = size_of::<Fingerprint>();

/// Clocks are read to this.
const MOMENT: Duration = Duration::from_millis(1);

/// An archived copy of the record in hand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ArchivedCopy {
    /// One in a row, known by this key.
    Row(RecordKey),
    /// One in a run.
    InRun,
}

/// What the state knows of a source.
#[derive(Debug)]
pub(super) struct Remembered {
    store: Arc<Store>,
    /// Its name, for the one who reads that it is damaged.
    source_name: String,
    rows: Known,
    runs: Vec<Run>,
    /// Where the record in hand can be.
    near: Near,
    /// The runs in memory, the one that has been there for longest first.
    loaded: VecDeque<usize>,
    /// How many bytes they are.
    loaded_bytes: usize,
    in_memory: usize,
}

/// The runs whose clocks lie around an instant.
#[derive(Debug)]
struct Near {
    /// The same runs, from this instant …
    from: Instant,
    /// … up to this one.
    to: Instant,
    runs: Vec<usize>,
}

#[derive(Debug)]
struct Run {
    head: RunHead,
    fingerprints: Option<Vec<u8>>,
    taken: Taken,
}

/// Which copies of a run were taken out: one bit each, and only until all are. An answer that goes through the time of a run
/// usually holds all of it.
#[derive(Debug)]
enum Taken {
    Nothing,
    Some { bits: Vec<u64>, left: usize },
    Everything,
}

impl Remembered {
    /// What the state knows of a source.
    ///
    /// # Errors
    /// When that is not what was written, or whatever SQLite gives. What is wrong within a run shows when it is needed.
    pub(super) fn load(store: Arc<Store>, source: &SourceState) -> Result<Self, StateError> {
        let mut digest = Digest::default();
        let rows = Known::load(&store, source, &mut digest)?;
        let heads = store.read(|connection| runs(connection, source.key))?;
        heads.iter().for_each(|head| head.toggle(&mut digest));
        if digest != source.fingerprints_digest {
            return Err(StateError::DamagedFingerprints { source_name: source.folder.clone() });
        }
        let runs = heads.into_iter().map(|head| Run { head, fingerprints: None, taken: Taken::Nothing }).collect();
        Ok(Self {
            store,
            source_name: source.folder.clone(),
            rows,
            runs,
            near: Near { from: Instant::MAX, to: Instant::MIN, runs: Vec::new() },
            loaded: VecDeque::new(),
            loaded_bytes: 0,
            in_memory: IN_MEMORY,
        })
    }

    /// Between which clocks there are records that it knows, and all it knows is of these. Nothing where it may know others,
    /// too.
    pub(super) fn span(&self) -> Option<Window> {
        if !self.rows.is_empty() {
            return None;
        }
        let first = self.runs.iter().map(|run| run.head.first).min();
        let last = self.runs.iter().map(|run| run.head.last + MOMENT).max();
        Some(first.zip(last).map_or(Window::new(Instant::MAX, Instant::MAX), |(first, last)| Window::new(first, last)))
    }

    /// Takes one archived copy of the record out, if there is one left: the record in hand is that copy. If there is none,
    /// the record is new. `clock` is the one that belongs to its fingerprint, if it has one.
    pub(super) fn take(
        &mut self,
        key: RecordKey,
        clock: Option<Instant>,
        comparison: &Comparison,
    ) -> Result<Option<ArchivedCopy>, StateError> {
        if let Some(clock) = clock {
            self.turn_to(clock);
            for at in 0..self.near.runs.len() {
                let run = self.near.runs[at];
                if self.take_from(run, key.fingerprint)? {
                    return Ok(Some(ArchivedCopy::InRun));
                }
            }
        }
        Ok(self.rows.take(key, comparison)?.map(ArchivedCopy::Row))
    }

    /// Calls `each` with the numbers of the runs that hold the record which was taken last.
    pub(super) fn for_each_run_with(
        &mut self,
        fingerprint: Fingerprint,
        mut each: impl FnMut(i64),
    ) -> Result<(), StateError> {
        for at in 0..self.near.runs.len() {
            let run = self.near.runs[at];
            if !copies(self.fingerprints(run)?, fingerprint).is_empty() {
                each(self.runs[run].head.number);
            }
        }
        Ok(())
    }

    /// Finds the runs that a record with this clock can be in.
    fn turn_to(&mut self, clock: Instant) {
        if (self.near.from..=self.near.to).contains(&clock) {
            return;
        }
        let near = &mut self.near;
        (near.from, near.to) = (Instant::MIN, Instant::MAX);
        near.runs.clear();
        for (index, Run { head, .. }) in self.runs.iter().enumerate() {
            if head.last < clock {
                near.from = near.from.max(head.last + MOMENT);
            } else if clock < head.first {
                near.to = near.to.min(head.first - MOMENT);
            } else {
                (near.from, near.to) = (near.from.max(head.first), near.to.min(head.last));
                near.runs.push(index);
            }
        }
    }

    fn take_from(&mut self, run: usize, fingerprint: Fingerprint) -> Result<bool, StateError> {
        if matches!(self.runs[run].taken, Taken::Everything) {
            return Ok(false);
        }
        let fingerprints = self.fingerprints(run)?;
        let (copies, length) = (copies(fingerprints, fingerprint), fingerprints.len() / FINGERPRINT);
        Ok(self.runs[run].taken.take_one_of(copies, length))
    }

    /// The fingerprints of a run.
    fn fingerprints(&mut self, run: usize) -> Result<&[u8], StateError> {
        if self.runs[run].fingerprints.is_none() {
            self.read(run)?;
        }
        Ok(self.runs[run].fingerprints.as_deref().unwrap_or_default())
    }

    fn read(&mut self, run: usize) -> Result<(), StateError> {
        let head = self.runs[run].head;
        let read = self.store.read(|connection| head.fingerprints(connection))?;
        let Some(fingerprints) = read else {
            return Err(StateError::DamagedFingerprints { source_name: self.source_name.clone() });
        };
        self.loaded_bytes += fingerprints.len();
        self.runs[run].fingerprints = Some(fingerprints);
        self.loaded.push_back(run);
        while self.loaded_bytes > self.in_memory && self.loaded.len() > 1 {
            let Some(oldest) = self.loaded.pop_front() else { break };
            let freed = self.runs[oldest].fingerprints.take();
            self.loaded_bytes -= freed.map_or(0, |fingerprints| fingerprints.len());
        }
        Ok(())
    }
}

/// Where the copies of a record lie in a run.
fn copies(fingerprints: &[u8], fingerprint: Fingerprint) -> Range<usize> {
    let (sorted, _) = fingerprints.as_chunks::<FINGERPRINT>();
    let first = sorted.partition_point(|other| other < fingerprint.as_bytes());
    let count = sorted[first..].iter().take_while(|other| *other == fingerprint.as_bytes()).count();
    first..first + count
}

impl Taken {
    /// Takes one of the `copies` out that is still there; the run holds `length` of all records. Whether there was one.
    fn take_one_of(&mut self, copies: Range<usize>, length: usize) -> bool {
        if copies.is_empty() {
            return false;
        }
        if let Self::Nothing = self {
            *self = Self::Some { bits: vec![0; length.div_ceil(64)], left: length };
        }
        let Self::Some { bits, left } = self else { return false };
        let Some(free) = copies.into_iter().find(|copy| bits[copy / 64] & (1 << (copy % 64)) == 0) else {
            return false;
        };
        bits[free / 64] |= 1 << (free % 64);
        *left -= 1;
        if *left == 0 {
            *self = Self::Everything;
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use proptest::{collection::vec, prelude::*};

    use super::*;
    use crate::{
        source::{Filter, Kind, Source, SourceId},
        state::{Keep, RunMaker, replace_fingerprints},
    };

    /// A record: the same one has the same clock.
    fn record(number: u8) -> (Fingerprint, Instant) {
        (Fingerprint::of_bytes(&[number]), Instant::from_millis(i64::from(number / 3)))
    }

    fn source() -> Source {
        let id = SourceId {
            project_id: "p".to_owned(),
            kind: Kind::StreamAudit,
            name: "i".to_owned(),
            filter: Filter::default(),
        };
        Source { id, project_name: "p".to_owned() }
    }

    /// A state that knows these commits' records.
    fn state_of(store: &Store, commits: &[Vec<u8>]) -> SourceState {
        store
            .transaction(|transaction| {
                let mut state = SourceState::create(transaction, &source(), "f".to_owned())?;
                replace_fingerprints(transaction, &mut state, |each| {
                    let mut maker = RunMaker::default();
                    for commit in commits {
                        for &number in commit {
                            let (fingerprint, clock) = record(number);
                            assert_eq!(maker.push(fingerprint, clock, Instant::MAX), None);
                        }
                        maker.take().map_or(Ok(()), |run| each(Keep::Run(&run)))?;
                    }
                    Ok(())
                })?;
                state.save(transaction)?;
                Ok::<_, StateError>(state)
            })
            .unwrap()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        /// Each archived copy is taken once, in whatever order they come, and however little fits into memory; and all runs
        /// that hold a record are told.
        #[test]
        fn it_is_a_multiset(
            commits in vec(vec(0..40_u8, 0..30), 0..6),
            mut answer in vec(0..40_u8, 0..120),
            in_order: bool,
            in_memory in prop_oneof![Just(0_usize), Just(100), Just(IN_MEMORY)],
        ) {
            let folder = tempfile::tempdir().unwrap();
            let store = Arc::new(Store::open(folder.path()).unwrap());
            let state = state_of(&store, &commits);
            let mut copies: BTreeMap<u8, usize> = BTreeMap::new();
            commits.iter().flatten().for_each(|&number| *copies.entry(number).or_default() += 1);
            if in_order {
                answer.sort_unstable();
            }
            let mut remembered = Remembered::load(Arc::clone(&store), &state).unwrap();
            remembered.in_memory = in_memory;
            let comparison = Comparison { asked_from: Instant::MIN, slack: Duration::ZERO, late: Duration::ZERO };
            let numbers: Vec<i64> = remembered.runs.iter().map(|run| run.head.number).collect();
            let full = commits.iter().filter(|commit| !commit.is_empty());
            let holders: Vec<(i64, &Vec<u8>)> = numbers.into_iter().zip(full).collect();
            for number in answer {
                let (fingerprint, clock) = record(number);
                let key = RecordKey { fingerprint, between: None };
                let left = copies.entry(number).or_default();
                let taken = remembered.take(key, Some(clock), &comparison).unwrap();
                prop_assert_eq!(taken, (*left > 0).then_some(ArchivedCopy::InRun));
                *left = left.saturating_sub(1);
                let mut told = BTreeSet::new();
                remembered.for_each_run_with(fingerprint, |run| _ = told.insert(run)).unwrap();
                let holding = holders.iter().filter(|(_, commit)| commit.contains(&number)).map(|(run, _)| *run);
                prop_assert_eq!(told, holding.collect::<BTreeSet<_>>());
            }
        }
    }

    #[test]
    fn what_is_not_what_was_written_is_not_used() {
        let folder = tempfile::tempdir().unwrap();
        let store = Arc::new(Store::open(folder.path()).unwrap());
        let state = state_of(&store, &[vec![1, 2], vec![3]]);
        let damage = |sql: &str| {
            assert_eq!(store.transaction(|transaction| Ok::<_, StateError>(transaction.execute(sql, [])?)).unwrap(), 1);
        };
        let comparison = Comparison { asked_from: Instant::MIN, slack: Duration::ZERO, late: Duration::ZERO };
        damage("UPDATE fingerprints SET fingerprints = zeroblob(32) WHERE run = 1");
        let mut remembered = Remembered::load(Arc::clone(&store), &state).unwrap();
        let (fingerprint, clock) = record(1);
        let taken = remembered.take(RecordKey { fingerprint, between: None }, Some(clock), &comparison);
        assert!(matches!(taken, Err(StateError::DamagedFingerprints { .. })), "{taken:?}");
        damage("DELETE FROM fingerprint_run WHERE number = 2");
        let loaded = Remembered::load(Arc::clone(&store), &state);
        assert!(matches!(loaded, Err(StateError::DamagedFingerprints { .. })), "{loaded:?}");
    }
}
