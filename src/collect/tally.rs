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
    /// Whether most of a window differs, which is no lateness: something has changed at Atlas. One with few records is
    /// judged together with what was compared `before` it; what it adds to that must differ itself.
    #[must_use]
    pub fn differs(self, before: Self) -> bool {
        let mostly = |tally: Self| tally.missing > tally.shown / 2;
        let all = before + self;
        mostly(self) && (self.shown >= ENOUGH || all.shown >= ENOUGH && mostly(all))
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
            assert_eq!(Tally { shown, missing }.differs(Tally::default()), differs, "{missing} of {shown}");
        }
    }

    #[test]
    fn few_records_are_judged_with_those_before_them_if_they_differ_themselves() {
        let before = |shown, missing| Tally { shown, missing };
        let window = |shown, missing| Tally { shown, missing };
        for (before, window, differs) in [
            (before(12, 12), window(8, 8), true),
            (before(12, 12), window(7, 7), false),
            (before(12, 12), window(8, 4), false),
            (before(19, 19), window(1, 0), false),
            (before(30, 10), window(9, 9), false),
            (before(1000, 0), window(20, 11), true),
        ] {
            assert_eq!(window.differs(before), differs, "{window:?} after {before:?}");
        }
    }
}
