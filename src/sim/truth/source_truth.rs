//! All that ever happened in one source: what is generated and what was given.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use bytes::Bytes;

use super::{
    event::{Clocks, Event},
    generator::{BUCKET_MS, CLOCK_REACH, Generator, Sketch},
    profile::Profile,
};
use crate::{instant::Instant, source::SourceId};

/// The ground truth of one source.
#[derive(Debug)]
pub(crate) struct SourceTruth {
    generator: Option<Generator>,
    given: Mutex<Given>,
}

/// The events that were given, by bucket of their time, in the order in which they were given.
#[derive(Debug, Default)]
struct Given {
    buckets: BTreeMap<i64, Vec<Event>>,
    /// How far the clocks of one event are apart at most.
    reach: Duration,
}

/// An event in a bucket, of which the bytes may have yet to be written.
#[derive(Debug)]
pub(super) enum Held {
    Generated(Sketch),
    Given(Event),
}

impl Held {
    pub(super) fn clocks(&self) -> &Clocks {
        match self {
            Self::Generated(sketch) => &sketch.clocks,
            Self::Given(event) => &event.clocks,
        }
    }

    fn order_at(&self) -> i64 {
        match self {
            Self::Generated(sketch) => sketch.order_at,
            Self::Given(event) => event.clocks.time.millis(),
        }
    }
}

impl SourceTruth {
    /// A truth that is generated where there is a profile, and has no given events yet.
    pub(crate) fn new(seed: u64, source: SourceId, profile: Option<Profile>) -> Self {
        let generator = profile.map(|profile| Generator::new(seed, source, profile));
        Self { generator, given: Mutex::default() }
    }

    /// The same given events with another generated part.
    pub(crate) fn with_profile(&self, seed: u64, source: SourceId, profile: Option<Profile>) -> Self {
        let given = self.given();
        let given = Given { buckets: given.buckets.clone(), reach: given.reach };
        Self { given: Mutex::new(given), ..Self::new(seed, source, profile) }
    }

    /// What the generated part is like.
    pub(crate) fn profile(&self) -> Option<&Profile> {
        self.generator.as_ref().map(Generator::profile)
    }

    /// Adds an event.
    pub(crate) fn add(&self, event: Event) {
        let clocks = event.clocks;
        let all = [Some(clocks.timestamp), Some(clocks.ingested_at), clocks.compare_at];
        let apart = all.into_iter().flatten().map(|clock| clock.since(clocks.time).max(clocks.time.since(clock))).max();
        let mut given = self.given();
        given.reach = given.reach.max(apart.unwrap_or_default());
        given.buckets.entry(clocks.time.millis().div_euclid(BUCKET_MS)).or_default().push(event);
    }

    /// The generated buckets, as a range, and the other ones that can hold events between `from` and `to`.
    pub(super) fn buckets(
        &self,
        from: Instant,
        to: Instant,
        as_of: Instant,
    ) -> (std::ops::RangeInclusive<i64>, Vec<i64>) {
        // An empty range that no comparison can enter.
        #[expect(clippy::reversed_empty_ranges, reason = "no buckets")]
        let none = 1..=0;
        let generated = self.generator.as_ref().map_or(none, |generator| generator.buckets(from, to, as_of));
        let given = self.given();
        let reach = given.reach + CLOCK_REACH;
        let first = (from - reach).millis().div_euclid(BUCKET_MS);
        let last = (to + reach).millis().div_euclid(BUCKET_MS).max(first);
        let others = given.buckets.range(first..=last).map(|(bucket, _)| *bucket);
        let others = others.filter(|bucket| !generated.contains(bucket)).collect();
        (generated, others)
    }

    /// All events of a bucket in the order of an answer, oldest first.
    pub(super) fn bucket(&self, bucket: i64) -> Vec<Held> {
        let generated = self.generator.as_ref().map(|generator| generator.bucket(bucket)).unwrap_or_default();
        let mut held: Vec<Held> = generated.into_iter().map(Held::Generated).collect();
        if let Some(given) = self.given().buckets.get(&bucket) {
            held.extend(given.iter().cloned().map(Held::Given));
            // Stable: events of one instant stay in the order in which they were given.
            held.sort_by_key(Held::order_at);
        }
        held
    }

    /// The event with its bytes.
    pub(super) fn event(&self, held: Held) -> Event {
        match (held, &self.generator) {
            (Held::Given(event), _) => event,
            (Held::Generated(sketch), Some(generator)) => {
                Event { clocks: sketch.clocks, bytes: generator.render(&sketch) }
            }
            (Held::Generated(sketch), None) => Event { clocks: sketch.clocks, bytes: Bytes::new() },
        }
    }

    fn given(&self) -> MutexGuard<'_, Given> {
        self.given.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
