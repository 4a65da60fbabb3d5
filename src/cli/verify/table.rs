//! The report for people.

use comfy_table::{CellAlignment, Table, presets};

use crate::{
    cli::terminal,
    shown::{shown, shown_path},
    verify::{Report, SourceReport},
};

/// A table of the sources, then all that has to be said, faults last: nothing scrolls them away.
pub(super) fn report(report: &Report) -> String {
    let mut lines = vec![table(report)];
    report.sources.iter().for_each(|source| add_source(&mut lines, source));
    if let Some(head) = &report.newest_head {
        let signed = head.signed_by.as_ref().map_or("not signed".to_owned(), |key| format!("signed with {key}"));
        lines.push(format!("head: {} of {}, {signed}", head.sha256, head.date));
    }
    for (key, principals) in &report.keys {
        if let Some(principals) = principals {
            lines.push(format!("signed by {}: {key}", shown(principals)));
        }
    }
    lines.extend(report.all_notes().map(|note| format!("note: {note}")));
    lines.extend(report.all_faults().map(|fault| format!("FAULT: {fault}")));
    lines.push(summary(report));
    lines.join("\n")
}

fn table(report: &Report) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header(["source", "covered from", "to", "segments", "records", "bytes", "gaps", "verdict"]);
    for index in [3, 4, 5, 6] {
        if let Some(column) = table.column_mut(index) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    for source in &report.sources {
        let covered = source.covered.map(|covered| (covered.from.to_string(), covered.to.to_string()));
        let (from, to) = covered.unwrap_or_else(|| ("–".to_owned(), "–".to_owned()));
        table.add_row([
            shown_path(&source.folder),
            from,
            to,
            terminal::number(source.segments),
            terminal::number(source.records),
            terminal::bytes(source.bytes),
            terminal::number(source.gaps.len() as u64),
            verdict(source),
        ]);
    }
    table.trim_fmt()
}

fn verdict(source: &SourceReport) -> String {
    match source.faults.len() {
        0 => "valid".to_owned(),
        faults => terminal::count(faults as u64, "FAULT"),
    }
}

fn add_source(lines: &mut Vec<String>, source: &SourceReport) {
    let name = shown_path(&source.folder);
    if let Some(open) = &source.open {
        lines.push(format!(
            "open: {name}/{}: {}, not sealed yet: nothing proves it",
            open.segment,
            terminal::bytes(open.bytes)
        ));
    }
    if source.late_records > 0 {
        lines.push(format!("late: {name}: {} came late", terminal::count(source.late_records, "record")));
    }
    for island in &source.islands {
        lines.push(format!("covered too: {name}: {island}, by a backfill"));
    }
    for part in &source.damaged {
        lines.push(format!(
            "damaged: {name}/{}: only its first {} bytes count, as they were found on {}: {}",
            part.segment,
            part.good_bytes,
            part.noticed,
            shown(&part.detail),
        ));
    }
    for entry in &source.removed {
        lines.push(format!("removed: {name}/{}: by retention on {}", entry.segment, entry.decided));
    }
    for entry in &source.rebuilt {
        lines.push(match &entry.adopted {
            Some(adopted) => format!(
                "rebuilt: {name}: the state was made again on {}: the first {} bytes of {adopted} were taken as they lay there; \
                 a change to them before is not noticed",
                entry.at, entry.adopted_bytes,
            ),
            None => format!("rebuilt: {name}: the state was made again on {} from what is sealed", entry.at),
        });
    }
    for gap in &source.gaps {
        let detail = if gap.detail.is_empty() { String::new() } else { format!(" ({})", shown(&gap.detail)) };
        lines.push(format!("gap: {name}: {}: {}{detail}", gap.window, gap.reason.sentence()));
    }
    for window in &source.uncovered {
        lines.push(format!("not covered: {name}: {window}: no digest tells that it was collected"));
    }
}

fn summary(report: &Report) -> String {
    let sum = |of: fn(&SourceReport) -> u64| report.sources.iter().map(of).fold(0, u64::saturating_add);
    let what = format!(
        "{}, {}, {}, {}",
        terminal::count(report.sources.len() as u64, "source"),
        terminal::count(sum(|source| source.segments), "segment"),
        terminal::count(sum(|source| source.records), "record"),
        terminal::bytes(sum(|source| source.bytes)),
    );
    let complete = match sum(|source| (source.gaps.len() + source.uncovered.len()) as u64) {
        0 => "nothing missing".to_owned(),
        missing => format!("{} not collected, each with its reason", terminal::count(missing, "range")),
    };
    match report.all_faults().count() {
        0 => format!("valid: {what}; {complete}"),
        faults => format!("NOT VALID: {}: {what}", terminal::count(faults as u64, "fault")),
    }
}
