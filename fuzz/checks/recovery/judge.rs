//! Judges what recovery does by what was on the disk before it.

use std::path::Path;

use atlas_logd::{
    archive::{SPOOL, SegmentName},
    commit::{CommitError, Committer},
    plan::GapReason,
    state::{Intent, SourceState, StateError, damaged_segments, gaps, runs},
};

use super::{
    case::Case,
    disk::{Content, FileBytes},
    lives::{Crashed, commit, window},
    machine::{Machine, ROOT, state_of},
};

pub(super) struct Judge<'a> {
    case: &'a Case,
    crashed: Crashed,
    /// What a reader saw when the process died, others included.
    before: Content,
    window: Vec<u8>,
    /// Of the windows before, in bytes.
    committed: usize,
}

/// How recovery ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Done,
    AskedAgain,
}

impl<'a> Judge<'a> {
    pub(super) fn new(case: &'a Case, machine: &Machine, crashed: Crashed) -> Self {
        let window = lines(&case.window);
        let committed = case.earlier.iter().map(|records| lines(records).len()).sum();
        Self { case, crashed, before: machine.disk.content(), window, committed }
    }

    pub(super) fn recovery(mut self, machine: &mut Machine) {
        let mut failing = self.case.failing;
        let failed = failing.is_some();
        loop {
            let recovered = machine.recover(failing.take());
            self.only_appended(machine);
            match recovered {
                Ok(()) => return self.done(machine, End::Done, failed),
                Err(CommitError::SpoolLost { .. }) => return self.done(machine, End::AskedAgain, failed),
                Err(CommitError::Io { .. }) if failed => {}
                Err(CommitError::DamagedAgain { .. }) if failed => {}
                Err(CommitError::Longer { path, expected, actual }) => {
                    self.refused(machine, &path, expected, actual);
                }
                Err(error) => panic!("another error than recovery may end with: {error}"),
            }
        }
    }

    /// No byte of a segment was changed, and none vanished.
    fn only_appended(&self, machine: &Machine) {
        let after = machine.disk.content();
        for (path, seen) in segments(&self.before) {
            let now = after.read(path).unwrap_or_else(|| panic!("{} vanished", path.display()));
            assert!(now.starts_with(seen), "{} was not only appended to", path.display());
        }
    }

    /// Nothing was touched; somebody follows the advice.
    fn refused(&mut self, machine: &mut Machine, path: &Path, expected: u64, actual: u64) {
        assert!(machine.disk.content() == self.before, "something was changed though it was refused");
        assert_eq!(state_of(&machine.committer()), self.crashed.state, "the state was changed though it was refused");
        assert_eq!(path, Path::new(ROOT).join(&self.crashed.segment), "another segment");
        let expected = usize::try_from(expected).expect("it is in memory");
        let mut seen = self.visible(&self.crashed.segment).to_vec();
        assert_eq!(actual, seen.len() as u64);
        assert!(seen.len() > self.crashed.offset + self.window.len(), "it is not longer than it may be");
        assert!((self.crashed.offset..seen.len()).contains(&expected), "it would be cut back to {expected}");
        assert!(self.window.starts_with(&seen[self.crashed.offset..expected]), "bytes of others would be kept");
        seen.truncate(expected);
        machine.put(&self.crashed.segment, Some(seen));
        self.before = machine.disk.content();
    }

    /// It is as it has to be, and stays so; what is asked again can be archived.
    fn done(&self, machine: &Machine, end: End, failed: bool) {
        let mut committer = machine.committer();
        let state = self.archived(machine, &committer, end, failed);
        drop(committer);
        let content = machine.disk.content();
        machine.recover(None).expect("what was recovered can be opened");
        self.only_appended(machine);
        committer = machine.committer();
        if end == End::Done {
            assert!(machine.disk.content() == content, "a second recovery wrote something");
            assert_eq!(state_of(&committer), state, "a second recovery changed the state");
        }
        let mut state = self.archived(machine, &committer, end, failed);
        if end == End::AskedAgain {
            let again = commit(machine, &committer, &mut state, &self.case.window, window(), false);
            again.expect("the window can be archived");
            self.only_appended(machine);
            self.archived(machine, &committer, End::Done, failed);
        }
    }

    /// What is archived, and what the state says of it.
    fn archived(&self, machine: &Machine, committer: &Committer, end: End, failed: bool) -> SourceState {
        let content = machine.disk.content();
        let state = state_of(committer);
        let store = committer.store();
        let intent = store.read(|connection| Intent::load(connection, &state)).expect("it can be read");
        assert!(intent.is_none(), "the commit is still under way");
        let archived = good(&content, committer, &state, |file| &file.live);
        let rest = match end {
            End::Done => archived.strip_suffix(&self.window[..]).expect("the window is archived, and last"),
            End::AskedAgain => &archived,
        };
        let committed = self.visible_committed();
        let lost = state.fingerprints_lost;
        assert_eq!(lost, self.took_committed_bytes(), "whether archived bytes are lost");
        if lost {
            assert!(committed.starts_with(rest), "other records than a reader saw");
            assert!(rest.is_empty() || rest.ends_with(b"\n"), "a part of a record counts");
            let gaps = store.read(|connection| gaps(connection, state.key)).expect("they can be read");
            assert!(gaps.iter().any(|gap| gap.reason == GapReason::Damage), "what was lost is not asked for again");
        } else {
            assert!(rest == committed, "the records before are others, or there are more of them");
        }
        let may_ask_again = failed || self.spool_is_damaged() || self.adopted_is_another();
        assert!(end == End::Done || may_ask_again, "given up though everything was there");
        let moves = end == End::Done && !lost;
        // After a window that is asked again has been archived, nothing has been lost in between.
        assert!(state.end == Some(window().to) || !moves, "the watermark did not follow");
        assert!(moves || lost || state.end == Some(window().from), "the watermark covers what is not archived");
        let known = store.read(|connection| {
            let runs = runs(connection, state.key)?.into_iter();
            runs.map(|run| Ok(run.fingerprints(connection)?.map_or(0, |bytes| bytes.len() as u64 / 16)))
                .sum::<Result<u64, StateError>>()
        });
        let known = known.expect("they can be read");
        let earlier: usize = self.case.earlier.iter().map(Vec::len).sum();
        let records = earlier + if end == End::Done { self.case.window.len() } else { 0 };
        assert_eq!((known, state.records), (records as u64, records as u64), "records that are known and counted");
        if end == End::Done {
            assert!(!content.all().any(|(path, _)| path.starts_with(SPOOL)), "a spool was left");
            let survives = good(&content, committer, &state, |file| &file.durable);
            assert!(survives == archived, "what is done would not survive a power loss");
            let names_survive = content
                .all()
                .filter(|(path, _)| is_segment(path))
                .all(|(path, _)| path.ancestors().all(|path| content.durable.get(path) == content.live.get(path)));
            assert!(names_survive, "the name of a segment would not survive a power loss");
        }
        state
    }

    fn visible(&self, path: &Path) -> &[u8] {
        self.before.read(path).unwrap_or_default()
    }

    /// What a reader saw of the windows before.
    fn visible_committed(&self) -> Vec<u8> {
        let mut seen = Vec::new();
        for (path, bytes) in segments(&self.before) {
            let is_own = path == self.crashed.segment;
            seen.extend_from_slice(if is_own { &bytes[..bytes.len().min(self.crashed.offset)] } else { bytes });
        }
        seen
    }

    /// Whether others took or changed bytes of the last window before, as far as recovery looks.
    fn took_committed_bytes(&self) -> bool {
        let original: Vec<u8> = self.case.earlier.iter().flat_map(|records| lines(records)).collect();
        let seen = self.visible_committed();
        let last = self.case.earlier.iter().rev().map(|records| lines(records).len()).find(|&length| length > 0);
        let checked = original.len() - last.unwrap_or(0);
        self.crashed.offset > 0
            && (seen.len() < self.committed || seen[checked.min(seen.len())..] != original[checked..])
    }

    fn spool_is_damaged(&self) -> bool {
        self.before.read(&self.crashed.spool) != Some(&self.window)
    }

    /// Whether there is a file where the window was to be renamed to that does not hold it.
    fn adopted_is_another(&self) -> bool {
        let there = self.before.read(&self.crashed.segment);
        self.crashed.offset == 0 && self.case.own_segment && there.is_some_and(|bytes| bytes != self.window)
    }
}

/// All segments in their order, and what a reader sees of them.
fn segments(content: &Content) -> impl Iterator<Item = (&Path, &[u8])> {
    content.all().filter(|(path, _)| is_segment(path)).map(|(path, file)| (path, &file.live[..]))
}

fn is_segment(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "ndjson")
}

/// The good bytes of all segments, of those that a reader sees or that are on stable storage.
fn good(
    content: &Content,
    committer: &Committer,
    state: &SourceState,
    bytes: impl Fn(&FileBytes) -> &Vec<u8>,
) -> Vec<u8> {
    let damaged = committer.store().read(|connection| damaged_segments(connection, state.key));
    let damaged = damaged.expect("the state is whole");
    let mut good = Vec::new();
    for (path, file) in content.all().filter(|(path, _)| is_segment(path)) {
        let name = path.file_name().and_then(|name| name.to_str()).expect("its name is text");
        let name: SegmentName = name.parse().expect("it is the name of a segment");
        let given_up = damaged.iter().find(|damaged| damaged.name == name);
        let length = match given_up {
            Some(damaged) => usize::try_from(damaged.good_length).expect("it is in memory"),
            None => file.live.len(),
        };
        assert!(length <= file.live.len(), "more good bytes than there are");
        let bytes = bytes(file);
        good.extend_from_slice(&bytes[..length.min(bytes.len())]);
    }
    good
}

fn lines(records: &[Vec<u8>]) -> Vec<u8> {
    records.iter().flat_map(|record| [record, &b"\n"[..]].concat()).collect()
}
