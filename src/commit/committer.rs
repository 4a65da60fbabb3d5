//! Opens sources and commits their windows. All of it waits for disks: call it on a blocking thread.

use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
    time::Instant,
};

use crate::{
    archive::{Archive, MARKER, SegmentName, SpoolWriter, Spooled},
    clock::Clock,
    commit::{
        CommitError, Rotation, damage,
        place::{self, Damage, Placed},
        seal::Sealer,
        tail,
    },
    evidence::{RunningSha256, Signer},
    meters::Meters,
    record::RecordTimes,
    state::{
        CoverageChange, Digest, Intent, KeptSink, Placement, PollRecord, SourceKey, SourceState, StateError, Store,
        record_poll,
    },
};

/// A window that is shorter is rather copied into an open segment that is empty than that one be sealed for it.
const WORTH_A_SEGMENT: u64 = 32 << 20;

/// The new records of a window and what has to be known of them afterwards.
#[derive(Debug)]
pub struct Records {
    /// The records, durable in the spool.
    pub spooled: Spooled,
    /// What the commit says about coverage.
    pub change: CoverageChange,
    /// When the records happened, and how many of them came late.
    pub times: RecordTimes,
}

/// The one writer of the archive.
#[derive(Debug)]
pub struct Committer {
    pub(super) store: Arc<Store>,
    pub(super) archive: Archive,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) sealer: Sealer,
    meters: Arc<Meters>,
}

impl Committer {
    /// The writer of `archive`, whose state is `store`.
    #[must_use]
    pub fn new(store: Arc<Store>, archive: Archive, clock: Arc<dyn Clock>) -> Self {
        let sealer = Sealer::new(archive.id().clone(), None);
        Self { store, archive, clock, sealer, meters: Arc::default() }
    }

    /// The same, with digests that are signed.
    #[must_use]
    pub fn with_signer(mut self, signer: Option<Signer>) -> Self {
        self.sealer.signer = signer;
        self
    }

    /// The same, which notes in `meters` how long commits take.
    #[must_use]
    pub fn with_meters(self, meters: Arc<Meters>) -> Self {
        Self { meters, ..self }
    }

    /// The state.
    #[must_use]
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// The state, to share.
    #[must_use]
    pub fn shared_store(&self) -> Arc<Store> {
        Arc::clone(&self.store)
    }

    /// The archive.
    #[must_use]
    pub fn archive(&self) -> &Archive {
        &self.archive
    }

    /// The archive's folder must still be the one that was opened: what is written to one that was moved away, deleted or
    /// covered by a mount, nobody finds again. One that lost its marker lost everything else, too.
    pub(super) fn refuse_moved_archive(&self) -> Result<(), CommitError> {
        let root = self.archive.folder();
        match self.archive.files().is_in_place() {
            Ok(true) => match self.archive.files().length(Path::new(MARKER)) {
                Ok(Some(length)) if length > 0 => Ok(()),
                Ok(_) => Err(CommitError::Moved { path: root.to_owned() }),
                Err(cause) => Err(CommitError::io("look at", root.join(MARKER))(cause)),
            },
            Ok(false) => Err(CommitError::Moved { path: root.to_owned() }),
            Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => {
                Err(CommitError::Moved { path: root.to_owned() })
            }
            Err(cause) => Err(CommitError::io("look at", root)(cause)),
        }
    }

    /// A spool for the new records of one answer.
    #[must_use]
    pub fn spool(&self, state: &SourceState, newest_first: bool) -> SpoolWriter {
        // A page of access history goes behind what is there, as a rule; a window of an audit log may become a segment.
        let open = state.open.as_ref().filter(|_| newest_first);
        let before = open.map(|open| open.sha256.clone()).unwrap_or_default();
        SpoolWriter::new(self.archive.shared_files(), state.key, newest_first, before)
    }

    /// Removes the spool of a source without a commit under way: its window failed, and is asked again.
    pub(crate) fn remove_spool(&self, source: SourceKey) {
        if let Err(error) = crate::archive::remove_stale_spool(self.archive.files(), source) {
            // The source is opened again before anything is read from there.
            tracing::warn!(
                event = "spool-left",
                "failed to remove records that were not committed from the spool: {error}"
            );
        }
    }

    /// Seals the open segment when its hour or day is over, and makes the next one; also when it is empty.
    ///
    /// # Errors
    /// When the state or the archive cannot be written.
    pub fn rotate_by_age(&self, state: &mut SourceState, rotation: Rotation) -> Result<(), CommitError> {
        let now = self.clock.now();
        if state.open.as_ref().is_some_and(|open| !rotation.is_over(open, now)) {
            return Ok(());
        }
        self.rotate(state).map_err(|error| self.absolute(error))
    }

    fn rotate(&self, state: &mut SourceState) -> Result<(), CommitError> {
        self.refuse_moved_archive()?;
        if self.inspect_before_sealing(state)?.sealed {
            return Ok(());
        }
        self.store.transaction(|transaction| {
            self.sealer.rotate(transaction, state, self.clock.now())?;
            state.save(transaction)
        })?;
        self.finish_seals(state)?;
        self.make_open_segment(state)
    }

    /// Commits records.
    ///
    /// # Errors
    /// When the state or the archive cannot be written. Whether the commit will be finished or made anew is seen when
    /// the source is opened again, which has to come first.
    pub fn commit(
        &self,
        state: &mut SourceState,
        records: Records,
        kept: impl FnOnce(KeptSink<'_>) -> Result<(), StateError>,
        rotation: Rotation,
    ) -> Result<(), CommitError> {
        let begun = Instant::now();
        let committed = self.commit_records(state, records, kept, rotation);
        committed.inspect(|()| self.meters.commits.observe(begun.elapsed())).map_err(|error| {
            if let Ok(None) = self.store.read(|connection| Intent::load(connection, state)) {
                self.remove_spool(state.key);
            }
            self.absolute(error)
        })
    }

    fn commit_records(
        &self,
        state: &mut SourceState,
        records: Records,
        kept: impl FnOnce(KeptSink<'_>) -> Result<(), StateError>,
        rotation: Rotation,
    ) -> Result<(), CommitError> {
        let Records { spooled, mut change, times } = records;
        self.refuse_moved_archive()?;
        self.refuse_longer(state)?;
        let now = self.clock.now();
        let empty = state.open.as_ref().is_some_and(|open| open.length == 0);
        let own_segment = spooled.length >= rotation.size && (!empty || spooled.length >= WORTH_A_SEGMENT);
        let full = |state: &SourceState| {
            state.open.as_ref().is_none_or(|open| rotation.is_full(open) || rotation.is_over(open, now))
        };
        if (full(state) || own_segment) && self.inspect_before_sealing(state)?.lost {
            // As for damage that is found while the records are placed.
            change = CoverageChange::none(change.covered.from);
        }
        let rotates = full(state) || own_segment;
        let before = state.open.as_ref().filter(|_| !rotates).map(|open| open.sha256.clone()).unwrap_or_default();
        let tail = self.read_tail(&spooled)?;
        let sha256 = match spooled.before == before {
            true => spooled.sha256,
            false => {
                let hashed = self.hash_spool(&spooled.name, spooled.length, [before]);
                let [sha256] = hashed.map_err(CommitError::io("read", Spooled::path(&spooled.name)))?;
                sha256
            }
        };
        let intent = self.store.transaction(|transaction| {
            if rotates {
                self.sealer.rotate(transaction, state, now)?;
            }
            let open = state.open.as_ref().ok_or_else(|| no_open_segment(state))?;
            // A file that is already there, though empty, may be watched by a reader: it is sealed, and the spool becomes
            // the next one.
            let placement = match own_segment {
                true => Placement::Adopt,
                false => Placement::Append { offset: open.length },
            };
            let mut intent = Intent {
                spool: spooled.name,
                segment: open.name.clone(),
                placement,
                length: spooled.length,
                records: spooled.records,
                tail,
                sha256,
                times,
                change,
                pending: Digest::default(),
            };
            intent.record(transaction, state, kept)?;
            Ok::<_, CommitError>(intent)
        })?;
        if rotates {
            self.finish_seals(state)?;
        }
        self.finish(state, intent, true)
    }

    /// Commits what an answer without new records says, with the poll that it ends if it does.
    ///
    /// # Errors
    /// When the state cannot be written.
    pub fn commit_quiet(
        &self,
        state: &mut SourceState,
        change: &CoverageChange,
        kept: impl FnOnce(KeptSink<'_>) -> Result<(), StateError>,
        poll: Option<&PollRecord>,
    ) -> Result<(), CommitError> {
        let begun = Instant::now();
        let committed = self.store.transaction(|transaction| {
            change.commit(transaction, state, kept)?;
            poll.map_or(Ok(()), |poll| record_poll(transaction, state.key, poll))?;
            Ok(())
        });
        committed.inspect(|()| self.meters.quiet_commits.observe(begun.elapsed()))
    }

    /// Seals the open segment of a source that is no longer collected. Its state is kept, and so are its segments but those that
    /// its digests say are removed.
    ///
    /// # Errors
    /// When the state or the archive cannot be written.
    pub fn retire(&self, state: &mut SourceState) -> Result<(), CommitError> {
        self.store.transaction(|transaction| {
            state.withdraw_removals(transaction, |_| true)?;
            self.sealer.seal(transaction, state, self.clock.now())?;
            Ok::<_, CommitError>(state.save(transaction)?)
        })?;
        let finished = self.finish_seals(state).and_then(|()| self.remove_decided(state));
        finished.map_err(|error| self.absolute(error))
    }

    /// Steps 3 and 4. A damaged segment is given up once; the second time the next poll goes on.
    pub(super) fn finish(&self, state: &mut SourceState, mut intent: Intent, fresh: bool) -> Result<(), CommitError> {
        // In another segment, only the SHA-256 proves the spool.
        for (last_try, fresh) in [(false, fresh), (true, false)] {
            match place::place(self.archive.files(), state, &intent, fresh)? {
                Placed::Durable => {
                    self.store.transaction(|transaction| intent.apply(transaction, state, self.clock.now()))?;
                    return crate::archive::remove_stale_spool(self.archive.files(), state.key)
                        .map_err(CommitError::io("remove", Spooled::path(&intent.spool)));
                }
                Placed::Damaged(damage) => {
                    let path = self.segment_path(state, &intent.segment);
                    // Another segment takes the place of the last sealed one now.
                    let sealed_lost = self.look_at_sealed(state)?;
                    if damage.lost || sealed_lost {
                        // What was lost counted as archived when this window was compared with it. The window's
                        // records are archived, but it proves nothing about its range: it is asked again.
                        intent.change = CoverageChange::none(intent.change.covered.from);
                    }
                    let sha256 = self.sha256_alone(state, &intent)?;
                    self.seal_damaged(state, &damage, |transaction, state| {
                        let open = state.open.clone().ok_or_else(|| no_open_segment(state))?;
                        Ok(intent.redirect(transaction, state, &open, sha256)?)
                    })?;
                    if last_try {
                        return Err(CommitError::DamagedAgain { path, detail: damage.detail });
                    }
                }
                Placed::SpoolLost { detail, partly_written } => {
                    self.look_at_sealed(state)?;
                    self.store.transaction(|transaction| {
                        Intent::abandon(transaction, state)?;
                        if partly_written {
                            let good_length = state.open.as_ref().map_or(0, |open| open.length);
                            let damage = Damage {
                                good_length,
                                good_sha256: None,
                                tail: None,
                                lost: false,
                                detail: detail.clone(),
                            };
                            damage::seal_damaged(&self.sealer, transaction, state, &damage, self.clock.now())?;
                        }
                        Ok::<_, CommitError>(())
                    })?;
                    return Err(CommitError::SpoolLost { detail });
                }
            }
        }
        Ok(())
    }

    pub(super) fn make_open_segment(&self, state: &SourceState) -> Result<(), CommitError> {
        place::inspect(self.archive.files(), state)?;
        Ok(())
    }

    /// The SHA-256 of the records of an intent, behind nothing. Where they are gone, cannot be read any more or are not what they
    /// were, what nothing fits, so that it is seen when they are placed.
    fn sha256_alone(&self, source: &SourceState, intent: &Intent) -> Result<RunningSha256, CommitError> {
        let before = [place::before(source, intent), RunningSha256::default()];
        match self.hash_spool(&intent.spool, intent.length, before) {
            Ok([behind, alone]) if behind.sum() == intent.sha256.sum() => Ok(alone),
            Err(error) if !place::is_lost_for_good(&error) => {
                Err(CommitError::io("read", Spooled::path(&intent.spool))(error))
            }
            _ => Ok(RunningSha256::default()),
        }
    }

    /// SHA-256 of each of `before` and of a spool.
    fn hash_spool<const N: usize>(
        &self,
        name: &str,
        length: u64,
        before: [RunningSha256; N],
    ) -> io::Result<[RunningSha256; N]> {
        place::hash(self.archive.files().read(&Spooled::path(name))?.as_mut(), length, before)
    }

    fn read_tail(&self, spooled: &Spooled) -> Result<Vec<u8>, CommitError> {
        let path = Spooled::path(&spooled.name);
        let mut file = self.archive.files().read(&path).map_err(CommitError::io("read", &path))?;
        tail::tail_of(file.as_mut(), spooled.length, spooled.length).map_err(CommitError::io("read", path))
    }

    pub(super) fn segment_path(&self, state: &SourceState, segment: &SegmentName) -> PathBuf {
        self.archive.folder().join(&state.folder).join(segment.as_str())
    }

    pub(super) fn absolute(&self, error: CommitError) -> CommitError {
        error.below(self.archive.folder())
    }
}

/// A source that is collected always has an open segment: [`Committer::open`] makes one.
fn no_open_segment(state: &SourceState) -> CommitError {
    CommitError::State(StateError::DamagedSource {
        source_name: state.folder.clone(),
        detail: "it has no open segment".to_owned(),
    })
}
