//! Whether a record without a clock is one that an earlier answer held.

use std::time::Duration;

use crate::{instant::Instant, window::Window};

/// An archived record without a clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Archived {
    /// Its place: between the clocks of its neighbours.
    pub(super) place: Window,
    /// The end of the last range that was asked for and held it.
    pub(super) until: Instant,
}

/// What an answer in hand is compared by.
#[derive(Clone, Copy, Debug)]
pub(super) struct Comparison {
    /// Where the range that was asked begins.
    pub(super) asked_from: Instant,
    /// What was asked more than the window, on each side.
    pub(super) slack: Duration,
    /// How much earlier than the range a record in the answer may have happened, because Atlas compares ranges with the
    /// arrival of records: the settle time, or nothing where there is no sign of that.
    pub(super) late: Duration,
}

/// A record of the answer in hand.
///
/// It is an archived one if both lie in the same place, and that place lies in what both answers were asked for. A
/// range may be compared with the arrival of records, which is later than their place by up to the settle time. That
/// counts only where the answers share at least as much, which two polls do; else records would be taken for others
/// that lay in the window before. Where records of several hosts are out of order, the clocks of two neighbours do not
/// enclose what lies between them, but a neighbour in common is the same place.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sought {
    /// Its place.
    pub(super) place: Window,
    /// The same with slack: Atlas may order by another clock than the one that is read here.
    pub(super) around: Window,
    /// What both answers were asked for begins here …
    pub(super) near: Instant,
    /// … or here, if it reaches …
    pub(super) far: Instant,
    /// … up to here.
    pub(super) shared_to: Instant,
}

impl Comparison {
    /// A record at `place`.
    pub(super) fn at(&self, place: Window) -> Sought {
        let near = self.asked_from - self.slack;
        Sought {
            place,
            around: place.widened(self.slack),
            near,
            far: near - self.late,
            shared_to: self.asked_from + self.late,
        }
    }
}

impl Sought {
    /// Whether it can be this one.
    pub(super) fn can_be(&self, archived: &Archived) -> bool {
        let Archived { place, until } = *archived;
        let shared_from = if until >= self.shared_to { self.far } else { self.near };
        let overlap = place.from < self.around.to && self.around.from < place.to;
        let shared = self.around.from <= until && self.around.to > shared_from && place.to > shared_from;
        self.neighbours_in_common(place) > 0 || (overlap && shared)
    }

    /// How many neighbours it has in common with a record at `place`.
    pub(super) fn neighbours_in_common(&self, place: Window) -> u8 {
        u8::from(self.place.from == place.from) + u8::from(self.place.to == place.to)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn window(from: i64, to: i64) -> Window {
        Window::new(Instant::from_seconds(from), Instant::from_seconds(to))
    }

    /// Asked from second 1000 on, with a slack of 5 s, of records up to 100 s late.
    fn can_be(place: (i64, i64), archived: (i64, i64), until: i64) -> bool {
        let second = Duration::from_secs(1);
        let comparison = Comparison { asked_from: Instant::from_seconds(1000), slack: 5 * second, late: 100 * second };
        let archived = Archived { place: window(archived.0, archived.1), until: Instant::from_seconds(until) };
        comparison.at(window(place.0, place.1)).can_be(&archived)
    }

    #[test]
    fn the_same_place_is_the_same_record() {
        assert!(can_be((1020, 1030), (1020, 1030), 1200));
        assert!(can_be((1024, 1026), (1020, 1030), 1200), "late records came between");
        assert!(can_be((1034, 1040), (1020, 1030), 1200), "within slack");
        assert!(!can_be((1035, 1040), (1020, 1030), 1200));
        assert!(can_be((1020, 1002), (1020, 1030), 1200), "a neighbour in common");
    }

    #[test]
    fn what_the_window_before_held_is_another_record_unless_both_answers_can_hold_it() {
        // The window before ended at second 1005; its slack reaches to second 1010.
        assert!(can_be((1000, 1020), (1003, 1010), 1010));
        assert!(!can_be((1000, 1020), (980, 995), 1010), "before what was asked");
        assert!(!can_be((900, 980), (905, 985), 1010), "late, and after the window before");
        assert!(!can_be((1016, 1020), (1008, 1018), 1010), "behind the window before");
        // The poll before ended at second 1100.
        assert!(can_be((900, 980), (910, 985), 1100), "it may have arrived after second 1000");
        assert!(!can_be((800, 895), (850, 890), 1100), "later than the settle time");
    }
}
