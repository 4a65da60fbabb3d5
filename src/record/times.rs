//! When new records happened, and how many of them came late.

use std::{ops::AddAssign, time::Duration};

use serde::{Deserialize, Serialize};

use crate::{instant::Instant, record::Clocks};

/// When the new records of an answer happened, and how many of them came late.
///
/// A record is *late* when it belongs to a time that had been declared complete before it was archived.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecordTimes {
    /// The earliest clock of any of them; nothing where none has a clock.
    pub first: Option<Instant>,
    /// The latest clock of any of them.
    pub last: Option<Instant>,
    /// How many of them are late.
    pub late: u64,
    /// The greatest time of which it is proven that a late one was not there yet after it had happened; zero where none is
    /// late.
    pub lateness: Duration,
}

impl RecordTimes {
    /// Takes note of one more new record. `late` is how late it came at least, if it belongs to a time that was declared
    /// complete.
    pub fn note(&mut self, clocks: Clocks, late: Option<Duration>) {
        self.first = self.first.into_iter().chain(clocks.earliest()).min();
        self.last = self.last.max(clocks.latest());
        if let Some(lateness) = late {
            self.late += 1;
            self.lateness = self.lateness.max(lateness);
        }
    }
}

impl AddAssign for RecordTimes {
    /// Those of both.
    fn add_assign(&mut self, other: Self) {
        self.first = self.first.into_iter().chain(other.first).min();
        self.last = self.last.max(other.last);
        self.late += other.late;
        self.lateness = self.lateness.max(other.lateness);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clocks(first: Option<i64>, second: Option<i64>) -> Clocks {
        Clocks { first: first.map(Instant::from_seconds), second: second.map(Instant::from_seconds) }
    }

    #[test]
    fn the_earliest_and_the_latest_clock_of_any_record_count() {
        let mut times = RecordTimes::default();
        times.note(Clocks::NONE, None);
        assert_eq!(times, RecordTimes::default());
        for clocks in [clocks(Some(20), Some(21)), clocks(None, Some(15)), Clocks::NONE, clocks(Some(18), Some(17))] {
            times.note(clocks, None);
        }
        assert_eq!((times.first, times.last), (Some(Instant::from_seconds(15)), Some(Instant::from_seconds(21))));
        assert_eq!((times.late, times.lateness), (0, Duration::ZERO));
    }

    #[test]
    fn late_ones_are_counted_and_the_greatest_lateness_is_kept() {
        let mut times = RecordTimes::default();
        for late in [Some(5), None, Some(9), Some(0)] {
            times.note(clocks(Some(1), None), late.map(Duration::from_secs));
        }
        assert_eq!((times.late, times.lateness), (3, Duration::from_secs(9)));

        let mut both = RecordTimes::default();
        both += times;
        assert_eq!(both, times);
        both.note(clocks(Some(0), Some(7)), None);
        both += times;
        assert_eq!((both.late, both.lateness), (6, Duration::from_secs(9)));
        assert_eq!((both.first, both.last), (Some(Instant::from_seconds(0)), Some(Instant::from_seconds(7))));
    }
}
