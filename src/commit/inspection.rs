//! The looks at segments before anything is built on them, and what is done where they are damaged.

use std::path::Path;

use rusqlite::Transaction;

use crate::{
    archive::SegmentName,
    commit::{
        CommitError, Committer, damage, examine,
        place::{self, Damage},
    },
    state::{SealedSegment, SourceState, damaged_segments},
};

/// What was found before the open segment was to be sealed.
pub(super) struct Inspected {
    /// Whether records are lost.
    pub(super) lost: bool,
    /// Whether the open segment was damaged, and is sealed for that.
    pub(super) sealed: bool,
}

impl Committer {
    /// Refuses segments that the state does not know, and tells of those that it knows and that are not there.
    pub(super) fn look_at_names(&self, state: &SourceState) -> Result<(), CommitError> {
        let root = self.archive.folder();
        let names = examine::names(self.archive.files(), Path::new(&state.folder))?;
        if let Some(unknown) = examine::unknown(root, state, &names) {
            return Err(unknown);
        }
        let noted = self.store.read(|connection| damaged_segments(connection, state.key))?;
        for fault in examine::missing(root, state, &noted, &names) {
            match fault.may_be_meant() {
                true => tracing::warn!(event = "segments-moved", source = state.display_name(), "{fault}"),
                false => tracing::error!(event = "segments-missing", source = state.display_name(), "{fault}"),
            }
        }
        Ok(())
    }

    /// Seals the open segment if it is damaged.
    pub(super) fn seal_if_damaged(&self, state: &mut SourceState) -> Result<Option<Damage>, CommitError> {
        let damage = place::inspect(self.archive.files(), state)?;
        if let Some(damage) = &damage {
            self.seal_damaged(state, damage, |_, _| Ok(()))?;
        }
        Ok(damage)
    }

    /// Looks at the last sealed segment: it may have been damaged since, also once more. Each damage is noted once. Whether
    /// records are lost.
    pub(super) fn look_at_sealed(&self, state: &mut SourceState) -> Result<bool, CommitError> {
        let Some(sealed) = state.sealed.clone() else { return Ok(false) };
        self.note_if_damaged(state, &sealed)
    }

    pub(super) fn note_if_damaged(&self, state: &mut SourceState, sealed: &SealedSegment) -> Result<bool, CommitError> {
        let noted = self.store.read(|connection| damaged_segments(connection, state.key))?;
        let folder = Path::new(&state.folder);
        let damage = place::damage_to_sealed(self.archive.files(), folder, sealed)?;
        let Some(damage) = damage.filter(|damage| examine::is_news(&noted, &sealed.name, damage)) else {
            return Ok(false);
        };
        self.tell_of_damage(state, &sealed.name, &damage, "a sealed segment is damaged");
        let now = self.clock.now();
        self.store.transaction(|transaction| {
            damage::note_sealed(transaction, state, sealed, &damage, now)?;
            Ok::<_, CommitError>(damage.lost)
        })
    }

    /// Before the open segment is sealed: afterwards nobody looks at the one before it again. Whether records of either are
    /// lost, and whether the open one was sealed because of that.
    pub(super) fn inspect_before_sealing(&self, state: &mut SourceState) -> Result<Inspected, CommitError> {
        // What is refused for now may be put right, the sealed one with it.
        self.refuse_longer(state)?;
        let sealed_lost = self.look_at_sealed(state)?;
        let damage = self.seal_if_damaged(state)?;
        let lost = sealed_lost || damage.as_ref().is_some_and(|damage| damage.lost);
        Ok(Inspected { lost, sealed: damage.is_some() })
    }

    fn tell_of_damage(&self, state: &SourceState, segment: &SegmentName, damage: &Damage, what: &str) {
        tracing::error!(
            event = "segment-damaged",
            source = state.display_name(),
            segment = %self.segment_path(state, segment).display(),
            good_bytes = damage.good_length,
            records_lost = damage.lost,
            "{what}: {}; {}",
            damage.detail,
            if damage.lost { "what it lost is asked of Atlas again" } else { "nothing was lost" },
        );
    }

    pub(super) fn seal_damaged(
        &self,
        state: &mut SourceState,
        damage: &Damage,
        also: impl FnOnce(&Transaction<'_>, &mut SourceState) -> Result<(), CommitError>,
    ) -> Result<(), CommitError> {
        if let Some(open) = &state.open {
            self.tell_of_damage(state, &open.name, damage, "a segment is damaged and was sealed");
        }
        self.store.transaction(|transaction| {
            damage::seal_damaged(&self.sealer, transaction, state, damage, self.clock.now())?;
            also(transaction, state)
        })?;
        self.finish_seals(state)?;
        self.make_open_segment(state)
    }

    /// Bytes that someone else wrote have to be seen before a commit is begun: afterwards they could be its own.
    pub(super) fn refuse_longer(&self, state: &SourceState) -> Result<(), CommitError> {
        let Some(open) = &state.open else { return Ok(()) };
        let path = Path::new(&state.folder).join(open.name.as_str());
        match self.archive.files().length(&path).map_err(CommitError::io("look at", &path))? {
            Some(actual) if actual > open.length => Err(CommitError::Longer { path, expected: open.length, actual }),
            _ => Ok(()),
        }
    }
}
