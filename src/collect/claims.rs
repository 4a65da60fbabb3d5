//! What was claimed to be complete before a poll, and how late a record is that was missing all the same.

use std::time::Duration;

use crate::{instant::Instant, record::Clocks, window::Window};

/// What was claimed to be complete before a poll.
#[derive(Clone, Debug, Default)]
pub(super) struct Claims {
    /// The ranges, in order; no two of them overlap.
    pub(super) complete: Vec<Window>,
    /// What of the time that is claimed retention removed.
    pub(super) removed: Vec<Window>,
    /// Up to when the last poll had asked, if this one goes on from there.
    pub(super) asked_until: Option<Instant>,
    /// How long records may take to appear: no range was claimed before.
    pub(super) settle: Duration,
}

impl Claims {
    /// The range around an instant that was claimed, if it was.
    pub(super) fn around(&self, instant: Instant) -> Option<Window> {
        let next = self.complete.partition_point(|window| window.to <= instant);
        self.complete.get(next).copied().filter(|window| window.contains(instant))
    }

    /// Whether a record belongs to what retention removed: it was archived, and is not brought back. One without a clock does
    /// if its place `between` others does.
    pub(super) fn was_removed(&self, clocks: Clocks, between: Option<Window>) -> bool {
        let holds = |removed: &Window, between: Window| removed.intersection(between) == between;
        self.removed
            .iter()
            .any(|removed| clocks.touch(*removed) || between.is_some_and(|between| holds(removed, between)))
    }

    /// How late a record came at least that is new and belongs to a range which had been claimed; nothing of one that
    /// belongs to none, or has no clock. One with an absurd clock belongs to none.
    ///
    /// The poll before showed that it was not there yet; where it is not known what that had asked, the claim did.
    pub(super) fn lateness(&self, clocks: Clocks) -> Option<Duration> {
        let clock = clocks.latest()?;
        self.around(clock)?;
        Some(self.asked_until.map_or(self.settle, |until| until.since(clock)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Instant {
        Instant::from_seconds(seconds)
    }

    fn claims(asked_until: Option<i64>) -> Claims {
        let complete = vec![Window::new(at(10), at(20)), Window::new(at(30), at(40))];
        Claims { complete, removed: Vec::new(), asked_until: asked_until.map(at), settle: Duration::from_secs(7) }
    }

    fn lateness(asked_until: Option<i64>, clock: i64) -> Option<u64> {
        claims(asked_until).lateness(Clocks::one(Some(at(clock)))).map(|lateness| lateness.as_secs())
    }

    #[test]
    fn only_a_record_of_a_time_that_was_claimed_is_late() {
        for clock in [10, 19, 30, 39] {
            assert_eq!(lateness(None, clock), Some(7), "{clock}");
        }
        for clock in [i64::MIN, 0, 9, 20, 29, 40, i64::MAX] {
            assert_eq!(lateness(None, clock), None, "{clock}");
        }
        assert_eq!(claims(None).lateness(Clocks::NONE), None);
        assert_eq!(Claims::default().lateness(Clocks::one(Some(at(15)))), None);
    }

    #[test]
    fn what_was_removed_is_told_by_a_clock_or_by_the_place_as_a_whole() {
        let claims = Claims { removed: vec![Window::new(at(10), at(20))], ..Claims::default() };
        let clock = |seconds| Clocks::one(Some(at(seconds)));
        assert_eq!([9, 10, 19, 20].map(|seconds| claims.was_removed(clock(seconds), None)), [false, true, true, false]);
        assert!(claims.was_removed(Clocks { first: Some(at(20)), second: Some(at(19)) }, None));
        for (from, to, removed) in [(10, 20, true), (12, 13, true), (9, 12, false), (19, 21, false)] {
            assert_eq!(
                claims.was_removed(Clocks::NONE, Some(Window::new(at(from), at(to)))),
                removed,
                "{from} to {to}"
            );
        }
        assert!(!claims.was_removed(Clocks::NONE, None));
    }

    #[test]
    fn of_two_clocks_the_later_one_decides() {
        let clocks = |first, second| Clocks { first: Some(at(first)), second: Some(at(second)) };
        assert_eq!(claims(None).lateness(clocks(39, 40)), None);
        assert!(claims(None).lateness(clocks(29, 30)).is_some());
    }

    #[test]
    fn the_poll_before_proves_how_late_it_is_at_least() {
        assert_eq!(lateness(Some(55), 35), Some(20));
        assert_eq!(lateness(Some(15), 35), Some(0), "it had not been asked for yet");
    }
}
