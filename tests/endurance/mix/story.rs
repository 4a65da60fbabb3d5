//! One mix: what happens, one thing after the other, and how it has to end.

use std::{rc::Rc, time::Duration};

use atlas_logd::{
    atlas::RequestError,
    collect::{PollError, PollReport},
    instant::Instant,
    sim::{Bounds, DateHeader, Profile, RangeClock, Settings},
    source::{Kind, Source},
};
use rand::{
    RngExt, SeedableRng,
    seq::{IndexedRandom, SliceRandom},
};
use rand_chacha::ChaCha8Rng;

use super::{actions::Action, gaps::Outages, tally::Tally};
use crate::harness::{DAY, HOUR, MINUTE, ProjectTable, SECOND, Stage, desk::Desk, orders, prod, shops, warehouse};

/// Where every mix begins.
const NOW: &str = "2026-03-01T12:00:00Z";

/// Records appear at the latest so long after they happened, but for those that are later than any settle time.
pub(super) const LATE: Duration = Duration::from_secs(390);

/// Settle times, shortest and longest.
pub(super) const SETTLE: [Duration; 2] = [Duration::from_secs(7 * 60), Duration::from_secs(20 * 60)];

/// Both clocks can be wrong, but not both ahead: then nobody can tell that it is not that late yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ahead {
    Local,
    Date,
}

/// A mix under way.
pub(super) struct Story {
    pub(super) seed: u64,
    pub(super) stage: Rc<Stage>,
    pub(super) rng: ChaCha8Rng,
    pub(super) ahead: Ahead,
    /// How far the local clock is from the right time, in milliseconds.
    pub(super) local_off: i64,
    /// Those that can be taken out of the configuration, or out of Atlas.
    pub(super) loose: [Source; 2],
    /// What happens in them.
    pub(super) loose_profiles: [Profile; 2],
    pub(super) outages: Outages,
    /// Whether the program asks nothing for a while, which is real time: nobody waits for that here.
    held: bool,
    pub(super) tally: Tally,
    /// What happened last, for who has to understand a failure.
    pub(super) told: Vec<String>,
}

impl Story {
    /// The beginning of the mix with this number.
    pub(super) fn of(seed: u64) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let stage = Stage::at(NOW);
        stage.configure(|config| {
            config.projects.push(ProjectTable::analytics());
            config.start("2d");
        });
        be_patient(&stage, "0s", "100ms");
        let loose = [stage.add_source(Kind::StreamAudit, "billing"), stage.add_source(Kind::AccessHistory, "prod-1")];
        let since = stage.ago(3 * DAY);
        let audit = Profile::audit(since, 0.1);
        // Entries without `hostname` or `logLine` are new ones when they come in other bytes.
        let access = Profile { missing_fields: 0.0, ..Profile::access(since, 0.1) };
        for source in [orders(), shops(), loose[0].clone()] {
            stage.generate(&source, &audit);
        }
        for source in [prod(), warehouse(), loose[1].clone()] {
            stage.generate(&source, &access);
        }
        let loose_profiles = [audit, access];
        let settings = Settings {
            range_clock: *RangeClock::ALL.choose(&mut rng).unwrap(),
            bounds: *Bounds::ALL.choose(&mut rng).unwrap(),
            lines_per_member: *[None, Some(1), Some(3)].choose(&mut rng).unwrap(),
            final_newline: rng.random_bool(0.5),
            downloads_are_audited: rng.random_bool(0.3),
            rate_limit_headers: rng.random_bool(0.5),
            compresses: seed.is_multiple_of(2),
            ..calm()
        };
        stage.world.set(|all| *all = settings);
        let ahead = *[Ahead::Local, Ahead::Date].choose(&mut rng).unwrap();
        let (stage, outages, tally) = (Rc::new(stage), Outages::default(), Tally::default());
        Self {
            seed,
            stage,
            rng,
            ahead,
            local_off: 0,
            loose,
            loose_profiles,
            outages,
            held: false,
            tally,
            told: Vec::new(),
        }
    }

    /// Lets things happen until there were so many polls; then all is well, and the archive has to be exact.
    pub(super) fn unfold(mut self, polls: usize) -> Tally {
        let polls = u64::try_from(polls).unwrap();
        while self.tally.of("polls") < polls {
            self.live(polls);
            self.tally.count("restarts", 1);
        }
        self.catch_up();
        self.judge();
        std::mem::take(&mut self.tally)
    }

    /// From one start of the program to its end.
    fn live(&mut self, polls: u64) {
        let stage = Rc::clone(&self.stage);
        let mut desk = stage.desk();
        self.held = false;
        while self.tally.of("polls") < polls && !self.held {
            self.pass();
            if let Some(action) = Action::draw(&mut self.rng) {
                if action == Action::Restart {
                    return;
                }
                action.take(self, &mut desk);
            }
            self.poll(&desk);
        }
    }

    /// Time passes on both clocks: minutes mostly, sometimes hours or days, and more days than Atlas holds.
    fn pass(&mut self) {
        let time = match self.rng.random_range(0..200) {
            0 => self.outage(),
            1..4 => DAY.mul_f64(self.rng.random_range(0.5..3.0)),
            4..20 => HOUR.mul_f64(self.rng.random_range(0.5..12.0)),
            20..40 => SECOND * self.rng.random_range(0..10),
            _ => MINUTE.mul_f64(self.rng.random_range(0.1..30.0)),
        };
        self.set_time(self.stage.now() + time);
    }

    /// Nobody asks for longer than Atlas holds. Clocks that are wrong all that time are another story.
    fn outage(&mut self) -> Duration {
        self.local_off = 0;
        self.stage.world.set(|settings| settings.date = DateHeader::Offset(0));
        self.stage.world.clear_faults();
        self.tally.count("outages of more than 7 days", 1);
        DAY.mul_f64(self.rng.random_range(7.2..9.0))
    }

    fn set_time(&self, now: Instant) {
        self.stage.set_atlas_time(now);
        self.stage.set_local_time(Instant::from_millis(now.millis() + self.local_off));
    }

    pub(super) fn poll(&mut self, desk: &Desk<'_>) {
        let mut sources = desk.sources();
        sources.shuffle(&mut self.rng);
        for source in sources {
            let report = desk.try_poll(&source);
            self.note(&source, &report);
        }
    }

    pub(super) fn note(&mut self, source: &Source, report: &PollReport) {
        self.tally.count("polls", 1);
        self.tally.count("records", report.figures.records);
        self.tally.count("requests", report.figures.requests);
        match &report.failure {
            Some(failure) => {
                self.tally.count("failed polls", 1);
                if let PollError::Request(error) = &failure.error
                    && error.says_absent()
                {
                    self.outages.note_absent(source, self.stage.now());
                }
                self.held |= matches!(
                    failure.error,
                    PollError::LimitReached { .. } | PollError::Request(RequestError::Token(_))
                );
                self.tally.count(format!("failed polls: {}", kind_of(&failure.error)), 1);
                self.tell(&format!("{source} failed: {failure}"));
            }
            None => self.outages.note_collected(source, self.stage.now()),
        }
    }

    /// All is well again: what is behind is made up for.
    fn catch_up(&mut self) {
        self.tell("all is well again");
        self.calm_down();
        self.configure_all();
        for wait in [Duration::ZERO, MINUTE, 2 * SETTLE[1], 2 * SETTLE[1]] {
            self.set_time(self.stage.now() + wait);
            if wait > MINUTE {
                be_patient(&self.stage, "5m", "60s");
            }
            let stage = Rc::clone(&self.stage);
            let desk = stage.desk();
            for source in desk.sources() {
                let report = desk.try_poll(&source);
                self.note(&source, &report);
                // Before, a clock may not be known to be right again, and a limit not be over.
                let failure = report.failure.filter(|_| wait > MINUTE).map(|failure| failure.to_string());
                assert_eq!(failure, None, "{source} after all is well");
            }
        }
    }

    fn judge(&mut self) {
        for source in [orders(), prod(), shops(), warehouse(), self.loose[0].clone(), self.loose[1].clone()] {
            let (late, found) = self.stage.assert_exact_but_for_later_than(&source, LATE);
            self.tally.count("records later than settle", late as u64);
            self.tally.count("records later than settle that were archived all the same", found as u64);
            let gaps = self.stage.gaps(&source);
            self.outages.assert_true(&source, &gaps);
            self.tally.count("gaps", gaps.len() as u64);
        }
    }

    pub(super) fn tell(&mut self, what: &str) {
        self.told.push(format!("{} {what}", self.stage.now()));
    }
}

impl Drop for Story {
    /// Whoever has to understand a failure needs to know what led to it.
    fn drop(&mut self) {
        if std::thread::panicking() {
            let last = self.told.len().saturating_sub(60);
            println!(
                "mix {}, of its {} events the last:\n{}",
                self.seed,
                self.told.len(),
                self.told[last..].join("\n")
            );
        }
    }
}

/// How long a request is tried, and how long an answer may take. Both are real time.
fn be_patient(stage: &Stage, retry_budget: &str, timeout: &str) {
    stage.configure(|config| {
        config.set_text("atlas", "retry_budget", retry_budget);
        config.set_text("atlas", "connect_timeout", timeout);
        config.set_text("atlas", "stall_timeout", timeout);
    });
}

/// The kind of an error, without its particulars.
fn kind_of(error: &PollError) -> String {
    let shown = match error {
        PollError::Request(error) => format!("{error:?}"),
        error => format!("{error:?}"),
    };
    shown.chars().take_while(char::is_ascii_alphanumeric).collect()
}

/// Nothing is wrong, and no limit is ever reached.
pub(super) fn calm() -> Settings {
    let mut settings = Settings { tokens_per_minute: 100_000, live_tokens: 100_000, ..Settings::default() };
    settings.bucket.capacity = 1_000_000;
    // The program measures the life of a token by another clock than the virtual one.
    settings.token_life = 1000 * DAY;
    settings
}
