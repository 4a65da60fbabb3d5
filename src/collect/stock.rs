//! What an answer is compared with: all that is archived of its range, its own to use up or lent to one answer after the
//! other.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use crate::{
    archive::SegmentName,
    collect::{
        known::Known,
        remembered::{ArchivedCopy, Remembered},
        sought::Comparison,
    },
    instant::Instant,
    record::Fingerprint,
    state::{RecordKey, StateError},
    window::Window,
};

/// What is archived of a range, read once for many short windows in it, and read on when more is archived.
#[derive(Debug)]
pub(super) struct Contents {
    /// The range.
    pub(super) range: Window,
    /// Whatever can come for it. A record without a clock counts by its bytes alone.
    pub(super) known: Known,
    /// How far each segment was read.
    pub(super) read: HashMap<SegmentName, Read>,
}

/// How far a segment was read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Read {
    /// So many records.
    pub(super) records: u64,
    /// It had been sealed by then: nothing comes after them.
    pub(super) sealed: bool,
}

/// Contents that are made when they are first needed.
pub(super) type SharedContents = Arc<Mutex<Option<Contents>>>;

/// What an answer is compared with.
#[derive(Debug)]
pub(super) enum Stock {
    /// What the state knows, read for this answer.
    Remembered(Box<Remembered>),
    /// Made for this answer.
    Own(Known),
    /// Made for many.
    Lent {
        /// What is archived.
        contents: SharedContents,
        /// How many copies this answer has taken.
        taken: Known,
    },
}

impl Stock {
    /// Between which clocks there are records that it knows; nothing where it may know any.
    pub(super) fn span(&self) -> Option<Window> {
        match self {
            Self::Remembered(remembered) => remembered.span(),
            Self::Own(_) | Self::Lent { .. } => None,
        }
    }

    /// Takes one archived copy of the record out, as [`Remembered::take`] does.
    pub(super) fn take(
        &mut self,
        key: RecordKey,
        clock: Option<Instant>,
        comparison: &Comparison,
    ) -> Result<Option<ArchivedCopy>, StateError> {
        match self {
            Self::Remembered(remembered) => remembered.take(key, clock, comparison),
            Self::Own(known) => Ok(known.take(key, comparison)?.map(ArchivedCopy::Row)),
            Self::Lent { contents, taken } => {
                let contents = contents.lock().unwrap_or_else(PoisonError::into_inner);
                let archived = contents.as_ref().map_or(Ok(0), |contents| contents.known.copies(key))?;
                let left = taken.copies(key)? < archived;
                if left {
                    taken.add(key, Instant::MIN, 1)?;
                }
                Ok(left.then_some(ArchivedCopy::Row(key)))
            }
        }
    }

    /// Calls `each` with the numbers of the runs that hold the record which was taken last.
    pub(super) fn for_each_run_with(
        &mut self,
        fingerprint: Fingerprint,
        each: impl FnMut(i64),
    ) -> Result<(), StateError> {
        match self {
            Self::Remembered(remembered) => remembered.for_each_run_with(fingerprint, each),
            Self::Own(_) | Self::Lent { .. } => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn what_is_lent_is_there_again_for_the_next_answer() {
        let folder = tempfile::tempdir().unwrap();
        let key = |number: u8| RecordKey { fingerprint: Fingerprint::of_bytes(&[number]), between: None };
        let mut known = Known::new(folder.path(), "test".to_owned());
        for (number, count) in [(1, 2), (2, 1)] {
            known.add(key(number), Instant::MAX, count).unwrap();
        }
        let range = Window::new(Instant::MIN, Instant::MAX);
        let contents = Arc::new(Mutex::new(Some(Contents { range, known, read: HashMap::new() })));
        let comparison = Comparison { asked_from: Instant::MIN, slack: Duration::ZERO, late: Duration::ZERO };
        for _ in 0..2 {
            let taken = Known::new(folder.path(), "taken".to_owned());
            let mut stock = Stock::Lent { contents: Arc::clone(&contents), taken };
            let mut take = |number| stock.take(key(number), None, &comparison).unwrap().is_some();
            assert_eq!([take(1), take(2), take(1), take(1), take(2), take(3)], [true, true, true, false, false, false]);
        }
    }
}
