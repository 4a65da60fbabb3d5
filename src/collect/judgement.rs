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

/// Why a range is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// It lies ahead of the end watermark.
    Forward,
    /// It may be archived in part or in whole already: a backfill.
    Again,
    /// Damage took what was archived of it.
    Refill,
    /// It is claimed to be archived, and is compared.
    Reconcile,
}

/// Judges an answer to `window` by the clocks that it came with.
///
/// Everything up to what may still change is archived, less what Atlas no longer held because it keeps records for
/// `retention`. Of that, a range ahead becomes a gap up to where Atlas still holds anything, a damaged range a gap of
/// its own length, and a backfill that came too late claims nothing: it may be archived all the same. A reconciliation
/// claims nothing that was not claimed before.
pub(super) fn judge(
    window: Window,
    purpose: Purpose,
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
        Held::All if purpose == Purpose::Reconcile => Instant::MIN,
        Held::All => {
            let change = CoverageChange { covered, gaps: Vec::new(), reconciled: None };
            return Judgement { change, lost: None, fault: None };
        }
        Held::Unknown => {
            let date = clocks.date.unwrap_or(now);
            let fault = PollError::ClocksDisagree { local: clocks.local, date };
            return Judgement { change: nothing, lost: None, fault: Some(fault) };
        }
        Held::Since(horizon) => horizon,
    };
    if purpose == Purpose::Reconcile {
        let reconciled = Window::new(covered.from.max(horizon), covered.to);
        let change = CoverageChange { reconciled: Some(reconciled).filter(|window| !window.is_empty()), ..nothing };
        return Judgement { change, lost: None, fault: None };
    }
    let lost_until = match purpose {
        // Windows that lie before the horizon as a whole need not be asked one by one.
        Purpose::Forward | Purpose::Again | Purpose::Reconcile => horizon,
        Purpose::Refill => horizon.min(window.to),
    };
    let lost = Window::new(window.from, lost_until);
    if purpose == Purpose::Again {
        let covered = Window::new(lost_until, covered.to);
        let change =
            if covered.is_empty() { nothing } else { CoverageChange { covered, gaps: Vec::new(), reconciled: None } };
        let fault = PollError::NoLongerHeld { horizon };
        return Judgement { change, lost: Some(lost), fault: Some(fault) };
    }
    let gap = Gap { window: lost, reason: GapReason::Retention, detail: String::new(), noticed: clocks.local };
    let covered = Window::new(window.from, covered.to.max(lost_until));
    Judgement { change: CoverageChange { covered, gaps: vec![gap], reconciled: None }, lost: Some(lost), fault: None }
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
    fn judged(from: i64, to: i64, purpose: Purpose) -> Judgement {
        let clocks = Clocks { local: at(0), date: Some(at(0)) };
        let (settle, retention) = (Duration::from_secs(10), Duration::from_secs(36_000));
        judge(window(from, to), purpose, clocks, settle, Some(retention))
    }

    #[test]
    fn what_may_still_change_is_not_covered() {
        for purpose in [Purpose::Forward, Purpose::Again, Purpose::Refill] {
            assert_eq!(judged(-HOUR, 0, purpose).change.covered, window(-HOUR, -10));
            assert_eq!(judged(-2 * HOUR, -HOUR, purpose).change.covered, window(-2 * HOUR, -HOUR));
            assert!(judged(-5, 0, purpose).change.covered.is_empty());
        }
    }

    #[test]
    fn what_atlas_no_longer_held_is_a_gap_and_the_rest_of_it_is_jumped() {
        let judgement = judged(-12 * HOUR, -9 * HOUR, Purpose::Forward);
        assert_eq!(judgement.change.covered, window(-12 * HOUR, -9 * HOUR));
        assert_eq!(judgement.change.gaps[0].window, window(-12 * HOUR, -10 * HOUR));
        let judgement = judged(-40 * HOUR, -16 * HOUR, Purpose::Forward);
        assert_eq!(judgement.change.covered, window(-40 * HOUR, -10 * HOUR));
        assert_eq!(judgement.change.gaps[0].window, judgement.change.covered);
    }

    #[test]
    fn damage_that_cannot_be_repaired_is_a_gap_no_longer_than_itself() {
        let judgement = judged(-40 * HOUR, -16 * HOUR, Purpose::Refill);
        assert_eq!(judgement.change.covered, window(-40 * HOUR, -16 * HOUR));
        assert_eq!(judgement.change.gaps[0].window, window(-40 * HOUR, -16 * HOUR));
    }

    #[test]
    fn a_backfill_that_came_too_late_claims_nothing() {
        let judgement = judged(-40 * HOUR, -16 * HOUR, Purpose::Again);
        assert!(judgement.change.covered.is_empty() && judgement.change.gaps.is_empty());
        assert!(matches!(judgement.fault, Some(PollError::NoLongerHeld { .. })));
        let judgement = judged(-12 * HOUR, -9 * HOUR, Purpose::Again);
        assert_eq!(judgement.change.covered, window(-10 * HOUR, -9 * HOUR));
        assert!(judgement.change.gaps.is_empty());
    }

    #[test]
    fn a_reconciliation_claims_nothing_and_tells_what_was_compared() {
        for (from, to, reconciled) in [
            (-2 * HOUR, -HOUR, Some(window(-2 * HOUR, -HOUR))),
            (-HOUR, 0, Some(window(-HOUR, -10))),
            (-12 * HOUR, -9 * HOUR, Some(window(-10 * HOUR, -9 * HOUR))),
            (-5, 0, None),
            (-12 * HOUR, -11 * HOUR, None),
        ] {
            let Judgement { change, lost, fault } = judged(from, to, Purpose::Reconcile);
            assert_eq!(change.reconciled, reconciled, "{from} to {to}");
            assert!(change.covered.is_empty() && change.gaps.is_empty() && lost.is_none() && fault.is_none());
        }
    }

    #[test]
    fn without_a_date_nothing_is_proven() {
        let clocks = Clocks { local: at(0), date: None };
        let judgement = judge(window(-HOUR, 0), Purpose::Forward, clocks, Duration::ZERO, None);
        assert!(judgement.change.covered.is_empty());
        assert!(matches!(judgement.fault, Some(PollError::NoDate)));
    }

    #[test]
    fn clocks_that_contradict_each_other_prove_nothing() {
        let clocks = Clocks { local: at(2 * HOUR), date: Some(at(0)) };
        let retention = Some(Duration::from_secs(36_000));
        let judgement = judge(window(-9 * HOUR, -HOUR), Purpose::Forward, clocks, Duration::ZERO, retention);
        assert!(judgement.change.covered.is_empty() && judgement.change.gaps.is_empty());
        assert!(matches!(judgement.fault, Some(PollError::ClocksDisagree { .. })));
    }
}
