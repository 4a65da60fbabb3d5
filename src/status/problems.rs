//! What is not as it should be, in sentences.

use crate::{shown::shown, state::DamagedSegment, status::Row, words};

/// What is wrong with a source, one line each; not what is missing.
pub(crate) fn problems(row: &Row) -> Vec<String> {
    let name = shown(&row.name);
    let mut lines = Vec::new();
    if let Some(damage) = &row.damage {
        lines.push(format!("damaged: {name}: {}", shown(damage)));
    }
    if let Some(why) = row.not_collected {
        lines.push(format!("not collected: {name}: {why}"));
    }
    // Nobody polls what is not collected, and nothing is wrong with what is paused.
    let is_to_answer = row.configured() && !row.is_paused();
    let failing = row.health.as_ref().filter(|health| health.is_failing());
    if let Some(health) = failing.filter(|_| is_to_answer) {
        lines.push(format!("failing: {name}: {}", shown(&health.message)));
    }
    let failed = row.reconciliation.as_ref().filter(|last| !last.message.is_empty());
    if let Some(failed) = failed.filter(|_| is_to_answer) {
        let message = shown(&failed.message);
        lines.push(format!("reconciliation failed at {}: {name}: {message}", failed.begun));
    }
    if let Some(state) = row.state.as_ref().filter(|state| state.late_records > 0) {
        lines.push(format!(
            "late: {name}: {} came later than the settle time, the latest at least {} after it happened",
            words::count(state.late_records, "record"),
            words::duration(state.lateness),
        ));
    }
    lines.extend(row.damaged_segments.iter().map(|segment| {
        let DamagedSegment { name: segment, good_length, detail, .. } = segment;
        let detail = shown(detail);
        format!("damaged segment of {name}: {}: only its first {good_length} bytes count: {detail}", segment.as_str())
    }));
    lines
}

/// What is missing of a source, one line each.
pub(crate) fn missing(row: &Row) -> impl Iterator<Item = String> {
    let name = shown(&row.name);
    row.gaps.iter().map(move |gap| {
        let detail = words::in_brackets(&gap.detail);
        format!("gap in {name}: {}: {}{detail}", gap.window, gap.reason.sentence())
    })
}
