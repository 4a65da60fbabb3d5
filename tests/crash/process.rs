//! One life of the writer: opens state and archive, and takes the steps that are not done yet, as the collector would.

use std::{
    collections::{BTreeMap, BTreeSet},
    error::Error,
    path::PathBuf,
    sync::Arc,
};

use atlas_logd::{
    archive::Archive,
    clock::ManualClock,
    commit::{Committer, Records, Upkeep},
    config,
    evidence::Signer,
    instant::Instant,
    record::{Fingerprint, RecordTimes},
    source::{Kind, Source, SourceId},
    state::{CoverageChange, Keep, NewRun, RunMaker, SourceState, StateError, Store},
};

use crate::{
    machine::Machine,
    workload::{ROTATION, Step},
};

/// Where the archive on the disk in memory is said to lie.
pub(crate) const ROOT: &str = "/memory/archive";

pub(crate) type Outcome = Result<(), Box<dyn Error>>;

pub(crate) struct Process {
    pub(crate) committer: Committer,
    clock: Arc<ManualClock>,
    lanes: BTreeMap<SourceId, SourceState>,
}

impl Process {
    pub(crate) fn start(machine: &Machine) -> Result<Self, Box<dyn Error>> {
        let store = Arc::new(Store::open(machine.state_folder())?);
        let settings = config::Archive { dir: PathBuf::from(ROOT), ..config::Archive::default() };
        let archive = Archive::open(&settings, Arc::new(machine.disk.clone()), &store)?;
        let clock = Arc::new(ManualClock::new(Instant::MIN));
        let committer = Committer::new(store, archive, Arc::clone(&clock) as _);
        Ok(Self { committer, clock, lanes: BTreeMap::new() })
    }

    /// The same, with digests that are signed.
    pub(crate) fn signed_by(mut self, signer: Signer) -> Self {
        self.committer = self.committer.with_signer(Some(signer));
        self
    }

    /// Seals what a source has open, as for somebody who asks for it. Whether it had something open.
    pub(crate) fn seal(&mut self, source: &Source) -> Result<bool, Box<dyn Error>> {
        self.lanes.remove(&source.id);
        Ok(self.committer.seal_open(source)?.is_some())
    }

    /// Does what is due for the sealed segments of a source, if it is open.
    pub(crate) fn keep_up(&mut self, source: &Source, upkeep: Upkeep) -> Outcome {
        let Some(mut state) = self.lanes.remove(&source.id) else { return Ok(()) };
        self.committer.keep_up(&mut state, upkeep)?;
        self.lanes.insert(source.id.clone(), state);
        Ok(())
    }

    /// Makes the archive digest of the day of `now`, unless there is one.
    pub(crate) fn make_head(&self, source: &Source, now: Instant) -> Outcome {
        self.clock.set(now);
        self.committer.make_head(&BTreeSet::from([source.id.clone()]))?;
        Ok(())
    }

    /// Takes all the steps that are not done, and opens every source at least once.
    pub(crate) fn take_all(&mut self, steps: &[Step]) -> Outcome {
        steps.iter().try_for_each(|step| self.take(step))?;
        self.open_all(steps)
    }

    /// Opens every source that is not open: recovery, and nothing else. Each at the time of its first step to come.
    pub(crate) fn open_all(&mut self, steps: &[Step]) -> Outcome {
        for last in steps.iter().rev() {
            let id = &last.source.id;
            if !self.lanes.contains_key(id) {
                let mut own = steps.iter().filter(|step| step.source.id == *id);
                let next = own.find(|step| !self.is_done(step)).unwrap_or(last);
                self.clock.set(next.window.to);
                let state = self.committer.open(&last.source, ROTATION)?;
                self.lanes.insert(id.clone(), state);
            }
        }
        Ok(())
    }

    /// Takes a step, unless its watermark has moved. After an error the source is opened again by the next step.
    pub(crate) fn take(&mut self, step: &Step) -> Outcome {
        if self.is_done(step) {
            return Ok(());
        }
        self.clock.set(step.window.to);
        let mut state = match self.lanes.remove(&step.source.id) {
            Some(mut state) => {
                if step.looks_at_age {
                    self.committer.rotate_by_age(&mut state, ROTATION)?;
                }
                state
            }
            None => self.committer.open(&step.source, ROTATION)?,
        };
        if state.start.is_none() {
            (state.start, state.end) = (Some(step.window.from), Some(step.window.from));
            self.committer.store().transaction(|transaction| state.save(transaction))?;
        }
        if state.end < Some(step.window.to) {
            assert_eq!(state.end, Some(step.window.from), "a window was left out");
            self.collect(&mut state, step)?;
        }
        self.lanes.insert(step.source.id.clone(), state);
        Ok(())
    }

    fn collect(&self, state: &mut SourceState, step: &Step) -> Outcome {
        let change = CoverageChange { covered: step.window, gaps: Vec::new(), reconciled: None };
        let newest_first = step.source.id.kind == Kind::AccessHistory;
        let mut spool = self.committer.spool(state, newest_first);
        let mut answer = step.records.clone();
        if newest_first {
            answer.reverse();
        }
        answer.iter().try_for_each(|record| spool.push(record))?;
        match spool.finish()? {
            None => self.committer.commit_quiet(state, &change, |_| Ok(()), None)?,
            Some(spooled) => {
                let records = Records { spooled, change, times: RecordTimes::default() };
                self.committer.commit(state, records, |each| each(Keep::Run(&run_of(&answer))), ROTATION)?;
            }
        }
        Ok(())
    }

    /// The steps up to the first one that is not done, and `more` after it.
    pub(crate) fn next<'a>(&self, steps: &'a [Step], more: usize) -> &'a [Step] {
        let done = steps.iter().position(|step| !self.is_done(step)).unwrap_or(steps.len());
        &steps[..steps.len().min(done + 1 + more)]
    }

    /// The steps before the first one that is not done.
    pub(crate) fn done<'a>(&self, steps: &'a [Step]) -> &'a [Step] {
        let done = steps.iter().position(|step| !self.is_done(step)).unwrap_or(steps.len());
        &steps[..done]
    }

    fn is_done(&self, step: &Step) -> bool {
        self.load(&step.source).is_some_and(|state| state.end >= Some(step.window.to))
    }

    /// What the database says of a source.
    pub(crate) fn load(&self, source: &Source) -> Option<SourceState> {
        let loaded = self.committer.store().read(|connection| SourceState::load(connection, &source.id));
        loaded.map_err(|error: StateError| error.to_string()).unwrap()
    }
}

/// Every record is to be known for ever: the oracle counts them.
fn run_of(records: &[Vec<u8>]) -> NewRun {
    let mut maker = RunMaker::default();
    for record in records {
        assert_eq!(
            maker.push(Fingerprint::of_bytes(record), Instant::MIN, Instant::MAX),
            None,
            "few are a part of a run"
        );
    }
    maker.take().unwrap()
}
