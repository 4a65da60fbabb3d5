//! The clocks of a record.

use crate::{instant::Instant, window::Window};

/// When a record says it happened: none, one or two instants.
///
/// An access-history entry has two clocks (`timestamp` in whole seconds, and the milliseconds in its `logLine`), and
/// it is not known which of them Atlas compares with a range that is asked for, if any.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Clocks {
    /// The first of up to two instants.
    pub first: Option<Instant>,
    /// The other one.
    pub second: Option<Instant>,
}

impl Clocks {
    /// No clock at all.
    pub const NONE: Self = Self { first: None, second: None };

    /// One clock, if it could be read.
    #[must_use]
    pub fn one(clock: Option<Instant>) -> Self {
        Self { first: clock, second: None }
    }

    /// The clocks that are there.
    pub fn iter(self) -> impl Iterator<Item = Instant> {
        self.first.into_iter().chain(self.second)
    }

    /// The one that belongs to the fingerprint: two records with the same one have the same. The other clock of an
    /// access-history entry may be rendered anew.
    #[must_use]
    pub fn of_fingerprint(self) -> Option<Instant> {
        self.second.or(self.first)
    }

    /// The later of the clocks.
    #[must_use]
    pub fn latest(self) -> Option<Instant> {
        self.iter().max()
    }

    /// The earlier of the clocks.
    #[must_use]
    pub fn earliest(self) -> Option<Instant> {
        self.iter().min()
    }

    /// Whether there are clocks, and all of them lie in the range that was `asked`: then a clock can be what Atlas
    /// compared the range with.
    #[must_use]
    pub fn decide(self, asked: Window) -> bool {
        self.first.or(self.second).is_some() && self.iter().all(|clock| asked.from <= clock && clock <= asked.to)
    }

    /// Whether any clock lies in `window`.
    #[must_use]
    pub fn touch(self, window: Window) -> bool {
        self.iter().any(|clock| window.contains(clock))
    }
}
