//! What every poll works with.

use std::{fmt, sync::Arc, time::Duration};

use crate::{
    clock::Clock,
    collect::{Observer, PollError, PollReport, blocking::blocking},
    commit::Committer,
    source::SourceId,
    state::{SourceState, record_poll},
};

/// What all polls share.
pub(super) struct Desk {
    pub(super) committer: Arc<Committer>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) observer: Observer,
}

impl fmt::Debug for Desk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Desk").field("committer", &self.committer).finish_non_exhaustive()
    }
}

/// What is remembered of a source between two polls. Whoever holds it is the only one who polls the source.
#[derive(Debug, Default)]
pub(super) struct Lane {
    /// The state as it is in the database; nothing when the source has to be opened (again).
    pub(super) state: Option<SourceState>,
    /// How wide windows could be the last time without a full page.
    pub(super) width: Option<Duration>,
}

impl Desk {
    /// Notes a poll in the state, where its last window did not do so.
    pub(super) async fn note(&self, id: &SourceId, report: &PollReport) -> Result<(), PollError> {
        let (committer, id, record) = (Arc::clone(&self.committer), id.clone(), report.record());
        blocking(move || {
            let noted = committer.store().transaction(|transaction| match SourceState::key_of(transaction, &id)? {
                Some(key) => record_poll(transaction, key, &record),
                None => Ok(()),
            });
            noted.map_err(|error| PollError::Commit(error.into()))
        })
        .await
    }
}
