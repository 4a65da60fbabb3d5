//! The intent: everything that is needed to finish a commit.

use rusqlite::{Connection, OptionalExtension, Transaction};

use crate::{
    archive::SegmentName,
    evidence::RunningSha256,
    instant::Instant,
    record::RecordTimes,
    state::{
        CoverageChange, Digest, KeptSink, OpenSegment, SourceKey, SourceState, StateError, fingerprints,
        source_row::{signed, unsigned},
    },
};

/// Where the records of a commit go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Placement {
    /// They are appended to the segment at this offset.
    Append {
        /// In bytes from the segment's beginning.
        offset: u64,
    },
    /// The spool file becomes the segment by renaming.
    Adopt,
}

/// A commit under way. While a source has one, it does nothing else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Intent {
    /// The name of the spool file that holds the records.
    pub spool: String,
    /// The segment that they go into.
    pub segment: SegmentName,
    /// Where in it.
    pub placement: Placement,
    /// How many bytes they are.
    pub length: u64,
    /// How many they are.
    pub records: u64,
    /// Hash of the segment's last bytes afterwards.
    pub tail: Vec<u8>,
    /// SHA-256 of what is committed to the segment afterwards: it proves the spool too.
    pub sha256: RunningSha256,
    /// What is known of the times of the records.
    pub times: RecordTimes,
    /// What the commit says about coverage.
    pub change: CoverageChange,
    /// What is noted to be known once the commit is done.
    pub pending: Digest,
}

impl Intent {
    /// The commit under way of a source, if there is one.
    ///
    /// # Errors
    /// When the row is damaged, or whatever SQLite gives.
    pub fn load(connection: &Connection, source: &SourceState) -> Result<Option<Self>, StateError> {
        let mut statement = connection.prepare_cached(
            "SELECT spool, placement, segment, offset, length, records, tail, change, pending_digest, sha256, times
             FROM intent WHERE source = ?1",
        )?;
        let row = statement
            .query_row([source.key], |row| {
                let (placement, segment, change): (String, String, String) = (row.get(1)?, row.get(2)?, row.get(7)?);
                let placement = match placement.as_str() {
                    "append" => Some(Placement::Append { offset: unsigned(row.get(3)?) }),
                    "adopt" => Some(Placement::Adopt),
                    _ => None,
                };
                let (spool, tail) = (row.get(0)?, row.get(6)?);
                let (length, records) = (unsigned(row.get(4)?), unsigned(row.get(5)?));
                let change = CoverageChange::from_stored(&change);
                let pending = Digest::from_stored(&row.get::<_, Vec<u8>>(8)?);
                let sha256 = RunningSha256::from_stored(&row.get::<_, Vec<u8>>(9)?);
                let times: Option<RecordTimes> = serde_json::from_str(&row.get::<_, String>(10)?).ok();
                let parts = placement.zip(segment.parse().ok()).zip(change).zip(pending).zip(sha256).zip(times);
                Ok(parts.map(|(((((placement, segment), change), pending), sha256), times)| Self {
                    spool,
                    segment,
                    placement,
                    length,
                    records,
                    tail,
                    sha256,
                    times,
                    change,
                    pending,
                }))
            })
            .optional()?;
        row.map(|intent| {
            intent.ok_or_else(|| StateError::DamagedSource {
                source_name: source.folder.clone(),
                detail: "its commit under way cannot be read".to_owned(),
            })
        })
        .transpose()
    }

    /// Records the intent, and saves the source: from here on the commit will be finished, whatever happens.
    ///
    /// # Errors
    /// When the rows of the source are damaged, or whatever SQLite gives.
    pub fn record(
        &mut self,
        transaction: &Transaction<'_>,
        source: &mut SourceState,
        kept: impl FnOnce(KeptSink<'_>) -> Result<(), StateError>,
    ) -> Result<(), StateError> {
        fingerprints::forget_pending(transaction, source.key)?;
        self.pending = fingerprints::note_pending(transaction, source, kept)?;
        source.amend(transaction, |source| self.store(transaction, source.key))?;
        source.save(transaction)
    }

    /// The records go into another segment than was intended, because that one was damaged. `sha256` is what is
    /// committed to that one afterwards. The source is saved.
    ///
    /// # Errors
    /// When the rows of the source are damaged, or whatever SQLite gives.
    pub fn redirect(
        &mut self,
        transaction: &Transaction<'_>,
        source: &mut SourceState,
        to: &OpenSegment,
        sha256: RunningSha256,
    ) -> Result<(), StateError> {
        self.segment = to.name.clone();
        self.placement = Placement::Append { offset: to.length };
        self.sha256 = sha256;
        source.amend(transaction, |source| self.store(transaction, source.key))?;
        source.save(transaction)
    }

    fn store(&self, transaction: &Transaction<'_>, key: SourceKey) -> Result<(), StateError> {
        let (placement, offset) = match self.placement {
            Placement::Append { offset } => ("append", offset),
            Placement::Adopt => ("adopt", 0),
        };
        let change = self.change.to_stored()?;
        let times = serde_json::to_string(&self.times).map_err(|error| StateError::Damaged(error.to_string()))?;
        // `hash` is of the records alone, as an earlier version proved them. The column stays, because the digest of the rows of
        // a commit that was under way when the program was replaced is made with it.
        transaction
            .prepare_cached(
                "INSERT OR REPLACE INTO intent (source, spool, placement, segment, offset, length, records, hash, tail, change,
                    pending_digest, sha256, times)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, X'', ?8, ?9, ?10, ?11, ?12)",
            )?
            .execute((
                key,
                &self.spool,
                placement,
                self.segment.as_str(),
                signed(offset),
                signed(self.length),
                signed(self.records),
                &self.tail,
                change,
                self.pending.as_bytes(),
                self.sha256.to_stored(),
                times,
            ))?;
        Ok(())
    }

    /// Applies the intent, `now` by the local clock: its records are on stable storage in their segment. `source` and its row
    /// say so afterwards.
    ///
    /// # Errors
    /// Whatever SQLite gives.
    pub fn apply(
        &self,
        transaction: &Transaction<'_>,
        source: &mut SourceState,
        now: Instant,
    ) -> Result<(), StateError> {
        let offset = match self.placement {
            Placement::Append { offset } => offset,
            Placement::Adopt => 0,
        };
        let before = source.open.take().filter(|open| open.name == self.segment);
        let before = before.unwrap_or_else(|| OpenSegment::new(self.segment.clone()));
        let from = self.change.covered.from;
        let mut times = before.times;
        times += self.times;
        source.open = Some(OpenSegment {
            name: self.segment.clone(),
            length: offset + self.length,
            records: before.records + self.records,
            collected_from: Some(before.collected_from.map_or(from, |earlier| earlier.min(from))),
            tail: self.tail.clone(),
            sha256: self.sha256.clone(),
            times,
        });
        source.late_records += self.times.late;
        source.lateness = source.lateness.max(self.times.lateness);
        source.records += self.records;
        source.today.add(now, self.records);
        source.bytes += self.length;
        source.amend(transaction, |source| {
            self.change.apply(transaction, source, true)?;
            delete(transaction, source.key)
        })?;
        let applied = fingerprints::apply_pending(transaction, source)?;
        if applied != self.pending {
            tracing::error!(
                event = "fingerprints-damaged",
                source = source.display_name(),
                "the fingerprints that a commit had noted in the state database were damaged; they are made again from \
                 the segments"
            );
            source.fingerprints_lost = true;
        }
        fingerprints::forget_passed(transaction, source)?;
        source.save(transaction)
    }

    /// Gives the commit up: its records are lost, nothing of it is archived, and nothing says that it was. The source is
    /// saved.
    ///
    /// # Errors
    /// When the rows of the source are damaged, or whatever SQLite gives.
    pub fn abandon(transaction: &Transaction<'_>, source: &mut SourceState) -> Result<(), StateError> {
        fingerprints::forget_pending(transaction, source.key)?;
        source.amend(transaction, |source| delete(transaction, source.key))?;
        source.save(transaction)
    }
}

fn delete(transaction: &Transaction<'_>, key: SourceKey) -> Result<(), StateError> {
    transaction.prepare_cached("DELETE FROM intent WHERE source = ?1")?.execute([key])?;
    Ok(())
}

impl CoverageChange {
    /// Commits a window without new records: one transaction, no file. `kept` are records that were seen again.
    ///
    /// # Errors
    /// Whatever SQLite gives.
    pub fn commit(
        &self,
        transaction: &Transaction<'_>,
        source: &mut SourceState,
        kept: impl FnOnce(KeptSink<'_>) -> Result<(), StateError>,
    ) -> Result<(), StateError> {
        source.amend(transaction, |source| self.apply(transaction, source, false))?;
        fingerprints::remember(transaction, source, kept)?;
        fingerprints::forget_passed(transaction, source)?;
        source.save(transaction)
    }
}
