//! What comes next: which life, and when it is killed.

use std::time::Duration;

use atlas_logd::{
    clock::{Clock, SystemClock},
    instant::Instant,
    window::Window,
};

use crate::{
    dice::Dice,
    victim::{PATIENCE, Victim, Waited},
};

/// A daemon with nothing to do is killed all the same.
const NO_LONGER: Duration = Duration::from_millis(1500);

/// What is killed.
#[derive(Clone, Debug)]
pub(crate) enum Life {
    Daemon,
    Collect,
    Backfill(Window),
}

/// What is waited for before the kill. After it, a random time passes.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Event {
    Start,
    Ready,
    /// So many bytes in spools.
    Spool(u64),
    /// So many commits with records.
    Commit(usize),
}

/// When Atlas is killed too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AtlasDies {
    Never,
    /// And starts again while the victim lives.
    Meanwhile,
    /// Just before the victim, and starts again after it.
    Before,
}

/// Chooses.
pub(crate) struct Plan {
    pub(crate) dice: Dice,
    since: Instant,
    /// Down to here backfills have come.
    reached: Instant,
    /// How much the next backfill asks for.
    slice: Duration,
}

impl Life {
    pub(crate) fn is_daemon(&self) -> bool {
        matches!(self, Self::Daemon)
    }

    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Daemon => "daemon",
            Self::Collect => "collect",
            Self::Backfill(_) => "backfill",
        }
    }

    pub(crate) fn arguments(&self) -> Vec<String> {
        match self {
            Self::Daemon => vec!["run".to_owned()],
            Self::Collect => vec!["collect".to_owned()],
            Self::Backfill(window) => ["collect", "--from", &window.from.to_string(), "--to", &window.to.to_string()]
                .map(str::to_owned)
                .into(),
        }
    }
}

impl Event {
    /// Waits for it, with a daemon that is ready not for long: it does not end when it has nothing to do.
    pub(crate) fn wait(self, victim: &mut Victim, is_daemon: bool) -> Waited {
        let reached = |victim: &Victim| match self {
            Self::Start => true,
            Self::Ready => victim.said.ready > 0,
            Self::Spool(bytes) => victim.spooled() >= bytes,
            Self::Commit(count) => victim.said.commits.len() >= count,
        };
        if !is_daemon {
            return victim.wait_until(PATIENCE, reached);
        }
        let mut is_reached = false;
        let waited = victim.wait_until(PATIENCE, |victim| {
            is_reached = reached(victim);
            is_reached || victim.said.ready > 0
        });
        match waited {
            Waited::Reached if !is_reached => victim.wait_until(NO_LONGER, reached),
            waited => waited,
        }
    }
}

impl Plan {
    /// So many kills; the backfills among them go back through all of the history, some at a time.
    pub(crate) fn new(dice: Dice, history: Window, kills: u32) -> Self {
        // About a third of the lives are backfills, of which three of four go further back.
        let slice = history.duration() / (kills / 4).max(1);
        Self { dice, since: history.from, reached: history.to - Duration::from_secs(3600), slice }
    }

    pub(crate) fn atlas_dies(&mut self) -> AtlasDies {
        match self.dice.below(100) {
            0..4 => AtlasDies::Meanwhile,
            4..8 => AtlasDies::Before,
            _ => AtlasDies::Never,
        }
    }

    pub(crate) fn life(&mut self) -> Life {
        match self.dice.below(20) {
            0..11 => Life::Daemon,
            11..13 => Life::Collect,
            _ if self.dice.percent(25) || self.reached <= self.since => {
                // Once more what was collected already, of all or some of it, up to now or not.
                let all = u64::try_from(SystemClock.now().since(self.reached).as_millis()).unwrap();
                let from = self.reached + Duration::from_millis(self.dice.below(all));
                let to = from + self.slice.mul_f64(0.5) + Duration::from_millis(self.dice.below(all) / 4);
                Life::Backfill(Window::new(from, to.min(SystemClock.now())))
            }
            _ => {
                let to = self.reached;
                self.reached = (to - self.slice).max(self.since);
                Life::Backfill(Window::new(self.reached, to))
            }
        }
    }

    /// What is waited for, and how many milliseconds may pass after it at most.
    pub(crate) fn event(&mut self, life: &Life, again: bool) -> (Event, u64) {
        if again {
            return (Event::Start, 80);
        }
        // What a daemon finds at once is little.
        let is_daemon = life.is_daemon();
        let bytes: &[u64] = if is_daemon { &[1] } else { &[1, 1, 1_000, 20_000] };
        match self.dice.below(100) {
            0..10 => (Event::Start, 400),
            10..17 if is_daemon => (Event::Ready, 1000),
            10..70 => (Event::Spool(self.dice.of(bytes)), self.dice.of(&[1, 4, 15, 50])),
            _ => (Event::Commit(1 + usize::try_from(self.dice.below(3)).unwrap()), self.dice.of(&[1, 4, 15])),
        }
    }
}
