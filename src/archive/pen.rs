//! Writes and hashes a file: the first block here, all further ones on a thread of their own, beside whoever makes the
//! bytes.

use std::{
    io,
    sync::mpsc::{Receiver, SyncSender, channel, sync_channel},
    thread::JoinHandle,
};

use crate::{archive::WriteFile, evidence::RunningSha256, vitals};

/// How much is written at once.
const BLOCK: usize = 256 * 1024;

/// How many blocks may wait for the thread.
const BLOCKS_AHEAD: usize = 4;

/// Writes a file.
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

/// What is written.
struct Sheet {
    file: Box<dyn WriteFile>,
    /// SHA-256 of it, where it is asked for.
    sha256: Option<RunningSha256>,
}

/// A thread that writes.
struct Scribe {
    blocks: SyncSender<Vec<u8>>,
    /// Blocks that are written and can be filled again.
    empty: Receiver<Vec<u8>>,
    done: JoinHandle<io::Result<Sheet>>,
}

impl Pen {
    /// A pen for a file that is empty. The SHA-256 of what is written goes on from `sha256`, where there is one.
    pub(super) fn new(file: Box<dyn WriteFile>, sha256: Option<RunningSha256>) -> Self {
        Self { block: Vec::new(), hand: Some(Hand::Own(Sheet { file, sha256 })) }
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

    /// Writes what is left. The file, and the SHA-256 of it where that was wanted.
    ///
    /// # Errors
    /// Whatever writing gave.
    pub(super) fn finish(mut self) -> io::Result<(Box<dyn WriteFile>, RunningSha256)> {
        let mut sheet = match self.hand.take() {
            Some(Hand::Own(sheet)) => sheet,
            Some(Hand::Thread(scribe)) => scribe.finish()?,
            None => return Err(failed_before()),
        };
        sheet.write(&self.block)?;
        Ok((sheet.file, sheet.sha256.unwrap_or_default()))
    }

    /// Has a full block written.
    fn turn_over(&mut self) -> io::Result<()> {
        let scribe = match self.hand.take() {
            Some(Hand::Own(sheet)) => Scribe::start(sheet)?,
            Some(Hand::Thread(scribe)) => scribe,
            None => return Err(failed_before()),
        };
        let mut empty = scribe.empty.try_recv().unwrap_or_default();
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

impl Sheet {
    fn write(&mut self, block: &[u8]) -> io::Result<()> {
        if let Some(sha256) = &mut self.sha256 {
            sha256.update(block);
        }
        self.file.write_all(block)
    }
}

impl Scribe {
    fn start(mut sheet: Sheet) -> io::Result<Self> {
        let (blocks, waiting) = sync_channel::<Vec<u8>>(BLOCKS_AHEAD);
        let (written, empty) = channel();
        let done = std::thread::Builder::new().name("spool".to_owned()).spawn(move || {
            for block in waiting {
                sheet.write(&block)?;
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
