//! The section `[signals]`.

use std::time::Duration;

use super::{Signals, duration, keys, table::Table};

const DAY: Duration = Duration::from_secs(24 * 3600);

/// Atlas holds access history for a week: who hears of it later has lost some.
const BEHIND: std::ops::RangeInclusive<Duration> = Duration::from_secs(1)..=Duration::from_secs(7 * 24 * 3600);

/// A secret lasts a year at most.
const ENDING: std::ops::RangeInclusive<Duration> = Duration::ZERO..=Duration::from_secs(365 * 24 * 3600);

impl Default for Signals {
    fn default() -> Self {
        Self { behind: Duration::from_secs(3600), credential: 14 * DAY }
    }
}

/// Reads `[signals]`.
pub(super) fn read(document: &Table<'_>) -> Signals {
    let default = Signals::default();
    let table = document.table("signals", keys::SIGNALS);
    Signals {
        behind: table.parsed("behind", "1h", |text| duration::parse_within(text, BEHIND)).unwrap_or(default.behind),
        credential: table
            .parsed("credential", "14d", |text| duration::parse_within(text, ENDING))
            .unwrap_or(default.credential),
    }
}
