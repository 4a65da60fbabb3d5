//! The gaps of a source, while its digests are added up.
//!
//! Gaps of several reasons may overlap each other, and whoever made an archive up may have made up very many. So that a range
//! that closes gaps touches only those that it overlaps, they lie in layers, in each of which none overlaps another; both the
//! layers and the gaps have a limit that no honest archive comes near.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::{
    evidence::LedgerFault,
    instant::Instant,
    plan::{Gap, GapReason},
    window::Window,
};

/// No more gaps than this are kept, nor read: a digest of the greatest length has room for a third of it.
const MOST_GAPS: usize = 1_000_000;

/// So many gaps, each with another reason or detail, may overlap each other.
const MOST_LAYERS: usize = 256;

/// Gaps, of which new ones take the place of what was told of them before, and which ranges close.
#[derive(Clone, Debug, Default)]
pub(super) struct GapSet {
    /// By where they begin; within a layer, none overlaps another.
    layers: Vec<BTreeMap<Instant, Gap>>,
    /// The windows of all gaps of one reason and detail.
    told: HashMap<(GapReason, String), BTreeSet<Window>>,
    count: usize,
}

impl GapSet {
    /// Adds a gap. One that grew is told again as a whole, and takes the place of what was told of it.
    pub(super) fn declare(&mut self, gap: Gap) -> Result<(), LedgerFault> {
        let Window { from, to } = gap.window;
        let of_it = self.told.entry((gap.reason, gap.detail.clone())).or_default();
        let begin_within = of_it.range(Window::new(from, Instant::MIN)..Window::new(to, Instant::MIN));
        let within: Vec<Window> = begin_within.copied().filter(|told| told.to <= to).collect();
        for window in &within {
            of_it.remove(window);
        }
        of_it.insert(gap.window);
        for window in within {
            self.take_out(&Gap { window, ..gap.clone() });
        }
        self.put(gap)
    }

    /// Takes what was collected out of the gaps. Gives how many it overlapped.
    pub(super) fn close(&mut self, collected: Window) -> Result<usize, LedgerFault> {
        let mut closed = 0;
        for layer in 0..self.layers.len() {
            for gap in overlapping(&self.layers[layer], collected) {
                closed += 1;
                self.count -= 1;
                self.layers[layer].remove(&gap.window.from);
                let key = (gap.reason, gap.detail.clone());
                let told = self.told.entry(key.clone()).or_default();
                told.remove(&gap.window);
                let before = Window::new(gap.window.from, collected.from);
                let after = Window::new(collected.to, gap.window.to);
                for window in [before, after].into_iter().filter(|left| !left.is_empty()) {
                    // Two of one reason and detail may have become the same one.
                    if told.insert(window) {
                        self.layers[layer].insert(window.from, Gap { window, ..gap.clone() });
                        self.count += 1;
                    }
                }
                if told.is_empty() {
                    self.told.remove(&key);
                }
            }
        }
        if self.count > MOST_GAPS { Err(LedgerFault::TooManyGaps(collected)) } else { Ok(closed) }
    }

    /// All of them, in order.
    pub(super) fn to_vec(&self) -> Vec<Gap> {
        let mut gaps: Vec<Gap> = self.layers.iter().flat_map(BTreeMap::values).cloned().collect();
        gaps.sort_by(|one, other| key(one).cmp(&key(other)));
        gaps
    }

    /// Puts a gap into the first layer in which none overlaps it.
    fn put(&mut self, gap: Gap) -> Result<(), LedgerFault> {
        let window = gap.window;
        self.count += 1;
        let free = self.layers.iter().position(|layer| next_overlapping(layer, window).is_none());
        let free = match free {
            Some(layer) => layer,
            None if self.layers.len() < MOST_LAYERS => {
                self.layers.push(BTreeMap::new());
                self.layers.len() - 1
            }
            None => return Err(LedgerFault::TooManyGaps(window)),
        };
        self.layers[free].insert(window.from, gap);
        if self.count > MOST_GAPS { Err(LedgerFault::TooManyGaps(window)) } else { Ok(()) }
    }

    fn take_out(&mut self, gap: &Gap) {
        let is_it = |found: &Gap| (found.window, found.reason, &found.detail) == (gap.window, gap.reason, &gap.detail);
        let holds = |layer: &&mut BTreeMap<Instant, Gap>| layer.get(&gap.window.from).is_some_and(is_it);
        if let Some(layer) = self.layers.iter_mut().find(holds) {
            layer.remove(&gap.window.from);
            self.count -= 1;
        }
    }
}

/// The order in which gaps are told.
fn key(gap: &Gap) -> (Window, &str, &str) {
    (gap.window, gap.reason.as_str(), &gap.detail)
}

/// The last gap of a layer that overlaps `window`.
fn next_overlapping(layer: &BTreeMap<Instant, Gap>, window: Window) -> Option<&Gap> {
    layer.range(..window.to).next_back().map(|(_, gap)| gap).filter(|gap| window.from < gap.window.to)
}

/// The gaps of a layer that overlap `window`.
fn overlapping(layer: &BTreeMap<Instant, Gap>, window: Window) -> Vec<Gap> {
    let last_first = layer.range(..window.to).rev().map(|(_, gap)| gap);
    last_first.take_while(|gap| window.from < gap.window.to).cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn window(from: i64, to: i64) -> Window {
        Window::new(Instant::from_millis(from), Instant::from_millis(to))
    }

    fn gap(from: i64, to: i64, detail: i64) -> Gap {
        let detail = detail.to_string();
        Gap { window: window(from, to), reason: GapReason::Skipped, detail, noticed: Instant::from_millis(0) }
    }

    fn told(gaps: &GapSet) -> Vec<(i64, i64, String)> {
        let told = |gap: Gap| (gap.window.from.millis(), gap.window.to.millis(), gap.detail);
        gaps.to_vec().into_iter().map(told).collect()
    }

    #[test]
    fn a_range_touches_only_the_gaps_that_it_overlaps() {
        let mut gaps = GapSet::default();
        for n in 0..30_000 {
            gaps.declare(gap(3 * n, 3 * n + 2, n)).unwrap();
        }
        let touched: usize = (0..10_000).map(|n| gaps.close(window(9 * n + 2, 9 * n + 4)).unwrap()).sum();
        assert_eq!(touched, 10_000);
        assert_eq!(gaps.close(window(-20, -10)), Ok(0));
        assert_eq!(told(&gaps)[..3], [(0, 2, "0".to_owned()), (4, 5, "1".to_owned()), (6, 8, "2".to_owned())]);
        assert_eq!((gaps.count, gaps.layers.len()), (30_000, 1));
    }

    #[test]
    fn gaps_that_overlap_are_closed_each() {
        let mut gaps = GapSet::default();
        for (from, to, detail) in [(0, 10, 1), (5, 20, 2), (7, 9, 3), (8, 30, 1)] {
            gaps.declare(gap(from, to, detail)).unwrap();
        }
        assert_eq!(gaps.close(window(8, 12)), Ok(4));
        let left = [(0, 8, 1), (5, 8, 2), (7, 8, 3), (12, 20, 2), (12, 30, 1)];
        assert_eq!(told(&gaps), left.map(|(from, to, detail)| (from, to, detail.to_string())));
        gaps.declare(gap(-1, 8, 1)).unwrap();
        assert_eq!(gaps.close(window(-5, 100)), Ok(5));
        assert_eq!((gaps.to_vec(), gaps.count), (Vec::new(), 0));
    }

    #[test]
    fn gaps_that_are_cut_to_pieces_without_end_are_refused() {
        // As if very many were there already.
        let mut gaps = GapSet { count: MOST_GAPS - 10_000, ..GapSet::default() };
        let most = i64::try_from(MOST_LAYERS).unwrap();
        for n in 0..most {
            gaps.declare(gap(-n, 1_000_000 + n, n)).unwrap();
        }
        let cut = (0..1000).map(|n| gaps.close(window(10 * n, 10 * n + 1))).find(Result::is_err);
        assert!(matches!(cut, Some(Err(LedgerFault::TooManyGaps(_)))), "{cut:?}");
        let refused = gaps.declare(gap(-5_000, 5_000_000, most));
        assert!(matches!(refused, Err(LedgerFault::TooManyGaps(_))), "{refused:?}");
    }
}
