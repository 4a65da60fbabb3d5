//! What an answer proves about its window.

use std::time::Duration;

use crate::{
    collect::PollError,
    instant::Instant,
    plan::{Clocks, Gap, GapReason, Held},
    state::CoverageChange,
    window::Window,
};

/// What an answer proves.
#[derive(Debug)]
pub(super) struct Judgement {
    /// What it says about coverage.
    pub(super) change: CoverageChange,
    /// What Atlas no longer held of it, and of the time behind it.
    pub(super) lost: Option<Window>,
    /// Why it says nothing, though its records are archived.
    pub(super) fault: Option<PollError>,
}

/// Judges an answer to `window` by the clocks that it came with.
///
/// Everything up to what may still change is archived, less what Atlas no longer held because it keeps records for
/// `retention`. A window that lies before the `start` watermark (a backfill) and came too late widens nothing.
pub(super) fn judge(
    window: Window,
    start: Instant,
    clocks: Clocks,
    settle: Duration,
    retention: Option<Duration>,
) -> Judgement {
    let nothing = CoverageChange::none(window.from);
    let Some(now) = clocks.earliest() else {
        return Judgement { change: nothing, lost: None, fault: Some(PollError::NoDate) };
    };
    let covered = Window::new(window.from, window.to.min(now - settle));
    let horizon = match retention.map_or(Held::All, |retention| clocks.held(window, retention)) {
        Held::All => {
            let change = CoverageChange { covered, gaps: Vec::new() };
            return Judgement { change, lost: None, fault: None };
        }
        Held::Unknown => {
            let date = clocks.date.unwrap_or(now);
            let fault = PollError::ClocksDisagree { local: clocks.local, date };
            return Judgement { change: nothing, lost: None, fault: Some(fault) };
        }
        Held::Since(horizon) => horizon,
    };
    if window.from < start {
        let covered = Window::new(horizon, covered.to);
        let change = if covered.is_empty() { nothing } else { CoverageChange { covered, gaps: Vec::new() } };
        let fault = PollError::NoLongerHeld { lost: Window::new(window.from, horizon.min(window.to)), horizon };
        return Judgement { change, lost: Some(Window::new(window.from, horizon)), fault: Some(fault) };
    }
    let lost = Window::new(window.from, horizon);
    let change = {
        let gap = Gap { window: lost, reason: GapReason::Retention, detail: String::new(), noticed: clocks.local };
        // Windows that lie before the horizon as a whole need not be asked one by one.
        CoverageChange { covered: Window::new(window.from, covered.to.max(horizon)), gaps: vec![gap] }
    };
    Judgement { change, lost: Some(lost), fault: None }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: i64 = 3600;

    fn at(seconds: i64) -> Instant {
        Instant::from_seconds(1_000_000_000 + seconds)
    }

    fn window(from: i64, to: i64) -> Window {
        Window::new(at(from), at(to))
    }

    /// Judged at second 0 by both clocks, with a settle time of 10 s and a retention of 10 h.
    fn judged(from: i64, to: i64, start: i64) -> Judgement {
        let clocks = Clocks { local: at(0), date: Some(at(0)) };
        let (settle, retention) = (Duration::from_secs(10), Duration::from_secs(36_000));
        judge(window(from, to), at(start), clocks, settle, Some(retention))
    }

    #[test]
    fn what_may_still_change_is_not_covered() {
        assert_eq!(judged(-HOUR, 0, -HOUR).change.covered, window(-HOUR, -10));
        assert_eq!(judged(-2 * HOUR, -HOUR, -2 * HOUR).change.covered, window(-2 * HOUR, -HOUR));
        assert!(judged(-5, 0, -5).change.covered.is_empty());
    }

    #[test]
    fn what_atlas_no_longer_held_is_a_gap_and_the_rest_of_it_is_jumped() {
        let judgement = judged(-12 * HOUR, -9 * HOUR, -12 * HOUR);
        assert_eq!(judgement.change.covered, window(-12 * HOUR, -9 * HOUR));
        assert_eq!(judgement.change.gaps[0].window, window(-12 * HOUR, -10 * HOUR));
        let judgement = judged(-40 * HOUR, -16 * HOUR, -40 * HOUR);
        assert_eq!(judgement.change.covered, window(-40 * HOUR, -10 * HOUR));
        assert_eq!(judgement.change.gaps[0].window, judgement.change.covered);
    }

    #[test]
    fn a_backfill_that_came_too_late_widens_nothing() {
        let judgement = judged(-40 * HOUR, -16 * HOUR, 0);
        assert!(judgement.change.covered.is_empty());
        assert!(
            matches!(judgement.fault, Some(PollError::NoLongerHeld { lost, .. }) if lost == window(-40 * HOUR, -16 * HOUR))
        );
        assert_eq!(judged(-12 * HOUR, -9 * HOUR, 0).change.covered, window(-10 * HOUR, -9 * HOUR));
    }

    #[test]
    fn without_a_date_nothing_is_proven() {
        let clocks = Clocks { local: at(0), date: None };
        let judgement = judge(window(-HOUR, 0), at(-HOUR), clocks, Duration::ZERO, None);
        assert!(judgement.change.covered.is_empty());
        assert!(matches!(judgement.fault, Some(PollError::NoDate)));
    }
}
