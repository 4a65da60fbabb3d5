//! Planning a whole range, whatever gets in the way.

use std::{collections::BTreeSet, time::Duration};

use proptest::{collection::vec, prelude::*};

use super::{FullPage, Planner, SLACK, subtract};
use crate::{instant::Instant, window::Window};

const HOUR: i64 = 3_600_000;
const DAY: i64 = 24 * HOUR;

/// The range is somewhere within this.
const END: i64 = 3 * DAY;

/// No range of this length costs more tries.
const MOST_TRIES: usize = 2_000;

/// Wrong answers are not asked for in shorter parts than this.
const SHORTEST_RETREAT: Duration = Duration::from_secs(60);

/// What becomes of a window that is asked for, besides being full or not.
#[derive(Clone, Copy, Debug)]
enum Answer {
    Whole,
    /// It is wrong again, and asked in shorter parts where it can be.
    Wrong,
    /// It is for this share of the window only.
    Narrower(u8),
    /// It shows that nothing before this is held any more.
    Lost(i64),
    /// It shows that it is earlier than was thought.
    Earlier(i64),
}

/// A planner as one poll uses it, and what it is judged by.
struct Poll {
    planner: Planner,
    limit: Option<usize>,
    now: Instant,
    /// Where the next window has to begin, and where the last one has to end.
    at: Instant,
    until: Instant,
    declared: Vec<Window>,
    /// What was asked and not refused, tile by tile, with what was asked for each.
    tiles: Vec<(Window, Window)>,
    /// What was passed over because nothing of it is held any more.
    jumped: Vec<Window>,
    seen: BTreeSet<i64>,
}

impl Poll {
    /// Asks for the next window and takes note of the answer. Whether there was one to ask for.
    fn ask(&mut self, entries: &[i64], answer: Answer) -> Result<bool, TestCaseError> {
        while let Some(hole) = self.declared.iter().find(|hole| hole.contains(self.at)) {
            self.at = hole.to;
        }
        let Some(window) = self.planner.next_window() else {
            prop_assert!(self.at >= self.until, "a hole from {} to {}", self.at, self.until);
            return Ok(false);
        };
        prop_assert!(window.from == self.at && window.to <= self.until && !window.is_empty(), "{window} is no tile");
        prop_assert!(window.duration() <= Duration::from_secs(24 * 3600), "{window} is wide");
        let declared = self.declared.iter().any(|hole| !hole.intersection(window).is_empty());
        prop_assert!(!declared, "{window} was declared never to be had");
        let asked = self.planner.asked(window);
        prop_assert!(asked.from < window.from && window.to <= asked.to, "{asked} is less than {window} and slack");
        prop_assert!(
            window.from.since(asked.from) <= SLACK && asked.to.since(window.to) <= SLACK,
            "{asked} for {window}"
        );
        prop_assert!(asked.to <= self.now.max(window.to), "{asked} is to come");
        prop_assert!(asked.to > window.to || self.now <= window.to, "{asked} has no slack behind {window}");
        if let Some((before, asked_before)) = self.tiles.last().filter(|(before, _)| before.to == window.from) {
            prop_assert!(asked.from < asked_before.to, "{asked_before} for {before} and {asked} do not overlap");
        }
        if matches!(answer, Answer::Wrong) {
            let is_narrowed = self.planner.retreat(window);
            prop_assert_eq!(is_narrowed, window.duration() > SHORTEST_RETREAT);
            if is_narrowed {
                let next = self.planner.next_window().unwrap_or(window);
                let wanted = (window.duration() / 8).max(SHORTEST_RETREAT);
                prop_assert!(
                    next.from == window.from && next.duration().as_millis() == wanted.as_millis(),
                    "{next} instead of {window}"
                );
                return Ok(true);
            }
        }
        self.answered(entries, window, asked, answer)
    }

    fn answered(
        &mut self,
        entries: &[i64],
        window: Window,
        asked: Window,
        answer: Answer,
    ) -> Result<bool, TestCaseError> {
        let mut found = within(entries, asked.from, asked.to + Duration::from_millis(1)).to_vec();
        if let Some(limit) = self.limit {
            found.drain(..found.len().saturating_sub(limit));
        }
        let count = found.len() as u64;
        if self.planner.is_full(count) {
            let at = |place: usize| found.get(place).copied().map(Instant::from_millis);
            let page = FullPage { oldest: at(0), newest_quarter: at(found.len() * 3 / 4) };
            if self.planner.full(window, page) {
                let next = self.planner.next_window();
                prop_assert!(next.is_some_and(|next| next.from == window.from && next.to < window.to), "not narrowed");
                return Ok(true);
            }
            prop_assert!(window.duration() <= Duration::from_millis(1), "{window} can be narrowed");
            // All that can be done is done: it is a gap with a reason.
            found.extend(within(entries, window.from, window.to));
        }
        let window = match answer {
            Answer::Narrower(percent) => {
                Window::new(window.from, window.from + window.duration() * u32::from(percent) / 100)
            }
            _ => window,
        };
        if window.is_empty() {
            // The poll ends there.
            self.until = self.at;
            return Ok(false);
        }
        self.seen.extend(found.into_iter().filter(|&at| window.contains(Instant::from_millis(at))));
        if let Answer::Earlier(at) = answer {
            let by = Instant::from_millis(at).max(window.to);
            self.planner.end_by(by);
            self.until = self.until.min(by);
        }
        self.planner.covered(window, count);
        self.at = window.to;
        self.tiles.push((window, asked));
        if let Answer::Lost(to) = answer {
            let to = Instant::from_millis(to).min(self.until);
            self.planner.jump(to);
            if to > self.at {
                self.jumped.push(Window::new(self.at, to));
                self.at = to;
            }
        }
        Ok(true)
    }
}

fn window(from: i64, to: i64) -> Window {
    Window::new(Instant::from_millis(from), Instant::from_millis(to))
}

fn answer() -> impl Strategy<Value = Answer> {
    prop_oneof![
        8 => Just(Answer::Whole),
        3 => Just(Answer::Wrong),
        1 => (0..=100_u8).prop_map(Answer::Narrower),
        1 => (0..END).prop_map(Answer::Lost),
        1 => (0..END).prop_map(Answer::Earlier),
    ]
}

/// The entries from `from` on and before `to`.
fn within(entries: &[i64], from: Instant, to: Instant) -> &[i64] {
    let place = |instant: Instant| entries.partition_point(|&at| at < instant.millis());
    &entries[place(from)..place(to)]
}

/// Entries far from each other, within seconds, and many in the same millisecond or two; in the order of their time.
fn entries() -> impl Strategy<Value = Vec<i64>> {
    let near = |from: i64, length: i64| vec(from..from + length, 0..100);
    let anywhere = (0..END, prop_oneof![1..4_i64, 1..100_i64]);
    let burst = prop_oneof![
        2 => anywhere.prop_flat_map(move |(from, length)| near(from, length)),
        1 => near(0, END),
        1 => near(5 * HOUR, 20_000),
    ];
    vec(burst, 0..4).prop_map(|bursts| {
        let mut entries: Vec<i64> = bursts.into_iter().flatten().collect();
        entries.sort_unstable();
        entries
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// Windows tile the range without a hole, and overlap in nothing but their slack, whatever the answers are: full,
    /// wrong, for less than was asked, or a sign that something is no longer held or still to come. What lies in a
    /// tile was seen in an answer that was not full, or the tile is a millisecond.
    #[test]
    fn windows_tile_the_range_whatever_the_answers_are(
        entries in entries(),
        range in (0..END, 0..END),
        // With much smaller pages windows would not grow again.
        limit in proptest::option::of(20..40_usize),
        declared in vec((0..END, prop_oneof![1..10_i64, 1..DAY]), 0..4),
        now in prop_oneof![3 => Just(END), 1 => 0..END],
        width in proptest::option::of(prop_oneof![0..10_u64, 0..100_000_000_u64]),
        answers in vec(answer(), 0..60),
    ) {
        let range = window(range.0.min(range.1), range.0.max(range.1));
        let declared: Vec<Window> = declared.into_iter().map(|(from, length)| window(from, from + length)).collect();
        let now = Instant::from_millis(now);
        let mut planner = Planner::new(range, now, limit.map(|limit| limit as u64), declared.clone());
        if let Some(width) = width {
            planner = planner.with_width(Duration::from_millis(width));
        }
        let mut poll = Poll {
            planner,
            limit,
            now,
            at: range.from,
            until: range.to,
            declared: declared.clone(),
            tiles: Vec::new(),
            jumped: Vec::new(),
            seen: BTreeSet::new(),
        };
        let mut answers = answers.into_iter().chain(std::iter::repeat(Answer::Whole));
        let mut tries = 0;
        while poll.ask(&entries, answers.next().unwrap_or(Answer::Whole))? {
            tries += 1;
            prop_assert!(tries < MOST_TRIES, "no end in sight");
        }
        let wanted = subtract(Window::new(range.from, poll.until), declared.into_iter().chain(poll.jumped));
        let mut joined: Vec<Window> = Vec::new();
        for (tile, _) in poll.tiles {
            match joined.last_mut() {
                Some(last) if last.to == tile.from => last.to = tile.to,
                _ => joined.push(tile),
            }
        }
        // What was jumped in the midst of a declared range, or ends where one begins, may cut a tile in two.
        let holes = |tiles: &[Window]| subtract(range, tiles.iter().copied());
        prop_assert_eq!(holes(&joined), holes(&wanted));
        let wanted = entries.into_iter().filter(|&at| wanted.iter().any(|tile| tile.contains(Instant::from_millis(at))));
        for at in wanted {
            prop_assert!(poll.seen.contains(&at), "the entry at {} was never seen", at);
        }
    }
}
