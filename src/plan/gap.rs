//! Gaps: ranges of time that are known not to be collected, each with its reason.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

use crate::{instant::Instant, window::Window};

/// Why a range was not collected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum GapReason {
    /// Atlas no longer held the range when it was asked for.
    Retention,
    /// A page was full that could not be split further: entries may be missing.
    RowLimit,
    /// An operator declared it.
    Skipped,
    /// Archived bytes were lost or changed outside the program; the range is asked of Atlas again.
    Damage,
    /// Atlas said after it that there was no such cluster or instance: what it held before may be gone.
    Absent,
    /// A reconciliation found that most of what Atlas shows of it is not archived; a person has to decide.
    Differs,
    /// It lies between the start watermark and an older range that a backfill collected.
    BeforeStart,
}

impl GapReason {
    /// All reasons.
    pub const ALL: [Self; 7] =
        [Self::Retention, Self::RowLimit, Self::Skipped, Self::Damage, Self::Absent, Self::Differs, Self::BeforeStart];

    /// The form used in the state database and in `status --json`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Retention => "retention",
            Self::RowLimit => "row-limit",
            Self::Skipped => "skipped",
            Self::Damage => "damage",
            Self::Absent => "absent",
            Self::Differs => "differs",
            Self::BeforeStart => "before-start",
        }
    }

    /// The reason for people.
    #[must_use]
    pub fn sentence(self) -> &'static str {
        match self {
            Self::Retention => "Atlas no longer held it when it was asked for",
            Self::RowLimit => "possibly incomplete: a full page could not be split further",
            Self::Skipped => "declared by an operator",
            Self::Damage => "archived bytes were lost or changed outside the program",
            Self::Absent => "possibly incomplete: Atlas did not know the cluster or instance any more for a time",
            Self::Differs => "most of what Atlas showed of it later is not archived; a person has to decide",
            Self::BeforeStart => "not collected: lies between a backfill and the start watermark",
        }
    }
}

impl fmt::Display for GapReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for GapReason {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|reason| reason.as_str() == text).ok_or(())
    }
}

impl Serialize for GapReason {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for GapReason {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(|()| D::Error::custom(format!("{text:?} is not the reason of a gap")))
    }
}

/// A range of time known not to be collected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gap {
    /// The range.
    pub window: Window,
    /// Why.
    pub reason: GapReason,
    /// More words: the operator's reason, what was damaged.
    pub detail: String,
    /// When it was noticed, by the local clock.
    pub noticed: Instant,
}

/// What is left of `window` outside of all `holes`, in order.
#[must_use]
pub fn subtract(window: Window, holes: impl IntoIterator<Item = Window>) -> Vec<Window> {
    let mut holes: Vec<Window> = holes.into_iter().filter(|hole| !window.intersection(*hole).is_empty()).collect();
    holes.sort_unstable();
    let mut rest = Vec::new();
    let mut from = window.from;
    for hole in holes {
        rest.push(Window::new(from, hole.from));
        from = from.max(hole.to);
    }
    rest.push(Window::new(from, window.to));
    rest.retain(|part| !part.is_empty());
    rest
}

#[cfg(test)]
mod tests {
    use super::*;

    fn window(from: i64, to: i64) -> Window {
        Window::new(Instant::from_millis(from), Instant::from_millis(to))
    }

    #[test]
    fn what_is_left_lies_outside_of_all_holes() {
        assert_eq!(subtract(window(0, 10), [window(2, 4), window(6, 7)]), [window(0, 2), window(4, 6), window(7, 10)]);
        assert_eq!(subtract(window(0, 10), [window(-5, 20)]), []);
        assert_eq!(subtract(window(0, 10), [window(10, 20), window(3, 3)]), [window(0, 10)]);
        assert_eq!(subtract(window(5, 5), []), []);
    }

    #[test]
    fn every_reason_can_be_read_back() {
        for reason in GapReason::ALL {
            assert_eq!(reason.as_str().parse(), Ok(reason));
        }
    }
}
