//! One source over one period, as marks.

use std::time::Duration;

use crate::{
    http::page::period::Period,
    instant::Instant,
    plan::{Gap, GapReason},
    shown::excerpt,
    status::Row,
    window::Window,
    words,
};

/// Gaps of which not even so much of the period lies between them are one mark, in percent: a part of a pixel.
const APART: f64 = 0.25;

/// Nothing of what is there is narrower, in percent: a pixel of a narrow picture. Gaps are wider, whatever their length: they
/// have an edge of pixels.
const NARROWEST: f64 = 0.3;

/// A mark that is so wide, in percent, has room for a letter.
const ROOM_FOR_LETTER: f64 = 6.0;

/// So many gaps of one mark are told one by one.
const TOLD: usize = 5;

/// No detail of a gap is longer in a mark, in characters.
const DETAIL: usize = 200;

/// What a mark stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Archived, and settled.
    Archived,
    /// Archived longer ago than segments are kept.
    Expired,
    /// Archived, and asked again for late records.
    Provisional,
    /// Not asked yet.
    Waiting,
    /// Missing.
    Missing,
    /// Archived, and possibly not all of it.
    Doubtful,
}

impl Kind {
    /// The class of the marks.
    pub(super) fn class(self) -> &'static str {
        match self {
            Self::Archived => "archived",
            Self::Expired => "expired",
            Self::Provisional => "provisional",
            Self::Waiting => "waiting",
            Self::Missing => "missing",
            Self::Doubtful => "doubtful",
        }
    }
}

/// A part of a strip.
#[derive(Clone, Debug)]
pub(super) struct Mark {
    pub(super) kind: Kind,
    /// Where it begins, and how wide it is, in percent.
    pub(super) x: f64,
    pub(super) width: f64,
    /// What it stands for, in words.
    pub(super) title: String,
    /// What a gap is called in a wide mark.
    pub(super) letter: Option<&'static str>,
}

impl Mark {
    /// Whether it is a gap.
    pub(super) fn is_gap(&self) -> bool {
        matches!(self.kind, Kind::Missing | Kind::Doubtful)
    }

    pub(super) fn class(&self) -> &'static str {
        self.kind.class()
    }

    pub(super) fn middle(&self) -> f64 {
        self.x + self.width / 2.0
    }
}

/// One source over one period.
#[derive(Debug)]
pub(super) struct Strip {
    /// What is seen in it, in words.
    pub(super) description: String,
    pub(super) marks: Vec<Mark>,
}

impl Strip {
    /// A source over a period. `keep` is for how long segments are kept.
    pub(super) fn of(row: &Row, period: &Period, keep: Option<Duration>) -> Self {
        let mut marks = Vec::new();
        let mut mark = |kind, window: Window, title: &str| {
            let part = window.intersection(period.window);
            if !part.is_empty() {
                let (from, to) = (period.place(part.from), period.place(part.to));
                let width = (to - from).max(NARROWEST);
                let title = format!("{title}: {}", words::range(window));
                marks.push(Mark { kind, x: from.min(100.0 - width), width, title, letter: None });
            }
        };
        for covered in row.islands.iter().copied().chain(row.covered()) {
            // Where it is not known for each segment, the age tells.
            let removed = row.state.as_ref().is_some_and(|state| state.told.removed_to > 0);
            let kept = keep.filter(|_| removed).map_or(covered.from, |keep| (row.now - keep).max(covered.from));
            mark(
                Kind::Expired,
                Window::new(covered.from, kept.min(covered.to)),
                "archived; older than segments are kept",
            );
            mark(Kind::Archived, Window::new(kept, covered.to), "archived");
        }
        if let Some(provisional) = row.provisional() {
            mark(Kind::Provisional, provisional, "provisional: archived, and asked again for late records");
        }
        if let Some(waiting) = waiting(row) {
            mark(Kind::Waiting, waiting, &waits_for(row));
        }
        let gaps = row.gaps.iter().filter(|gap| !gap.window.intersection(period.window).is_empty());
        let gaps: Vec<&Gap> = gaps.collect();
        let description = describe(row, period, gaps.len());
        marks.extend(joined(gaps, period));
        Self { description, marks }
    }
}

/// What was not asked yet.
fn waiting(row: &Row) -> Option<Window> {
    let asked_to = row.provisional().or(row.covered())?.to;
    (row.configured() && asked_to < row.now).then(|| Window::new(asked_to, row.now))
}

fn waits_for(row: &Row) -> String {
    match row.health.as_ref().and_then(|health| health.failing_since) {
        Some(since) => {
            format!("not archived yet, polls have been failing for {}", words::duration(row.now.since(since)))
        }
        None => "not asked yet".to_owned(),
    }
}

fn describe(row: &Row, period: &Period, gaps: usize) -> String {
    let Some(covered) = row.covered() else {
        return format!("{}: nothing is archived: {}", period.name, row.outcome());
    };
    let gaps = match gaps {
        0 => "no gaps".to_owned(),
        gaps => words::count(gaps as u64, "gap"),
    };
    format!("{}: archived {}, {gaps}", period.name, words::range(covered))
}

/// The gaps as marks. Those that lie too near to each other to be told apart are one.
fn joined(gaps: Vec<&Gap>, period: &Period) -> Vec<Mark> {
    let mut groups: Vec<(f64, f64, Vec<&Gap>)> = Vec::new();
    for gap in gaps {
        let (from, to) = (period.place(gap.window.from), period.place(gap.window.to));
        match groups.last_mut() {
            Some((_, end, group)) if from - *end < APART => {
                *end = end.max(to);
                group.push(gap);
            }
            _ => groups.push((from, to, vec![gap])),
        }
    }
    groups.into_iter().map(|(from, to, group)| gap_mark(from, to, &group)).collect()
}

fn gap_mark(from: f64, to: f64, group: &[&Gap]) -> Mark {
    let told = group.iter().take(TOLD).map(|gap| {
        let (range, length) = (words::range(gap.window), words::duration(gap.window.duration()));
        let detail = if gap.detail.is_empty() { String::new() } else { format!(" ({})", excerpt(&gap.detail, DETAIL)) };
        format!("gap {range} ({length}): {}{detail}", gap.reason.sentence())
    });
    let mut title = told.collect::<Vec<_>>().join("\n");
    if group.len() > TOLD {
        title.push_str(&format!("\nand {} more", words::number((group.len() - TOLD) as u64)));
    }
    let doubtful = group.iter().all(|gap| is_doubtful(gap.reason));
    let letter = group.first().map(|gap| gap.reason).filter(|&first| group.iter().all(|gap| gap.reason == first));
    let width = to - from;
    Mark {
        kind: if doubtful { Kind::Doubtful } else { Kind::Missing },
        x: from,
        width,
        title,
        letter: letter.filter(|_| width >= ROOM_FOR_LETTER).map(self::letter),
    }
}

/// Whether something of the range is archived, and perhaps all of it.
pub(super) fn is_doubtful(reason: GapReason) -> bool {
    matches!(reason, GapReason::RowLimit | GapReason::Absent)
}

/// What a reason is called in the picture.
pub(super) fn letter(reason: GapReason) -> &'static str {
    match reason {
        GapReason::Retention => "R",
        GapReason::RowLimit => "L",
        GapReason::Skipped => "S",
        GapReason::Damage => "D",
        GapReason::Absent => "A",
        GapReason::Differs => "≠",
        GapReason::BeforeStart => "B",
    }
}

/// When a gap ends that the newest are listed by.
pub(super) fn newest_first(gaps: &[Gap]) -> Vec<&Gap> {
    let mut gaps: Vec<&Gap> = gaps.iter().collect();
    gaps.sort_by_key(|gap| std::cmp::Reverse::<(Instant, Instant)>((gap.window.to, gap.window.from)));
    gaps
}
