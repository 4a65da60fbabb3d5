//! Writes a file and hashes what goes into it: the first block here, all further ones on a thread of their own, beside
//! whoever makes the bytes.

use std::{
    io,
    sync::mpsc::{Receiver, SyncSender, TryRecvError, channel, sync_channel},
    thread::JoinHandle,
};

use crate::{archive::WriteFile, evidence::RunningSha256, vitals};

/// How much is hashed and written at once.
const BLOCK: usize = 256 * 1024;

/// How many blocks may wait for the thread.
const BLOCKS_AHEAD: usize = 4;

/// Writes a file and hashes what goes into it.
pub(super) struct Pen {
    /// Bytes that were not written yet.
    block: Vec<u8>,
    hand: Option<Hand>,
}

/// Who writes.
enum Hand {
    /// Whoever has the pen.
    Own(Sheet),
    /// A thread.
    Thread(Scribe),
}

/// A thread that writes.
struct Scribe {
    blocks: SyncSender<Vec<u8>>,
    /// Blocks that are written and can be filled again.
    empty: Receiver<Vec<u8>>,
    done: JoinHandle<io::Result<Sheet>>,
}

/// A file and the hashes of what was written to it.
pub(super) struct Sheet {
    /// The file.
    pub(super) file: Box<dyn WriteFile>,
    /// BLAKE3 of it.
    pub(super) hash: blake3::Hasher,
    /// SHA-256 of it.
    pub(super) sha256: RunningSha256,
    hashed: bool,
}

impl Sheet {
    fn put(&mut self, block: &[u8]) -> io::Result<()> {
        if self.hashed {
            self.hash.update(block);
            self.sha256.update(block);
        }
        self.file.write_all(block)
    }
}

impl Pen {
    /// A pen for a file that is empty. Where nobody needs the hashes, it is not `hashed`.
    pub(super) fn new(file: Box<dyn WriteFile>, hashed: bool) -> Self {
        let sheet = Sheet { file, hash: blake3::Hasher::new(), sha256: RunningSha256::default(), hashed };
        Self { block: Vec::new(), hand: Some(Hand::Own(sheet)) }
    }

    /// Adds bytes.
    ///
    /// # Errors
    /// Whatever writing these or earlier ones gave.
    pub(super) fn write(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        while self.block.len() + bytes.len() >= BLOCK {
            let (now, later) = bytes.split_at(BLOCK - self.block.len());
            self.block.extend_from_slice(now);
            bytes = later;
            self.turn_over()?;
        }
        self.block.extend_from_slice(bytes);
        Ok(())
    }

    /// Writes what is left, and hands the file over.
    ///
    /// # Errors
    /// Whatever writing gave.
    pub(super) fn finish(mut self) -> io::Result<Sheet> {
        let mut sheet = match self.hand.take() {
            Some(Hand::Own(sheet)) => sheet,
            Some(Hand::Thread(scribe)) => scribe.finish()?,
            None => return Err(failed_before()),
        };
        sheet.put(&self.block)?;
        Ok(sheet)
    }

    /// Has a full block written.
    fn turn_over(&mut self) -> io::Result<()> {
        let scribe = match self.hand.take() {
            Some(Hand::Own(sheet)) => Scribe::start(sheet)?,
            Some(Hand::Thread(scribe)) => scribe,
            None => return Err(failed_before()),
        };
        let mut empty = match scribe.empty.try_recv() {
            Ok(block) => block,
            Err(TryRecvError::Empty | TryRecvError::Disconnected) => Vec::with_capacity(BLOCK),
        };
        empty.clear();
        let full = std::mem::replace(&mut self.block, empty);
        if scribe.blocks.send(full).is_err() {
            // It only ends before its time when it failed.
            scribe.finish()?;
            return Err(failed_before());
        }
        vitals::moved();
        self.hand = Some(Hand::Thread(scribe));
        Ok(())
    }
}

impl Drop for Pen {
    fn drop(&mut self) {
        // The file must not be written to any more when its owner removes it or makes it anew.
        if let Some(Hand::Thread(scribe)) = self.hand.take() {
            let _ = scribe.finish();
        }
    }
}

impl Scribe {
    fn start(mut sheet: Sheet) -> io::Result<Self> {
        let (blocks, waiting) = sync_channel::<Vec<u8>>(BLOCKS_AHEAD);
        let (written, empty) = channel();
        let done = std::thread::Builder::new().name("spool".to_owned()).spawn(move || {
            for block in waiting {
                sheet.put(&block)?;
                // Nobody needs it any more at the end.
                let _ = written.send(block);
            }
            Ok(sheet)
        })?;
        Ok(Self { blocks, empty, done })
    }

    fn finish(self) -> io::Result<Sheet> {
        let Self { blocks, done, .. } = self;
        drop(blocks);
        done.join().unwrap_or_else(|_| Err(io::Error::other("the thread that writes the spool panicked")))
    }
}

fn failed_before() -> io::Error {
    io::Error::other("writing failed before")
}
