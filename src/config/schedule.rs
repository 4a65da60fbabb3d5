//! The section `[schedule]`, and a project's own `schedule`.

use super::{Schedule, cron, keys, table::Table};

/// Reads the table `schedule` of `parent`; a pattern that it does not set is that of `default`.
pub(super) fn read(parent: &Table<'_>, default: &Schedule) -> Schedule {
    let table = parent.table("schedule", keys::SCHEDULE);
    let pattern =
        |key: &str, default: &str| table.parsed(key, default, cron::parse).unwrap_or_else(|| default.to_owned());
    Schedule {
        stream_audit: pattern("stream_audit", &default.stream_audit),
        access_history: pattern("access_history", &default.access_history),
    }
}
