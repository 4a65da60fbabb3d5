//! The work on one answer: its body is decoded on one thread, and its records are taken in on another.

use crate::{
    atlas::{
        Body, Encoding,
        decode::{self, BodyReader, DecodeError, Limits},
    },
    collect::{
        PollError, Tally,
        batch::{Batcher, Batches, Closed, batches},
        blocking::panic_message,
        intake::{Intake, Taken, TakenIn},
    },
    plan::{FullPage, Planner},
    source::Kind,
    vitals,
};

/// How many chunks of a body wait for the decoder.
const CHUNKS_AHEAD: usize = 8;

/// Decodes an answer and takes it in, on two threads.
pub(super) struct Worker {
    pub(super) kind: Kind,
    pub(super) limits: Limits,
    /// Says what a full page is.
    pub(super) planner: Planner,
    /// Whether a full page is taken in as it is.
    pub(super) keep_full: bool,
    pub(super) intake: Intake,
}

/// What came of an answer.
pub(super) enum Outcome {
    /// It can be committed.
    TakenIn(Box<TakenIn>),
    /// The page was full; nothing of it was kept.
    Full {
        /// How its entries lie.
        page: FullPage,
    },
    /// It says that Atlas goes by the arrival of records, which nobody knew; nothing of it was kept.
    ByArrival,
    /// Most of what was reconciled is not archived; nothing of it was kept.
    Differs(Tally),
}

impl Worker {
    /// Does it, with a body that is so encoded.
    pub(super) async fn run(self, body: Body, encoding: Encoding) -> Result<Outcome, PollError> {
        let (sender, reader) = decode::channel(CHUNKS_AHEAD);
        let (batcher, batches) = batches(self.intake.wanted());
        let (kind, limits) = (self.kind, self.limits);
        let decoding = vitals::blocking(move || decode(kind, encoding, &limits, reader, batcher));
        let taking_in = vitals::blocking(move || self.take_in(batches));
        let pumped = body.pump(sender).await;
        let panicked = |error| PollError::Panicked(panic_message(error));
        let decoded = decoding.await.map_err(panicked)?;
        let taken_in = taking_in.await.map_err(panicked)?;
        // The decoder only knows that the body stopped; why, knows who fed it.
        pumped?;
        let outcome = taken_in?;
        decoded.map_err(PollError::Decode)?;
        outcome.ok_or(PollError::Decode(DecodeError::Sink(Closed)))
    }

    /// Takes the records in; nothing where the answer does not become whole.
    fn take_in(mut self, batches: Batches) -> Result<Option<Outcome>, PollError> {
        let whole = batches.for_each(|record, reading| self.intake.accept(record, reading));
        if !matches!(whole, Ok(true)) {
            self.intake.discard()?;
            whole?;
            return Ok(None);
        }
        if self.intake.needs_to_know_more() {
            self.intake.discard()?;
            return Ok(Some(Outcome::ByArrival));
        }
        let (seen, page) = self.intake.shape();
        if self.planner.is_full(seen) && !self.keep_full {
            self.intake.discard()?;
            return Ok(Some(Outcome::Full { page }));
        }
        Ok(Some(match self.intake.finish()? {
            Taken::In(taken_in) => Outcome::TakenIn(taken_in),
            Taken::Differs(tally) => Outcome::Differs(tally),
        }))
    }
}

/// Decodes the body of an answer.
fn decode(
    kind: Kind,
    encoding: Encoding,
    limits: &Limits,
    reader: BodyReader,
    mut batcher: Batcher,
) -> Result<(), DecodeError<Closed>> {
    match kind {
        // It is a gzip itself, and never asked for in another one.
        Kind::StreamAudit => decode::gzip_lines(reader, limits, |line| batcher.push_line(line)),
        Kind::AccessHistory => {
            let entries = encoding.json_entries(reader, limits, |entry, clocks| batcher.push_entry(entry, clocks));
            entries.map(|_| ())
        }
    }?;
    batcher.finish().map_err(DecodeError::Sink)
}
