//! How an asked range decides which events are in it. Both questions are open (see the API notes), so both are settings.

use crate::instant::Instant;

/// Which clock of an event an asked range is compared with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RangeClock {
    /// `timestamp` of the entry: whole seconds.
    Timestamp,
    /// The milliseconds in `logLine`, or `time` of an audit line.
    #[default]
    LogLine,
    /// When Atlas took the event in: no clock that stands in its bytes.
    Ingested,
}

impl RangeClock {
    /// Every possibility: what holds for Atlas has to hold for each.
    pub const ALL: [Self; 3] = [Self::Timestamp, Self::LogLine, Self::Ingested];
}

/// Whether the bounds themselves are in an asked range.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// Whether `from` is.
    pub from: bool,
    /// Whether `to` is.
    pub to: bool,
}

impl Bounds {
    /// `[from, to]`
    pub const CLOSED: Self = Self { from: true, to: true };
    /// `[from, to)`
    pub const HALF_OPEN: Self = Self { from: true, to: false };
    /// `(from, to]`
    pub const LEFT_OPEN: Self = Self { from: false, to: true };
    /// `(from, to)`
    pub const OPEN: Self = Self { from: false, to: false };
    /// Every possibility.
    pub const ALL: [Self; 4] = [Self::CLOSED, Self::HALF_OPEN, Self::LEFT_OPEN, Self::OPEN];

    /// Whether `instant` is in the range between `from` and `to`.
    #[must_use]
    pub fn contain(self, from: Instant, to: Instant, instant: Instant) -> bool {
        let after_from = if self.from { from <= instant } else { from < instant };
        let before_to = if self.to { instant <= to } else { instant < to };
        after_from && before_to
    }
}

impl Default for Bounds {
    fn default() -> Self {
        Self::CLOSED
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_setting_decides_for_its_own_bounds() {
        let [from, inside, to] = [1, 2, 3].map(Instant::from_millis);
        let contained = |bounds: Bounds| [from, inside, to].map(|instant| bounds.contain(from, to, instant));
        assert_eq!(contained(Bounds::CLOSED), [true, true, true]);
        assert_eq!(contained(Bounds::HALF_OPEN), [true, true, false]);
        assert_eq!(contained(Bounds::LEFT_OPEN), [false, true, true]);
        assert_eq!(contained(Bounds::OPEN), [false, true, false]);
    }
}
