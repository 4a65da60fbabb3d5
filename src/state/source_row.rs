//! The row of a source: how its state is stored, with a checksum.

use std::time::Duration;

use rusqlite::{Row, Transaction, named_params};
use serde::{Serialize, de::DeserializeOwned};

use crate::{
    instant::Instant,
    state::{DayCount, Digest, SourceState, StateError},
};

/// The columns as they are stored: what the checksum is made of.
#[derive(Serialize)]
struct Columns<'a> {
    key: i64,
    project_id: &'a str,
    kind: &'a str,
    name: &'a str,
    filter: &'a str,
    project_name: &'a str,
    folder: &'a str,
    start: Option<i64>,
    end: Option<i64>,
    next_sequence: i64,
    open: Option<String>,
    sealed: Option<String>,
    told: String,
    records: i64,
    bytes: i64,
    day: i64,
    day_records: i64,
    late_records: i64,
    lateness_ms: i64,
    fingerprints_lost: i64,
    by_arrival: i64,
    absent_until: Option<i64>,
    rows_digest: Digest,
    fingerprints_digest: Digest,
}

impl Columns<'_> {
    fn checksum(&self) -> Vec<u8> {
        // Serialising numbers, texts and bytes cannot fail; if it ever does, the row reads as damaged.
        let text = serde_json::to_vec(self).unwrap_or_default();
        blake3::hash(&text).as_bytes()[..16].to_vec()
    }
}

/// SQLite holds signed numbers. No count of bytes or records comes near the limit.
pub(super) fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// Back from [`signed`].
pub(super) fn unsigned(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}

/// The rows, with what [`SourceState::from_row`] reads of them.
pub(super) const SELECT: &str =
    "SELECT key, project_id, kind, name, filter, project_name, folder, start_ms, end_ms, next_sequence, open, sealed,
    told, records, bytes, day, day_records, late_records, lateness_ms, fingerprints_lost, by_arrival, absent_until_ms,
    rows_digest, fingerprints_digest, checksum FROM source";

impl SourceState {
    /// Stores the row.
    ///
    /// # Errors
    /// Whatever SQLite gives.
    pub fn save(&self, transaction: &Transaction<'_>) -> Result<(), StateError> {
        let columns = self.columns();
        let mut statement = transaction.prepare_cached(
            "INSERT INTO source (key, project_id, kind, name, filter, project_name, folder, start_ms, end_ms, next_sequence,
                open, sealed, told, records, bytes, day, day_records, late_records, lateness_ms, fingerprints_lost, by_arrival,
                absent_until_ms, rows_digest, fingerprints_digest, checksum)
             VALUES (:key, :project_id, :kind, :name, :filter, :project_name, :folder, :start, :end, :next_sequence,
                :open, :sealed, :told, :records, :bytes, :day, :day_records, :late_records, :lateness_ms, :fingerprints_lost,
                :by_arrival, :absent_until, :rows_digest, :fingerprints_digest, :checksum)
             ON CONFLICT (key) DO UPDATE SET project_name = excluded.project_name, start_ms = excluded.start_ms,
                end_ms = excluded.end_ms, next_sequence = excluded.next_sequence, open = excluded.open,
                sealed = excluded.sealed, told = excluded.told, records = excluded.records, bytes = excluded.bytes,
                day = excluded.day, day_records = excluded.day_records,
                late_records = excluded.late_records, lateness_ms = excluded.lateness_ms,
                fingerprints_lost = excluded.fingerprints_lost, by_arrival = excluded.by_arrival,
                absent_until_ms = excluded.absent_until_ms, rows_digest = excluded.rows_digest,
                fingerprints_digest = excluded.fingerprints_digest, checksum = excluded.checksum",
        )?;
        statement.execute(named_params! {
            ":key": columns.key,
            ":project_id": columns.project_id,
            ":kind": columns.kind,
            ":name": columns.name,
            ":filter": columns.filter,
            ":project_name": columns.project_name,
            ":folder": columns.folder,
            ":start": columns.start,
            ":end": columns.end,
            ":next_sequence": columns.next_sequence,
            ":open": columns.open,
            ":sealed": columns.sealed,
            ":told": columns.told,
            ":records": columns.records,
            ":bytes": columns.bytes,
            ":day": columns.day,
            ":day_records": columns.day_records,
            ":late_records": columns.late_records,
            ":lateness_ms": columns.lateness_ms,
            ":fingerprints_lost": columns.fingerprints_lost,
            ":by_arrival": columns.by_arrival,
            ":absent_until": columns.absent_until,
            ":rows_digest": self.rows_digest.as_bytes(),
            ":fingerprints_digest": self.fingerprints_digest.as_bytes(),
            ":checksum": columns.checksum(),
        })?;
        Ok(())
    }

    fn columns(&self) -> Columns<'_> {
        Columns {
            key: self.key,
            project_id: &self.project_id,
            kind: self.kind.as_str(),
            name: &self.name,
            filter: &self.filter,
            project_name: &self.project_name,
            folder: &self.folder,
            start: self.start.map(Instant::millis),
            end: self.end.map(Instant::millis),
            next_sequence: signed(self.next_sequence),
            open: self.open.as_ref().map(to_json),
            sealed: self.sealed.as_ref().map(to_json),
            told: to_json(&self.told),
            records: signed(self.records),
            bytes: signed(self.bytes),
            day: self.today.day,
            day_records: signed(self.today.records),
            late_records: signed(self.late_records),
            lateness_ms: i64::try_from(self.lateness.as_millis()).unwrap_or(i64::MAX),
            fingerprints_lost: i64::from(self.fingerprints_lost),
            by_arrival: i64::from(self.by_arrival),
            absent_until: self.absent_until.map(Instant::millis),
            rows_digest: self.rows_digest,
            fingerprints_digest: self.fingerprints_digest,
        }
    }

    /// Reads the row; as the error what is wrong with it.
    pub(super) fn from_row(row: &Row<'_>) -> rusqlite::Result<Result<Self, StateError>> {
        let kind: String = row.get("kind")?;
        let name: String = row.get("name")?;
        let folder: String = row.get("folder")?;
        let (open, sealed): (Option<String>, Option<String>) = (row.get("open")?, row.get("sealed")?);
        let told: String = row.get("told")?;
        let stored: Vec<u8> = row.get("checksum")?;
        let damaged =
            |detail: &str| StateError::DamagedSource { source_name: folder.clone(), detail: detail.to_owned() };
        let Ok(parsed_kind) = kind.parse() else {
            return Ok(Err(damaged("its kind is unknown")));
        };
        let (Ok(open), Ok(sealed), Ok(told)) = (from_json(open), from_json(sealed), serde_json::from_str(&told)) else {
            return Ok(Err(damaged("what it says of its segments cannot be read")));
        };
        let digest = |column| row.get::<_, Vec<u8>>(column).map(|bytes| Digest::from_stored(&bytes));
        let (Some(rows_digest), Some(fingerprints_digest)) = (digest("rows_digest")?, digest("fingerprints_digest")?)
        else {
            return Ok(Err(damaged("a digest cannot be read")));
        };
        let state = Self {
            key: row.get("key")?,
            project_id: row.get("project_id")?,
            kind: parsed_kind,
            name,
            filter: row.get("filter")?,
            project_name: row.get("project_name")?,
            folder: folder.clone(),
            start: row.get::<_, Option<i64>>("start_ms")?.map(Instant::from_millis),
            end: row.get::<_, Option<i64>>("end_ms")?.map(Instant::from_millis),
            next_sequence: unsigned(row.get("next_sequence")?),
            open,
            sealed,
            records: unsigned(row.get("records")?),
            bytes: unsigned(row.get("bytes")?),
            today: DayCount { day: row.get("day")?, records: unsigned(row.get("day_records")?) },
            late_records: unsigned(row.get("late_records")?),
            lateness: Duration::from_millis(unsigned(row.get("lateness_ms")?)),
            told,
            fingerprints_lost: row.get::<_, i64>("fingerprints_lost")? != 0,
            by_arrival: row.get::<_, i64>("by_arrival")? != 0,
            absent_until: row.get::<_, Option<i64>>("absent_until_ms")?.map(Instant::from_millis),
            rows_digest,
            fingerprints_digest,
        };
        if state.columns().checksum() != stored {
            return Ok(Err(damaged("its checksum does not fit")));
        }
        Ok(Ok(state))
    }
}

/// The form in which a segment is stored in a column.
fn to_json(value: &impl Serialize) -> String {
    // Serialising numbers and texts cannot fail; if it ever does, the row reads as damaged.
    serde_json::to_string(value).unwrap_or_default()
}

fn from_json<T: DeserializeOwned>(text: Option<String>) -> serde_json::Result<Option<T>> {
    text.map(|text| serde_json::from_str(&text)).transpose()
}
