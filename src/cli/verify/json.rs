//! The report for programs. Instants are RFC 3339; keys may be added, none changes its meaning or goes.

use serde::Serialize;

use crate::{
    evidence::{DamagedPart, Range, Rebuilt, Removed},
    instant::Instant,
    plan::Gap,
    shown::shown_path,
    verify::{Fault, Report, Request, SourceReport},
    window::Window,
};

/// The whole report.
#[derive(Debug, Serialize)]
pub(super) struct JsonReport {
    /// Whether nothing is wrong.
    valid: bool,
    /// Whether nothing of the range that was asked for is missing.
    complete: bool,
    archive: Option<String>,
    from: Option<Instant>,
    to: Option<Instant>,
    sources: Vec<JsonSource>,
    archive_digests: u64,
    head: Option<JsonHead>,
    keys: Vec<JsonKey>,
    notes: Vec<String>,
    /// Those of the sources stand there.
    faults: Vec<JsonFault>,
}

#[derive(Debug, Serialize)]
struct JsonHead {
    date: String,
    sha256: String,
    signed_by: Option<String>,
}

#[derive(Debug, Serialize)]
struct JsonKey {
    fingerprint: String,
    /// Who stands for it among the allowed signers; nothing where there are none.
    principals: Option<String>,
}

#[derive(Debug, Serialize)]
struct JsonFault {
    path: String,
    reason: &'static str,
    message: String,
}

#[derive(Debug, Serialize)]
struct JsonSource {
    folder: String,
    project_id: Option<String>,
    project_name: Option<String>,
    kind: Option<&'static str>,
    name: Option<String>,
    filter: Option<String>,
    valid: bool,
    complete: bool,
    covered: Option<Range>,
    islands: Vec<Range>,
    gaps: Vec<JsonGap>,
    uncovered: Vec<JsonRange>,
    segments: u64,
    segments_read: u64,
    records: u64,
    late_records: u64,
    bytes: u64,
    damaged: Vec<JsonDamaged>,
    removed: Vec<JsonRemoved>,
    rebuilt: Vec<JsonRebuilt>,
    removed_segments: u64,
    removed_records: u64,
    removed_of_range: u64,
    open_segment: Option<JsonOpen>,
    newest_digest: Option<JsonDigest>,
    notes: Vec<String>,
    faults: Vec<JsonFault>,
}

/// A range that may have no beginning or no end.
#[derive(Debug, Serialize)]
struct JsonRange {
    from: Option<Instant>,
    to: Option<Instant>,
}

#[derive(Debug, Serialize)]
struct JsonGap {
    from: Instant,
    to: Instant,
    reason: &'static str,
    detail: String,
    noticed: Instant,
}

#[derive(Debug, Serialize)]
struct JsonDamaged {
    segment: String,
    good_bytes: u64,
    detail: String,
    noticed: Instant,
}

#[derive(Debug, Serialize)]
struct JsonRebuilt {
    at: Instant,
    told_until: Option<Instant>,
    adopted: Option<String>,
    adopted_bytes: u64,
}

#[derive(Debug, Serialize)]
struct JsonRemoved {
    segment: String,
    decided: Instant,
}

#[derive(Debug, Serialize)]
struct JsonOpen {
    segment: String,
    bytes: u64,
}

#[derive(Debug, Serialize)]
struct JsonDigest {
    segment: String,
    sha256: String,
    /// Whether a signature or the head that was asked for holds it.
    held: bool,
}

/// The report as it is written.
pub(super) fn report(report: &Report, request: &Request) -> JsonReport {
    JsonReport {
        valid: report.is_valid(),
        complete: report.is_complete(),
        archive: report.archive.as_ref().map(ToString::to_string),
        from: request.from,
        to: request.to,
        sources: report.sources.iter().map(source).collect(),
        archive_digests: report.heads,
        head: report.newest_head.as_ref().map(|head| JsonHead {
            date: head.date.to_string(),
            sha256: head.sha256.to_string(),
            signed_by: head.signed_by.clone(),
        }),
        keys: report
            .keys
            .iter()
            .map(|(fingerprint, principals)| JsonKey {
                fingerprint: fingerprint.clone(),
                principals: principals.clone(),
            })
            .collect(),
        notes: report.notes.iter().map(ToString::to_string).collect(),
        faults: faults(&report.faults),
    }
}

fn source(report: &SourceReport) -> JsonSource {
    let source = report.source.as_ref();
    let ranges = |windows: &[Window]| windows.iter().copied().map(Range::from).collect();
    JsonSource {
        folder: shown_path(&report.folder),
        project_id: source.map(|source| source.project_id.clone()),
        project_name: source.map(|source| source.project_name.clone()),
        kind: source.map(|source| source.kind.as_str()),
        name: source.map(|source| source.name.clone()),
        filter: source.map(|source| source.filter.to_string()),
        valid: report.faults.is_empty(),
        complete: report.is_complete(),
        covered: report.covered.map(Range::from),
        islands: ranges(&report.islands),
        gaps: report.gaps.iter().map(gap).collect(),
        uncovered: report.uncovered.iter().map(uncovered).collect(),
        segments: report.segments,
        segments_read: report.read,
        records: report.records,
        late_records: report.late_records,
        bytes: report.bytes,
        damaged: report.damaged.iter().map(damaged).collect(),
        removed: report.removed.iter().map(removed).collect(),
        rebuilt: report.rebuilt.iter().map(rebuilt).collect(),
        removed_segments: report.removed_segments,
        removed_records: report.removed_records,
        removed_of_range: report.removed_of_range,
        open_segment: report
            .open
            .as_ref()
            .map(|open| JsonOpen { segment: open.segment.to_string(), bytes: open.bytes }),
        newest_digest: report.newest.as_ref().map(|newest| JsonDigest {
            segment: newest.segment.to_string(),
            sha256: newest.sha256.to_string(),
            held: newest.held,
        }),
        notes: report.notes.iter().map(ToString::to_string).collect(),
        faults: faults(&report.faults),
    }
}

fn faults(faults: &[Fault]) -> Vec<JsonFault> {
    let json = |fault: &Fault| JsonFault {
        path: shown_path(&fault.path),
        reason: fault.reason.as_str(),
        message: fault.to_string(),
    };
    faults.iter().map(json).collect()
}

fn gap(gap: &Gap) -> JsonGap {
    let Window { from, to } = gap.window;
    JsonGap { from, to, reason: gap.reason.as_str(), detail: gap.detail.clone(), noticed: gap.noticed }
}

fn uncovered(window: &Window) -> JsonRange {
    let Window { from, to } = *window;
    JsonRange { from: Some(from).filter(|from| *from > Instant::MIN), to: Some(to).filter(|to| *to < Instant::MAX) }
}

fn damaged(part: &DamagedPart) -> JsonDamaged {
    JsonDamaged {
        segment: part.segment.to_string(),
        good_bytes: part.good_bytes,
        detail: part.detail.clone(),
        noticed: part.noticed,
    }
}

fn rebuilt(entry: &Rebuilt) -> JsonRebuilt {
    let adopted = entry.adopted.as_ref().map(ToString::to_string);
    JsonRebuilt { at: entry.at, told_until: entry.told_until, adopted, adopted_bytes: entry.adopted_bytes }
}

fn removed(entry: &Removed) -> JsonRemoved {
    JsonRemoved { segment: entry.segment.to_string(), decided: entry.decided }
}
