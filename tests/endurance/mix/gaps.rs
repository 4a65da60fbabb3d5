//! Which gaps there may be: where Atlas no longer held what was asked or did not know the source, and nowhere else. (Records that are missing
//! without a gap are found by the oracle.)

use std::{collections::HashMap, time::Duration};

use atlas_logd::{
    instant::Instant,
    plan::subtract,
    source::{Kind, Source},
    window::Window,
};

use crate::harness::Gap;

/// How long Atlas holds an access history.
const HELD: Duration = Duration::from_secs(7 * 24 * 3600);

/// What a wrong clock, the settle time, the slack and the margin at the horizon come to at most.
const MARGIN: Duration = Duration::from_secs(3 * 3600);

/// When each source was last collected, and for how long it was not.
#[derive(Debug, Default)]
pub(super) struct Outages {
    collected: HashMap<Source, Instant>,
    lost: HashMap<Source, Vec<Window>>,
    absent: HashMap<Source, Vec<Window>>,
}

impl Outages {
    /// A poll of `source` at `now` did not fail.
    pub(super) fn note_collected(&mut self, source: &Source, now: Instant) {
        let before = self.collected.insert(source.clone(), now).unwrap_or(now);
        let no_longer_held = Window::new(before - MARGIN, now - HELD + MARGIN);
        if source.id.kind == Kind::AccessHistory && no_longer_held.duration() > Duration::ZERO {
            self.lost.entry(source.clone()).or_default().push(no_longer_held);
        }
    }

    /// A poll of `source` at `now` was answered that there is no such source.
    pub(super) fn note_absent(&mut self, source: &Source, now: Instant) {
        let before = self.collected.get(source).copied().unwrap_or(Instant::MIN);
        self.absent.entry(source.clone()).or_default().push(Window::new(before - MARGIN, now + MARGIN));
    }

    /// A range of `source` is collected again: of what was never claimed, nobody knows what there was before it was away.
    pub(super) fn note_backfill(&mut self, source: &Source, window: Window) {
        let Some(absences) = self.absent.get_mut(source) else { return };
        let Some(last) = absences.iter().map(|absence| absence.to).max() else { return };
        absences.push(Window::new(window.from, window.to.min(last)));
    }

    /// Every gap has a reason that is true.
    pub(super) fn assert_true(&self, source: &Source, gaps: &[Gap]) {
        for gap in gaps {
            let explained = match gap.reason.as_str() {
                "before-start" => continue,
                "retention" => self.lost.get(source),
                "absent" => self.absent.get(source),
                _ => None,
            };
            let unexplained = subtract(gap.window, explained.into_iter().flatten().copied());
            assert_eq!(unexplained, [], "{source} has no reason for {gap:?}");
        }
    }
}
