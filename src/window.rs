//! A half-open range of time.

use std::{fmt, time::Duration};

use serde::{Deserialize, Serialize};

use crate::instant::Instant;

/// The half-open range of time `[from, to)`. It is empty when `to` is not after `from`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Window {
    /// The first instant of the range.
    pub from: Instant,
    /// The first instant after the range.
    pub to: Instant,
}

impl Window {
    /// The range `[from, to)`.
    #[must_use]
    pub fn new(from: Instant, to: Instant) -> Self {
        Self { from, to }
    }

    /// Whether no instant lies in the range.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.to <= self.from
    }

    /// How long the range is.
    #[must_use]
    pub fn duration(self) -> Duration {
        self.to.since(self.from)
    }

    /// Whether `instant` lies in the range.
    #[must_use]
    pub fn contains(self, instant: Instant) -> bool {
        self.from <= instant && instant < self.to
    }

    /// What both ranges share; possibly empty.
    #[must_use]
    pub fn intersection(self, other: Self) -> Self {
        Self::new(self.from.max(other.from), self.to.min(other.to))
    }

    /// The range widened by `slack` on both sides.
    #[must_use]
    pub fn widened(self, slack: Duration) -> Self {
        Self::new(self.from - slack, self.to + slack)
    }
}

impl fmt::Display for Window {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{}, {})", self.from, self.to)
    }
}
