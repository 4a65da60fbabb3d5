//! Opens sources: what a crash left is finished, and what lies there is looked at, before anything is done.

use crate::{
    archive::folder,
    commit::{CommitError, Committer, Rotation},
    source::Source,
    state::{Intent, SourceState},
};

impl Committer {
    /// Opens a source: makes its row and folder if it is new, finishes a commit under way, and looks whether its open
    /// segment is what the state says.
    ///
    /// # Errors
    /// When state and archive contradict each other, or cannot be used.
    pub fn open(&self, source: &Source, rotation: Rotation) -> Result<SourceState, CommitError> {
        let mut state = self.recover(source)?;
        self.rotate_by_age(&mut state, rotation)?;
        Ok(state)
    }

    /// Opens a source as [`Committer::open`] does, but opens no new segment.
    ///
    /// # Errors
    /// Those of [`Committer::open`].
    pub fn recover(&self, source: &Source) -> Result<SourceState, CommitError> {
        self.recover_source(source).map_err(|error| self.absolute(error))
    }

    fn recover_source(&self, source: &Source) -> Result<SourceState, CommitError> {
        self.refuse_moved_archive()?;
        let mut state = self.load_or_create(source)?;
        self.look_at_names(&state)?;
        self.look_at_fingerprints(&mut state)?;
        self.finish_seals(&mut state)?;
        // The one before the open segment: what follows may seal that one.
        let sealed = state.sealed.clone();
        let intent = self.store.read(|connection| Intent::load(connection, &state))?;
        match intent {
            Some(intent) => {
                self.finish(&mut state, intent, false)?;
                // What the commit had noted was not looked at yet.
                self.look_at_fingerprints(&mut state)?;
            }
            None => {
                self.seal_if_damaged(&mut state)?;
            }
        }
        if let Some(sealed) = sealed {
            self.note_if_damaged(&mut state, &sealed)?;
        }
        crate::archive::remove_stale_spool(self.archive.files(), state.key)
            .map_err(CommitError::io("clean up", crate::archive::SPOOL))?;
        Ok(state)
    }

    fn look_at_fingerprints(&self, state: &mut SourceState) -> Result<(), CommitError> {
        if self.store.read(|connection| state.knows_its_fingerprints(connection))? {
            return Ok(());
        }
        tracing::error!(
            event = "fingerprints-damaged",
            source = state.display_name(),
            "the fingerprints in the state database are damaged; they are made again from the segments"
        );
        Ok(self.store.transaction(|transaction| state.lose_fingerprints(transaction))?)
    }

    fn load_or_create(&self, source: &Source) -> Result<SourceState, CommitError> {
        if let Some(mut state) = self.store.read(|connection| SourceState::load(connection, &source.id))? {
            if state.project_name != source.project_name {
                state.project_name.clone_from(&source.project_name);
                self.store.transaction(|transaction| state.save(transaction))?;
            }
            return Ok(state);
        }
        self.store.transaction(|transaction| {
            let folder = folder(source, |folder| SourceState::folder_is_taken(transaction, folder))?;
            Ok(SourceState::create(transaction, source, folder)?)
        })
    }
}
