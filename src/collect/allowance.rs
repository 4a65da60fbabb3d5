//! How far the spool of one answer may grow before less is left of the disk than has to stay free.

use std::sync::Arc;

use crate::{
    archive::Claim,
    commit::{CommitError, Committer},
};

/// So much more room than the next record needs is claimed at once: looking at the file system takes its time.
const STEP: u64 = 1 << 20;

/// What is written beside the records: buffered bytes that are not on the disk yet, rounding to blocks, names, a digest.
const BESIDE: u64 = 256 * 1024;

/// Room for the spool of one answer, and for the commit of it.
#[derive(Debug)]
pub(super) struct Allowance {
    committer: Arc<Committer>,
    claim: Claim,
    /// So many bytes have to stay free, if any.
    min_free: Option<u64>,
    /// How long the spool is.
    length: u64,
    /// How long it may become with what is claimed.
    granted: u64,
}

impl Allowance {
    /// For an answer that is about to be taken in.
    pub(super) fn new(committer: &Arc<Committer>, min_free: Option<u64>) -> Self {
        let claim = committer.archive().room().claim();
        Self { committer: Arc::clone(committer), claim, min_free, length: 0, granted: 0 }
    }

    /// Is told before so many bytes go into the spool.
    pub(super) fn grow(&mut self, bytes: u64) -> Result<(), CommitError> {
        let length = self.length + bytes;
        if let Some(min_free) = self.min_free.filter(|_| length > self.granted) {
            let granted = length + STEP;
            // A second copy follows of what is in the spool: the commit writes it into the segment. An answer that is turned
            // round is there twice before that, but no longer than until then.
            let ahead = 2 * granted - self.length + BESIDE;
            let archive = self.committer.archive();
            let claimed = self.claim.set(archive.files(), ahead, min_free);
            claimed.map_err(CommitError::io("look at", archive.folder()))??;
            self.granted = granted;
        }
        self.length = length;
        Ok(())
    }

    /// The spool is complete: what is left to write is the copy of it in the segment. To be held until that is done.
    pub(super) fn for_the_commit(mut self) -> Claim {
        self.claim.shrink(self.length + BESIDE);
        self.claim
    }
}
