//! The run: life after life on one archive, and the judgement at its end.

use std::{
    collections::HashMap,
    fs,
    path::{Path, PathBuf},
    process::ExitStatus,
    sync::Arc,
    time::Duration,
};

use atlas_logd::{
    clock::{Clock, SystemClock},
    instant::Instant,
    sim::{World, demo_world_since},
    source::SourceId,
    window::Window,
};
use rustix::process::Signal;

use crate::{
    atlas::Atlas,
    configuration::Configuration,
    dice::Dice,
    journal::Journal,
    judgement::judge,
    kept::Kept,
    observer::Observer,
    plan::{AtlasDies, Life, Plan},
    snapshot::{Moment, Snapshot},
    tally::Tally,
    victim::{PATIENCE, Said, Victim, Waited, was_killed},
};

/// From so many kills on, a run has to find every moment, and more than a day's records to be killed at.
const MANY: u32 = 200;

/// Enough for some kills, and little to judge for a program that is not optimised.
const A_FEW_HOURS: Duration = Duration::from_secs(20 * 3600);

/// In which there is a burst of more than a page.
const THREE_DAYS: Duration = Duration::from_secs(72 * 3600);

/// Enough for something that hardly ever fails twice.
const TRIES: usize = 20;

/// More than the sources, their connections and the rest of a daemon need.
const DESCRIPTORS: usize = 64;

pub(crate) struct Run {
    folder: Kept,
    kills: u32,
    plan: Plan,
    world: World,
    atlas: Atlas,
    configuration: Configuration,
    journal: Journal,
    tally: Tally,
    before: Snapshot,
    since: Instant,
    /// The next kill comes at once: it falls into the start, or into the recovery from the last one.
    again: bool,
}

impl Run {
    pub(crate) fn new(kills: u32, seed: u64) -> Self {
        println!("{kills} kills, seed {seed}");
        let folder = Kept::new(format!("cargo test --test kills -- {kills} --seed {seed}"));
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        // Told to both processes, so that they hold the same whatever day it becomes meanwhile.
        let now = clock.now();
        let since = now - if kills < MANY { A_FEW_HOURS } else { THREE_DAYS };
        let atlas = Atlas::start(seed, since);
        let configuration = Configuration::new(atlas.base_url(), seed);
        Self {
            folder,
            kills,
            plan: Plan::new(Dice::new(seed), Window::new(since, now), kills),
            world: demo_world_since(seed, since, clock),
            atlas,
            configuration,
            journal: Journal::default(),
            tally: Tally::new(),
            before: Snapshot::default(),
            since,
            again: false,
        }
    }

    /// Kills so often, then lets it catch up, and judges.
    pub(crate) fn go(mut self) {
        let folder = self.folder.path();
        self.configuration.lay_out(&folder);
        let mut observer = Observer::start(folder.join("archive"));
        while self.tally.kills() < self.kills {
            self.live_and_die();
            observer.look();
            self.folder.kills = self.tally.kills();
        }
        println!("{}after {} s", self.tally, self.tally.elapsed().as_secs());
        self.catch_up();
        // Before anything is asked for that was claimed: Atlas would give back what a kill had lost.
        judge(&folder, &self.world, &self.journal, None);
        let polled = self.ask_for_everything();
        let observed = observer.finish();
        let judged = judge(&folder, &self.world, &self.journal, Some(polled));
        assert_eq!((observed.segments, observed.bytes), (judged.segments, judged.bytes), "observed and judged");
        let state_bytes = leftovers(&folder);
        println!(
            "compared with what happened: {} records of {} sources, {} bytes, {} commits, {} segments; state.db {state_bytes} bytes",
            judged.records,
            judged.sources,
            judged.bytes,
            self.journal.commits(),
            judged.segments,
        );
        println!(
            "{} records without any time were taken for an identical one, and {} were archived again, at edges of backfills",
            judged.taken_for_one, judged.archived_again
        );
        let most = 1 + u64::from(self.kills / 100);
        assert!(judged.taken_for_one + judged.archived_again <= most, "more than {most} of those");
        println!(
            "the observer looked {} times, and {} segments carried the append-only attribute; {} s in all",
            observed.looks,
            observed.append_only,
            self.tally.elapsed().as_secs(),
        );
        self.assert_telling();
    }

    /// A run proves little whose kills fell into nothing.
    fn assert_telling(&self) {
        let (work, kills) = (self.tally.within_work(), self.tally.kills());
        assert!(work * 3 >= kills, "only {work} of {kills} kills fell into work");
        if kills >= MANY {
            let commits = self.tally.within_commits();
            assert!(commits * 8 >= kills, "only {commits} of {kills} kills fell into a commit");
            for moment in Moment::ALL {
                assert!(self.tally.in_moment(moment) > 0, "no kill fell {}", moment.what());
            }
        }
    }

    /// One life, which ends in a kill unless it is over before.
    fn live_and_die(&mut self) {
        let folder = self.folder.path();
        let mut names = HashMap::new();
        if !self.again && self.plan.dice.percent(75) {
            self.configuration.change(&mut self.plan.dice);
            self.configuration.write(&folder);
        }
        name_sources(&folder, &mut names);
        let life = self.plan.life();
        let (event, at_most_after) = self.plan.event(&life, self.again);
        let atlas_dies = self.plan.atlas_dies();
        let reload = life.is_daemon() && !self.again && self.plan.dice.percent(35);

        let mut victim = Victim::start(&folder, &life.arguments());
        if atlas_dies == AtlasDies::Meanwhile {
            self.pass(200);
            self.atlas.kill();
            self.pass(100);
            self.atlas.start_again();
        }
        if reload {
            self.configuration.change(&mut self.plan.dice);
            victim.wait_until(PATIENCE, |victim| victim.said.ready > 0);
            self.pass(300);
            self.configuration.write(&folder);
            name_sources(&folder, &mut names);
            victim.signal(Signal::HUP);
            if self.plan.dice.percent(60) {
                victim.wait_until(PATIENCE, |victim| victim.said.ready > 1);
            }
        }
        let waited = event.wait(&mut victim, life.is_daemon());
        if atlas_dies == AtlasDies::Before {
            self.atlas.kill();
        }
        if waited != Waited::Ended {
            self.pass(at_most_after);
        }
        let (status, said) = victim.kill();
        if atlas_dies == AtlasDies::Before {
            self.atlas.start_again();
        }

        let after = Snapshot::take(&folder);
        self.journal.note(&said.commits, &names, &after);
        if was_killed(status) {
            self.tally.kill(life.name(), after.moment(&self.before));
            self.note_circumstances(reload, atlas_dies, &after);
            if self.tally.kills().is_multiple_of(100) {
                println!("{} kills after {} s", self.tally.kills(), self.tally.elapsed().as_secs());
            }
        } else {
            // Some answers are wrong, and a wrong one is not asked for again in the same poll.
            let fine = status.success() || status.code() == Some(1);
            assert!(fine && !life.is_daemon(), "{life:?} ended by itself: {}", ending(status, &said));
        }
        self.again = !self.again && self.plan.dice.percent(12);
        self.before = after;
    }

    fn note_circumstances(&mut self, reload: bool, atlas_dies: AtlasDies, after: &Snapshot) {
        for (is_so, circumstance) in [
            (reload, "of them soon after a reload"),
            (self.again, "of them soon after the start that followed another"),
            (atlas_dies == AtlasDies::Meanwhile, "of them after Atlas had been killed and started again"),
            (atlas_dies == AtlasDies::Before, "of them while Atlas was dead"),
            (after.interrupted_again(&self.before), "of them into the recovery from another, with the same intent"),
        ] {
            if is_so {
                self.tally.note(circumstance);
            }
        }
    }

    /// Lets a random time pass. Here it is not waited for anything: any instant is as good as any other, and each has to
    /// have its turn.
    fn pass(&mut self, at_most_millis: u64) {
        std::thread::sleep(self.plan.dice.wait(at_most_millis));
    }

    /// Lives that nobody kills: a daemon that is stopped, and `collect`, which must succeed.
    fn catch_up(&mut self) {
        let folder = self.folder.path();
        self.configuration.complete();
        self.configuration.write(&folder);
        let mut daemon = Victim::start(&folder, &Life::Daemon.arguments());
        let caught_up = daemon.wait_until(PATIENCE, |daemon| daemon.said.windows >= 40);
        assert_eq!(caught_up, Waited::Reached, "the daemon collects nothing:\n{}", daemon.said.lines.join("\n"));
        let descriptors = daemon.descriptors();
        assert!(descriptors < DESCRIPTORS, "the daemon has {descriptors} files open");
        daemon.signal(Signal::TERM);
        assert!(self.end_well(daemon, "the daemon"), "the daemon ended with a failure");
        self.live_well(&Life::Collect);
    }

    /// Whatever lies apart is joined, and nothing of what is there comes again. When the last `collect` began.
    fn ask_for_everything(&mut self) -> Instant {
        self.live_well(&Life::Backfill(Window::new(self.since, SystemClock.now())));
        self.live_well(&Life::Collect)
    }

    /// Tries until it succeeds, though some answers are wrong. When the last try began.
    fn live_well(&mut self, life: &Life) -> Instant {
        let folder = self.folder.path();
        for _ in 0..TRIES {
            let begun = SystemClock.now();
            let victim = Victim::start(&folder, &life.arguments());
            if self.end_well(victim, life.name()) {
                return begun;
            }
        }
        panic!("{life:?} did not succeed");
    }

    /// Lets it end by itself. Whether nothing failed.
    fn end_well(&mut self, victim: Victim, who: &str) -> bool {
        let folder = self.folder.path();
        let (status, said) = victim.finish();
        assert!(matches!(status.code(), Some(0 | 1)), "{who} failed: {}", ending(status, &said));
        let mut names = HashMap::new();
        name_sources(&folder, &mut names);
        let after = Snapshot::take(&folder);
        self.journal.note(&said.commits, &names, &after);
        self.before = after;
        status.success()
    }
}

/// The sources of the configuration by their names on the command line, beside those that are known already.
fn name_sources(folder: &Path, names: &mut HashMap<String, SourceId>) {
    let config = atlas_logd::config::load(&folder.join("config.toml")).unwrap();
    let sources = config.projects.iter().flat_map(|project| project.sources());
    names.extend(sources.map(|source| (source.to_string(), source.id)));
}

fn ending(status: ExitStatus, said: &Said) -> String {
    format!("{status}; it said:\n{}", said.lines.join("\n"))
}

/// Nothing is left of what was on its way. How large the state is.
fn leftovers(folder: &Path) -> u64 {
    let names = |folder: PathBuf| {
        let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap());
        let mut names: Vec<String> = entries.map(|entry| entry.file_name().into_string().unwrap()).collect();
        names.sort();
        names
    };
    assert_eq!(names(folder.join("archive/.spool")), [""; 0], "spools are left");
    let ours = ["lock", "state.db", "state.db-shm", "state.db-wal"];
    let others: Vec<String> =
        names(folder.join("state")).into_iter().filter(|name| !ours.contains(&&name[..])).collect();
    assert_eq!(others, [""; 0], "files are left in the state folder");
    fs::metadata(folder.join("state/state.db")).unwrap().len()
}
