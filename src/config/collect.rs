//! The section `[collect]`.

use std::time::Duration;

use super::{
    Collect, duration, keys,
    size::{self, KIB, TIB},
    start,
    table::Table,
};

const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(24 * 3600);

/// Atlas holds access history for no longer.
const WEEK: Duration = Duration::from_secs(7 * 24 * 3600);

/// A day of records in the state is what fingerprints are kept for at most; Atlas is late by minutes.
const LONGEST_SETTLE: Duration = DAY;

/// Reads `[collect]`.
pub(super) fn read(document: &Table<'_>) -> Collect {
    let default = Collect::default();
    let table = document.table("collect", keys::COLLECT);
    let settle = |key: &str, example: &str, default: Duration| {
        let settle = table.parsed(key, example, |text| duration::parse_within(text, Duration::ZERO..=LONGEST_SETTLE));
        settle.unwrap_or(default)
    };
    Collect {
        start: table.parsed("start", "oldest", start::parse).unwrap_or(default.start),
        stream_audit_settle: settle("stream_audit_settle", "10m", default.stream_audit_settle),
        access_history_settle: settle("access_history_settle", "15m", default.access_history_settle),
        polls_at_once: table.integer("polls_at_once", 1..=1024).map_or(default.polls_at_once, usize::from),
        grace: table
            .parsed("grace", "30s", |text| duration::parse_within(text, Duration::ZERO..=HOUR))
            .unwrap_or(default.grace),
        answer_limit: table
            .parsed("answer_limit", "16GiB", |text| size::parse_within(text, KIB..=16 * TIB))
            .unwrap_or(default.answer_limit),
        reconcile_range: table
            .parsed("reconcile_range", "3d", |text| duration::parse_within(text, HOUR..=WEEK))
            .unwrap_or(default.reconcile_range),
        stuck_after: table
            .parsed("stuck_after", "10m", |text| duration::parse_within(text, SECOND..=DAY))
            .unwrap_or(default.stuck_after),
    }
}
