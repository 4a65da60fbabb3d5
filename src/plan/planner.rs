//! Which window is asked next.

use std::time::Duration;

use crate::{instant::Instant, window::Window};

/// What a window is asked more on its outer bounds, because bounds may be inclusive or not and may be compared with
/// either clock of a record.
pub const SLACK: Duration = Duration::from_secs(5);

/// No window is longer.
const WIDEST: Duration = Duration::from_secs(24 * 3600);

/// No window is narrower, as Atlas takes milliseconds.
const NARROWEST: Duration = Duration::from_millis(1);

/// The share of a full page that a narrowed window aims at, in percent: what is asked twice because a window was too
/// wide costs a whole page, a window too narrow only the rest.
const FILL_PERCENT: u32 = 85;

/// A window is uneven where what was cut off spans so many times more time than what came.
const UNEVEN: u32 = 4;

/// So many full pages in a row are taken for bursts at the end of what is quiet otherwise.
const BURSTS: u32 = 4;

/// How much wider a window may be than the one before.
const GROWTH: u32 = 16;

/// How much narrower the next one is where the answer for a window is wrong again and again …
const RETREAT: u32 = 8;

/// … and how narrow it gets at most.
const NARROWEST_RETREAT: Duration = Duration::from_secs(60);

/// What a full page shows of how its entries lie. Atlas keeps the newest and sends the newest first, but promises
/// neither, so that these are hints.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FullPage {
    /// The oldest clock in it.
    pub oldest: Option<Instant>,
    /// A clock that about a quarter of its entries are newer than.
    pub newest_quarter: Option<Instant>,
}

/// Cuts a range into windows, oldest first, and adapts their width to how dense the records lie.
#[derive(Clone, Debug)]
pub struct Planner {
    cursor: Instant,
    until: Instant,
    now: Instant,
    width: Duration,
    page_limit: Option<u64>,
    declared: Vec<Window>,
    /// Full pages in a row.
    full_pages: u32,
    /// Where a full page showed the records to become dense, or a page of them to be nearly full: no window goes on
    /// beyond one of these.
    cuts: Vec<Instant>,
    /// The cut that the last window ended at.
    passed: Option<Instant>,
}

impl Planner {
    /// Plans `range`, at `now` by Atlas' clock as far as it is known.
    ///
    /// `page_limit` is the number of entries in a full page; nothing for answers that are never cut off. Ranges in
    /// `declared` were declared never to be had and are passed over.
    #[must_use]
    pub fn new(range: Window, now: Instant, page_limit: Option<u64>, declared: Vec<Window>) -> Self {
        Self {
            cursor: range.from,
            until: range.to,
            now,
            width: WIDEST,
            page_limit,
            declared,
            full_pages: 0,
            cuts: Vec::new(),
            passed: None,
        }
    }

    /// Begins with windows of this width, because that was right the last time.
    #[must_use]
    pub fn with_width(mut self, width: Duration) -> Self {
        self.width = width.clamp(NARROWEST, WIDEST);
        self
    }

    /// How wide windows are now.
    #[must_use]
    pub fn width(&self) -> Duration {
        self.width
    }

    /// The next window to ask; nothing when the range is covered.
    pub fn next_window(&mut self) -> Option<Window> {
        while let Some(hole) = self.declared.iter().find(|hole| hole.contains(self.cursor)) {
            self.cursor = hole.to;
        }
        if self.cuts.contains(&self.cursor) {
            self.passed = Some(self.cursor);
        }
        self.cuts.retain(|&cut| cut > self.cursor);
        if let Some(&cut) = self.cuts.iter().min()
            && cut < self.cursor + self.width
        {
            self.width = cut.since(self.cursor);
        }
        let next_hole = self.declared.iter().map(|hole| hole.from).filter(|&from| from > self.cursor).min();
        let stop = next_hole.map_or(self.until, |from| from.min(self.until));
        let window = Window::new(self.cursor, stop.min(self.cursor + self.width));
        (!window.is_empty()).then_some(window)
    }

    /// The range that is asked of Atlas for `window`: more on both sides, but nothing that is still to come.
    ///
    /// The narrower a window had to be made, the less it is widened, and least where the records beyond its edge are
    /// known to be dense; else it would be full for ever. Windows that meet still overlap by more than Atlas can resolve.
    #[must_use]
    pub fn asked(&self, window: Window) -> Window {
        let slack = match self.width {
            width if width >= Duration::from_secs(60) => SLACK,
            width if width >= Duration::from_secs(4) => Duration::from_secs(1),
            _ => NARROWEST,
        };
        let before = if self.passed == Some(window.from) { NARROWEST } else { slack };
        let behind = if self.cuts.contains(&window.to) { NARROWEST } else { slack };
        Window::new(window.from - before, (window.to + behind).min(self.now.max(window.to)))
    }

    /// Whether an answer with this many entries may have been cut off.
    #[must_use]
    pub fn is_full(&self, entries: u64) -> bool {
        self.page_limit.is_some_and(|limit| entries >= limit)
    }

    /// Takes note that the page of `window` was full. Whether a narrower window can be asked.
    pub fn full(&mut self, window: Window, page: FullPage) -> bool {
        let width = window.duration();
        if width <= NARROWEST {
            return false;
        }
        let within = |instant: &Instant| window.from < *instant && *instant < window.to;
        let oldest = page.oldest.filter(within);
        let quarter = page.newest_quarter.filter(within);
        self.width = match oldest {
            Some(oldest) => {
                let (before, dense) = (oldest.since(window.from), quarter.unwrap_or(window.to).since(oldest));
                if before > dense * UNEVEN && self.full_pages < BURSTS {
                    // A burst at the end of a quiet range: what was cut off lies before it.
                    self.cuts.extend([Some(oldest), quarter].into_iter().flatten());
                    before
                } else {
                    self.cuts.clear();
                    // A second full page says that the records do not lie evenly, so that their density says little.
                    dense.min(width * 9 / 10 / (1 << (2 * self.full_pages).min(16)))
                }
            }
            None => width / 2,
        };
        self.width = self.width.max(NARROWEST);
        self.full_pages += 1;
        true
    }

    /// Takes note that the answer for `window` is wrong again, so that what can be had of it is had, and no more of it
    /// has to be given up than it must. Whether a narrower window can be asked.
    pub fn retreat(&mut self, window: Window) -> bool {
        let width = window.duration();
        let narrower = (width / RETREAT).max(NARROWEST_RETREAT);
        if narrower < width {
            self.width = narrower;
        }
        narrower < width
    }

    /// Takes note that `window` is covered by an answer with this many entries.
    pub fn covered(&mut self, window: Window, entries: u64) {
        self.cursor = self.cursor.max(window.to);
        self.full_pages = 0;
        let most = self.width.as_millis() * u128::from(GROWTH);
        let fits = self.page_limit.map_or(most, |limit| {
            let aim = u128::from(limit) * u128::from(FILL_PERCENT) / 100;
            window.duration().as_millis().max(1) * aim / u128::from(entries.max(1))
        });
        let next = u64::try_from(fits.min(most)).unwrap_or(u64::MAX);
        // A window that was cut short by the end of the range says little about a whole one.
        let next = Duration::from_millis(next).clamp(NARROWEST, WIDEST);
        self.width = if window.duration() < self.width { next.max(self.width) } else { next };
    }

    /// Plans nothing from `instant` on: the clock that the range was planned by turned out to be wrong.
    pub fn end_by(&mut self, instant: Instant) {
        self.until = self.until.min(instant);
    }

    /// Goes on at `instant`, because nothing before it can be had.
    pub fn jump(&mut self, instant: Instant) {
        self.cursor = self.cursor.max(instant);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const DAY: i64 = 24 * 3_600_000;

    fn window(from: i64, to: i64) -> Window {
        Window::new(Instant::from_millis(from), Instant::from_millis(to))
    }

    #[test]
    fn a_backlog_is_cut_into_days_oldest_first() {
        let mut planner = Planner::new(window(0, 2 * DAY + 5), Instant::from_millis(9 * DAY), None, Vec::new());
        let mut windows = Vec::new();
        while let Some(next) = planner.next_window() {
            planner.covered(next, 0);
            windows.push(next);
        }
        assert_eq!(windows, [window(0, DAY), window(DAY, 2 * DAY), window(2 * DAY, 2 * DAY + 5)]);
    }

    #[test]
    fn nothing_is_asked_in_a_declared_gap_or_in_the_future() {
        let now = Instant::from_millis(1_000_000);
        let mut planner = Planner::new(window(0, 1_000_000), now, None, vec![window(100_000, 900_000)]);
        let first = planner.next_window().unwrap();
        assert_eq!(first, window(0, 100_000));
        assert_eq!(planner.asked(first), window(-5_000, 105_000));
        planner.covered(first, 1);
        let second = planner.next_window().unwrap();
        assert_eq!(second, window(900_000, 1_000_000));
        assert_eq!(planner.asked(second), window(895_000, 1_000_000));
        planner.covered(second, 1);
        assert_eq!(planner.next_window(), None);
    }

    /// Entries at the given milliseconds, asked for with inclusive bounds, at most `limit` of them, newest kept.
    fn ask(entries: &[i64], asked: Window, limit: usize) -> (u64, FullPage, Vec<i64>) {
        let mut found: Vec<i64> =
            entries.iter().copied().filter(|&at| asked.from.millis() <= at && at <= asked.to.millis()).collect();
        found.sort_unstable();
        let kept = found.split_off(found.len().saturating_sub(limit));
        let at = |place: usize| kept.get(place).copied().map(Instant::from_millis);
        let page = FullPage { oldest: at(0), newest_quarter: at(kept.len() * 3 / 4) };
        (kept.len() as u64, page, kept)
    }

    proptest! {
        /// Windows tile the range: no hole, no overlap but the slack; every entry is seen in an answer that was not
        /// full, or its window could not be narrowed further.
        #[test]
        fn windows_tile_the_range_however_dense_it_is(
            entries in proptest::collection::vec(prop_oneof![0..3 * DAY, 5_000_000..5_000_900i64], 0..400),
            to in 1..3 * DAY,
            declared in proptest::option::of((0..2 * DAY, 1..DAY)),
        ) {
            let limit = 20;
            let holes: Vec<Window> = declared.into_iter().map(|(from, length)| window(from, from + length)).collect();
            let now = Instant::from_millis(4 * DAY);
            let mut planner = Planner::new(window(0, to), now, Some(limit), holes.clone());
            let (mut tiles, mut seen, mut asked_in_all) = (Vec::new(), std::collections::HashSet::new(), 0);
            while let Some(next) = planner.next_window() {
                asked_in_all += 1;
                prop_assert!(asked_in_all < 5_000, "no end in sight");
                let (count, page, kept) = ask(&entries, planner.asked(next), 20);
                if planner.is_full(count) && planner.full(next, page) {
                    continue;
                }
                if planner.is_full(count) {
                    seen.extend(entries.iter().copied().filter(|&at| next.contains(Instant::from_millis(at))));
                }
                seen.extend(kept);
                planner.covered(next, count);
                tiles.push(next);
            }
            let wanted = subtract_all(window(0, to), &holes);
            let mut joined: Vec<Window> = Vec::new();
            for tile in tiles {
                match joined.last_mut() {
                    Some(last) if last.to == tile.from => last.to = tile.to,
                    _ => joined.push(tile),
                }
            }
            prop_assert_eq!(joined, wanted.clone());
            for at in entries {
                if wanted.iter().any(|part| part.contains(Instant::from_millis(at))) {
                    prop_assert!(seen.contains(&at), "the entry at {} was never seen", at);
                }
            }
        }
    }

    fn subtract_all(range: Window, holes: &[Window]) -> Vec<Window> {
        crate::plan::subtract(range, holes.iter().copied())
    }

    /// How many requests a range costs, with pages of 20,000.
    fn requests(entries: &[i64], range: Window) -> usize {
        let mut planner = Planner::new(range, range.to, Some(20_000), Vec::new());
        let mut requests = 0;
        while let Some(next) = planner.next_window() {
            requests += 1;
            let (count, page, _) = ask(entries, planner.asked(next), 20_000);
            if !(planner.is_full(count) && planner.full(next, page)) {
                planner.covered(next, count);
            }
        }
        requests
    }

    #[test]
    fn an_even_backlog_costs_few_requests() {
        let entries: Vec<i64> = (0..400_000).map(|n| n * (7 * DAY / 400_000)).collect();
        let requests = requests(&entries, window(0, 7 * DAY));

        assert!(requests <= 26, "{requests} requests for 20 full pages");
    }

    #[test]
    fn a_burst_costs_few_requests_wherever_it_lies() {
        for (burst, lasting, most) in [(24_000, 360_000, 8), (45_000, 60_000, 12), (45_000, 1_000, 14)] {
            for from in [DAY / 7, DAY / 2, DAY - lasting] {
                let mut entries: Vec<i64> = (0..1440).map(|minute| minute * 60_000).collect();
                entries.extend((0..burst).map(|n| from + n * lasting / burst));
                let requests = requests(&entries, window(0, DAY));

                assert!(requests <= most, "{requests} requests for {burst} entries within {lasting} ms from {from} on");
            }
        }
    }
}
