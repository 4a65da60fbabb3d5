//! The intake: takes an answer's records one by one, drops what is archived already, and spools the rest.

use std::{io, time::Duration};

use thiserror::Error;

use crate::{
    archive::{SpoolWriter, Spooled, explain},
    collect::{kept::Kept, known::Known},
    instant::Instant,
    plan::keep_until,
    record::{AccessEntry, AuditLine, Clocks, Fingerprint, newlines_to_spaces},
    source::Kind,
    state::{KeptFingerprint, StateError},
    window::Window,
};

/// Why a record could not be taken in. The fault is on this side, not in the answer.
#[derive(Debug, Error)]
pub enum IntakeError {
    /// The spool.
    #[error("failed to write the spool in the archive: {}", explain(.0))]
    Spool(#[from] io::Error),
    /// The state.
    #[error(transparent)]
    State(#[from] StateError),
}

/// What an intake needs to know of the answer before its first record.
#[derive(Clone, Copy, Debug)]
pub(super) struct AnswerBounds {
    /// The range that was asked.
    pub(super) asked: Window,
    /// Where the end watermark will stand once the answer is committed: what cannot come after that need not be known.
    pub(super) end_after: Instant,
    /// How long a record may take to appear.
    pub(super) settle: Duration,
}

/// Takes in one answer.
pub(super) struct Intake {
    kind: Kind,
    bounds: AnswerBounds,
    known: Known,
    kept: Kept,
    spool: SpoolWriter,
    timed: Option<Fingerprint>,
    seen: u64,
    oldest: Option<Instant>,
}

/// What came of an answer.
#[derive(Debug)]
pub(super) struct TakenIn {
    /// The new records, if there were any.
    pub(super) spooled: Option<Spooled>,
    /// What has to be known of them, and for longer of those seen again.
    pub(super) kept: Kept,
    /// All records of the answer.
    pub(super) seen: u64,
}

impl Intake {
    pub(super) fn new(kind: Kind, bounds: AnswerBounds, known: Known, kept: Kept, spool: SpoolWriter) -> Self {
        Self { kind, bounds, known, kept, spool, timed: None, seen: 0, oldest: None }
    }

    /// Takes in the next record of the answer.
    pub(super) fn accept(&mut self, bytes: &[u8]) -> Result<(), IntakeError> {
        self.seen += 1;
        match self.kind {
            Kind::StreamAudit => self.accept_line(bytes),
            Kind::AccessHistory => self.accept_entry(bytes),
        }
    }

    /// How many records were taken in so far, and the oldest clock among them.
    pub(super) fn shape(&self) -> (u64, Option<Instant>) {
        (self.seen, self.oldest)
    }

    /// Makes the new records durable in the spool.
    pub(super) fn finish(self) -> Result<TakenIn, IntakeError> {
        Ok(TakenIn { spooled: self.spool.finish()?, kept: self.kept, seen: self.seen })
    }

    /// Forgets the answer.
    pub(super) fn discard(self) -> Result<(), IntakeError> {
        Ok(self.spool.discard()?)
    }

    fn accept_entry(&mut self, bytes: &[u8]) -> Result<(), IntakeError> {
        let bytes = newlines_to_spaces(bytes);
        let entry = AccessEntry::read(&bytes);
        self.oldest = [self.oldest, entry.clocks.earliest()].into_iter().flatten().min();
        let known = self.known.take(entry.fingerprint)?;
        if !known {
            self.spool.push(&bytes)?;
        }
        self.keep(entry.fingerprint, entry.clocks, known)
    }

    fn accept_line(&mut self, bytes: &[u8]) -> Result<(), IntakeError> {
        let line = AuditLine::read(bytes);
        let fingerprint = line.fingerprint(bytes, self.timed);
        let has_time = line.clocks.latest().is_some();
        let known = self.known.take(fingerprint)?;
        if !known {
            self.spool.push(bytes)?;
        }
        self.keep(fingerprint, line.clocks, known)?;
        if has_time {
            self.timed = Some(fingerprint);
        } else if self.timed.is_some() {
            // A later answer may begin with this very line, without the timed one before it.
            let anywhere = Fingerprint::of_line_anywhere(bytes);
            let known = self.known.take(anywhere)? && known;
            self.keep(anywhere, line.clocks, known)?;
        }
        Ok(())
    }

    /// Notes what has to be known of a record once the answer is committed.
    fn keep(&mut self, fingerprint: Fingerprint, clocks: Clocks, known: bool) -> Result<(), IntakeError> {
        let keep_until = keep_until(clocks, self.bounds.asked, self.bounds.settle);
        if keep_until < self.bounds.end_after {
            return Ok(());
        }
        // The last answer that holds a record decides only where its clocks do not.
        let clocks_decide = clocks.latest().is_some_and(|_| {
            clocks.iter().all(|clock| self.bounds.asked.from <= clock && clock <= self.bounds.asked.to)
        });
        if known && clocks_decide {
            return Ok(());
        }
        Ok(self.kept.push(KeptFingerprint { fingerprint, more: u64::from(!known), keep_until })?)
    }
}
