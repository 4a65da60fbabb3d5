//! Records in batches, on their way from the thread that decodes an answer to the one that takes it in.
//!
//! What is understood of a record is read on the way, so that the two share the work. The end is a message of its own: a channel
//! that is merely closed says that the answer did not become whole.

use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};

use thiserror::Error;

use crate::{
    record::{Clocks, EntryClocks, Reading, newlines_to_spaces},
    source::Kind,
    vitals,
};

/// A batch is full with so many bytes.
const BATCH_BYTES: usize = 128 * 1024;

/// How many batches may wait.
const BATCHES_AHEAD: usize = 3;

/// Some records, and what is understood of each.
#[derive(Debug, Default)]
struct Batch {
    bytes: Vec<u8>,
    /// Where each ends, and what is understood of it.
    records: Vec<(usize, Reading)>,
}

enum Message {
    Batch(Batch),
    End,
}

/// Whoever takes the records in has failed, and tells why.
#[derive(Clone, Copy, Debug, Error)]
#[error("nobody takes the records in any more")]
pub struct Closed;

/// The half of the one that decodes.
pub(super) struct Batcher {
    /// Whether the fingerprint of a record with such clocks will be needed.
    wanted: Wanted,
    batch: Batch,
    full: SyncSender<Message>,
    /// Batches that were taken in and can be filled again.
    empty: Receiver<Batch>,
}

/// The half of the one that takes in.
pub(super) struct Batches {
    full: Receiver<Message>,
    empty: Sender<Batch>,
}

/// Whether the fingerprint of a record with such clocks will be needed, most likely.
pub(super) type Wanted = Box<dyn Fn(Clocks) -> bool + Send>;

/// A way for the records of one answer.
pub(super) fn batches(wanted: Wanted) -> (Batcher, Batches) {
    let (full, filled) = sync_channel(BATCHES_AHEAD);
    let (used, empty) = channel();
    (Batcher { wanted, batch: Batch::default(), full, empty }, Batches { full: filled, empty: used })
}

impl Batcher {
    /// Adds the next line of an audit log.
    pub(super) fn push_line(&mut self, line: &[u8]) -> Result<(), Closed> {
        self.push(line, Reading::of(Kind::StreamAudit, line, &self.wanted))
    }

    /// Adds the next entry of an access history, and its clocks where they are known already.
    pub(super) fn push_entry(&mut self, entry: &[u8], clocks: Option<EntryClocks>) -> Result<(), Closed> {
        let record = newlines_to_spaces(entry);
        self.push(&record, Reading::of_entry(&record, clocks, &self.wanted))
    }

    fn push(&mut self, record: &[u8], reading: Reading) -> Result<(), Closed> {
        self.batch.bytes.extend_from_slice(record);
        self.batch.records.push((self.batch.bytes.len(), reading));
        if self.batch.bytes.len() < BATCH_BYTES {
            return Ok(());
        }
        let empty = self.empty.try_recv().unwrap_or_default();
        let full = std::mem::replace(&mut self.batch, empty);
        self.send(Message::Batch(full))
    }

    /// The answer is whole.
    pub(super) fn finish(mut self) -> Result<(), Closed> {
        let last = std::mem::take(&mut self.batch);
        self.send(Message::Batch(last))?;
        self.send(Message::End)
    }

    fn send(&self, message: Message) -> Result<(), Closed> {
        let _waiting = vitals::waits_for_others();
        self.full.send(message).map_err(|_| Closed)
    }
}

impl Batches {
    /// Calls `each` with every record. Whether the answer became whole.
    pub(super) fn for_each<E>(self, mut each: impl FnMut(&[u8], Reading) -> Result<(), E>) -> Result<bool, E> {
        loop {
            let waiting = vitals::waits_for_others();
            let message = self.full.recv();
            drop(waiting);
            let mut batch = match message {
                Ok(Message::Batch(batch)) => batch,
                Ok(Message::End) => return Ok(true),
                Err(_) => return Ok(false),
            };
            let mut begin = 0;
            for &(end, reading) in &batch.records {
                each(&batch.bytes[begin..end], reading)?;
                begin = end;
            }
            vitals::moved();
            if batch.bytes.capacity() <= 2 * BATCH_BYTES {
                batch.bytes.clear();
                batch.records.clear();
                // At the end, nobody fills it again.
                let _ = self.empty.send(batch);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use super::*;

    fn taken(batches: Batches) -> std::thread::JoinHandle<(Vec<Vec<u8>>, bool)> {
        std::thread::spawn(move || {
            let mut taken = Vec::new();
            let whole = batches.for_each(|record, reading| {
                assert_eq!(reading, Reading::of(Kind::StreamAudit, record, |_| true));
                taken.push(record.to_vec());
                Ok::<_, Infallible>(())
            });
            (taken, whole.unwrap())
        })
    }

    #[test]
    fn records_come_through_in_order_and_only_the_end_makes_them_whole() {
        let records: Vec<Vec<u8>> = (0..3000_usize)
            .map(|number| format!("{{\"time\":{number}}}").repeat(number % 50 + 1).into_bytes())
            .collect();
        for whole in [true, false] {
            let (mut batcher, batches) = batches(Box::new(|_| true));
            let taking = taken(batches);
            records.iter().for_each(|record| batcher.push_line(record).unwrap());
            if whole {
                batcher.finish().unwrap();
            } else {
                drop(batcher);
            }
            let (taken, ended) = taking.join().unwrap();
            assert_eq!(ended, whole);
            assert!(records.starts_with(&taken) && (!whole || taken.len() == records.len()));
        }
    }

    #[test]
    fn who_decodes_learns_that_nobody_takes_in() {
        let (mut batcher, batches) = batches(Box::new(|_| true));
        drop(batches);
        batcher.push_line(&[b'x'; BATCH_BYTES]).unwrap_err();
    }
}
