//! The report for people.

use comfy_table::{CellAlignment, Table, presets};

use crate::{
    instant::Instant,
    shown::{shown, shown_path},
    verify::{Report, Request, SourceReport},
    window::Window,
    words,
};

/// A table of the sources, then all that has to be said, faults last: nothing scrolls them away.
pub(super) fn report(report: &Report, request: &Request) -> String {
    let mut lines = vec![table(report, request)];
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
    lines.push(summary(report, request));
    lines.join("\n")
}

fn table(report: &Report, request: &Request) -> String {
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
            segments(source.read, source.segments, request),
            words::number(source.records),
            words::bytes(source.bytes),
            words::number(source.gaps.len() as u64),
            verdict(source),
        ]);
    }
    table.trim_fmt()
}

/// So many segments; of a range, how many of them were read.
fn segments(read: u64, segments: u64, request: &Request) -> String {
    let segments = words::number(segments);
    if request.is_of_range() { format!("{} of {segments} read", words::number(read)) } else { segments }
}

fn verdict(source: &SourceReport) -> String {
    match source.faults.len() {
        0 => "valid".to_owned(),
        faults => words::count(faults as u64, "FAULT"),
    }
}

fn add_source(lines: &mut Vec<String>, source: &SourceReport) {
    let name = shown_path(&source.folder);
    if let Some(open) = &source.open {
        lines.push(format!(
            "open: {name}/{}: {}, not sealed yet: nothing proves it",
            open.segment,
            words::bytes(open.bytes)
        ));
    }
    if source.late_records > 0 {
        lines.push(format!("late: {name}: {} came late", words::count(source.late_records, "record")));
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
    if source.removed_segments > 0 {
        lines.push(format!(
            "removed: {name}: {} by retention",
            removed(source.removed_segments, source.removed_records)
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
        let detail = words::in_brackets(&gap.detail);
        lines.push(format!("gap: {name}: {}: {}{detail}", gap.window, gap.reason.sentence()));
    }
    for window in &source.uncovered {
        lines.push(format!("not covered: {name}: {}: no digest tells that it was collected", range(*window)));
    }
    if source.removed_of_range > 0 {
        let segments = words::count(source.removed_of_range, "segment");
        lines.push(format!("not here: {name}: {segments} removed by retention may have held records of the range"));
    }
}

/// A range that may have no beginning or no end.
fn range(window: Window) -> String {
    match window {
        Window { from: Instant::MIN, to: Instant::MAX } => "all time".to_owned(),
        Window { from: Instant::MIN, to } => format!("all before {to}"),
        Window { from, to: Instant::MAX } => format!("all from {from} on"),
        window => window.to_string(),
    }
}

fn removed(segments: u64, records: u64) -> String {
    format!("{} ({})", words::count(segments, "segment"), words::count(records, "record"))
}

fn summary(report: &Report, request: &Request) -> String {
    let sum = |of: fn(&SourceReport) -> u64| report.sources.iter().map(of).fold(0, u64::saturating_add);
    let (read, all) = (sum(|source| source.read), sum(|source| source.segments));
    let what = format!(
        "{}, {}, {}, {}",
        words::count(report.sources.len() as u64, "source"),
        match request.is_of_range() {
            true => format!("{} of {} read", words::number(read), words::count(all, "segment")),
            false => words::count(all, "segment"),
        },
        words::count(sum(|source| source.records), "record"),
        words::bytes(sum(|source| source.bytes)),
    );
    match report.all_faults().count() {
        0 => format!("valid: {what}; {}", missing(report)),
        faults => format!("NOT VALID: {}: {what}", words::count(faults as u64, "fault")),
    }
}

/// What is not there, each kind of it counted apart.
fn missing(report: &Report) -> String {
    let sum = |of: fn(&SourceReport) -> u64| report.sources.iter().map(of).fold(0, u64::saturating_add);
    let gaps = sum(|source| source.gaps.len() as u64);
    let uncovered = sum(|source| source.uncovered.len() as u64);
    let removed = sum(|source| source.removed_segments);
    let mut parts = Vec::new();
    if gaps > 0 {
        let reason = if gaps == 1 { "with its reason" } else { "each with its reason" };
        parts.push(format!("{} not collected, {reason}", words::count(gaps, "gap")));
    }
    if uncovered > 0 {
        parts.push(format!("{} not covered", words::count(uncovered, "range")));
    }
    if removed > 0 {
        let what = self::removed(removed, sum(|source| source.removed_records));
        parts.push(format!("{what} removed by retention"));
    }
    if parts.is_empty() {
        parts.push(if report.sources.is_empty() { "nothing archived" } else { "nothing missing" }.to_owned());
    }
    parts.join("; ")
}
