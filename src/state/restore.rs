//! A state that is made again: rows that say what digests have told already.

use rusqlite::Transaction;

use crate::{
    archive::SegmentName,
    evidence::DamagedPart,
    plan::Gap,
    state::{Seal, SourceState, StateError, coverage, damaged, removal},
    window::Window,
};

/// What the digests of a source have told, beside what is in its row.
#[derive(Debug)]
pub struct ToldRows<'a> {
    /// The gaps that are not closed.
    pub gaps: &'a [Gap],
    /// The ranges before the start watermark that backfills collected.
    pub islands: &'a [Window],
    /// What is still good of damaged segments.
    pub damaged: Vec<DamagedPart>,
    /// The segments that the digests say are removed, and that lie there still.
    pub removals: Vec<SegmentName>,
    /// A digest that is there without its signature.
    pub unsigned: Option<Seal>,
}

impl SourceState {
    /// Stores what the digests have told already: the next one has nothing to tell of it. The source is not saved.
    ///
    /// # Errors
    /// When its rows are damaged, or whatever SQLite gives.
    pub fn restore(&mut self, transaction: &Transaction<'_>, told: &ToldRows<'_>) -> Result<(), StateError> {
        self.amend(transaction, |source| {
            told.gaps.iter().try_for_each(|gap| coverage::insert_gap(transaction, source.key, gap, true))?;
            told.islands.iter().try_for_each(|island| coverage::insert_island(transaction, source.key, *island))?;
            told.damaged.iter().try_for_each(|part| damaged::insert(transaction, source.key, &part.clone().into()))?;
            told.removals.iter().try_for_each(|segment| removal::insert(transaction, source.key, segment))?;
            told.unsigned.iter().try_for_each(|seal| seal.insert(transaction, source.key))
        })
    }
}
