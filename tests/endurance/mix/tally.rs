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
        for what in [
            "answers with known entries in other bytes",
            "backfills",
            "changes of the rate limits",
            "failed polls",
            "jumps of the Date",
            "jumps of the local clock",
            "late records",
            "narrower answers",
            "outages of more than 7 days",
            "polls",
            "records",
            "records later than settle",
            "records with an absurd clock",
            "records without a clock",
            "reloads",
            "restarts",
            "times that Atlas could not be reached",
            "times that a cluster or an instance was deleted",
            "tokens and nonces ended",
            "twins",
            "twins of which one came later",
        ] {
            assert!(self.of(what) > 0, "there were no {what}: {self}");
        }
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.counts.iter().try_for_each(|(what, count)| writeln!(f, "{count:>10}  {what}"))
    }
}
