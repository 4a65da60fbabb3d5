//! The life before: windows that were committed, and one that was interrupted right after its commit point.

use std::path::PathBuf;

use atlas_logd::{
    archive::Spooled,
    commit::{CommitError, Committer, Records},
    record::{Fingerprint, RecordTimes},
    state::{CoverageChange, Intent, Keep, NewRun, Placement, RunMaker, SourceState},
    window::Window,
};

use super::{
    case::Case,
    machine::{Machine, at, source, state_of},
};

/// Where everything was when the process died.
pub(super) struct Crashed {
    /// The segment that the window goes into, and the offset in it.
    pub(super) segment: PathBuf,
    pub(super) offset: usize,
    pub(super) spool: PathBuf,
    pub(super) state: SourceState,
}

/// The window under way. Those before end where it begins.
pub(super) fn window() -> Window {
    Window::new(at(2), at(3))
}

/// Lives up to the commit point of the window under way, and lets what is to become of its files become of them.
pub(super) fn interrupted_commit(case: &Case) -> (Machine, Crashed) {
    let mut machine = Machine::new(case);
    let crashed = live(case, &machine);
    let visible = machine.disk.content().read(&crashed.segment).map(<[u8]>::to_vec);
    let spooled = machine.disk.content().read(&crashed.spool).map(<[u8]>::to_vec).expect("it was spooled");
    let segment = match (visible, case.own_segment) {
        // What a window of its own is renamed to is there as a whole or not at all, unless others were at work.
        (None, _) if case.written == 0 => None,
        (visible, _) => {
            let mut segment = visible.unwrap_or_default();
            segment.extend_from_slice(&spooled[..case.written % (spooled.len() + 1)]);
            case.segment.befall(segment)
        }
    };
    machine.put(&crashed.spool, case.spool.befall(spooled));
    machine.put(&crashed.segment, segment);
    (machine, crashed)
}

fn live(case: &Case, machine: &Machine) -> Crashed {
    let committer = machine.committer();
    let mut state = committer.open(&source(), machine.rotation()).expect("a new source can be opened");
    (state.start, state.end) = (Some(at(0)), Some(at(0)));
    committer.store().transaction(|transaction| state.save(transaction)).expect("the state is whole");
    for (minute, records) in (0..).zip(&case.earlier) {
        let window = Window::new(at(minute), at(minute + 1));
        commit(machine, &committer, &mut state, records, window, false).expect("nothing fails");
    }
    let interrupted = commit(machine, &committer, &mut state, &case.window, window(), true);
    assert!(matches!(interrupted, Err(CommitError::Io { .. })), "{interrupted:?}");
    let state = state_of(&committer);
    let intent = committer.store().read(|connection| Intent::load(connection, &state)).expect("the state is whole");
    let intent = intent.expect("the commit point was passed");
    let offset = match intent.placement {
        Placement::Append { offset } => usize::try_from(offset).expect("it is in memory"),
        Placement::Adopt => 0,
    };
    let segment = PathBuf::from(&state.folder).join(intent.segment.as_str());
    Crashed { segment, offset, spool: Spooled::path(&intent.spool), state }
}

/// Commits a window. `interrupt` lets the first thing fail that comes after the commit point.
pub(super) fn commit(
    machine: &Machine,
    committer: &Committer,
    state: &mut SourceState,
    records: &[Vec<u8>],
    window: Window,
    interrupt: bool,
) -> Result<(), CommitError> {
    let change = CoverageChange { covered: window, gaps: Vec::new(), reconciled: None };
    let mut spool = committer.spool(state, false);
    records.iter().try_for_each(|record| spool.push(record)).expect("memory takes everything");
    let Some(spooled) = spool.finish().expect("memory takes everything") else {
        return committer.commit_quiet(state, &change, |_| Ok(()), None);
    };
    let mut maker = RunMaker::default();
    let full =
        records.iter().filter_map(|record| maker.push(Fingerprint::of_bytes(record), window.from, at(1_000_000)));
    let mut runs: Vec<NewRun> = full.collect();
    runs.extend(maker.take());
    committer.commit(
        state,
        Records { spooled, change, times: RecordTimes::default() },
        |each| {
            if interrupt {
                // This is asked for in the transaction that is the commit point; what comes next is a file.
                machine.fail(0);
            }
            runs.iter().try_for_each(|run| each(Keep::Run(run)))
        },
        machine.rotation(),
    )
}
