//! The intake: takes an answer's records one by one, drops what is archived already, and spools the rest.

use std::{path::PathBuf, sync::Arc, time::Duration};

use crate::{
    archive::{SPOOL, SpoolWriter},
    atlas,
    collect::{
        Tally,
        allowance::Allowance,
        batch::Wanted,
        claims::Claims,
        judgement::Purpose,
        kept::Kept,
        placed::{Placed, Placer},
        remembered::ArchivedCopy,
        sought::Comparison,
        stock::Stock,
        uncommitted::Uncommitted,
    },
    commit::{CommitError, Committer},
    instant::Instant,
    plan::{FullPage, keep_until, shows_arrival},
    record::{Clocks, Reading, RecordTimes},
    source::Kind,
    state::{RecordKey, SourceKey, SourceState},
    window::Window,
};

/// What an intake needs to know of the answer before its first record.
#[derive(Clone, Copy, Debug)]
pub(super) struct AnswerBounds {
    /// The window.
    pub(super) window: Window,
    /// The range that was asked.
    pub(super) asked: Window,
    /// Why it was asked.
    pub(super) purpose: Purpose,
    /// What the reconciliation that it belongs to has compared before.
    pub(super) compared: Tally,
    /// Where the end watermark will stand once the answer is committed: what cannot come after that need not be known.
    pub(super) end_after: Instant,
    /// What was asked more on both sides of the window.
    pub(super) slack: Duration,
    /// How long a record may take to appear.
    pub(super) settle: Duration,
}

impl AnswerBounds {
    /// Until when a record with these clocks has to be known once the answer is committed, if it has to.
    fn keep(&self, clocks: Clocks, by_arrival: bool) -> Option<Instant> {
        let keep_until = keep_until(clocks, self.asked, self.settle, by_arrival);
        (keep_until >= self.end_after).then_some(keep_until)
    }
}

/// Takes in one answer.
pub(super) struct Intake {
    /// Whether a record says that Atlas compares ranges with the arrival of records.
    shows_arrival: bool,
    placer: Placer,
    shelf: Shelf,
    seen: u64,
    /// Records that other windows see too, because they lie in what was asked more than the window.
    beside: u64,
    page: FullPage,
}

/// Where records go once their place is known.
struct Shelf {
    committer: Arc<Committer>,
    source: SourceKey,
    bounds: AnswerBounds,
    claims: Claims,
    stock: Stock,
    /// Between which clocks all lie that it knows; nothing where it may know any.
    span: Option<Window>,
    kind: Kind,
    kept: Kept,
    spool: SpoolWriter,
    allowance: Allowance,
    /// New records.
    new: u64,
    times: RecordTimes,
    /// Whether it is known that Atlas compares ranges with the arrival of records.
    by_arrival: bool,
    /// Where the spool lies, for the one who reads that it failed.
    spool_folder: PathBuf,
}

/// What came of an answer.
#[derive(Debug)]
pub(super) enum Taken {
    /// It can be committed.
    In(Box<TakenIn>),
    /// Most of the window that was reconciled differs; nothing was kept.
    Differs(Tally),
}

/// An answer that can be committed.
#[derive(Debug)]
pub(super) struct TakenIn {
    /// The new records, if there were any.
    pub(super) spooled: Option<Uncommitted>,
    /// What has to be known of them, and for longer of those seen again.
    pub(super) kept: Kept,
    /// All records of the answer.
    pub(super) seen: u64,
    /// Those of the window, and the new ones.
    pub(super) tally: Tally,
    /// When the new records happened, and how many of them came late.
    pub(super) times: RecordTimes,
}

impl Intake {
    /// An intake for an answer about the source in `state`.
    pub(super) fn new(
        committer: &Arc<Committer>,
        state: &SourceState,
        bounds: AnswerBounds,
        claims: Claims,
        stock: Stock,
        allowance: Allowance,
    ) -> Self {
        let newest_first = state.kind == Kind::AccessHistory;
        let shelf = Shelf {
            committer: Arc::clone(committer),
            source: state.key,
            bounds,
            claims,
            span: stock.span(),
            stock,
            kind: state.kind,
            kept: Kept::new(committer.store().folder(), format!("kept-{}", state.key)),
            spool: committer.spool(state, newest_first),
            allowance,
            new: 0,
            times: RecordTimes::default(),
            by_arrival: state.by_arrival,
            spool_folder: committer.archive().folder().join(SPOOL),
        };
        let placer = Placer::new(bounds.asked, bounds.settle, newest_first);
        Self { shows_arrival: false, placer, shelf, seen: 0, beside: 0, page: FullPage::default() }
    }

    /// Whether the fingerprint of a record with such clocks will be needed, as far as that can be said before.
    pub(super) fn wanted(&self) -> Wanted {
        let Shelf { bounds, by_arrival, span, .. } = self.shelf;
        Box::new(move |clocks| may_be_among(span, clocks) || bounds.keep(clocks, by_arrival).is_some())
    }

    /// Takes in the next record of the answer.
    pub(super) fn accept(&mut self, bytes: &[u8], reading: Reading) -> Result<(), CommitError> {
        self.seen += 1;
        self.note_shape(reading.clocks);
        let shelf = &mut self.shelf;
        self.placer.place(bytes, reading, |placed| shelf.put(&placed))
    }

    fn note_shape(&mut self, clocks: Clocks) {
        let AnswerBounds { asked, slack, .. } = self.shelf.bounds;
        let Some(clock) = clocks.latest() else { return };
        self.shows_arrival |= shows_arrival(clocks, asked, slack);
        if !asked.contains(clock) {
            return;
        }
        self.beside += u64::from(!self.shelf.bounds.window.contains(clock));
        self.page.oldest = Some(self.page.oldest.map_or(clock, |oldest| oldest.min(clock)));
        if self.seen <= atlas::PAGE_LIMIT / 4 {
            self.page.newest_quarter = Some(clock);
        }
    }

    /// Whether the answer is the first to say that Atlas goes by arrival, so that more has to be known to tell which of its records
    /// are new. Those that come again then may have been forgotten: of this answer too, before the one that says it.
    pub(super) fn needs_to_know_more(&self) -> bool {
        self.shows_arrival && !self.shelf.by_arrival
    }

    /// How many records were taken in so far, and how they lie.
    pub(super) fn shape(&self) -> (u64, FullPage) {
        (self.seen, self.page)
    }

    /// Makes the new records durable in the spool, unless they are too many to have come late.
    pub(super) fn finish(self) -> Result<Taken, CommitError> {
        let mut shelf = self.shelf;
        self.placer.finish(|placed| shelf.put(&placed))?;
        let tally = Tally { shown: self.seen - self.beside, missing: shelf.new };
        if shelf.bounds.purpose == Purpose::Reconcile && tally.differs(shelf.bounds.compared) {
            shelf.spool.discard().map_err(CommitError::io("clean up", shelf.spool_folder))?;
            return Ok(Taken::Differs(tally));
        }
        let spooled = shelf.spool.finish().map_err(CommitError::io("write to", shelf.spool_folder))?;
        let Shelf { committer, source, allowance, kept, times, .. } = shelf;
        let spooled = spooled.map(|spooled| Uncommitted::new(committer, source, spooled, allowance.for_the_commit()));
        let taken_in = TakenIn { spooled, kept, seen: self.seen, tally, times };
        Ok(Taken::In(Box::new(taken_in)))
    }

    /// Forgets the answer.
    pub(super) fn discard(self) -> Result<(), CommitError> {
        self.shelf.spool.discard().map_err(CommitError::io("clean up", self.shelf.spool_folder))
    }
}

impl Shelf {
    /// Spools the record if it is new, and notes what has to be known of it once the answer is committed.
    fn put(&mut self, record: &Placed<'_>) -> Result<(), CommitError> {
        let AnswerBounds { asked, purpose, slack, settle, .. } = self.bounds;
        if purpose != Purpose::Forward && self.claims.was_removed(record.clocks, record.between) {
            return Ok(());
        }
        let keep_until = self.bounds.keep(record.clocks, self.by_arrival);
        if keep_until.is_none() && !may_be_among(self.span, record.clocks) {
            return self.add_new(record);
        }
        let late = if self.by_arrival { settle } else { Duration::ZERO };
        let key = record.key(self.kind);
        let sought = match purpose {
            Purpose::Reconcile => RecordKey { between: None, ..key },
            Purpose::Forward | Purpose::Again | Purpose::Refill => key,
        };
        let comparison = Comparison { asked_from: asked.from, slack, late };
        let known = self.stock.take(sought, record.clocks.of_fingerprint(), &comparison)?;
        if known.is_none() {
            self.add_new(record)?;
        }
        // Of a record seen again, the clocks decide as they did the first time; where they do not decide, the last answer
        // that holds it does. What a backfill sees again was told to the state by whoever saw it first.
        let ahead = purpose == Purpose::Forward;
        let decided = known.is_some() && (!ahead || !self.by_arrival && record.clocks.decide(asked));
        let Some(keep_until) = keep_until.filter(|_| !decided) else { return Ok(()) };
        match known {
            None => self.kept.new_record(key, record.clocks, asked.to, keep_until)?,
            Some(ArchivedCopy::Row(key)) => self.kept.row_again(key, asked.to, keep_until)?,
            Some(ArchivedCopy::InRun) => {
                let kept = &mut self.kept;
                self.stock.for_each_run_with(key.fingerprint, |run| kept.run_again(run, keep_until))?;
            }
        }
        Ok(())
    }

    /// A record is new.
    fn add_new(&mut self, record: &Placed<'_>) -> Result<(), CommitError> {
        self.allowance.grow(record.bytes.len() as u64 + 1)?;
        self.spool.push(record.bytes).map_err(CommitError::io("write to", &self.spool_folder))?;
        self.new += 1;
        self.times.note(record.clocks, self.claims.lateness(record.clocks));
        Ok(())
    }
}

/// Whether a record with these clocks may be among those whose clocks lie within `span`, if they all do.
fn may_be_among(span: Option<Window>, clocks: Clocks) -> bool {
    span.zip(clocks.of_fingerprint()).is_none_or(|(span, clock)| span.contains(clock))
}
