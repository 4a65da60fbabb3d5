//! Which gaps there may be: where Atlas no longer held what was asked, and nowhere else. (Records that are missing
//! without a gap are found by the oracle.)

use std::{collections::HashMap, time::Duration};

use atlas_logd::{
    instant::Instant,
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

    /// Every gap has a reason that is true.
    pub(super) fn assert_true(&self, source: &Source, gaps: &[Gap]) {
        for gap in gaps.iter().filter(|gap| gap.reason != "before-start") {
            assert_eq!(gap.reason, "retention", "{source}: {gap:?}");
            let explained = self.lost.get(source).into_iter().flatten();
            let explained = explained.clone().any(|lost| lost.from <= gap.window.from && gap.window.to <= lost.to);
            assert!(explained, "{source} was collected in time, but there is {gap:?}; lost is {:?}", self.lost);
        }
    }
}
