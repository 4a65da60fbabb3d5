//! What there is to say of one source.

use std::time::Duration;

use crate::{
    discovery::Why,
    instant::Instant,
    plan::Gap,
    state::{DamagedSegment, FoundSource, Health, PollRecord, Reconciled, SourceState},
    status::rhythm::Rhythm,
    window::Window,
    words,
};

/// One source.
#[derive(Debug)]
pub(crate) struct Row {
    /// The source as it is named on the command line.
    pub(crate) name: String,
    /// When it is polled, if it is in the configuration.
    pub(crate) rhythm: Option<Rhythm>,
    /// What the state knows, if it was ever seen.
    pub(crate) state: Option<SourceState>,
    /// Why the state cannot be read.
    pub(crate) damage: Option<String>,
    pub(crate) gaps: Vec<Gap>,
    /// The ranges before the start watermark that backfills collected.
    pub(crate) islands: Vec<Window>,
    pub(crate) damaged_segments: Vec<DamagedSegment>,
    pub(crate) health: Option<Health>,
    /// The last ones, oldest first; none where they were not asked for.
    pub(crate) polls: Vec<PollRecord>,
    pub(crate) reconciliation: Option<Reconciled>,
    /// What the last list that showed it said of it, if it was found and is not named in the configuration.
    pub(crate) found: Option<FoundSource>,
    /// Why it is not collected, though the configuration means it.
    pub(crate) not_collected: Option<Why>,
    pub(crate) now: Instant,
}

/// How a source is doing, the worst first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Condition {
    /// Its state is damaged.
    Damaged,
    /// Its polls fail.
    Failing,
    /// It was never polled.
    Unpolled,
    /// Its end watermark is further behind than settle and schedule explain.
    Behind,
    /// It is collected, and something of it is missing.
    Gaps,
    /// Its cluster is paused, and Atlas does not answer for it.
    Paused,
    /// All is well.
    Good,
    /// The configuration means it, but it cannot be collected.
    NotCollected,
    /// It is no longer in the configuration.
    Removed,
}

impl Condition {
    /// The form used in `status --json`.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Damaged => "state-damaged",
            Self::Failing => "failing",
            Self::Unpolled => "never-polled",
            Self::Behind => "behind",
            Self::Gaps => "gaps",
            Self::Paused => "paused",
            Self::Good => "ok",
            Self::NotCollected => "not-collected",
            Self::Removed => "removed",
        }
    }
}

impl Row {
    /// Whether it is in the configuration.
    pub(crate) fn configured(&self) -> bool {
        self.rhythm.is_some()
    }

    /// What is complete, less the gaps.
    pub(crate) fn covered(&self) -> Option<Window> {
        let state = self.state.as_ref()?;
        state.start.zip(state.end).map(|(start, end)| Window::new(start, end))
    }

    /// What is archived and will be asked again, because late records may join it.
    pub(crate) fn provisional(&self) -> Option<Window> {
        // A poll asks for everything up to its own beginning.
        let asked_to = self.health.as_ref()?.succeeded?.min(self.now);
        let provisional = Window::new(self.covered()?.to, asked_to);
        (!provisional.is_empty()).then_some(provisional)
    }

    /// How far the end watermark is behind.
    pub(crate) fn lag(&self) -> Option<Duration> {
        self.state.as_ref()?.end.map(|end| self.now.since(end))
    }

    /// Whether it is paused, and not answered for by Atlas until it runs again.
    pub(crate) fn is_paused(&self) -> bool {
        let failing = self.health.as_ref().is_some_and(Health::is_failing);
        failing && self.found.as_ref().is_some_and(|found| found.paused)
    }

    /// Records archived today.
    pub(crate) fn records_today(&self) -> u64 {
        self.state.as_ref().map_or(0, |state| state.today.on(self.now))
    }

    /// How it is doing.
    pub(crate) fn condition(&self) -> Condition {
        let Some(rhythm) = &self.rhythm else {
            return if self.not_collected.is_some() { Condition::NotCollected } else { Condition::Removed };
        };
        if self.damage.is_some() {
            return Condition::Damaged;
        }
        if self.is_paused() {
            return Condition::Paused;
        }
        if self.health.as_ref().is_some_and(Health::is_failing) {
            return Condition::Failing;
        }
        match self.lag() {
            None => Condition::Unpolled,
            Some(lag) if lag > rhythm.usual_lag() => Condition::Behind,
            Some(_) if !self.gaps.is_empty() => Condition::Gaps,
            Some(_) => Condition::Good,
        }
    }

    /// How the last poll went, in words.
    pub(crate) fn outcome(&self) -> String {
        match self.not_collected {
            Some(Why::SharedTier) => return "not collected: shared tier".to_owned(),
            Some(Why::Gone(since)) => return format!("gone for {}", words::duration(self.now.since(since))),
            None if self.is_paused() => return "paused".to_owned(),
            None => {}
        }
        if self.damage.is_some() {
            return "state damaged".to_owned();
        }
        match &self.health {
            None if self.state.as_ref().is_some_and(|state| state.start.is_some()) => "not finished yet".to_owned(),
            None => "never polled".to_owned(),
            Some(health) => match health.failing_since {
                Some(_) if !self.configured() => "removed".to_owned(),
                Some(since) => format!("failing for {}", words::about(self.now.since(since))),
                None => format!("ok {} ago", words::about(self.now.since(health.polled))),
            },
        }
    }
}
