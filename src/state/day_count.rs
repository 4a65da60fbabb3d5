//! How many records were archived today.

use crate::instant::Instant;

const DAY_MS: i64 = 24 * 3600 * 1000;

/// How many records were archived on the last day on which any were. A day is one of UTC, by the local clock at the commit;
/// where the clock goes back to an earlier day, counting begins anew.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DayCount {
    /// Days since 1970-01-01.
    pub(super) day: i64,
    /// Records archived on it.
    pub(super) records: u64,
}

impl DayCount {
    /// Nothing but `records` was archived on the day of `now`.
    #[must_use]
    pub fn new(now: Instant, records: u64) -> Self {
        Self { day: day(now), records }
    }

    /// So many more are archived now.
    pub(super) fn add(&mut self, now: Instant, records: u64) {
        *self = Self::new(now, self.on(now).saturating_add(records));
    }

    /// How many were archived on the day of `now`.
    #[must_use]
    pub fn on(&self, now: Instant) -> u64 {
        if self.day == day(now) { self.records } else { 0 }
    }
}

fn day(instant: Instant) -> i64 {
    instant.millis().div_euclid(DAY_MS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_begins_at_midnight_utc_with_nothing() {
        let at = |text: &str| text.parse::<Instant>().unwrap();
        let mut count = DayCount::default();
        count.add(at("2026-11-22T23:59:59.998Z"), 3);
        count.add(at("2026-11-22T23:59:59.999Z"), 4);
        assert_eq!(count.on(at("2026-11-22T00:00:00Z")), 7);
        assert_eq!(count.on(at("2026-11-23T00:00:00Z")), 0);
        count.add(at("2026-11-23T00:00:00Z"), 5);
        assert_eq!(count.on(at("2026-11-23T10:00:00Z")), 5);
        count.add(at("1969-12-31T23:59:59.999Z"), 1);
        assert_eq!((count.day, count.records), (-1, 1));
    }
}
