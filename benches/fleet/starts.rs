//! Whether every poll began when it was planned: seen from Atlas, by the first request of each.

use std::{collections::HashMap, time::Duration};

use atlas_logd::{instant::Instant, source::Source};

use crate::{atlas::Traffic, fleet::Fleet};

/// A request that comes so long before it is planned still belongs to its tick: two clocks are read one after the other.
const EARLY: Duration = Duration::from_millis(100);

/// How the polls of some ticks began.
pub(crate) struct Starts {
    /// How long after its planned instant each began, rising.
    delays: Vec<Duration>,
    /// Polls that did not begin before the next one was planned.
    pub(crate) skipped: usize,
    /// Requests of these ticks.
    pub(crate) requests: usize,
}

impl Starts {
    /// Of so many ticks from `first` on.
    pub(crate) fn of(fleet: &Fleet, traffic: &Traffic, first: Instant, ticks: u32) -> Self {
        let mut asked: HashMap<_, Vec<Instant>> = HashMap::new();
        for request in &traffic.asked {
            asked.entry(&request.source).or_default().push(request.at);
        }
        let (mut delays, mut skipped, mut requests) = (Vec::new(), 0, 0);
        for Source { id, .. } in fleet.sources() {
            let key = (id.project_id.clone(), id.kind, id.name.clone());
            let asked = asked.get(&key).map_or(&[][..], Vec::as_slice);
            for tick in 0..ticks {
                let planned = fleet.planned(&id, first + fleet.interval() * tick);
                let (from, to) = (planned - EARLY, planned + fleet.interval() - EARLY);
                let of_poll: Vec<_> = asked.iter().filter(|at| from <= **at && **at < to).collect();
                requests += of_poll.len();
                match of_poll.first() {
                    Some(at) => delays.push(at.since(planned)),
                    None => skipped += 1,
                }
            }
        }
        delays.sort_unstable();
        Self { delays, skipped, requests }
    }

    /// How many polls began.
    pub(crate) fn polls(&self) -> usize {
        self.delays.len()
    }

    /// So many of a hundred began within this.
    pub(crate) fn percentile(&self, percent: usize) -> Duration {
        let last = self.delays.len().saturating_sub(1);
        self.delays.get((self.delays.len() * percent / 100).min(last)).copied().unwrap_or(Duration::MAX)
    }
}
