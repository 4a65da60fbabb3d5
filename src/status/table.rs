//! All sources for people.

use comfy_table::{CellAlignment, Table, presets};

use crate::{instant::Instant, shown::shown, state::DamagedSegment, status::Row, words};

/// A table for people.
pub(crate) fn table(rows: &[Row]) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header(["source", "start", "end", "lag", "records", "bytes", "requests", "gaps", "last poll"]);
    for index in [3, 4, 5, 6, 7] {
        if let Some(column) = table.column_mut(index) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    for row in rows {
        let instant = |instant: Option<Instant>| instant.map_or("–".to_owned(), |instant| instant.to_string());
        let state = row.state.as_ref();
        let removed = !row.configured && row.not_collected.is_none();
        let name = if removed { format!("{} (removed)", row.name) } else { row.name.clone() };
        table.add_row([
            name,
            instant(state.and_then(|state| state.start)),
            instant(state.and_then(|state| state.end)),
            row.lag().map_or("–".to_owned(), words::duration),
            words::number(state.map_or(0, |state| state.records)),
            words::bytes(state.map_or(0, |state| state.bytes)),
            words::number(row.health.as_ref().map_or(0, |health| health.requests)),
            words::number(row.gaps.len() as u64),
            row.outcome(),
        ]);
    }
    let mut text = table.trim_fmt();
    for row in rows {
        if let Some(damage) = &row.damage {
            text.push_str(&format!("\ndamaged: {}: {}", row.name, shown(damage)));
        }
        if let Some(why) = row.not_collected {
            text.push_str(&format!("\nnot collected: {}: {why}", row.name));
        }
        let failing = row.health.as_ref().filter(|health| health.failing_since.is_some());
        if let Some(health) = failing.filter(|_| row.not_collected.is_none() && !row.is_paused()) {
            text.push_str(&format!("\nfailing: {}: {}", row.name, shown(&health.message)));
        }
        if let Some(failed) = row.reconciliation.as_ref().filter(|last| !last.message.is_empty()) {
            let message = shown(&failed.message);
            text.push_str(&format!("\nreconciliation failed at {}: {}: {message}", failed.begun, row.name));
        }
        if let Some(state) = row.state.as_ref().filter(|state| state.late_records > 0) {
            text.push_str(&format!(
                "\nlate: {}: {} came later than the settle time, the latest at least {} after it happened",
                row.name,
                words::count(state.late_records, "record"),
                words::duration(state.lateness),
            ));
        }
        for segment in &row.damaged_segments {
            let DamagedSegment { name, good_length, detail, .. } = segment;
            text.push_str(&format!(
                "\ndamaged segment of {}: {}: only its first {good_length} bytes count: {}",
                row.name,
                name.as_str(),
                shown(detail),
            ));
        }
        for gap in &row.gaps {
            let detail = words::in_brackets(&gap.detail);
            text.push_str(&format!("\ngap in {}: {}: {}{detail}", row.name, gap.window, gap.reason.sentence()));
        }
    }
    text
}
