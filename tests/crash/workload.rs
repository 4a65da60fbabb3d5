//! The workload: every way in which the archive is written to, in one short life of two sources.

use atlas_logd::{
    commit::Rotation,
    config::RotateEvery,
    instant::Instant,
    source::{Filter, Kind, Source, SourceId},
    window::Window,
};

pub(crate) const ROTATION: Rotation = Rotation { size: 600, every: RotateEvery::Hour };

/// One poll of one source.
#[derive(Clone, Debug)]
pub(crate) struct Step {
    pub(crate) source: Source,
    pub(crate) window: Window,
    /// In the order in which they have to be archived; none for a quiet window.
    pub(crate) records: Vec<Vec<u8>>,
    /// Whether the age of the segment is looked at before the answer came. Else it grew old while Atlas was asked.
    pub(crate) looks_at_age: bool,
}

pub(crate) fn source(kind: Kind, name: &str) -> Source {
    let (project_id, name) = ("0123456789abcdef01234567".to_owned(), name.to_owned());
    Source { id: SourceId { project_id, kind, name, filter: Filter::default() }, project_name: "payments".to_owned() }
}

fn at(time: &str) -> Instant {
    format!("2026-11-20T{time}:00Z").parse().unwrap()
}

/// The steps, in the order of their time.
pub(crate) fn steps() -> Vec<Step> {
    let audit = source(Kind::StreamAudit, "orders");
    let access = source(Kind::AccessHistory, "prod-0");
    let mut steps: Vec<Step> = Vec::new();
    let mut step = |source: &Source, time: &str, count: usize, looks_at_age: bool| {
        let before = steps.iter().rev().find(|step| step.source == *source).map_or(at("10:00"), |step| step.window.to);
        let records = (0..count)
            .map(|number| format!("{{\"source\":\"{source}\",\"at\":\"{time}\",\"record\":{number:04}}}").into_bytes());
        let window = Window::new(before, at(time));
        steps.push(Step { source: source.clone(), window, records: records.collect(), looks_at_age });
    };
    // The first segment of each source, an append and an empty window.
    step(&audit, "10:05", 2, true);
    step(&audit, "10:10", 1, true);
    step(&access, "10:12", 2, true);
    step(&audit, "10:15", 0, true);
    // Full, and then sealed by size before the next window.
    step(&audit, "10:20", 7, true);
    step(&audit, "10:25", 1, true);
    // Sealed by age: before the answer, and while it came.
    step(&audit, "11:05", 1, true);
    step(&access, "11:06", 1, false);
    // A large window becomes a segment by renaming; the one after it finds it full.
    step(&audit, "11:10", 12, true);
    step(&audit, "11:15", 1, true);
    // A large window finds an empty segment, and is appended to it. A quiet hour seals an empty one.
    step(&access, "12:05", 12, true);
    step(&audit, "12:06", 0, true);
    step(&access, "13:05", 0, true);
    // The last segment is made with its first record, and nothing that comes later makes up for what was left out.
    step(&audit, "14:05", 1, false);
    step(&access, "14:06", 1, true);
    steps
}

/// All records of a source in `steps`, in order, a newline behind each.
pub(crate) fn expected(steps: &[Step], source: &Source) -> Vec<u8> {
    let records = steps.iter().filter(|step| step.source == *source).flat_map(|step| &step.records);
    records.flat_map(|record| [record, &b"\n"[..]].concat()).collect()
}

/// The sources of `steps`, each once.
pub(crate) fn sources(steps: &[Step]) -> Vec<&Source> {
    let mut sources: Vec<&Source> = steps.iter().map(|step| &step.source).collect();
    sources.sort();
    sources.dedup();
    sources
}
