//! A year in the life of fifty sources: restarts, other configurations, outages longer than Atlas holds anything, and
//! segments that end with each day. Memory and state stay as small as they were.

use std::{collections::BTreeMap, fs, time::Duration};

use atlas_logd::{
    instant::Instant,
    sim::{Burst, Profile},
    source::{Kind, Source},
};

use crate::harness::{DAY, MINUTE, ProjectTable, Stage, desk::Desk, orders, prod, shops, warehouse};

/// From one poll to the next.
const EVERY: Duration = Duration::from_secs(3 * 3600);

/// Days in which nobody polls. Atlas holds an access history for 7.
const OUTAGE: u64 = 8;

/// On such a day of each quarter an outage begins.
const OUTAGE_DAY: u64 = 12;

/// `ATLAS_LOGD_YEAR_DAYS`; `cargo test` has time for a month.
fn days() -> u64 {
    std::env::var("ATLAS_LOGD_YEAR_DAYS").map_or(28, |text| text.parse().unwrap())
}

/// What is large: the state on disk, and this process, of which the simulated Atlas is a part.
#[derive(Clone, Copy, Debug)]
struct Size {
    day: u64,
    state: u64,
    resident: u64,
}

impl Size {
    fn now(stage: &Stage, day: u64) -> Self {
        let files = fs::read_dir(stage.state()).unwrap();
        let state = files.map(|file| file.unwrap().metadata().unwrap().len()).sum();
        let status = fs::read_to_string("/proc/self/status").unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        let kibibytes: u64 = line.trim().trim_end_matches(" kB").parse().unwrap();
        Self { day, state, resident: kibibytes * 1024 }
    }
}

/// Everything that is watched over the year.
#[derive(Default)]
struct Year {
    polls: usize,
    records: u64,
    restarts: usize,
    reloads: usize,
    outages: usize,
    /// Of each access history, where the gap of each outage has to begin and to end.
    gaps: BTreeMap<Source, Vec<(Instant, Instant)>>,
    sizes: Vec<Size>,
}

fn stage() -> (Stage, Vec<Source>) {
    let stage = Stage::at("2026-01-01T00:00:00Z");
    stage.world.set(|settings| {
        settings.bucket.capacity = 1_000_000;
        // The program measures the life of a token by another clock than the virtual one.
        settings.token_life = 1000 * DAY;
    });
    stage.configure(|config| {
        config.projects.push(ProjectTable::analytics());
        config.start("1d");
    });
    let mut sources = vec![orders(), prod(), shops(), warehouse()];
    for number in 0..23 {
        let name = format!("source-{number}");
        sources.push(stage.add_source(Kind::StreamAudit, &name));
        sources.push(stage.add_source_of_analytics(Kind::AccessHistory, &name));
    }
    let since = stage.ago(2 * DAY);
    for (number, source) in sources.iter().enumerate() {
        // From silent ones to some with hundreds of records a day.
        let per_minute = [0.0, 0.005, 0.02, 0.02, 0.1][number % 5];
        let profile = match source.id.kind {
            Kind::StreamAudit => Profile::audit(since, per_minute),
            Kind::AccessHistory => Profile::access(since, per_minute),
        };
        let burst = Burst { every_days: 9, lasting: 5, events: 2000 };
        stage.generate(source, &if number == 7 { profile.with_burst(burst) } else { profile });
    }
    (stage, sources)
}

/// The configuration of a day: other settle times and segments, and every second time a source less.
fn deploy(stage: &Stage, day: u64) {
    let odd = day % 2 == 1;
    stage.configure(|config| {
        config.settle(if odd { "20m" } else { "15m" });
        config.set_text("archive", "rotate_size", if odd { "8KiB" } else { "128MiB" });
        let instances = &mut config.projects[0].stream_instances;
        instances.retain(|name| name != "source-0");
        if !odd {
            instances.push("source-0".to_owned());
        }
    });
}

impl Year {
    fn poll(&mut self, desk: &Desk<'_>) {
        for (source, report) in desk.try_poll_together() {
            assert!(report.failure.is_none(), "{source}: {}", report.failure.unwrap());
            self.polls += 1;
            self.records += report.figures.records;
        }
    }

    /// Nobody polls for days.
    fn outage(&mut self, stage: &Stage, sources: &[Source]) {
        let statuses = stage.statuses();
        let access: Vec<_> = sources.iter().filter(|source| source.id.kind == Kind::AccessHistory).collect();
        let ends = access.iter().map(|source| {
            let name = source.to_string();
            statuses.iter().find(|status| status.source == name).unwrap().end()
        });
        let ends: Vec<Instant> = ends.collect();
        stage.pass(DAY * u32::try_from(OUTAGE).unwrap());
        for (source, end) in access.into_iter().zip(ends) {
            self.gaps.entry(source.clone()).or_default().push((end, stage.ago(7 * DAY)));
        }
        self.outages += 1;
    }

    fn live(&mut self, stage: &Stage, sources: &[Source], days: u64) {
        let mut desk = stage.desk();
        let mut day = 0;
        while day < days {
            match day % 90 {
                OUTAGE_DAY => {
                    drop(desk);
                    self.outage(stage, sources);
                    day += OUTAGE;
                    desk = stage.desk();
                }
                today if today % 7 == 3 => {
                    drop(desk);
                    desk = stage.desk();
                    self.restarts += 1;
                }
                today if today % 10 == 5 => {
                    deploy(stage, day);
                    desk.reload();
                    self.reloads += 1;
                }
                _ => {}
            }
            for _ in 0..DAY.as_secs() / EVERY.as_secs() {
                self.poll(&desk);
                stage.pass(EVERY);
            }
            stage.look_at_segments();
            stage.world.clear_requests();
            day += 1;
            self.sizes.push(Size::now(stage, day));
        }
        deploy(stage, 0);
        desk.reload();
        self.poll(&desk);
    }

    /// An outage that was too long is a gap of what Atlas no longer held; there is no other.
    fn assert_gaps(&self, stage: &Stage, source: &Source) {
        let gaps = stage.gaps(source);
        let expected = self.gaps.get(source).map_or(&[][..], Vec::as_slice);
        assert_eq!(gaps.len(), expected.len(), "{source}: {gaps:?}");
        for (gap, (from, to)) in gaps.iter().zip(expected) {
            assert_eq!((gap.reason.as_str(), gap.window.from), ("retention", *from), "{source}");
            let margin = gap.window.to.since(*to);
            assert!(gap.window.to >= *to && margin <= 11 * MINUTE, "{source}: {gap:?} has to end at {to}");
        }
    }

    /// Once every kind of day has been there, nothing grows.
    fn assert_flat(&self) {
        let (before, after) = self.sizes.split_at(self.sizes.len() / 3);
        let most = |sizes: &[Size], of: fn(&Size) -> u64| sizes.iter().map(of).max().unwrap();
        let (state, later) = (most(before, |size| size.state), most(after, |size| size.state));
        assert!(later <= state + state / 4, "the state grew from {state} to {later} bytes");
        let (resident, later) = (most(before, |size| size.resident), most(after, |size| size.resident));
        // Whoever watches all segments here remembers each of them.
        assert!(later <= resident + (32 << 20), "memory grew from {resident} to {later} bytes");
    }
}

#[test]
fn a_year_of_fifty_sources_is_exact_and_nothing_grows() {
    let (stage, sources) = stage();
    let mut year = Year::default();
    year.live(&stage, &sources, days());
    let mut segments = 0;
    for source in &sources {
        stage.assert_exact(source);
        year.assert_gaps(&stage, source);
        segments += stage.segments(source).len();
    }
    for size in year.sizes.iter().step_by((year.sizes.len() / 12).max(1)) {
        let in_kib = |bytes: u64| bytes / 1024;
        println!("day {:>3}: state {} KiB, this process {} KiB", size.day, in_kib(size.state), in_kib(size.resident));
    }
    println!(
        "{} sources, {} days, {} polls, {} records, {segments} segments, {} restarts, {} reloads, {} outages of {OUTAGE} days",
        sources.len(),
        days(),
        year.polls,
        year.records,
        year.restarts,
        year.reloads,
        year.outages,
    );
    year.assert_flat();
    assert!(year.records > 10_000 && year.outages > 0, "too little happened");
}
