//! What a reconciliation has compared so far, in numbers.

use std::ops::Add;

/// Fewer records prove nothing: of a handful, most can be late for once, and if they were archived before after all in
/// some other form, a handful is archived twice. It is also less than any source has that matters in a window of a day,
/// so that hardly more than this can go wrong before somebody is asked.
const ENOUGH: u64 = 20;

/// How many records Atlas showed, and how many of them were not archived.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Records that Atlas showed.
    pub shown: u64,
    /// Records of these that were not archived.
    pub missing: u64,
}

impl Tally {
    /// Whether most of it differs: that is no lateness, something has changed at Atlas.
    #[must_use]
    pub fn differs(self) -> bool {
        self.shown >= ENOUGH && self.missing > self.shown / 2
    }
}

impl Add for Tally {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self { shown: self.shown + other.shown, missing: self.missing + other.missing }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_than_half_of_enough_records_is_most_of_it() {
        for (shown, missing, differs) in
            [(0, 0, false), (19, 19, false), (20, 10, false), (20, 11, true), (21, 10, false), (21, 11, true)]
        {
            assert_eq!(Tally { shown, missing }.differs(), differs, "{missing} of {shown}");
        }
    }
}
