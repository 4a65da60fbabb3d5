//! New records on their way from the spool to their commit.

use std::sync::Arc;

use crate::{
    archive::{Claim, Spooled},
    commit::Committer,
    state::SourceKey,
};

/// New records that lie in the spool and are not committed yet. Dropped before they are handed over, they are removed at
/// once: the file would hold room that others may need, and its window is asked again anyway.
#[derive(Debug)]
pub(super) struct Uncommitted {
    committer: Arc<Committer>,
    source: SourceKey,
    content: Option<(Spooled, Claim)>,
}

impl Uncommitted {
    pub(super) fn new(committer: Arc<Committer>, source: SourceKey, spooled: Spooled, claim: Claim) -> Self {
        Self { committer, source, content: Some((spooled, claim)) }
    }

    /// How many records, and how many bytes they are.
    pub(super) fn size(&self) -> (u64, u64) {
        self.content.as_ref().map_or((0, 0), |(spooled, _)| (spooled.records, spooled.length))
    }

    /// Hands them over to a commit, and with them the room that it needs, to be held until it is done.
    pub(super) fn hand_over(mut self) -> Option<(Spooled, Claim)> {
        self.content.take()
    }
}

impl Drop for Uncommitted {
    fn drop(&mut self) {
        if self.content.take().is_some() {
            self.committer.remove_spool(self.source);
        }
    }
}
