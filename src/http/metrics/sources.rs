//! The metrics that each source has.

use std::{fmt, time::Duration};

use crate::{
    http::metrics::{
        family::{About, Families, Family, Labels, Value},
        known::{Archived, Known, Polls, Reconciliation},
    },
    instant::Instant,
    source::Source,
};

/// A source of the configuration.
#[derive(Debug)]
pub(super) struct SourceFigures {
    pub(super) source: Source,
    /// As on the command line.
    pub(super) name: String,
    /// Nothing of one that was never seen, or while the state cannot be read.
    pub(super) known: Option<Known>,
    /// Whether its cluster is paused, and Atlas does not answer for it: it is neither failing nor behind then.
    pub(super) paused: bool,
    /// How long ago the poll was due that should have moved its watermark on; zero for one that is on time.
    pub(super) behind: Option<Duration>,
}

impl SourceFigures {
    /// One of which nothing is known yet.
    pub(super) fn unknown(source: Source) -> Self {
        Self { name: source.to_string(), source, known: None, paused: false, behind: None }
    }

    fn archived(&self) -> Option<&Archived> {
        self.known.as_ref()?.archived.as_ref()
    }

    pub(super) fn end(&self) -> Option<Instant> {
        self.archived()?.end
    }

    pub(super) fn is_failing(&self) -> bool {
        self.polls().is_some_and(|polls| polls.failing_since.is_some())
    }

    fn polls(&self) -> Option<&Polls> {
        self.known.as_ref()?.polls.as_ref()
    }

    fn reconciliation(&self) -> Option<&Reconciliation> {
        self.known.as_ref()?.reconciliation.as_ref()
    }
}

/// Writes a sample for each source that has the value.
fn each(
    sources: &[SourceFigures],
    value: impl Fn(&SourceFigures) -> Option<Value>,
) -> impl FnOnce(&mut Family<'_>) -> fmt::Result {
    move |family| {
        let mut with_value = sources.iter().filter_map(|source| Some((source, value(source)?)));
        with_value.try_for_each(|(source, value)| family.sample(&[("source", &source.name)], value))
    }
}

/// Writes them all.
pub(super) fn write(families: &mut Families<'_, '_>, sources: &[SourceFigures], now: Instant) -> fmt::Result {
    families.gauge(("source_info", "What a source of the configuration is; always 1"), |family| {
        sources.iter().try_for_each(|SourceFigures { source, name, .. }| {
            let labels = [
                ("source", name.as_str()),
                ("project", &source.project_name),
                ("project_id", &source.id.project_id),
                ("kind", source.id.kind.as_str()),
            ];
            family.sample(&labels, Value::Number(1))
        })
    })?;
    write_watermarks(families, sources, now)?;
    write_archived(families, sources)?;
    write_missing(families, sources)?;
    write_polls(families, sources, now)?;
    write_reconciliations(families, sources)
}

fn write_watermarks(families: &mut Families<'_, '_>, sources: &[SourceFigures], now: Instant) -> fmt::Result {
    let about = ("watermark_timestamp", "The end watermark: up to here the archive is complete, less the gaps");
    families.seconds(about, each(sources, |source| source.end().map(Value::At)))?;
    let lag = |source: &SourceFigures| source.end().map(|end| Value::Time(now.since(end)));
    let about = ("watermark_lag", "How far the end watermark is behind the clock");
    families.seconds(about, each(sources, lag))?;
    let about =
        ("behind", "How long ago the poll was due that should have moved the end watermark on; 0 if none is due");
    families.seconds(about, each(sources, |source| source.behind.map(Value::Time)))
}

fn write_archived(families: &mut Families<'_, '_>, sources: &[SourceFigures]) -> fmt::Result {
    let mut counter = |about: About<'_>, count: fn(&Archived) -> u64| {
        families.counter(about, each(sources, |source| source.archived().map(count).map(Value::Count)))
    };
    counter(("records", "Records archived"), |archived| archived.records)?;
    counter(("bytes", "Bytes of the records archived"), |archived| archived.bytes)?;
    counter(("late_records", "Records archived that came later than the settle time"), |archived| {
        archived.late_records
    })?;
    counter(("segments", "Segments begun; all but the last one are sealed"), |archived| archived.segments)?;
    let about = ("lateness", "The greatest time proven after which a late record was not yet shown by Atlas");
    let lateness = |source: &SourceFigures| source.archived().map(|archived| Value::Time(archived.lateness));
    families.seconds(about, each(sources, lateness))
}

fn write_missing(families: &mut Families<'_, '_>, sources: &[SourceFigures]) -> fmt::Result {
    let about = ("gaps", "Ranges within the archived time that are missing, each with its reason");
    families.gauge(about, each(sources, |source| source.archived().map(|archived| Value::Number(archived.gaps()))))?;
    let reasons = |source: &SourceFigures, write: &mut dyn FnMut(Labels<'_>, u64, Duration) -> fmt::Result| {
        let missing = source.archived().map(|archived| archived.missing.as_slice()).unwrap_or_default();
        missing.iter().try_for_each(|(reason, count, time)| {
            write(&[("source", source.name.as_str()), ("reason", reason.as_str())], *count, *time)
        })
    };
    families.gauge(("gaps_by_reason", "The same by reason; only those that there are"), |family| {
        sources
            .iter()
            .try_for_each(|source| reasons(source, &mut |labels, count, _| family.sample(labels, Value::Number(count))))
    })?;
    families.seconds(("gap", "How long what is missing is, by reason; only those that there are"), |family| {
        sources
            .iter()
            .try_for_each(|source| reasons(source, &mut |labels, _, time| family.sample(labels, Value::Time(time))))
    })?;
    let about = ("gap_noticed_timestamp", "When the newest gap was noticed that was not declared by an operator");
    let noticed = |source: &SourceFigures| source.archived()?.gap_noticed.map(Value::At);
    families.seconds(about, each(sources, noticed))?;
    let about = ("damaged_segments", "Segments whose bytes are good up to a length only");
    let damaged = |source: &SourceFigures| source.archived().map(|archived| Value::Number(archived.damaged_segments));
    families.gauge(about, each(sources, damaged))?;
    let about = ("damage_noticed_timestamp", "When the newest damaged segment was noticed");
    let noticed = |source: &SourceFigures| source.archived()?.damage_noticed.map(Value::At);
    families.seconds(about, each(sources, noticed))?;
    let about = ("source_readable", "Whether the state of the source can be read: 0 if it is damaged");
    let readable = |source: &SourceFigures| source.known.as_ref().map(|known| Value::Truth(known.archived.is_some()));
    families.gauge(about, each(sources, readable))
}

fn write_polls(families: &mut Families<'_, '_>, sources: &[SourceFigures], now: Instant) -> fmt::Result {
    families.counter(("polls", "Polls, by outcome"), |family| {
        sources.iter().try_for_each(|source| {
            let Some(Polls { polls, failed, .. }) = source.polls() else { return Ok(()) };
            let ok = polls.saturating_sub(*failed);
            family.sample(&[("source", &source.name), ("outcome", "ok")], Value::Count(ok))?;
            family.sample(&[("source", &source.name), ("outcome", "failed")], Value::Count(*failed))
        })
    })?;
    let requests = |source: &SourceFigures| source.polls().map(|polls| Value::Count(polls.requests));
    families.counter(("requests", "Requests to Atlas for data"), each(sources, requests))?;
    let about = ("poll_success_timestamp", "When the last poll began that did not fail");
    families.seconds(about, each(sources, |source| source.polls()?.succeeded.map(Value::At)))?;
    let about = ("failing", "For how long polls of the source have been failing; 0 if the last one did not");
    let failing = |source: &SourceFigures| {
        let failing_since = source.polls()?.failing_since.filter(|_| !source.paused);
        Some(Value::Time(failing_since.map_or(Duration::ZERO, |since| now.since(since))))
    };
    families.seconds(about, each(sources, failing))?;
    let about = (
        "paused",
        "Whether the cluster is paused and Atlas does not answer for it; it is not failing then, nor behind",
    );
    families.gauge(about, each(sources, |source| source.known.as_ref().map(|_| Value::Truth(source.paused))))
}

fn write_reconciliations(families: &mut Families<'_, '_>, sources: &[SourceFigures]) -> fmt::Result {
    let about = ("reconciliation_success_timestamp", "When the last reconciliation began that did not fail");
    families.seconds(about, each(sources, |source| source.reconciliation()?.succeeded.map(Value::At)))?;
    let about = ("reconciliation_failing", "Whether the last reconciliation failed");
    let failing =
        |source: &SourceFigures| source.reconciliation().map(|last| Value::Truth(last.failed && !source.paused));
    families.gauge(about, each(sources, failing))?;
    let about = ("reconciliation_missing_records", "Records that the last reconciliation found missing, and archived");
    let missing = |source: &SourceFigures| source.reconciliation().map(|last| Value::Number(last.missing));
    families.gauge(about, each(sources, missing))
}
