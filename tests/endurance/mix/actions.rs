//! What can happen between two polls.

use std::time::Duration;

use atlas_logd::{
    instant::Instant,
    sim::{Cluster, DateHeader, Event, Rendering, StreamInstance, Trouble, Weather},
    source::{Kind, Source},
    window::Window,
};
use rand::{
    RngExt,
    seq::{IndexedRandom, IteratorRandom},
};
use rand_chacha::ChaCha8Rng;

use super::story::{Ahead, LATE, SETTLE, Story, calm};
use crate::harness::{DAY, HOUR, MINUTE, SECOND, desk::Desk};

/// Something that happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Action {
    /// The program ends and is started again.
    Restart,
    /// The program goes over to another configuration.
    Reload,
    /// Requests go wrong by chance.
    Storm,
    /// Nothing goes wrong any more.
    Calm,
    /// Atlas cannot be reached, or can be again.
    Reachable,
    /// A local clock jumps, or is set right.
    LocalClock,
    /// The clock of Atlas is off, does not show, or is right again.
    Date,
    /// The limits of Atlas are tight, or wide again.
    Limits,
    /// Tokens are revoked, nonces go stale.
    Credentials,
    /// Answers to audit logs are for less than was asked.
    Narrower,
    /// A cluster or an instance is deleted, or is there again.
    Existence,
    /// Entries come in other bytes than before.
    RenderedAnew,
    /// A range is collected again.
    Backfill,
    /// Records that are odd.
    OddRecords,
    /// More entries than a page holds.
    Burst,
}

impl Action {
    const OFTEN: [Self; 11] = [
        Self::Restart,
        Self::Reload,
        Self::Reachable,
        Self::LocalClock,
        Self::Date,
        Self::Limits,
        Self::Credentials,
        Self::Narrower,
        Self::Existence,
        Self::RenderedAnew,
        Self::Backfill,
    ];

    /// Nothing, most often.
    pub(super) fn draw(rng: &mut ChaCha8Rng) -> Option<Self> {
        match rng.random_range(0..800) {
            0 => Some(Self::Burst),
            1..200 => Self::OFTEN.choose(rng).copied(),
            200..320 => Some(Self::Storm),
            320..420 => Some(Self::OddRecords),
            420..540 => Some(Self::Calm),
            _ => None,
        }
    }

    /// Lets it happen.
    pub(super) fn take(self, story: &mut Story, desk: &mut Desk<'_>) {
        story.tell(&format!("{self:?}"));
        match self {
            Self::Restart => {}
            Self::Reload => story.reload(desk),
            Self::Storm => story.storm(),
            Self::Calm => story.calm_down(),
            Self::Reachable => story.change_reachability(),
            Self::LocalClock => story.change_local_clock(),
            Self::Date => story.change_date(),
            Self::Limits => story.change_limits(),
            Self::Credentials => {
                story.stage.world.revoke_all_tokens();
                story.stage.world.expire_all_nonces();
                story.tally.count("tokens and nonces ended", 1);
            }
            Self::Narrower => story.change_narrowness(),
            Self::Existence => story.change_existence(),
            Self::RenderedAnew => story.render_anew(desk),
            Self::Backfill => story.backfill(desk),
            Self::OddRecords => story.add_odd_records(desk),
            Self::Burst => story.add_burst(),
        }
    }
}

impl Story {
    fn reload(&mut self, desk: &mut Desk<'_>) {
        let settle = self.rng.random_range(SETTLE[0]..=SETTLE[1]);
        let size = *["4KiB", "64KiB", "1MiB", "128MiB"].choose(&mut self.rng).unwrap();
        let every = *["hour", "day"].choose(&mut self.rng).unwrap();
        let present = [self.rng.random_bool(0.6), self.rng.random_bool(0.6)];
        let loose = self.loose.clone();
        self.stage.configure(|config| {
            config.settle(&format!("{}s", settle.as_secs()));
            config.set_text("archive", "rotate_size", size);
            config.set_text("archive", "rotate_every", every);
            let payments = &mut config.projects[0];
            for (source, present) in loose.iter().zip(present) {
                let names = match source.id.kind {
                    Kind::StreamAudit => &mut payments.stream_instances,
                    Kind::AccessHistory => &mut payments.clusters,
                };
                names.retain(|name| *name != source.id.name);
                if present {
                    names.push(source.id.name.clone());
                }
            }
        });
        desk.reload();
        self.tally.count("reloads", 1);
    }

    /// All sources are in the configuration.
    pub(super) fn configure_all(&mut self) {
        let [audit, access] = self.loose.clone();
        self.stage.configure(|config| {
            config.projects[0].stream_instances = vec!["orders".to_owned(), audit.id.name.clone()];
            config.projects[0].clusters = vec!["prod-0".to_owned(), access.id.name.clone()];
        });
    }

    fn storm(&mut self) {
        self.count_struck();
        let unnoticed = match self.ahead {
            Ahead::Local => Trouble::DateAhead,
            Ahead::Date => Trouble::Hang,
        };
        let all = Trouble::ALL.into_iter().filter(|trouble| *trouble != unnoticed);
        let count = self.rng.random_range(1..=all.clone().count());
        let troubles = all.sample(&mut self.rng, count);
        let weather = Weather::new(self.rng.random(), self.rng.random_range(0.05..0.7), &troubles);
        self.stage.world.set_weather(weather);
    }

    pub(super) fn calm_down(&mut self) {
        self.count_struck();
        self.stage.world.clear_faults();
        self.stage.world.set(|settings| {
            let calm = calm();
            (settings.date, settings.bucket) = (calm.date, calm.bucket);
            settings.audit_range_cut = calm.audit_range_cut;
        });
        self.stage.bring_atlas_up();
        self.exist();
        self.local_off = 0;
    }

    pub(super) fn count_struck(&mut self) {
        for (trouble, count) in self.stage.world.struck() {
            self.tally.count(format!("faults: {trouble:?}"), count);
        }
    }

    fn change_reachability(&mut self) {
        if self.rng.random_bool(0.5) {
            self.stage.take_atlas_down();
            self.tally.count("times that Atlas could not be reached", 1);
        } else {
            self.stage.bring_atlas_up();
        }
    }

    fn change_local_clock(&mut self) {
        let hour = 3_600_000;
        self.local_off = match self.ahead {
            Ahead::Local if self.rng.random_bool(0.3) => self.rng.random_range(0..=hour),
            _ if self.rng.random_bool(0.5) => -self.rng.random_range(0..=hour),
            _ => 0,
        };
        self.tally.count("jumps of the local clock", 1);
    }

    fn change_date(&mut self) {
        let hour = 3_600_000;
        let date = match self.ahead {
            _ if self.rng.random_bool(0.3) => DateHeader::Offset(0),
            _ if self.rng.random_bool(0.3) => DateHeader::Missing,
            Ahead::Date if self.rng.random_bool(0.5) => DateHeader::Offset(self.rng.random_range(0..=hour)),
            _ => DateHeader::Offset(-self.rng.random_range(0..=hour)),
        };
        self.stage.world.set(|settings| settings.date = date);
        self.tally.count("jumps of the Date", 1);
    }

    fn change_limits(&mut self) {
        let capacity = *[1, 5, 1_000_000].choose(&mut self.rng).unwrap();
        let retry_after = self.rng.random_bool(0.5);
        self.stage.world.set(|settings| {
            (settings.bucket.capacity, settings.bucket.refill) = (capacity, capacity);
            settings.retry_after = retry_after;
        });
        self.tally.count("changes of the rate limits", 1);
    }

    fn change_narrowness(&mut self) {
        let mut part = || SECOND * self.rng.random_range(0..1800);
        let cut = if part() > 15 * MINUTE { (Duration::ZERO, Duration::ZERO) } else { (part(), part()) };
        self.stage.world.set(|settings| settings.audit_range_cut = cut);
        self.tally.count("narrower answers", 1);
    }

    /// One of the loose sources is deleted at Atlas, or is there again with all that it held.
    fn change_existence(&mut self) {
        if self.rng.random_bool(0.5) {
            return self.exist();
        }
        let gone = self.loose.choose(&mut self.rng).unwrap().clone();
        self.stage.world.change_projects(|projects| {
            let project = projects.iter_mut().find(|project| project.id == gone.id.project_id).unwrap();
            match gone.id.kind {
                Kind::StreamAudit => project.stream_instances.retain(|instance| instance.name != gone.id.name),
                Kind::AccessHistory => project.clusters.retain(|cluster| cluster.name != gone.id.name),
            }
        });
        self.tally.count("times that a cluster or an instance was deleted", 1);
    }

    /// Everything is there at Atlas.
    pub(super) fn exist(&mut self) {
        let profiles = self.loose_profiles.clone();
        for (source, profile) in self.loose.iter().zip(profiles) {
            self.stage.world.change_projects(|projects| {
                let project = projects.iter_mut().find(|project| project.id == source.id.project_id).unwrap();
                match source.id.kind {
                    Kind::StreamAudit => {
                        project.stream_instances.retain(|instance| instance.name != source.id.name);
                        project.stream_instances.push(StreamInstance::new(&source.id.name).with_profile(profile));
                    }
                    Kind::AccessHistory => {
                        project.clusters.retain(|cluster| cluster.name != source.id.name);
                        project.clusters.push(Cluster::new(&source.id.name).with_profile(profile));
                    }
                }
            });
        }
    }

    /// What is archived already comes in other bytes. What is not archived yet must not: the truth knows it otherwise.
    fn render_anew(&mut self, desk: &Desk<'_>) {
        self.calm_down();
        // Whoever was told a wrong time does not ask up to now.
        self.poll(desk);
        let access: Vec<Source> =
            desk.sources().into_iter().filter(|source| source.id.kind == Kind::AccessHistory).collect();
        for source in access {
            let report = desk.try_poll(&source);
            self.note(&source, &report);
            if report.failure.is_none() {
                self.stage.world.set(|settings| settings.rendering = Rendering::Anew);
                let report = desk.try_poll(&source);
                self.note(&source, &report);
                self.stage.world.set(|settings| settings.rendering = Rendering::AsHeld);
                assert_eq!(report.figures.records, 0, "{source}: known entries in other bytes are no new ones");
                self.tally.count("answers with known entries in other bytes", 1);
            }
        }
    }

    fn backfill(&mut self, desk: &Desk<'_>) {
        let Some(source) = desk.sources().into_iter().choose(&mut self.rng) else { return };
        let from = self.stage.ago(DAY.mul_f64(self.rng.random_range(0.0..10.0)));
        let window = Window::new(from, from + HOUR.mul_f64(self.rng.random_range(0.01..48.0)));
        self.tell(&format!("of {source}, {window}"));
        self.outages.note_backfill(&source, window);
        // It fails where Atlas does not hold the range any more.
        let report = desk.try_backfill(&source, window);
        self.tally.count("records", report.figures.records);
        self.tally.count("backfills", 1);
    }

    /// Twins, twins of which one comes later, late ones, ones without a clock or with an absurd one, and ones that are later
    /// than any settle time.
    fn add_odd_records(&mut self, desk: &Desk<'_>) {
        let Some(source) = desk.sources().into_iter().choose(&mut self.rng) else { return };
        let now = self.stage.now();
        let note = format!("odd-{}", self.told.len());
        let time = now - SECOND * self.rng.random_range(0..60);
        let event = event(&source, time, &note);
        let late = LATE.mul_f64(self.rng.random());
        // An entry of an access history that has nothing else comes again as a new one when it comes in other bytes.
        let kinds = if source.id.kind == Kind::StreamAudit { 0..6 } else { 0..4 };
        match self.rng.random_range(kinds) {
            0 => {
                self.stage.add(&source, event.clone());
                self.stage.add(&source, event);
                self.tally.count("twins", 1);
            }
            1 => {
                self.stage.add(&source, event.clone());
                self.stage.add(&source, event.late(late.max(SECOND * 60)));
                self.tally.count("twins of which one came later", 1);
            }
            2 => {
                self.stage.add(&source, event.late(late.max(SECOND * 60)));
                self.tally.count("late records", 1);
            }
            3 => {
                let later = SETTLE[1] + MINUTE.mul_f64(self.rng.random_range(20.0..200.0));
                self.stage.add(&source, event.late(later));
            }
            4 => {
                self.stage.add(&source, Event::new(time, format!("{{\"note\":\"{note}\"}}")).late(late));
                self.tally.count("records without a clock", 1);
            }
            _ => {
                let absurd = format!("{{\"time\":0,\"note\":\"{note}\"}}");
                self.stage.add(&source, Event::new(time, absurd).late(late));
                self.tally.count("records with an absurd clock", 1);
            }
        }
    }

    fn add_burst(&mut self) {
        let source = crate::harness::prod();
        let now = self.stage.now();
        for number in 0..20_500_u32 {
            let time = now - Duration::from_millis(u64::from(number) * 7);
            self.stage.add(&source, Event::access(time, "host", &format!("burst-{}-{number}", self.told.len())));
        }
        self.tally.count("bursts of more than a page", 1);
    }
}

fn event(source: &Source, time: Instant, note: &str) -> Event {
    match source.id.kind {
        Kind::StreamAudit => Event::audit(time, note),
        Kind::AccessHistory => Event::access(time, "host", note),
    }
}
