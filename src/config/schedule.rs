//! The section `[schedule]`, and a project's own `schedule`.

use super::{cron, keys, table::Table};
use crate::source::Kind;

/// What stands in the place of a pattern when there shall be no run at all.
const OFF: &str = "off";

/// Cron patterns with seconds (six fields), UTC; each is known to be valid and to have a next run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Schedule {
    /// For audit logs of stream instances.
    pub stream_audit: String,
    /// For access histories of clusters.
    pub access_history: String,
    /// For the reconciliation of both; nothing means that there is none but by command.
    pub reconcile: Option<String>,
    /// For asking for the lists of projects, clusters and stream instances; the same for all projects. Nothing means that
    /// they are asked for at start and by `collect` only.
    pub discover: Option<String>,
}

impl Default for Schedule {
    /// Every five minutes; the two kinds half a minute apart, so that they do not fire together. Reconciliation at night.
    /// Discovery every ten minutes, at a time when few others ask.
    fn default() -> Self {
        Self {
            stream_audit: "0 */5 * * * *".to_owned(),
            access_history: "30 */5 * * * *".to_owned(),
            reconcile: Some("0 0 3 * * *".to_owned()),
            discover: Some("15 2/10 * * * *".to_owned()),
        }
    }
}

impl Schedule {
    /// All patterns.
    pub fn patterns(&self) -> impl Iterator<Item = &String> {
        [&self.stream_audit, &self.access_history].into_iter().chain(&self.reconcile).chain(&self.discover)
    }

    /// The pattern for polls of sources of `kind`.
    #[must_use]
    pub fn of(&self, kind: Kind) -> &str {
        match kind {
            Kind::StreamAudit => &self.stream_audit,
            Kind::AccessHistory => &self.access_history,
        }
    }
}

/// Reads the section `[schedule]`.
pub(super) fn read(document: &Table<'_>) -> Schedule {
    let table = document.table("schedule", keys::SCHEDULE);
    let default = Schedule::default();
    let discover =
        table.parsed("discover", "15 2/10 * * * *", parse_or_off).unwrap_or_else(|| default.discover.clone());
    Schedule { discover, ..read_polls(&table, &default) }
}

/// Reads the table `schedule` of a project; a pattern that it does not set is that of `default`.
pub(super) fn read_of_project(project: &Table<'_>, default: &Schedule) -> Schedule {
    read_polls(&project.table("schedule", keys::PROJECT_SCHEDULE), default)
}

fn read_polls(table: &Table<'_>, default: &Schedule) -> Schedule {
    let pattern =
        |key: &str, default: &str| table.parsed(key, default, cron::parse).unwrap_or_else(|| default.to_owned());
    Schedule {
        stream_audit: pattern("stream_audit", &default.stream_audit),
        access_history: pattern("access_history", &default.access_history),
        reconcile: table.parsed("reconcile", "0 0 3 * * *", parse_or_off).unwrap_or_else(|| default.reconcile.clone()),
        discover: default.discover.clone(),
    }
}

/// Reads a pattern, or nothing where it is off.
fn parse_or_off(text: &str) -> Result<Option<String>, String> {
    if text == OFF {
        return Ok(None);
    }
    cron::parse(text).map(Some).map_err(|message| format!("{message}, or {OFF:?}"))
}
