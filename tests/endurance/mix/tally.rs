//! What was tried.

use std::{collections::BTreeMap, fmt};

/// Counts of all that happened.
#[derive(Debug, Default)]
pub(super) struct Tally {
    counts: BTreeMap<String, u64>,
}

impl Tally {
    pub(super) fn count(&mut self, what: impl Into<String>, more: u64) {
        *self.counts.entry(what.into()).or_default() += more;
    }

    pub(super) fn add(&mut self, other: &Self) {
        other.counts.iter().for_each(|(what, count)| self.count(what, *count));
    }

    pub(super) fn of(&self, what: &str) -> u64 {
        self.counts.get(what).copied().unwrap_or(0)
    }

    /// A mix in which something never happens proves nothing about it.
    pub(super) fn assert_something_of_everything(&self) {
        for what in ["polls", "failed polls", "records", "restarts", "reloads", "backfills", "late records"] {
            assert!(self.of(what) > 0, "there were no {what}: {self}");
        }
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.counts.iter().try_for_each(|(what, count)| writeln!(f, "{count:>10}  {what}"))
    }
}
