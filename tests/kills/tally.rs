//! What the kills fell into.

use std::{
    collections::BTreeMap,
    fmt,
    time::{Duration, Instant},
};

use crate::snapshot::Moment;

/// The counts of a run.
pub(crate) struct Tally {
    begun: Instant,
    kills: BTreeMap<Moment, u32>,
    victims: BTreeMap<&'static str, u32>,
    /// What else there was to a kill.
    circumstances: BTreeMap<&'static str, u32>,
}

impl Tally {
    pub(crate) fn new() -> Self {
        Self { begun: Instant::now(), kills: BTreeMap::new(), victims: BTreeMap::new(), circumstances: BTreeMap::new() }
    }

    pub(crate) fn kill(&mut self, victim: &'static str, moment: Moment) {
        *self.kills.entry(moment).or_default() += 1;
        *self.victims.entry(victim).or_default() += 1;
    }

    pub(crate) fn note(&mut self, circumstance: &'static str) {
        *self.circumstances.entry(circumstance).or_default() += 1;
    }

    pub(crate) fn kills(&self) -> u32 {
        self.kills.values().sum()
    }

    /// The kills that fell into work.
    pub(crate) fn within_work(&self) -> u32 {
        self.up_to(Moment::Archived)
    }

    /// The kills that fell into one of the steps of a commit.
    pub(crate) fn within_commits(&self) -> u32 {
        self.up_to(Moment::Spooled)
    }

    fn up_to(&self, last: Moment) -> u32 {
        self.kills.range(..=last).map(|(_, kills)| kills).sum()
    }

    /// The kills that fell into this moment.
    pub(crate) fn in_moment(&self, moment: Moment) -> u32 {
        self.kills.get(&moment).copied().unwrap_or(0)
    }

    pub(crate) fn elapsed(&self) -> Duration {
        self.begun.elapsed()
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "kills  that fell")?;
        for moment in Moment::ALL {
            writeln!(f, "{:5}  {}", self.in_moment(moment), moment.what())?;
        }
        let victims: Vec<String> = self.victims.iter().map(|(victim, kills)| format!("{victim} {kills}")).collect();
        writeln!(f, "{:5}  in all: {}", self.kills(), victims.join(", "))?;
        for (circumstance, kills) in &self.circumstances {
            writeln!(f, "{kills:5}  {circumstance}")?;
        }
        Ok(())
    }
}
