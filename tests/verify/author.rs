//! Writes an archive with the program's own writer, as the daemon does, but at times of the test's choice.

use std::{collections::BTreeSet, path::Path, sync::Arc, time::Duration};

use atlas_logd::{
    archive::{Archive, RealFiles},
    clock::ManualClock,
    commit::{Committer, Records, Rotation, Upkeep},
    config::{self, RotateEvery},
    evidence::{ArchiveDigest, HEADS, Signer},
    instant::Instant,
    plan::Gap,
    record::RecordTimes,
    source::{Filter, Source, SourceId},
    state::{CoverageChange, Head, Seal, SourceState, StateError, Store, ToldRows},
    window::Window,
};

use crate::{archive::TestArchive, source::hour};

/// Windows with more bytes become segments of their own.
pub(crate) const ROTATION: Rotation = Rotation { size: 1500, every: RotateEvery::Day };

/// The source whose folder this is.
pub(crate) fn source(folder: &str) -> Source {
    let parts: Vec<&str> = folder.split('/').collect();
    let (project_id, name) = ("0123456789abcdef01234567".to_owned(), parts[2].to_owned());
    let id = SourceId { project_id, kind: parts[1].parse().unwrap(), name, filter: Filter::default() };
    Source { id, project_name: parts[0].to_owned() }
}

/// One life of the writer.
pub(crate) struct Author {
    committer: Committer,
    clock: Arc<ManualClock>,
}

impl Author {
    /// Opens state and archive, which are made if they are not there.
    pub(crate) fn begin(archive: &TestArchive, signer: Option<Signer>) -> Self {
        let state = archive.beside("state");
        std::fs::create_dir_all(&state).unwrap();
        let store = Arc::new(Store::open(&state).unwrap());
        let settings = config::Archive { dir: archive.root(), ..config::Archive::default() };
        let files = RealFiles::open(&settings.dir, settings.file_mode, settings.dir_mode).unwrap();
        let opened = Archive::open(&settings, Arc::new(files), &store).unwrap();
        let clock = Arc::new(ManualClock::new(hour(0)));
        let committer = Committer::new(store, opened, Arc::clone(&clock) as _).with_signer(signer);
        Self { committer, clock }
    }

    /// Opens a source, so many hours after the first day began.
    pub(crate) fn open(&self, folder: &str, now: i64) -> SourceState {
        self.clock.set(hour(now));
        let mut state = self.committer.open(&source(folder), ROTATION).unwrap();
        if state.start.is_none() {
            (state.start, state.end) = (Some(hour(now)), Some(hour(now)));
            self.committer.store().transaction(|transaction| state.save(transaction)).unwrap();
        }
        state
    }

    /// Commits what was collected of time from the end watermark on up to so many hours after the first day began.
    pub(crate) fn collect(&self, state: &mut SourceState, to: i64, bytes: &[u8], gaps: Vec<Gap>) {
        self.clock.set(hour(to));
        let window = Window::new(state.end.unwrap(), hour(to));
        self.commit(state, window, bytes, gaps);
        assert_eq!(state.end, Some(hour(to)));
    }

    /// Commits the records of a window.
    pub(crate) fn commit(&self, state: &mut SourceState, covered: Window, bytes: &[u8], gaps: Vec<Gap>) {
        let change = CoverageChange { covered, gaps, reconciled: None };
        let mut spool = self.committer.spool(state, false);
        for record in bytes.split(|byte| *byte == b'\n').filter(|record| !record.is_empty()) {
            spool.push(record).unwrap();
        }
        let Some(spooled) = spool.finish().unwrap() else {
            return self.committer.commit_quiet(state, &change, |_| Ok(()), None).unwrap();
        };
        let last = Some(covered.to - Duration::from_secs(1));
        let times = RecordTimes { first: Some(covered.from), last, ..RecordTimes::default() };
        self.committer.commit(state, Records { spooled, change, times }, |_| Ok(()), ROTATION).unwrap();
    }

    /// Looks whether the day of the open segment is over.
    pub(crate) fn rotate(&self, state: &mut SourceState, now: i64) {
        self.clock.set(hour(now));
        self.committer.rotate_by_age(state, ROTATION).unwrap();
    }

    /// So many looks after what is sealed.
    pub(crate) fn keep_up(&self, state: &mut SourceState, upkeep: Upkeep, times: usize) {
        (0..times).for_each(|_| self.committer.keep_up(state, upkeep).unwrap());
    }

    /// What the configuration says from now on of how long segments are kept.
    pub(crate) fn set_keep(&self, keep: Option<Duration>) {
        self.committer.set_keep(keep);
    }

    /// What time it is from now on: so many hours after the first day began.
    pub(crate) fn set_now(&self, now: i64) {
        self.clock.set(hour(now));
    }

    /// The source is no longer collected.
    pub(crate) fn retire(&self, state: &mut SourceState) {
        self.committer.retire(state).unwrap();
    }

    /// Makes the archive digest of a day. `folders` are those of the sources in the configuration.
    pub(crate) fn make_head(&self, archive: &mut TestArchive, now: i64, folders: &[&str]) {
        self.clock.set(hour(now));
        let configured: BTreeSet<SourceId> = folders.iter().map(|folder| source(folder).id).collect();
        let made = self.committer.make_head(&configured).unwrap();
        archive.heads.extend(made.into_iter().map(|head| head.sha256));
    }

    /// What time it is.
    pub(crate) fn now(&self) -> Instant {
        use atlas_logd::clock::Clock as _;
        self.clock.now()
    }
}

/// What a crash leaves, or somebody does to the state.
impl Author {
    /// The newest digest of a source is decided, but not in its place.
    pub(crate) fn take_newest_digest_back(&self, archive: &TestArchive, state: &mut SourceState) {
        let newest = state.told.digest.clone().unwrap().segment;
        let path = Path::new(&state.folder).join(newest.digest());
        let seal = Seal { segment: newest, digest: archive.read(&path), signature: None };
        archive.remove(&path);
        let told =
            ToldRows { gaps: &[], islands: &[], damaged: Vec::new(), removals: Vec::new(), unsigned: Some(seal) };
        let taken = self.committer.store().transaction(|transaction| {
            state.restore(transaction, &told)?;
            state.save(transaction)
        });
        taken.unwrap();
    }

    /// The newest archive digest is decided, but not in its place.
    pub(crate) fn take_newest_head_back(&self, archive: &TestArchive) {
        let mut head = self.committer.store().read(Head::load).unwrap().unwrap();
        let path = Path::new(HEADS).join(ArchiveDigest::file_name(head.date));
        head.pending = Some((archive.read(&path), None));
        archive.remove(&path);
        self.committer.store().transaction(|transaction| head.save(transaction)).unwrap();
    }

    /// The row of a source is not what was written any more.
    pub(crate) fn damage_row(&self, folder: &str) {
        let damaged = self.committer.store().transaction(|transaction| {
            let changed = transaction.execute("UPDATE source SET records = records + 1 WHERE folder = ?1", [folder]);
            Ok::<_, StateError>(changed?)
        });
        assert_eq!(damaged.unwrap(), 1);
    }
}
