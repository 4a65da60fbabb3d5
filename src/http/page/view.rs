//! What the template is filled with. Every text of others is [`shown`] here and escaped by the template.

use std::time::Duration;

use askama::Template;

use crate::{
    http::page::{
        STYLE,
        asked::Asked,
        choice::{Choice, Count, ON_A_PAGE},
        period::Period,
        strip::{self, Kind, Mark, Strip},
    },
    instant::Instant,
    plan::{Gap, GapReason},
    shown::{excerpt, shown},
    state::Head,
    status::{Cells, Condition, HEADER, Row, problems},
    words,
};

/// A page has no more marks; then it has fewer sources.
const MARKS: usize = 4000;

/// So many gaps of a source are listed, the newest.
const GAPS: usize = 20;

/// No text of others is longer, in characters.
const TEXT: usize = 1000;

/// The page.
#[derive(Debug, Template)]
#[template(path = "page.html", config = "src/http/page/askama.toml")]
pub(super) struct Page {
    style: &'static str,
    version: &'static str,
    now: String,
    refreshes: bool,
    refresh_link: String,
    words: String,
    lead: String,
    chips: Vec<Badge>,
    head: Option<String>,
    axes: Vec<Axis>,
    legend: Vec<Legend>,
    reasons: Vec<(&'static str, &'static str)>,
    header: [&'static str; 7],
    sources: Vec<SourceView>,
    problems: Vec<String>,
    /// Which of them are shown.
    shown: String,
    previous: Option<String>,
    next: Option<String>,
    from: usize,
    meant: usize,
    marks: usize,
    asked: Asked,
}

/// A word with a symbol, so that neither colour nor symbol alone says it.
#[derive(Debug)]
struct Badge {
    class: &'static str,
    symbol: &'static str,
    text: String,
}

#[derive(Debug)]
struct Axis {
    id: &'static str,
    name: &'static str,
    /// Places in percent, and labels.
    ticks: Vec<(String, String)>,
}

#[derive(Debug)]
struct Legend {
    class: &'static str,
    text: &'static str,
}

#[derive(Debug)]
struct SourceView {
    /// What its elements are called in the page.
    number: usize,
    name: String,
    badge: Badge,
    strips: Vec<StripView>,
    gaps: Vec<GapView>,
    gap_count: String,
    more_gaps: usize,
    cells: Cells,
}

#[derive(Debug)]
struct StripView {
    id: &'static str,
    name: &'static str,
    description: String,
    marks: Vec<MarkView>,
}

#[derive(Debug)]
struct MarkView {
    class: &'static str,
    is_gap: bool,
    x: String,
    width: String,
    middle: String,
    title: String,
    letter: Option<&'static str>,
}

#[derive(Debug)]
struct GapView {
    letter: &'static str,
    class: &'static str,
    from: String,
    to: String,
    length: String,
    why: String,
    noticed: String,
}

impl Page {
    pub(super) fn new(asked: &Asked, choice: &Choice, periods: &[Period; 3], now: Instant, head: Option<Head>) -> Self {
        let axis = |period: &Period| Axis {
            id: period.id,
            name: period.name,
            ticks: period.ticks.iter().map(|tick| (percent(tick.x), tick.label.clone())).collect(),
        };
        Self {
            style: STYLE,
            version: env!("CARGO_PKG_VERSION"),
            now: second(now),
            refreshes: asked.refreshes(),
            refresh_link: asked.link_for_refresh(),
            words: asked.words(),
            lead: lead(choice, now),
            chips: choice.counts.iter().map(chip).collect(),
            head: head.map(|head| format!("{}: {}", head.date, head.sha256)),
            axes: periods.iter().map(axis).collect(),
            legend: legend(),
            reasons: GapReason::ALL.map(|reason| (strip::letter(reason), reason.sentence())).to_vec(),
            header: HEADER,
            sources: Vec::new(),
            problems: Vec::new(),
            shown: String::new(),
            previous: (asked.from > 0).then(|| asked.link(asked.from.saturating_sub(ON_A_PAGE))),
            next: None,
            from: asked.from,
            meant: choice.meant(),
            marks: 0,
            asked: asked.clone(),
        }
    }

    /// Whether no further source has a place.
    pub(super) fn is_full(&self) -> bool {
        self.marks >= MARKS
    }

    /// Adds what is to be said of lists that cannot be had.
    pub(super) fn add_failing(&mut self, failing: &[String]) {
        self.problems.extend(failing.iter().map(|line| excerpt(line, TEXT)));
    }

    /// Adds a source. `keep` is for how long segments are kept.
    pub(super) fn add(&mut self, row: &Row, periods: &[Period; 3], keep: Option<Duration>) {
        let strip = |period: &Period| {
            let Strip { description, marks } = Strip::of(row, period, keep);
            let (id, name) = (period.id, period.name);
            StripView { id, name, description, marks: marks.iter().map(mark).collect() }
        };
        let strips: Vec<StripView> = periods.iter().map(strip).collect();
        self.marks += strips.iter().map(|strip| strip.marks.len()).sum::<usize>();
        let newest = strip::newest_first(&row.gaps);
        self.problems.extend(problems(row).iter().map(|problem| excerpt(problem, TEXT)));
        self.sources.push(SourceView {
            number: self.from + self.sources.len() + 1,
            name: shown(&row.name),
            badge: badge(row),
            strips,
            gaps: newest.iter().take(GAPS).map(|gap| gap_view(gap)).collect(),
            gap_count: words::count(row.gaps.len() as u64, "gap"),
            more_gaps: row.gaps.len().saturating_sub(GAPS),
            cells: Cells::of(row),
        });
    }

    /// The page with all that is shown on it.
    pub(super) fn finish(mut self) -> Self {
        let to = self.from + self.sources.len();
        self.next = (to < self.meant && to > self.from).then(|| self.asked.link(to));
        let meant = words::number(self.meant as u64);
        self.shown = match self.sources.len() {
            0 => format!("none of {meant}"),
            _ => format!("{}–{} of {meant}", words::number(self.from as u64 + 1), words::number(to as u64)),
        };
        self
    }
}

fn lead(choice: &Choice, now: Instant) -> String {
    let sources = words::count(choice.all() as u64, "source");
    let gaps = match choice.gaps {
        0 => "nothing is missing of the last year".to_owned(),
        gaps => format!("{} in the last year", words::count(gaps as u64, "gap")),
    };
    let oldest =
        choice.oldest.map(|oldest| format!(", the oldest watermark is {} old", words::duration(now.since(oldest))));
    format!("{sources}, {gaps}{}.", oldest.unwrap_or_default())
}

/// Symbol and class of a condition.
fn symbol(condition: Condition) -> (&'static str, &'static str) {
    match condition {
        Condition::Damaged | Condition::Failing => ("✕", "bad"),
        Condition::Unpolled => ("○", "poor"),
        Condition::Behind => ("▲", "poor"),
        Condition::Gaps => ("◆", "poor"),
        Condition::Paused => ("‖", "gone"),
        Condition::Good => ("●", "good"),
        Condition::NotCollected | Condition::Removed => ("–", "gone"),
    }
}

fn chip(count: &Count) -> Badge {
    let (symbol, class) = symbol(count.condition);
    let what = match count.condition {
        Condition::Damaged => "with a damaged state",
        Condition::Failing => "failing",
        Condition::Unpolled => "never polled",
        Condition::Behind => "behind",
        Condition::Gaps => "with gaps",
        Condition::Paused => "paused",
        Condition::Good => "ok",
        Condition::NotCollected => "not collected",
        Condition::Removed => "removed",
    };
    Badge { class, symbol, text: format!("{} {what}", words::number(count.sources as u64)) }
}

fn badge(row: &Row) -> Badge {
    let condition = row.condition();
    let (symbol, class) = symbol(condition);
    let text = match condition {
        Condition::Damaged | Condition::Failing | Condition::Unpolled | Condition::Paused | Condition::NotCollected => {
            row.outcome()
        }
        Condition::Behind => format!("{} behind", row.lag().map_or_else(String::new, words::about)),
        Condition::Gaps => "ok, with gaps".to_owned(),
        Condition::Good => "ok".to_owned(),
        Condition::Removed => "removed from the configuration".to_owned(),
    };
    Badge { class, symbol, text }
}

fn mark(mark: &Mark) -> MarkView {
    MarkView {
        class: mark.class(),
        is_gap: mark.is_gap(),
        x: percent(mark.x),
        width: percent(mark.width),
        middle: percent(mark.middle()),
        title: mark.title.clone(),
        letter: mark.letter,
    }
}

fn gap_view(gap: &Gap) -> GapView {
    GapView {
        letter: strip::letter(gap.reason),
        class: if strip::is_doubtful(gap.reason) { "doubtful" } else { "missing" },
        from: gap.window.from.to_string(),
        to: gap.window.to.to_string(),
        length: words::duration(gap.window.duration()),
        why: excerpt(&format!("{}{}", gap.reason.sentence(), words::in_brackets(&gap.detail)), TEXT),
        noticed: gap.noticed.to_string(),
    }
}

fn legend() -> Vec<Legend> {
    let text = |kind: Kind| match kind {
        Kind::Archived => "archived",
        Kind::Provisional => "provisional: archived, and asked again for late records",
        Kind::Waiting => "not asked yet",
        Kind::Missing => "missing",
        Kind::Doubtful => "possibly incomplete",
        Kind::Expired => "archived, older than segments are kept",
    };
    let kinds = [Kind::Archived, Kind::Provisional, Kind::Waiting, Kind::Missing, Kind::Doubtful, Kind::Expired];
    kinds.into_iter().map(|kind| Legend { class: kind.class(), text: text(kind) }).collect()
}

fn percent(place: f64) -> String {
    format!("{place:.2}%")
}

/// An instant for people, to the second.
fn second(instant: Instant) -> String {
    let minute = words::minute(instant);
    format!("{minute}:{:02} UTC", instant.seconds_floor().rem_euclid(60))
}
