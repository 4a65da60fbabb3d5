//! A source of which Atlas said that it does not exist: what it held before may be gone, whatever is answered for it later.

use std::sync::Arc;

use crate::{
    collect::{Progress, blocking::blocking, judgement::Purpose, poll::Poll},
    instant::Instant,
    plan::{self, Gap, GapReason},
    state::CoverageChange,
    window::Window,
};

impl Poll<'_> {
    /// Takes note that Atlas does not know the source now.
    pub(super) async fn note_absence(&mut self) {
        let now = self.latest_clock();
        let Some(mut state) = self.lane.state.clone().filter(|state| state.absent_until < Some(now)) else { return };
        state.absent_until = Some(now);
        let committer = Arc::clone(&self.desk.committer);
        let saved = blocking(move || {
            committer.store().transaction(|transaction| state.save(transaction))?;
            Ok(state)
        });
        match saved.await {
            Ok(state) => self.lane.state = Some(state),
            // The next poll notes it, unless the source is there again by then.
            Err(error) => self.desk.tell_of_state(self.task, "that Atlas does not know the source", &error),
        }
    }

    /// Declares what may be gone of the range that `change` covers. Only an operator can know better: a backfill of what
    /// was claimed before is taken at its word.
    pub(super) fn declare_absence(&mut self, change: &mut CoverageChange, purpose: Purpose, noticed: Instant) {
        let Some(noted) = self.state().absent_until else { return };
        // A clock may have been ahead when it was noted.
        let until = noted.min(self.latest_clock());
        if let Some(state) = &mut self.lane.state {
            state.absent_until = Some(until);
        }
        let range = change.covered.intersection(Window::new(Instant::MIN, until));
        let except: Vec<Window> = match purpose {
            Purpose::Forward | Purpose::Refill => change.gaps.iter().map(|gap| gap.window).collect(),
            Purpose::Again | Purpose::Reconcile => self.claimed.clone(),
        };
        for window in plan::subtract(range, except) {
            let gap = Gap { window, reason: GapReason::Absent, detail: String::new(), noticed };
            self.tell_of_absence(&gap, purpose, until);
            change.gaps.push(gap);
        }
    }

    /// The later one of both clocks: an absence that seems too long is safe, one that seems too short is a silent gap.
    fn latest_clock(&self) -> Instant {
        self.now().max(self.desk.clock.now())
    }

    /// Ahead of the watermark it is told once, as a whole: polls that are closer together than the settle time get through
    /// it in several windows.
    fn tell_of_absence(&mut self, gap: &Gap, purpose: Purpose, until: Instant) {
        if purpose != Purpose::Forward {
            return self.tell(&Progress::Gap { gap });
        }
        if self.lane.absence_told.replace(until) != Some(until) {
            let whole = Gap { window: Window::new(gap.window.from, until), ..gap.clone() };
            self.tell(&Progress::Gap { gap: &whole });
        }
    }
}
