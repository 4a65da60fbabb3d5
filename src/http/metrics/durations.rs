//! How long commits and polls took.

use std::fmt;

use crate::{http::metrics::family::Families, meters::Meters, source::Kind};

/// Writes them.
pub(super) fn write(families: &mut Families<'_, '_>, meters: &Meters) -> fmt::Result {
    let about =
        ("commit_duration", "How long it took until a window was on stable storage, with records or without new ones");
    families.durations(about, |family| {
        family.spread(&[("commit", "records")], &meters.commits.spread())?;
        family.spread(&[("commit", "quiet")], &meters.quiet_commits.spread())
    })?;
    let about = ("poll_duration", "How long polls took, failed ones too, with all their waits");
    families.durations(about, |family| {
        Kind::ALL.iter().try_for_each(|kind| family.spread(&[("kind", kind.as_str())], &meters.polls(*kind).spread()))
    })?;
    let about = ("reconciliation_duration", "How long reconciliations took, failed ones too, with all their waits");
    families.durations(about, |family| {
        let spread = |kind: &Kind| meters.reconciliations(*kind).spread();
        Kind::ALL.iter().try_for_each(|kind| family.spread(&[("kind", kind.as_str())], &spread(kind)))
    })
}
