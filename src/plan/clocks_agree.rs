//! The two clocks at an answer, and what Atlas still held by them.

use std::time::Duration;

use crate::{instant::Instant, window::Window};

/// Clocks that differ by more than this are reported.
pub const CLOCK_TOLERANCE: Duration = Duration::from_secs(60);

/// Clocks that differ by more than this are not believed about what Atlas still holds where they contradict each other.
const DISBELIEF: Duration = Duration::from_secs(3600);

/// The clocks at one answer: the local one when it was asked for, and the `Date` that came with it.
///
/// Either may be wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Clocks {
    /// The local clock when the request was sent.
    pub local: Instant,
    /// The `Date` of the answer.
    pub date: Option<Instant>,
}

/// How much of a window Atlas still held when it answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Held {
    /// All of it.
    All,
    /// Nothing before this instant for certain.
    Since(Instant),
    /// The clocks contradict each other, so nothing can be said.
    Unknown,
}

impl Clocks {
    /// The earliest instant that it may have been at Atlas when it looked; nothing without a `Date`.
    #[must_use]
    pub fn earliest(self) -> Option<Instant> {
        self.date.map(|date| date.min(self.local))
    }

    /// How far the clocks differ.
    #[must_use]
    pub fn difference(self) -> Duration {
        self.date.map_or(Duration::ZERO, |date| date.since(self.local).max(self.local.since(date)))
    }

    /// The oldest instant that Atlas surely still holds if it keeps entries for `retention`, by the later of clocks
    /// that differ little, else by Atlas' own.
    #[must_use]
    pub fn horizon(self, retention: Duration) -> Instant {
        let now = match self.date {
            Some(date) if self.difference() > DISBELIEF => date,
            Some(date) => date.max(self.local),
            None => self.local,
        };
        now - retention
    }

    /// How much of `window` Atlas still held if it keeps entries for `retention`.
    ///
    /// A clock that is wrong by up to an hour costs at most a gap that is an hour too long, never a silent one. Clocks
    /// further apart claim nothing where they disagree: the window stays as it is until they agree.
    #[must_use]
    pub fn held(self, window: Window, retention: Duration) -> Held {
        let horizon = self.horizon(retention);
        if self.difference() > DISBELIEF {
            let by_local = self.local - retention;
            return if window.from >= horizon.max(by_local) { Held::All } else { Held::Unknown };
        }
        if window.from >= horizon { Held::All } else { Held::Since(horizon) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: i64 = 3_600_000;
    const RETENTION: Duration = Duration::from_secs(7 * 24 * 3600);

    fn at(millis: i64) -> Instant {
        Instant::from_millis(millis)
    }

    fn held(from: i64, local: i64, date: Option<i64>) -> Held {
        let week = 7 * 24 * HOUR;
        let clocks = Clocks { local: at(week + local), date: date.map(|date| at(week + date)) };
        clocks.held(Window::new(at(from), at(from + HOUR)), RETENTION)
    }

    #[test]
    fn what_is_older_than_the_retention_is_lost() {
        assert_eq!(held(0, 0, Some(0)), Held::All);
        assert_eq!(held(-1, 0, Some(0)), Held::Since(at(0)));
        assert_eq!(held(-1, 0, None), Held::Since(at(0)));
    }

    #[test]
    fn a_clock_a_little_off_never_hides_a_loss() {
        assert_eq!(held(-1, -HOUR / 2, Some(0)), Held::Since(at(0)));
        assert_eq!(held(-1, 0, Some(-HOUR / 2)), Held::Since(at(0)));
    }

    #[test]
    fn a_clock_far_off_claims_nothing() {
        let days = 8 * 24 * HOUR;
        assert_eq!(held(10, days, Some(0)), Held::Unknown);
        assert_eq!(held(10, 0, Some(days)), Held::Unknown);
        assert_eq!(held(10, -days, Some(0)), Held::All);
        assert_eq!(held(10, 0, Some(-days)), Held::All);
    }
}
