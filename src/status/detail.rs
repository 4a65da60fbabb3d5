//! One source for people.

use comfy_table::{CellAlignment, Table, presets};

use crate::{
    instant::Instant,
    shown::{excerpt, shown},
    state::{PollRecord, Reconciled, SourceState},
    status::{Row, row::Condition},
    words,
};

/// No failure of a poll is longer in the table of polls, in characters; the last one stands whole above it.
const FAILURE_EXCERPT: usize = 200;

/// One source for people, with everything that is known of it.
pub(crate) fn detail(row: &Row) -> String {
    let name = shown(&row.name);
    let mut parts = vec![match row.condition() {
        Condition::Removed => format!("{name} (removed from the configuration)"),
        _ => name,
    }];
    parts.push(table(&facts(row), &[]));
    if !row.gaps.is_empty() {
        let gaps = row.gaps.iter().map(|gap| {
            let why = format!("{}{}", gap.reason.sentence(), words::in_brackets(&gap.detail));
            vec![gap.window.from.to_string(), gap.window.to.to_string(), gap.noticed.to_string(), why]
        });
        parts.push(titled("gaps", &["from", "to", "noticed", "why"], gaps, &[]));
    }
    if !row.damaged_segments.is_empty() {
        let segments = row.damaged_segments.iter().map(|segment| {
            let good = format!("{} bytes", words::number(segment.good_length));
            vec![segment.name.to_string(), good, segment.noticed.to_string(), shown(&segment.detail)]
        });
        parts.push(titled("damaged segments", &["segment", "good are its first", "noticed", "what"], segments, &[1]));
    }
    if !row.polls.is_empty() {
        let header = ["begun", "took", "windows", "requests", "records", "bytes", "outcome"];
        parts.push(titled("recent polls", &header, row.polls.iter().map(poll), &[1, 2, 3, 4, 5]));
    }
    parts.join("\n\n")
}

fn facts(row: &Row) -> Vec<Vec<String>> {
    let mut facts = Vec::new();
    let mut fact = |name: &str, value: String| facts.push(vec![name.to_owned(), value]);
    let outcome = row.outcome();
    let message = row.health.as_ref().map(|health| health.message.as_str()).filter(|message| !message.is_empty());
    if let Some(why) = row.not_collected {
        fact("not collected", why.to_string());
    }
    match row.damage.as_deref().or(message) {
        Some(message) => fact("last poll", format!("{outcome}: {}", shown(message))),
        None => fact("last poll", outcome),
    }
    if let Some(success) = row.health.as_ref().filter(|health| health.is_failing()) {
        let never = || "never".to_owned();
        fact("last success", success.succeeded.map_or_else(never, |instant| moment(instant, row.now)));
    }
    if let Some(rhythm) = &row.rhythm {
        let next = rhythm.next_poll.map_or("never".to_owned(), |next| moment(next, row.now));
        fact("next poll", format!("{next}, by the schedule \"{}\"", rhythm.pattern));
    }
    if let Some(covered) = row.covered() {
        let gaps = match row.gaps.len() as u64 {
            0 => String::new(),
            gaps => format!(", less {}", words::count(gaps, "gap")),
        };
        fact("archived", format!("from {} to {}{gaps}", covered.from, covered.to));
    }
    if let Some(provisional) = row.provisional() {
        fact("provisional", format!("up to {}: archived, and asked again for late records", provisional.to));
    }
    if let Some(lag) = row.lag() {
        let behind = if row.condition() == Condition::Behind { ": behind its schedule" } else { "" };
        let settle = row.rhythm.as_ref().map(|rhythm| format!(" (settle {})", words::duration(rhythm.settle)));
        fact("lag", format!("{}{}{behind}", words::duration(lag), settle.unwrap_or_default()));
    }
    for island in &row.islands {
        fact("backfilled", format!("from {} to {}", island.from, island.to));
    }
    if let Some(state) = &row.state {
        holdings(row, state, &mut fact);
    }
    if let Some(last) = &row.reconciliation {
        fact("reconciliation", reconciliation(last, row.now));
    }
    if let Some(rhythm) = &row.rhythm {
        let next = rhythm.reconcile.as_ref().zip(rhythm.next_reconciliation);
        let next = next.map(|(pattern, next)| format!("{}, by the schedule \"{pattern}\"", moment(next, row.now)));
        fact("next reconciliation", next.unwrap_or_else(|| "by command only".to_owned()));
    }
    facts
}

fn holdings(row: &Row, state: &SourceState, fact: &mut impl FnMut(&str, String)) {
    let (records, bytes) = (words::count(state.records, "record"), words::bytes(state.bytes));
    fact("records", format!("{records}, {bytes}; {} today", words::number(row.records_today())));
    if state.late_records > 0 {
        let (late, lateness) = (words::count(state.late_records, "record"), words::duration(state.lateness));
        fact(
            "late",
            format!("{late} came later than the settle time, the latest at least {lateness} after it happened"),
        );
    }
    fact("folder", shown(&state.folder));
    fact(
        "open segment",
        state.open.as_ref().map_or("none".to_owned(), |open| {
            let (records, bytes) = (words::count(open.records, "record"), words::bytes(open.length));
            format!("{}: {records}, {bytes}", open.name)
        }),
    );
    let last = state.told.digest.as_ref();
    fact(
        "last digest",
        last.map_or("none".to_owned(), |last| format!("{}, SHA-256 {}", last.segment.digest(), last.sha256)),
    );
    if let Some(health) = &row.health {
        fact("polls", format!("{}, {}", words::number(health.polls), words::count(health.requests, "request")));
    }
}

fn reconciliation(last: &Reconciled, now: Instant) -> String {
    let begun = moment(last.begun, now);
    if last.message.is_empty() {
        return format!(
            "{begun}: {} compared, {} missing",
            words::count(last.compared, "record"),
            words::number(last.missing)
        );
    }
    let succeeded = last.succeeded.map_or("never".to_owned(), |succeeded| moment(succeeded, now));
    format!("failed, {begun}: {}; last success: {succeeded}", shown(&last.message))
}

fn poll(poll: &PollRecord) -> Vec<String> {
    let PollRecord { figures, failure } = poll;
    vec![
        figures.at.to_string(),
        words::took(figures.duration),
        words::number(figures.windows),
        words::number(figures.requests),
        words::number(figures.records),
        words::bytes(figures.bytes),
        failure.as_ref().map_or("ok".to_owned(), |failure| excerpt(&failure.message, FAILURE_EXCERPT)),
    ]
}

/// An instant, and how far it is from now.
fn moment(instant: Instant, now: Instant) -> String {
    let far = if instant > now {
        format!("in {}", words::duration(instant.since(now)))
    } else {
        format!("{} ago", words::duration(now.since(instant)))
    };
    format!("{instant} ({far})")
}

fn titled(title: &str, header: &[&str], rows: impl IntoIterator<Item = Vec<String>>, right: &[usize]) -> String {
    let rows: Vec<Vec<String>> =
        [header.iter().map(|&head| head.to_owned()).collect()].into_iter().chain(rows).collect();
    format!("{title}\n{}", table(&rows, right))
}

fn table(rows: &[Vec<String>], right: &[usize]) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    rows.iter().for_each(|row| {
        table.add_row(row);
    });
    for &index in right {
        if let Some(column) = table.column_mut(index) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table.trim_fmt()
}
