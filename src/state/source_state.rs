//! What the state knows of one source.

use std::time::Duration;

use rusqlite::{Connection, OptionalExtension, Params, Transaction};

use crate::{
    archive::SegmentName,
    evidence::SourceIdentity,
    instant::Instant,
    source::{Kind, Source, SourceId},
    state::{DayCount, Digest, OpenSegment, SealedSegment, StateError, Told, digest::RowDigests, source_row::SELECT},
};

/// The number of a source's row.
pub type SourceKey = i64;

/// What the state knows of one source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceState {
    /// The number of its row.
    pub key: SourceKey,
    /// The Atlas project.
    pub project_id: String,
    /// Which endpoint.
    pub kind: Kind,
    /// The name of the stream instance or cluster.
    pub name: String,
    /// The filter, as it is written; empty for everything.
    pub filter: String,
    /// The project's display name when the source was last opened.
    pub project_name: String,
    /// Its folder below the archive's root, for ever.
    pub folder: String,
    /// From where the archive is complete; nothing before the first poll.
    pub start: Option<Instant>,
    /// Up to where it is; there exactly when `start` is.
    pub end: Option<Instant>,
    /// The sequence number of the next segment.
    pub next_sequence: u64,
    /// The segment that is appended to; nothing for a removed source.
    pub open: Option<OpenSegment>,
    /// The one before it.
    pub sealed: Option<SealedSegment>,
    /// Records archived in all.
    pub records: u64,
    /// Bytes archived in all.
    pub bytes: u64,
    /// Records archived today.
    pub today: DayCount,
    /// How many of the records belonged to a time that had been declared complete already.
    pub late_records: u64,
    /// The greatest time of which it is proven that one of them was not there yet after it had happened.
    pub lateness: Duration,
    /// What the digests have told so far.
    pub told: Told,
    /// The fingerprints no longer tell what is archived and have to be made again from the segments.
    pub fingerprints_lost: bool,
    /// Atlas showed records in a range that none of their clocks lies in: it compares ranges with their arrival.
    pub by_arrival: bool,
    /// When Atlas said last that there is no such cluster or instance. One that is there again may have been made anew,
    /// without what it held before.
    pub absent_until: Option<Instant>,
    /// The digest of its gaps, islands, damaged segments and commit under way.
    pub rows_digest: Digest,
    /// The digest of its fingerprints.
    pub fingerprints_digest: Digest,
}

impl SourceState {
    /// The state of a source; nothing if it was never seen.
    ///
    /// # Errors
    /// When the row is damaged, or whatever SQLite gives.
    pub fn load(connection: &Connection, id: &SourceId) -> Result<Option<Self>, StateError> {
        Self::load_named(connection, id, |state| state.verify_rows(connection))
    }

    /// As [`SourceState::load`], where many are read of one view of the database.
    ///
    /// # Errors
    /// Those of [`SourceState::load`].
    pub fn load_with(digests: &RowDigests<'_>, id: &SourceId) -> Result<Option<Self>, StateError> {
        Self::load_named(digests.connection(), id, |state| state.expect_rows(digests.of(state.key)?))
    }

    fn load_named(
        connection: &Connection,
        id: &SourceId,
        verify: impl FnOnce(&Self) -> Result<(), StateError>,
    ) -> Result<Option<Self>, StateError> {
        let named = "project_id = ?1 AND kind = ?2 AND name = ?3 AND filter = ?4";
        let parameters = (&id.project_id, id.kind.as_str(), &id.name, id.filter.to_string());
        Self::load_where(connection, named, parameters, verify)
    }

    /// The state of the source with this key; nothing if there is none.
    ///
    /// # Errors
    /// Those of [`SourceState::load`].
    pub fn load_by_key(connection: &Connection, key: SourceKey) -> Result<Option<Self>, StateError> {
        Self::load_where(connection, "key = ?1", [key], |state| state.verify_rows(connection))
    }

    fn load_where(
        connection: &Connection,
        condition: &str,
        parameters: impl Params,
        verify: impl FnOnce(&Self) -> Result<(), StateError>,
    ) -> Result<Option<Self>, StateError> {
        let mut statement = connection.prepare_cached(&format!("{SELECT} WHERE {condition}"))?;
        let found = statement.query_row(parameters, Self::from_row).optional()?;
        let Some(state) = found.transpose()? else { return Ok(None) };
        verify(&state)?;
        Ok(Some(state))
    }

    /// The number of a source's row, whether or not the row is damaged; nothing if it was never seen.
    ///
    /// # Errors
    /// Whatever SQLite gives.
    pub fn key_of(connection: &Connection, id: &SourceId) -> Result<Option<SourceKey>, StateError> {
        let mut statement = connection.prepare_cached(
            "SELECT key FROM source WHERE project_id = ?1 AND kind = ?2 AND name = ?3 AND filter = ?4",
        )?;
        let key =
            statement.query_row((&id.project_id, id.kind.as_str(), &id.name, id.filter.to_string()), |row| row.get(0));
        Ok(key.optional()?)
    }

    /// The numbers of the rows of all sources that were ever seen, by folder, damaged or not.
    ///
    /// # Errors
    /// Whatever SQLite gives.
    pub fn keys(connection: &Connection) -> Result<Vec<SourceKey>, StateError> {
        let mut statement = connection.prepare_cached("SELECT key FROM source ORDER BY folder")?;
        let keys = statement.query_map([], |row| row.get(0))?;
        Ok(keys.collect::<Result<_, _>>()?)
    }

    /// All sources that were ever seen, by folder; those whose row is damaged as the error.
    ///
    /// # Errors
    /// Whatever SQLite gives.
    pub fn load_all(connection: &Connection) -> Result<Vec<Result<Self, StateError>>, StateError> {
        let mut all = Vec::new();
        Self::for_each(connection, |state, _| {
            all.push(state);
            Ok(())
        })?;
        Ok(all)
    }

    /// Reads all sources that were ever seen, by folder; those whose row or rows are damaged as the error. The other one that
    /// is given says whether the source has rows in the tables that [`SourceState::verify_rows`] looks at.
    pub(super) fn for_each(
        connection: &Connection,
        mut each: impl FnMut(Result<Self, StateError>, bool) -> Result<(), StateError>,
    ) -> Result<(), StateError> {
        let digests = RowDigests::read(connection)?;
        let mut statement = connection.prepare(&format!("{SELECT} ORDER BY folder"))?;
        for row in statement.query_map([], Self::from_row)? {
            let (state, has_rows) = match row? {
                Ok(state) => {
                    let has_rows = digests.has_rows(state.key);
                    let verified = digests.of(state.key).and_then(|digest| state.expect_rows(digest));
                    (verified.map(|()| state), has_rows)
                }
                Err(error) => (Err(error), false),
            };
            each(state, has_rows)?;
        }
        Ok(())
    }

    /// Looks whether the source's gaps, islands, damaged segments and commit under way are what was written.
    ///
    /// # Errors
    /// When they are not, or whatever SQLite gives.
    pub fn verify_rows(&self, connection: &Connection) -> Result<(), StateError> {
        self.expect_rows(Digest::of_rows(connection, self.key)?)
    }

    /// Refuses rows whose digest is another one than was written.
    fn expect_rows(&self, found: Digest) -> Result<(), StateError> {
        if found == self.rows_digest {
            return Ok(());
        }
        let detail = "its gaps, islands, damaged segments or commit under way are not what was written".to_owned();
        Err(StateError::DamagedSource { source_name: self.folder.clone(), detail })
    }

    /// Changes rows of the source that [`SourceState::verify_rows`] looks at. The source has to be saved afterwards.
    pub(super) fn amend<T>(
        &mut self,
        transaction: &Transaction<'_>,
        change: impl FnOnce(&mut Self) -> Result<T, StateError>,
    ) -> Result<T, StateError> {
        // A new digest must not make good what nobody wrote.
        self.verify_rows(transaction)?;
        let changed = change(self)?;
        self.rows_digest = Digest::of_rows(transaction, self.key)?;
        Ok(changed)
    }

    /// Whether another source has this folder.
    ///
    /// # Errors
    /// When the row of that source is damaged: it may be the one that asks, under another name. Or whatever SQLite gives.
    pub fn folder_is_taken(connection: &Connection, folder: &str) -> Result<bool, StateError> {
        let mut statement = connection.prepare_cached(&format!("{SELECT} WHERE folder = ?1"))?;
        let found = statement.query_row([folder], Self::from_row).optional()?;
        Ok(found.transpose()?.is_some())
    }

    /// Makes the row of a source that is seen for the first time.
    ///
    /// # Errors
    /// Whatever SQLite gives.
    pub fn create(transaction: &Transaction<'_>, source: &Source, folder: String) -> Result<Self, StateError> {
        let key =
            transaction.query_row("SELECT coalesce(max(key), 0) + 1 FROM source", [], |row| row.get::<_, i64>(0))?;
        let mut state = Self {
            key,
            project_id: source.id.project_id.clone(),
            kind: source.id.kind,
            name: source.id.name.clone(),
            filter: source.id.filter.to_string(),
            project_name: source.project_name.clone(),
            folder,
            start: None,
            end: None,
            next_sequence: 1,
            open: None,
            sealed: None,
            records: 0,
            bytes: 0,
            today: DayCount::default(),
            late_records: 0,
            lateness: Duration::ZERO,
            told: Told::default(),
            fingerprints_lost: false,
            by_arrival: false,
            absent_until: None,
            rows_digest: Digest::default(),
            fingerprints_digest: Digest::default(),
        };
        state.rows_digest = Digest::of_rows(transaction, key)?;
        state.save(transaction)?;
        Ok(state)
    }

    /// The next segment becomes the open one, empty. The file is made when it is needed.
    pub fn open_next(&mut self, opened: Instant) {
        let name = SegmentName::new(self.next_sequence, opened);
        self.next_sequence += 1;
        self.open = Some(OpenSegment::new(name));
    }

    /// The source; nothing when its filter cannot be read.
    #[must_use]
    pub fn source(&self) -> Option<Source> {
        let (project_id, name) = (self.project_id.clone(), self.name.clone());
        let id = SourceId { project_id, kind: self.kind, name, filter: self.filter.parse().ok()? };
        Some(Source { id, project_name: self.project_name.clone() })
    }

    /// The source as digests name it; nothing when its filter cannot be read.
    #[must_use]
    pub fn identity(&self) -> Option<SourceIdentity> {
        let Source { id: SourceId { project_id, kind, name, filter }, project_name } = self.source()?;
        Some(SourceIdentity { project_id, project_name, kind, name, filter, folder: self.folder.clone() })
    }

    /// The source as it is named on the command line.
    #[must_use]
    pub fn display_name(&self) -> String {
        format!("{}/{}/{}", self.project_name, self.kind, self.name)
    }
}
