//! Makes the new state.

use std::{io::ErrorKind, sync::Arc, time::Duration};

use rusqlite::Transaction;

use crate::{
    archive::{Archive, ArchiveError, RealFiles},
    clock::Clock,
    commit::{CommitError, FoundSegment, Resealer},
    config::Config,
    evidence::{Rebuilt, SIGNATURE_SUFFIX, Signer},
    export::SourceFolder,
    rebuild::{
        Assumption, RebuildError, RebuiltSource, Report,
        chain::Chain,
        head::NewestHead,
        known_source::{Folders, source_of, start_of},
    },
    source::Source,
    state::{DayCount, Replacement, Seal, SourceState, Told, ToldRows, Untold, missing},
    window::Window,
};

/// What may be done with a state that is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// Nothing: it is refused.
    Keep,
    /// It is moved aside.
    Replace,
}

/// Makes the state of `config` again from its archive.
///
/// # Errors
/// When a state is there that is to be kept, when state or archive are in use or cannot be used, or when the archive is not
/// sound. Whatever state was there is as it was then.
pub fn rebuild(config: &Config, clock: &dyn Clock, order: Order) -> Result<Report, RebuildError> {
    let replacement = Replacement::begin(&config.state_dir)?;
    if let Some(path) = replacement.replaces().filter(|_| order == Order::Keep) {
        return Err(RebuildError::Present { path });
    }
    let archive = open(config)?;
    let signer = config.evidence.signing_key.as_deref().map(Signer::read).transpose()?;
    let resealer = Resealer::new(archive.id().clone(), signer);
    let head = NewestHead::read(&archive)?;
    let rebuilder = Rebuilder { config, clock, archive, resealer, head };
    let written = replacement.store().transaction(|transaction| rebuilder.write(transaction));
    let sources = written.map_err(|error| match error {
        RebuildError::Segment(error) => RebuildError::Segment(error.below(&config.archive.dir)),
        error => error,
    })?;
    // Its lock is held until the new state is in its place.
    let _archive = rebuilder.archive;
    let moved = replacement.finish(clock.now())?;
    Ok(Report { sources, moved })
}

/// The archive, for this process alone.
fn open(config: &Config) -> Result<Archive, ArchiveError> {
    let settings = &config.archive;
    let files = RealFiles::open(&settings.dir, settings.file_mode, settings.dir_mode);
    let files = files.map_err(|cause| match cause.kind() {
        ErrorKind::NotFound => ArchiveError::NoFolder(settings.dir.clone()),
        _ => ArchiveError::Folder { path: settings.dir.clone(), cause },
    })?;
    Archive::open_without_state(settings, Arc::new(files))
}

struct Rebuilder<'a> {
    config: &'a Config,
    clock: &'a dyn Clock,
    archive: Archive,
    resealer: Resealer,
    head: Option<NewestHead>,
}

impl Rebuilder<'_> {
    fn write(&self, transaction: &Transaction<'_>) -> Result<Vec<RebuiltSource>, RebuildError> {
        self.archive.id().save(transaction, true)?;
        if let Some(head) = &self.head {
            head.to_state().save(transaction)?;
        }
        let mut folders = Folders::default();
        let mut rebuilt = Vec::new();
        for folder in SourceFolder::all(self.archive.files())? {
            let chain = Chain::read(&self.archive, &folder)?;
            if let Some(head) = &self.head {
                head.compare(folder.as_str(), &chain)?;
            }
            if chain.first_opened().is_none() {
                // Nothing was ever archived there.
                continue;
            }
            let source = source_of(self.config, self.head.as_ref(), &chain, folder.as_str())?;
            folders.add(&source, folder.as_str())?;
            rebuilt.push(self.source(transaction, &source, &folder, &chain)?);
        }
        if let Some(head) = &self.head {
            head.refuse_missing_folders(|folder| rebuilt.iter().any(|one| one.folder == folder))?;
        }
        Ok(rebuilt)
    }

    fn source(
        &self,
        transaction: &Transaction<'_>,
        source: &Source,
        folder: &SourceFolder,
        chain: &Chain,
    ) -> Result<RebuiltSource, RebuildError> {
        let mut assumptions = Vec::new();
        let mut state = SourceState::create(transaction, source, folder.as_str().to_owned())?;
        let told = ToldRows {
            gaps: &chain.ledger.gaps(),
            islands: &chain.ledger.islands(),
            damaged: chain.damaged(),
            removals: chain.lingering(),
            unsigned: self.unsigned(chain, folder)?,
        };
        state.restore(transaction, &told)?;
        self.set_watermarks(&mut state, source, chain, &mut assumptions);
        state.sealed = chain.last_sealed(&self.archive, folder)?;
        state.next_sequence = chain.next_sequence();
        (state.records, state.bytes) = (chain.ledger.records(), chain.bytes);
        state.today = self.today(chain, 0);
        (state.late_records, state.lateness) = (chain.late_records, Duration::from_millis(chain.lateness_ms));
        state.told = Told {
            digest: chain.last_digest(),
            end: chain.told_to(),
            compressed_to: chain.compressed_to,
            removed_to: chain.removed_to(),
        };
        // The next poll makes them from the segments, as if Atlas went by the arrival of records: then it has to know the
        // most of them. If it does not, that costs a little memory, and late twins without any time are told apart less well.
        (state.fingerprints_lost, state.by_arrival) = (true, true);
        for compressed in chain.untold_compressed(&self.archive, folder)? {
            state.told.compressed_to = state.told.compressed_to.max(compressed.segment.sequence());
            state.note_untold(transaction, Untold::Compressed(compressed))?;
        }
        assumptions.extend(chain.compare_lengths(&self.archive, folder)?);
        self.adopt_open(transaction, &mut state, folder, chain, &mut assumptions)?;
        Ok(RebuiltSource {
            folder: state.folder.clone(),
            covered: state.start.zip(state.end).map(|(start, end)| Window::new(start, end)),
            records: state.records,
            segments: state.next_sequence - 1,
            gaps: missing(transaction, &state)?,
            assumptions,
        })
    }

    fn set_watermarks(
        &self,
        state: &mut SourceState,
        source: &Source,
        chain: &Chain,
        assumptions: &mut Vec<Assumption>,
    ) {
        if let Some(Window { from: start, to: end }) = chain.ledger.watermarks() {
            (state.start, state.end) = (Some(start), Some(end));
            assumptions.push(Assumption::EndGoesBack { end });
        } else if let Some(first_seen) = chain.first_opened() {
            let start = start_of(self.config.collect.start, source.id.kind, first_seen);
            (state.start, state.end) = (Some(start), Some(start));
            assumptions.push(Assumption::StartOfConfiguration { start });
        }
    }

    /// What was archived today lies in segments that were opened today: those of earlier days are sealed before.
    fn today(&self, chain: &Chain, in_open: u64) -> DayCount {
        let now = self.clock.now();
        DayCount::new(now, chain.records_on(now.date()) + in_open)
    }

    /// The newest digest, if its signature is not there: that is written last.
    fn unsigned(&self, chain: &Chain, folder: &SourceFolder) -> Result<Option<Seal>, RebuildError> {
        let Some(digest) = &chain.last else { return Ok(None) };
        let path = folder.path().join(digest.segment.digest() + SIGNATURE_SUFFIX);
        match self.archive.files().length(&path).map_err(CommitError::io("look at", &path))? {
            Some(_) => Ok(None),
            None => Ok(self.resealer.sign_again(digest)?),
        }
    }

    /// The segment without a digest becomes the open one. One that ends in the middle of a line is sealed.
    fn adopt_open(
        &self,
        transaction: &Transaction<'_>,
        state: &mut SourceState,
        folder: &SourceFolder,
        chain: &Chain,
        assumptions: &mut Vec<Assumption>,
    ) -> Result<(), RebuildError> {
        let at = self.clock.now();
        let nothing_adopted = Rebuilt { at, told_until: chain.told_to(), adopted: None, adopted_bytes: 0 };
        let Some(name) = chain.open.clone() else {
            state.note_untold(transaction, Untold::Rebuilt(nothing_adopted))?;
            return Ok(state.save(transaction)?);
        };
        let FoundSegment { mut open, torn_bytes } =
            FoundSegment::read(self.archive.files(), folder.path(), name.clone(), state.kind)?;
        // All of it lies behind what was told, and is asked again.
        open.collected_from = state.end.filter(|_| open.records > 0);
        state.next_sequence += 1;
        state.records += open.records;
        state.bytes += open.length;
        let is_of_today = open.name.opened().date() == self.clock.now().date();
        state.today = self.today(chain, if is_of_today { open.records } else { 0 });
        let (segment, bytes, records) = (name.to_string(), open.length, open.records);
        assumptions.push(Assumption::OpenSegment { segment: segment.clone(), bytes, records });
        // The digest of a segment must not prove what nobody knows.
        let adopted = Rebuilt { adopted: Some(name), adopted_bytes: bytes, ..nothing_adopted };
        state.note_untold(transaction, Untold::Rebuilt(adopted))?;
        state.open = Some(open);
        if torn_bytes > 0 {
            self.resealer.seal_torn(transaction, state, torn_bytes, at)?;
            assumptions.push(Assumption::Torn { segment, torn_bytes });
        }
        Ok(state.save(transaction)?)
    }
}
