//! Watermarks, gaps and islands: which ranges of time are archived.

use rusqlite::{Connection, Transaction};
use serde::{Deserialize, Serialize};

use crate::{
    instant::Instant,
    plan::{Gap, GapReason, advance, subtract},
    state::{SourceKey, SourceState, StateError, Untold, told},
    window::Window,
};

/// What a commit says about a range: of `covered`, everything is archived, except what lies in `gaps`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CoverageChange {
    /// The range.
    pub covered: Window,
    /// What of it could not be had.
    pub gaps: Vec<Gap>,
    /// What was claimed before and has been asked again and compared record by record; what was missing is archived with this
    /// commit. Says nothing about what is claimed, and may stand without anything covered. The next digest tells of it as
    /// reconciled if nothing was missing, or else as backfilled.
    pub reconciled: Option<Window>,
}

/// [`CoverageChange`] as it is stored with an intent.
#[derive(Serialize, Deserialize)]
struct StoredChange {
    from_ms: i64,
    to_ms: i64,
    gaps: Vec<StoredGap>,
    /// From and to in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reconciled_ms: Option<(i64, i64)>,
}

#[derive(Serialize, Deserialize)]
struct StoredGap {
    from_ms: i64,
    to_ms: i64,
    reason: String,
    detail: String,
    noticed_ms: i64,
}

impl CoverageChange {
    /// Nothing is said about any range: records were archived, and that is all.
    #[must_use]
    pub fn none(at: Instant) -> Self {
        Self { covered: Window::new(at, at), gaps: Vec::new(), reconciled: None }
    }

    /// Where the end watermark of a source will stand that stands at `end` now.
    #[must_use]
    pub fn end_after(&self, end: Instant) -> Instant {
        if self.covered.is_empty() { end } else { advance(end, self.covered, Some(self.covered.to)) }
    }

    /// Applies the change to the watermarks in `state`, and to the gaps and islands in the database. `state` is not
    /// saved, and its digest is left as it was. `with_records` says that records are archived with it.
    ///
    /// The start watermark moves back only where the covered range reaches it; a range that does not is kept as an
    /// *island*, so that a later backfill that closes the hole between can join it.
    ///
    /// # Errors
    /// Whatever SQLite gives.
    pub(super) fn apply(
        &self,
        transaction: &Transaction<'_>,
        state: &mut SourceState,
        with_records: bool,
    ) -> Result<(), StateError> {
        let (Some(start), Some(end)) = (state.start, state.end) else { return Ok(()) };
        if let Some(range) = self.reconciled.filter(|range| !range.is_empty()) {
            match with_records {
                true => note_backfilled(transaction, state.key, range)?,
                false => told::note(transaction, state.key, Untold::Reconciled(range.into()))?,
            }
        }
        if self.covered.is_empty() {
            return Ok(());
        }
        let closed = gaps(transaction, state.key)?;
        for gap in &closed {
            let left = subtract(gap.window, [self.covered]);
            if left != [gap.window] {
                // A digest may have told of it, or of a part of it that has grown since.
                let claimed = Window::new(Instant::MIN, end);
                let closed = gap.window.intersection(self.covered).intersection(claimed);
                if !closed.is_empty() {
                    note_backfilled(transaction, state.key, closed)?;
                }
                let told = is_told(transaction, state.key, gap)?;
                delete_gap(transaction, state.key, gap)?;
                for window in left {
                    insert_gap(transaction, state.key, &Gap { window, ..gap.clone() }, told)?;
                }
            }
        }
        for gap in &self.gaps {
            declare(transaction, state.key, gap)?;
        }
        state.start = Some(self.move_start(transaction, state.key, start)?);
        state.end = Some(past_skipped(transaction, state.key, self.end_after(end))?);
        Ok(())
    }

    fn move_start(&self, transaction: &Transaction<'_>, key: SourceKey, start: Instant) -> Result<Instant, StateError> {
        if self.covered.from >= start {
            return Ok(start);
        }
        note_backfilled(transaction, key, Window::new(self.covered.from, self.covered.to.min(start)))?;
        let mut island = self.covered;
        for other in islands(transaction, key)? {
            let touches = other.from <= island.to && island.from <= other.to;
            if touches {
                island = Window::new(island.from.min(other.from), island.to.max(other.to));
                transaction
                    .execute("DELETE FROM island WHERE source = ?1 AND from_ms = ?2", (key, other.from.millis()))?;
            }
        }
        if island.to >= start {
            return Ok(island.from);
        }
        insert_island(transaction, key, island)?;
        Ok(start)
    }

    /// The text that is stored with an intent.
    pub(super) fn to_stored(&self) -> Result<String, StateError> {
        let gaps = self.gaps.iter().map(|gap| StoredGap {
            from_ms: gap.window.from.millis(),
            to_ms: gap.window.to.millis(),
            reason: gap.reason.as_str().to_owned(),
            detail: gap.detail.clone(),
            noticed_ms: gap.noticed.millis(),
        });
        let stored = StoredChange {
            from_ms: self.covered.from.millis(),
            to_ms: self.covered.to.millis(),
            gaps: gaps.collect(),
            reconciled_ms: self.reconciled.map(|window| (window.from.millis(), window.to.millis())),
        };
        serde_json::to_string(&stored).map_err(|error| StateError::Damaged(error.to_string()))
    }

    /// Back from [`CoverageChange::to_stored`].
    pub(super) fn from_stored(text: &str) -> Option<Self> {
        let stored: StoredChange = serde_json::from_str(text).ok()?;
        let gaps = stored.gaps.into_iter().map(|gap| {
            Some(Gap {
                window: window(gap.from_ms, gap.to_ms),
                reason: gap.reason.parse().ok()?,
                detail: gap.detail,
                noticed: Instant::from_millis(gap.noticed_ms),
            })
        });
        Some(Self {
            covered: window(stored.from_ms, stored.to_ms),
            gaps: gaps.collect::<Option<_>>()?,
            reconciled: stored.reconciled_ms.map(|(from, to)| window(from, to)),
        })
    }
}

/// The next digest has to tell of a range that no advance of the end watermark covers.
fn note_backfilled(transaction: &Transaction<'_>, key: SourceKey, range: Window) -> Result<(), StateError> {
    told::note(transaction, key, Untold::Backfilled(range.into()))
}

fn window(from: i64, to: i64) -> Window {
    Window::new(Instant::from_millis(from), Instant::from_millis(to))
}

/// An end watermark that has reached a range declared never to be had goes on behind it.
fn past_skipped(transaction: &Transaction<'_>, key: SourceKey, mut end: Instant) -> Result<Instant, StateError> {
    for gap in gaps(transaction, key)? {
        if gap.reason == GapReason::Skipped && gap.window.contains(end) {
            end = gap.window.to;
        }
    }
    Ok(end)
}

impl SourceState {
    /// Declares a gap, whatever the watermarks say. The source is not saved.
    ///
    /// # Errors
    /// When its rows are damaged, or whatever SQLite gives.
    pub fn declare(&mut self, transaction: &Transaction<'_>, gap: &Gap) -> Result<(), StateError> {
        self.amend(transaction, |source| declare(transaction, source.key, gap))
    }
}

/// Stores a gap; one that touches another of the same kind becomes one with it.
fn declare(transaction: &Transaction<'_>, key: SourceKey, gap: &Gap) -> Result<(), StateError> {
    if gap.window.is_empty() {
        return Ok(());
    }
    let mut joined = gap.clone();
    for other in gaps(transaction, key)? {
        let same = other.reason == gap.reason && other.detail == gap.detail;
        if same && other.window.from <= joined.window.to && joined.window.from <= other.window.to {
            delete_gap(transaction, key, &other)?;
            joined.window.from = joined.window.from.min(other.window.from);
            joined.window.to = joined.window.to.max(other.window.to);
            joined.noticed = joined.noticed.min(other.noticed);
        }
    }
    insert_gap(transaction, key, &joined, false)
}

pub(super) fn insert_island(transaction: &Transaction<'_>, key: SourceKey, island: Window) -> Result<(), StateError> {
    transaction.execute(
        "INSERT INTO island (source, from_ms, to_ms) VALUES (?1, ?2, ?3)",
        (key, island.from.millis(), island.to.millis()),
    )?;
    Ok(())
}

/// Stores a gap. Whether a digest has `told` of it already; one that has not will be told by the next.
pub(super) fn insert_gap(
    transaction: &Transaction<'_>,
    key: SourceKey,
    gap: &Gap,
    told: bool,
) -> Result<(), StateError> {
    transaction.execute(
        "INSERT OR REPLACE INTO gap (source, from_ms, to_ms, reason, detail, noticed_ms, told)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        (
            key,
            gap.window.from.millis(),
            gap.window.to.millis(),
            gap.reason.as_str(),
            &gap.detail,
            gap.noticed.millis(),
            told,
        ),
    )?;
    Ok(())
}

/// Whether a digest has told of a gap that is stored.
fn is_told(connection: &Connection, key: SourceKey, gap: &Gap) -> Result<bool, StateError> {
    let mut statement = connection
        .prepare_cached("SELECT told FROM gap WHERE source = ?1 AND from_ms = ?2 AND to_ms = ?3 AND reason = ?4")?;
    let (from, to) = (gap.window.from.millis(), gap.window.to.millis());
    Ok(statement.query_row((key, from, to, gap.reason.as_str()), |row| row.get(0))?)
}

/// What lies before the end watermark of the gaps of which no digest has told yet, in order. What lies behind it is told once
/// the watermark has passed it: until then nothing is claimed there.
///
/// # Errors
/// Those of [`gaps`].
pub fn untold_gaps(connection: &Connection, source: &SourceState) -> Result<Vec<Gap>, StateError> {
    let claimed = Window::new(Instant::MIN, source.end.unwrap_or(Instant::MIN));
    let mut untold = Vec::new();
    for gap in gaps(connection, source.key)? {
        let window = gap.window.intersection(claimed);
        if !window.is_empty() && !is_told(connection, source.key, &gap)? {
            untold.push(Gap { window, ..gap });
        }
    }
    Ok(untold)
}

/// A digest tells of [`untold_gaps`]. What it does not tell of one is a gap of its own from now on.
pub(super) fn tell_gaps(transaction: &Transaction<'_>, source: &SourceState) -> Result<(), StateError> {
    let Some(end) = source.end else { return Ok(()) };
    for gap in gaps(transaction, source.key)? {
        if gap.window.from >= end || is_told(transaction, source.key, &gap)? {
            continue;
        }
        delete_gap(transaction, source.key, &gap)?;
        let Window { from, to } = gap.window;
        for (window, told) in [(Window::new(from, to.min(end)), true), (Window::new(end, to), false)] {
            if !window.is_empty() {
                insert_gap(transaction, source.key, &Gap { window, ..gap.clone() }, told)?;
            }
        }
    }
    Ok(())
}

fn delete_gap(transaction: &Transaction<'_>, key: SourceKey, gap: &Gap) -> Result<(), StateError> {
    transaction.execute(
        "DELETE FROM gap WHERE source = ?1 AND from_ms = ?2 AND to_ms = ?3 AND reason = ?4",
        (key, gap.window.from.millis(), gap.window.to.millis(), gap.reason.as_str()),
    )?;
    Ok(())
}

/// The gaps of a source, in order. What lies between islands and the start watermark is not among them.
///
/// # Errors
/// Whatever SQLite gives, and a reason that nobody wrote.
pub fn gaps(connection: &Connection, key: SourceKey) -> Result<Vec<Gap>, StateError> {
    let mut statement = connection.prepare_cached(
        "SELECT from_ms, to_ms, reason, detail, noticed_ms FROM gap WHERE source = ?1 ORDER BY from_ms, to_ms",
    )?;
    let rows = statement.query_map([key], |row| {
        let reason: String = row.get(2)?;
        Ok((window(row.get(0)?, row.get(1)?), reason, row.get(3)?, Instant::from_millis(row.get(4)?)))
    })?;
    let mut gaps = Vec::new();
    for row in rows {
        let (window, reason, detail, noticed) = row?;
        let reason = reason.parse().map_err(|()| StateError::Damaged(format!("a gap has the reason {reason:?}")))?;
        gaps.push(Gap { window, reason, detail, noticed });
    }
    Ok(gaps)
}

/// The ranges before the start watermark that backfills collected, in order; none touches another or the watermark.
///
/// # Errors
/// Whatever SQLite gives.
pub fn islands(connection: &Connection, key: SourceKey) -> Result<Vec<Window>, StateError> {
    let mut statement =
        connection.prepare_cached("SELECT from_ms, to_ms FROM island WHERE source = ?1 ORDER BY from_ms")?;
    let rows = statement.query_map([key], |row| Ok(window(row.get(0)?, row.get(1)?)))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// All ranges that are not archived though they lie between the oldest collected instant and the end watermark: the
/// gaps, and what backfills left between them and the start watermark.
///
/// # Errors
/// Those of [`gaps`].
pub fn missing(connection: &Connection, state: &SourceState) -> Result<Vec<Gap>, StateError> {
    let mut missing = gaps(connection, state.key)?;
    let islands = islands(connection, state.key)?;
    let noticed = state.start.unwrap_or(Instant::MIN);
    let following = islands.iter().skip(1).map(|island| island.from).chain(state.start);
    missing.extend(islands.iter().zip(following).map(|(island, next)| Gap {
        window: Window::new(island.to, next),
        reason: GapReason::BeforeStart,
        detail: String::new(),
        noticed,
    }));
    missing.sort_by_key(|gap| gap.window);
    Ok(missing)
}
