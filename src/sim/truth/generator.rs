//! The generated part of a source's ground truth: a pure function of seed, source and minute.

use std::time::Duration;

use bytes::Bytes;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::{
    access_entry, audit_line,
    event::Clocks,
    profile::{Arrival, Profile},
    text,
};
use crate::{
    instant::Instant,
    source::{Kind, SourceId},
};

/// The length of the buckets of time, in milliseconds.
pub(super) const BUCKET_MS: i64 = 60_000;

/// Milliseconds of a day.
const DAY_MS: i64 = 86_400_000;

/// How far clocks of one event differ, whatever its profile: `timestamp` is up to 1 s off the milliseconds.
pub(super) const CLOCK_REACH: Duration = Duration::from_secs(1);

/// An event of which the bytes have yet to be written: a full minute of a burst stays small.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Sketch {
    pub(super) clocks: Clocks,
    /// Where it stands in an answer, in milliseconds: its time, off by the few ms by which hosts disagree.
    pub(super) order_at: i64,
    seed: u64,
    host: usize,
}

/// Generates the events of one source.
#[derive(Debug)]
pub(super) struct Generator {
    source: SourceId,
    profile: Profile,
    seed: [u8; 32],
    hosts: [String; 3],
}

impl Generator {
    pub(super) fn new(world_seed: u64, source: SourceId, profile: Profile) -> Self {
        let mut hasher = blake3::Hasher::new();
        hasher.update(&world_seed.to_le_bytes()).update(&profile.salt.to_le_bytes());
        for part in [source.project_id.as_str(), source.kind.as_str(), source.name.as_str()] {
            hasher.update(part.as_bytes()).update(&[0]);
        }
        let seed = *hasher.finalize().as_bytes();
        let label =
            text::hex(u64::from_le_bytes([seed[0], seed[1], seed[2], seed[3], seed[4], seed[5], seed[6], seed[7]]), 12);
        let (cluster, domain) = label.split_at(6);
        let hosts = [0, 1, 2].map(|number| format!("atlas-{cluster}-shard-00-0{number}.{domain}.mongodb.net"));
        Self { source, profile, seed, hosts }
    }

    pub(super) fn profile(&self) -> &Profile {
        &self.profile
    }

    /// The buckets that can hold events whose compared clock lies between `from` and `to` and that are visible at `as_of`.
    pub(super) fn buckets(&self, from: Instant, to: Instant, as_of: Instant) -> std::ops::RangeInclusive<i64> {
        let longest = self.profile.arrival.longest() + CLOCK_REACH;
        let first = (from - longest).max(self.profile.since);
        let last = (to + CLOCK_REACH).min(as_of);
        first.millis().div_euclid(BUCKET_MS)..=last.millis().div_euclid(BUCKET_MS)
    }

    /// The events of one bucket in the order of an answer, oldest first.
    pub(super) fn bucket(&self, bucket: i64) -> Vec<Sketch> {
        let mut rng = self.rng(bucket);
        let mut events = Vec::new();
        for _ in 0..self.count(bucket, &mut rng) {
            let time = Instant::from_millis(bucket * BUCKET_MS + rng.random_range(0..BUCKET_MS));
            let event = self.sketch(time, &mut rng);
            let twice = rng.random_bool(self.profile.duplicates);
            if time < self.profile.since {
                continue;
            }
            events.push(event);
            if twice {
                events.push(event);
            }
        }
        events.sort_by_key(|event| (event.order_at, event.seed));
        events
    }

    /// The bytes of an event.
    pub(super) fn render(&self, event: &Sketch) -> Bytes {
        match self.source.kind {
            Kind::StreamAudit => audit_line::generated(event.clocks.time, event.seed, &self.profile),
            Kind::AccessHistory => {
                let (group, host) = (&self.source.project_id, &self.hosts[event.host]);
                access_entry::generated(event.clocks, event.seed, group, host, &self.profile)
            }
        }
    }

    fn rng(&self, bucket: i64) -> ChaCha8Rng {
        let mut hasher = blake3::Hasher::new_keyed(&self.seed);
        hasher.update(&bucket.to_le_bytes());
        ChaCha8Rng::from_seed(*hasher.finalize().as_bytes())
    }

    /// How many events happen in a bucket: between half and one and a half times the rate, and its share of a burst.
    fn count(&self, bucket: i64, rng: &mut ChaCha8Rng) -> u32 {
        let expected = self.profile.per_minute.max(0.0) * (0.5 + rng.random::<f64>());
        let by_chance = u32::from(rng.random_bool(expected.fract()));
        // A rate is a small positive number: the conversion cannot lose anything that matters.
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "saturates, and is never negative")]
        let usual = expected.floor() as u32;
        usual.saturating_add(by_chance).saturating_add(self.share_of_burst(bucket))
    }

    fn share_of_burst(&self, bucket: i64) -> u32 {
        let Some(burst) = self.profile.burst else { return 0 };
        let period = i64::from(burst.every_days.max(1)) * DAY_MS / BUCKET_MS;
        let lasting = burst.lasting.max(1);
        let phase = i64::from(u32::from_le_bytes([self.seed[8], self.seed[9], self.seed[10], self.seed[11]]));
        match u32::try_from((bucket - phase).rem_euclid(period)) {
            Ok(0) => burst.events / lasting + burst.events % lasting,
            Ok(minute) if minute < lasting => burst.events / lasting,
            _ => 0,
        }
    }

    fn sketch(&self, time: Instant, rng: &mut ChaCha8Rng) -> Sketch {
        let seed = rng.random();
        let host = rng.random_range(0..self.hosts.len());
        let delay = match self.profile.arrival {
            Arrival::Single { late, latest } if rng.random_bool(late) => rng.random_range(0..=as_millis(latest)),
            Arrival::Single { .. } => rng.random_range(1_000..=10_000),
            Arrival::HostBatches { every, after } => {
                let every = as_millis(every).max(1);
                let phase = i64::from(self.seed[host]);
                let in_batch = (time.millis() + phase * 1000).rem_euclid(every);
                every - in_batch + as_millis(after)
            }
        };
        let visible_at = Instant::from_millis(time.millis() + delay);
        let ingested_at = Instant::from_millis(time.millis() + delay / 2);
        let (timestamp, skew) = match self.source.kind {
            Kind::StreamAudit => (time.seconds_floor(), 0),
            // Recorded: `logLine` is 20 ms behind to 980 ms ahead of `timestamp`; hosts are a few ms apart.
            Kind::AccessHistory => {
                let behind = Duration::from_millis(rng.random_range(0..=20));
                ((time + behind).seconds_floor(), rng.random_range(0..=4) * host as i64)
            }
        };
        let timestamp = Instant::from_seconds(timestamp);
        let clocks = Clocks { time, timestamp, ingested_at, visible_at, compare_at: None };
        Sketch { clocks, order_at: time.millis() + skew, seed, host }
    }
}

fn as_millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX / 4)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{sim::truth::Burst, source::Filter};

    fn source(kind: Kind) -> SourceId {
        SourceId {
            project_id: "0123456789abcdef01234567".into(),
            kind,
            name: "orders".into(),
            filter: Filter::default(),
        }
    }

    fn since() -> Instant {
        "2026-11-01T00:00:00Z".parse().unwrap()
    }

    fn minutes(generator: &Generator, count: i64) -> Vec<Sketch> {
        let first = since().millis() / BUCKET_MS;
        (first..first + count).flat_map(|bucket| generator.bucket(bucket)).collect()
    }

    #[test]
    fn the_same_seed_gives_the_same_bytes_and_another_seed_other_ones() {
        for kind in Kind::ALL {
            let generate = |seed| {
                let generator = Generator::new(seed, source(kind), Profile::access(since(), 20.0));
                minutes(&generator, 30).iter().map(|event| generator.render(event)).collect::<Vec<_>>()
            };
            assert_eq!(generate(1), generate(1));
            assert_ne!(generate(1), generate(2));
        }
    }

    #[test]
    fn clocks_keep_the_recorded_distances() {
        let generator = Generator::new(7, source(Kind::AccessHistory), Profile::access(since(), 50.0));
        let events = minutes(&generator, 60);
        assert!(events.len() > 2000);
        for Sketch { clocks, .. } in &events {
            let apart = clocks.time.millis() - clocks.timestamp.millis();
            assert!((-20..=999).contains(&apart), "{apart} ms apart");
            let late = clocks.visible_at.since(clocks.time).as_secs();
            assert!((55..=375).contains(&late), "{late} s late");
            assert!(clocks.time <= clocks.ingested_at && clocks.ingested_at <= clocks.visible_at);
        }
        let inverted = events.windows(2).filter(|pair| pair[0].clocks.time > pair[1].clocks.time).count();
        assert!(inverted > 0, "hosts have to disagree by some ms");
        let identical = events.windows(2).filter(|pair| pair[0] == pair[1]).count();
        assert!(identical > 0, "some entries have to occur twice");
    }

    #[test]
    fn a_burst_comes_once_in_its_period_with_all_its_events() {
        let burst = Burst { every_days: 2, lasting: 7, events: 25_000 };
        let generator = Generator::new(3, source(Kind::AccessHistory), Profile::plain(since(), 0.0).with_burst(burst));
        assert_eq!(minutes(&generator, 2 * 24 * 60).len(), 25_000);
    }

    #[test]
    fn nothing_happens_before_the_source_was_made() {
        let generator =
            Generator::new(3, source(Kind::StreamAudit), Profile::plain(since() + Duration::from_secs(90), 60.0));
        assert!(generator.bucket(since().millis() / BUCKET_MS).is_empty());
        let second = generator.bucket(since().millis() / BUCKET_MS + 1);
        assert!(!second.is_empty() && second.iter().all(|event| event.clocks.time >= generator.profile.since));
    }
}
