//! What state and archive of a fleet hold before: made by the library, on a clock of its own, with all that it seals and
//! commits. A day of a source is one window with records, a few polls without, and a new segment.

use std::{
    path::{Path, PathBuf},
    process::Command,
    sync::Arc,
    time::Duration,
};

use atlas_logd::{
    archive::{Archive, RealFiles},
    clock::{Clock as _, ManualClock, SystemClock},
    commit::{Committer, Records, Rotation},
    config,
    instant::Instant,
    plan::{Gap, GapReason},
    record::{Fingerprint, RecordTimes},
    source::Source,
    state::{CoverageChange, Keep, PollFigures, PollRecord, RunMaker, SourceState, Store},
    window::Window,
};
use tempfile::TempDir;

use crate::fleet::{ENTRIES, Fleet};

const DAY: Duration = Duration::from_secs(86_400);

/// So often in all, Atlas no longer held what was asked for.
const GAPS: usize = 4;

/// The state remembers ten polls of each source; on all other days fewer are enough.
const LAST_POLLS: u32 = 12;
const POLLS: u32 = 2;

/// Where the disk is that is measured.
fn disk() -> PathBuf {
    std::env::var_os("ATLAS_LOGD_BENCH_DIR").map_or_else(std::env::temp_dir, PathBuf::from)
}

/// State and archive while they are made.
pub(crate) struct Past {
    fleet: Fleet,
    folder: TempDir,
    clock: Arc<ManualClock>,
    committer: Committer,
    rotation: Rotation,
    sources: Vec<(Source, SourceState)>,
}

impl Past {
    /// A fleet that is seen for the first time `before` now.
    pub(crate) fn begin(fleet: &Fleet, before: Duration) -> Self {
        // Where nothing has to be waited for, a year takes minutes instead of hours.
        let memory = Path::new("/dev/shm");
        let folder = tempfile::tempdir_in(if memory.is_dir() { memory.to_owned() } else { disk() }).unwrap();
        let [archive, state] = ["archive", "state"].map(|name| folder.path().join(name));
        std::fs::create_dir(&archive).unwrap();
        std::fs::create_dir(&state).unwrap();
        let begun = SystemClock.now() - before;
        let clock = Arc::new(ManualClock::new(begun));
        let store = Arc::new(Store::open(&state).unwrap());
        let settings = config::Archive { dir: archive, ..config::Archive::default() };
        let files = RealFiles::open(&settings.dir, settings.file_mode, settings.dir_mode).unwrap();
        let root = Archive::open(&settings, Arc::new(files), &store).unwrap();
        let committer = Committer::new(store, root, Arc::clone(&clock) as _);
        let rotation = Rotation::from(&settings);
        let sources = fleet.sources().map(|source| {
            let mut state = committer.open(&source, rotation).unwrap();
            (state.start, state.end) = (Some(begun), Some(begun));
            committer.store().transaction(|transaction| state.save(transaction)).unwrap();
            (source, state)
        });
        let sources = sources.collect();
        Self { fleet: *fleet, folder, clock, committer, rotation, sources }
    }

    /// Lives so many days, each of which ends as long ago as it says. `after` is called after each, with its position.
    pub(crate) fn live(&mut self, days: &[Duration], mut after: impl FnMut(&Self, usize)) {
        for (position, ago) in days.iter().enumerate() {
            let last = position + 1 == days.len();
            let now = SystemClock.now() - *ago;
            self.clock.set(now);
            let with_gap = position > 0 && position % (days.len() / GAPS).max(1) == 0;
            let Self { fleet, committer, rotation, sources, .. } = self;
            for (source, state) in sources {
                committer.rotate_by_age(state, *rotation).unwrap();
                // Of a busy source there are four polls' at the end; what it held before that is forgotten since.
                let records = if last && source.id.name.starts_with("busy") { 4 * ENTRIES } else { 3 };
                archive(fleet, committer, *rotation, (source, state), now, records, with_gap);
                for poll in 1..=if last { LAST_POLLS } else { POLLS } {
                    poll_quietly(committer, state, now + Duration::from_secs(1) * poll);
                }
            }
            after(self, position);
        }
    }

    /// Lets the end watermarks of all sources be where they are with a daemon that runs.
    pub(crate) fn catch_up(&mut self) {
        let now = SystemClock.now();
        self.clock.set(now);
        for (_, state) in &mut self.sources {
            self.committer.rotate_by_age(state, self.rotation).unwrap();
            poll_quietly(&self.committer, state, now - self.fleet.settle());
        }
    }

    /// How many bytes the database is. Its log besides is 4 MB, whatever it holds.
    pub(crate) fn state_bytes(&self) -> u64 {
        std::fs::metadata(self.folder.path().join("state").join("state.db")).unwrap().len()
    }

    /// On the disk, closed.
    pub(crate) fn end(self) -> TempDir {
        let Self { folder, committer, .. } = self;
        drop(committer);
        let placed = tempfile::tempdir_in(disk()).unwrap();
        let copy = Command::new("cp").arg("-a").arg(folder.path().join(".")).arg(placed.path()).status().unwrap();
        let sync = Command::new("sync").arg("-f").arg(placed.path()).status().unwrap();
        assert!(copy.success() && sync.success());
        placed
    }
}

/// A window with so many new records, which are all still known with the next one.
fn archive(
    fleet: &Fleet,
    committer: &Committer,
    rotation: Rotation,
    (source, state): (&Source, &mut SourceState),
    now: Instant,
    records: i64,
    with_gap: bool,
) {
    let mut spool = committer.spool(state, false);
    for number in 0..records {
        spool
            .push(format!("{{\"time\":{},\"source\":\"{source}\",\"number\":{number}}}", now.millis()).as_bytes())
            .unwrap();
    }
    let covered = Window::new(state.end.unwrap(), now);
    let gaps = with_gap.then(|| Gap {
        window: Window::new(covered.from, covered.from + Duration::from_secs(3600)),
        reason: GapReason::Retention,
        detail: String::new(),
        noticed: now,
    });
    let change = CoverageChange { covered, gaps: gaps.into_iter().collect(), reconciled: None };
    let times = RecordTimes { first: Some(now), last: Some(now), ..RecordTimes::default() };
    let spooled = spool.finish().unwrap().unwrap();
    let keep_until = now + fleet.settle() + DAY / 2;
    let kept = |sink: atlas_logd::state::KeptSink<'_>| {
        let mut maker = RunMaker::default();
        for number in 0..records {
            let fingerprint = Fingerprint::of_bytes(format!("{source} {} {number}", now.millis()).as_bytes());
            maker.push(fingerprint, now, keep_until).map_or(Ok(()), |run| sink(Keep::Run(&run)))?;
        }
        maker.take().map_or(Ok(()), |run| sink(Keep::Run(&run)))
    };
    committer.commit(state, Records { spooled, change, times }, kept, rotation).unwrap();
}

/// A poll without new records.
fn poll_quietly(committer: &Committer, state: &mut SourceState, now: Instant) {
    let change = CoverageChange { covered: Window::new(state.end.unwrap(), now), gaps: Vec::new(), reconciled: None };
    let figures =
        PollFigures { at: now, duration: Duration::from_millis(50), windows: 1, requests: 1, records: 0, bytes: 0 };
    committer.commit_quiet(state, &change, |_| Ok(()), Some(&PollRecord { figures, failure: None })).unwrap();
}
