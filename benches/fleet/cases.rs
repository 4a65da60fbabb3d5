//! The cases.

use std::{path::Path, thread, time::Duration};

use atlas_logd::{
    clock::{Clock as _, SystemClock},
    instant::Instant,
};
use nix::sys::inotify::{AddWatchFlags, InitFlags, Inotify};

use crate::{
    atlas::{Atlas, Traffic},
    daemon::Daemon,
    fleet::Fleet,
    log::Log,
    past::Past,
    starts::Starts,
};

const DAY: Duration = Duration::from_secs(86_400);
const FIVE_MINUTES: i64 = 300;

/// From when all polls of a tick have begun until they are over.
const LAST_POLLS: Duration = Duration::from_secs(2);

/// What a case shows.
pub(crate) struct Figure {
    pub(crate) what: String,
    pub(crate) measured: String,
    pub(crate) to_reach: String,
    pub(crate) reached: bool,
}

type Case = fn() -> Vec<Figure>;

/// All of them.
pub(crate) const CASES: [(&str, Case); 5] =
    [("steady", steady), ("quiet-1000", quiet), ("busy-10000", busy), ("start-10000", start), ("year-1000", year)];

/// A number from the environment.
fn number<T: std::str::FromStr<Err: std::fmt::Debug>>(variable: &str, default: T) -> T {
    std::env::var(variable).map_or(default, |text| text.parse().unwrap())
}

fn interval() -> i64 {
    number("ATLAS_LOGD_BENCH_INTERVAL", FIVE_MINUTES)
}

fn ticks() -> u32 {
    number("ATLAS_LOGD_BENCH_TICKS", 3)
}

/// A figure that must not be more than `most`.
fn at_most(what: impl Into<String>, measured: f64, most: f64, unit: &str) -> Figure {
    Figure {
        what: what.into(),
        measured: format!("{measured:.2} {unit}"),
        to_reach: format!("≤ {most} {unit}"),
        reached: measured <= most,
    }
}

/// A figure that has to be just this.
fn exactly(what: impl Into<String>, measured: u64, wanted: u64) -> Figure {
    Figure {
        what: what.into(),
        measured: measured.to_string(),
        to_reach: wanted.to_string(),
        reached: measured == wanted,
    }
}

/// A fleet with its daemon.
struct Run {
    fleet: Fleet,
    atlas: Atlas,
    daemon: Daemon,
    folder: tempfile::TempDir,
    /// The first tick.
    first: Instant,
}

/// What some ticks took.
struct Taken {
    /// CPU from the first of these ticks to the end of the last.
    cpu: Duration,
    /// CPU for each poll, while there are some.
    of_poll: Duration,
    starts: Starts,
    traffic: Traffic,
}

impl Run {
    /// Begins; the first tick is to come.
    fn begin(fleet: Fleet) -> Self {
        eprintln!("{} sources: making what happened before", fleet.sources);
        let mut past = Past::begin(&fleet, DAY / 2);
        past.live(&[DAY / 4], |_, _| ());
        past.catch_up();
        let folder = past.end();
        let atlas = Atlas::start(&fleet);
        let first = fleet.first_tick(SystemClock.now(), Duration::from_secs(5));
        fleet.configure(folder.path(), &atlas.base, first);
        let daemon = Daemon::start(folder.path());
        eprintln!("{} sources: ready after {:?}, the first tick is at {first}", fleet.sources, daemon.ready);
        Self { fleet, atlas, daemon, folder, first }
    }

    fn tick(&self, number: u32) -> Instant {
        self.first + self.fleet.interval() * number
    }

    /// Measures so many ticks, after so many that are not.
    fn measure(&self, unmeasured: u32, ticks: u32) -> Taken {
        let soon = Duration::from_millis(500);
        let (mut cpu, mut of_polls) = (Duration::ZERO, Duration::ZERO);
        let first = self.tick(unmeasured);
        wait_until(first - soon);
        for number in unmeasured..unmeasured + ticks {
            let tick = self.tick(number);
            let before = self.daemon.cpu();
            wait_until(tick + self.fleet.spread() + LAST_POLLS);
            of_polls += self.daemon.cpu() - before;
            wait_until(tick + self.fleet.interval() - soon);
            cpu += self.daemon.cpu() - before;
            eprintln!("{} sources: {:?} of CPU for a tick", self.fleet.sources, self.daemon.cpu() - before);
        }
        // The last access history may still have its turn.
        wait_until(self.tick(unmeasured + ticks - 1) + self.fleet.spread() + LAST_POLLS);
        let traffic = self.atlas.traffic();
        let starts = Starts::of(&self.fleet, &traffic, first, ticks);
        let of_poll = of_polls / u32::try_from(starts.polls()).unwrap().max(1);
        Taken { cpu, of_poll, starts, traffic }
    }
}

fn wait_until(instant: Instant) {
    thread::sleep(instant.since(SystemClock.now()));
}

fn millis(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}

fn steady() -> Vec<Figure> {
    let run = Run::begin(Fleet { projects: 2, sources: 8, busy_of: 0, interval: 15 });
    // Half a minute after its start, the daemon makes the digest of the day.
    let (unmeasured, ticks) = (3, 3);
    wait_until(run.tick(unmeasured) - Duration::from_millis(700));
    let state = run.folder.path().join("state");
    let made = Inotify::init(InitFlags::IN_NONBLOCK).unwrap();
    watch(&made, run.folder.path());
    let before = Log::read(&state);
    let taken = run.measure(unmeasured, ticks);
    let after = Log::read(&state);
    assert_eq!(before.salt, after.salt, "the log was begun anew");
    let events = std::iter::from_fn(|| made.read_events().ok()).flatten();
    let names = events.filter(|event| event.mask.intersects(MADE)).filter_map(|event| event.name);
    // Now and then the daemon looks whether it can write.
    let (probes, files): (Vec<_>, Vec<_>) = names.partition(|name| name == "probe");
    let polls = taken.starts.polls() as u64;
    // That is at most one transaction each time, and none where it changes nothing.
    let transactions = (after.transactions - before.transactions) as u64;
    let transactions = transactions.saturating_sub(probes.len() as u64).max(transactions.min(polls));
    eprintln!(
        "{} pages of the database in {transactions} transactions and {} looks whether it can be written to",
        after.pages - before.pages,
        probes.len(),
    );
    let figures = vec![
        exactly("polls", polls, run.fleet.sources as u64 * u64::from(ticks)),
        exactly("requests", taken.starts.requests as u64, polls),
        exactly("requests without authentication", taken.traffic.unauthenticated, 0),
        exactly("token requests within the hour", taken.traffic.tokens, 1),
        exactly("transactions for these polls", transactions, polls),
        exactly("files made for them", files.len() as u64, 0),
    ];
    run.daemon.stop();
    figures
}

/// A file that was made.
const MADE: AddWatchFlags = AddWatchFlags::IN_CREATE.union(AddWatchFlags::IN_MOVED_TO);

/// Watches all folders below one, and itself. Two events that are the same, one behind the other, are told as one: that a file
/// was removed comes between two times that it was made.
fn watch(made: &Inotify, folder: &Path) {
    made.add_watch(folder, MADE | AddWatchFlags::IN_DELETE).unwrap();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            watch(made, &path);
        }
    }
}

fn quiet() -> Vec<Figure> {
    let run = Run::begin(Fleet { projects: 10, sources: 1000, busy_of: 20, interval: interval() });
    let taken = run.measure(1, ticks());
    let (what, share) = if interval() == FIVE_MINUTES {
        ("CPU of one core".to_owned(), taken.cpu.as_secs_f64() / (f64::from(ticks()) * FIVE_MINUTES as f64))
    } else {
        let each = taken.of_poll.as_secs_f64() * run.fleet.sources as f64;
        (format!("CPU of one core, by the cost of a poll every {} s", interval()), each / FIVE_MINUTES as f64)
    };
    let figures = vec![
        at_most(what, share * 100.0, 1.0, "%"),
        at_most("peak of memory", run.daemon.peak(), 40.0, "MiB"),
        exactly("polls skipped", taken.starts.skipped as u64, 0),
        exactly("requests, one for each poll", taken.starts.requests as u64, taken.starts.polls() as u64),
    ];
    eprintln!("{:.2} ms of CPU for each poll", millis(taken.of_poll));
    run.daemon.stop();
    figures
}

fn busy() -> Vec<Figure> {
    // Few sources as often as it takes to measure them; that a poll has the same entries is what matters.
    let few = Run::begin(Fleet { projects: 1, sources: 100, busy_of: 10, interval: 30 });
    let of_few = few.measure(1, 4).of_poll;
    few.daemon.stop();
    drop((few.atlas, few.folder));
    let projects = usize::try_from(100 * interval() / FIVE_MINUTES).unwrap();
    let run = Run::begin(Fleet { projects, sources: projects * 100, busy_of: 10, interval: interval() });
    let taken = run.measure(1, ticks());
    let first = Starts::of(&run.fleet, &taken.traffic, run.first, 1);
    eprintln!("the first polls: {} skipped, 99 % within {:?}", first.skipped, first.percentile(99));
    let sources = run.fleet.sources;
    let of_many = millis(taken.of_poll);
    let figures = vec![
        exactly(format!("polls skipped, of {sources} sources every {} s", interval()), taken.starts.skipped as u64, 0),
        at_most("99 % of all polls begin within", taken.starts.percentile(99).as_secs_f64(), 2.0, "s"),
        at_most("half of them within", taken.starts.percentile(50).as_secs_f64(), 2.0, "s"),
        at_most("peak of memory", run.daemon.peak(), 150.0, "MiB"),
        at_most(
            format!("CPU of a poll ({of_many:.2} ms) to that with 100 sources ({:.2} ms)", millis(of_few)),
            of_many / millis(of_few),
            1.2,
            "times",
        ),
    ];
    run.daemon.stop();
    figures
}

fn start() -> Vec<Figure> {
    let sources = number("ATLAS_LOGD_BENCH_SOURCES", 10_000);
    let fleet = Fleet { projects: (sources / 100).max(1), sources, busy_of: 10, interval: FIVE_MINUTES };
    eprintln!("{sources} sources: making what is left of a year");
    let mut past = Past::begin(&fleet, DAY * 365);
    // What the days between leave is the same: the state holds one open segment and the last sealed one.
    past.live(&[364, 180, 0].map(|days| DAY * days), |_, _| ());
    past.catch_up();
    let folder = past.end();
    let bytes = std::fs::metadata(folder.path().join("state").join("state.db")).unwrap().len();
    let atlas = Atlas::start(&fleet);
    let mut times = Vec::new();
    for _ in 0..5 {
        // Nobody is polled before it is stopped again.
        fleet.configure(folder.path(), &atlas.base, fleet.first_tick(SystemClock.now(), Duration::from_secs(120)));
        let daemon = Daemon::start(folder.path());
        times.push(daemon.ready);
        eprintln!("{sources} sources: ready after {:?}, {:.1} MiB", daemon.ready, daemon.peak());
        daemon.stop();
    }
    times.sort_unstable();
    let what = format!("ready, with {sources} sources and {:.1} MB of state", bytes as f64 / 1e6);
    vec![at_most(what, millis(times[times.len() / 2]), 500.0, "ms")]
}

fn year() -> Vec<Figure> {
    let sources = number("ATLAS_LOGD_BENCH_SOURCES", 1000);
    let fleet = Fleet { projects: (sources / 100).max(1), sources, busy_of: 20, interval: FIVE_MINUTES };
    eprintln!("{sources} sources: living a year");
    let mut past = Past::begin(&fleet, DAY * 365);
    let mut sizes = Vec::new();
    let days: Vec<Duration> = (0..365).rev().map(|days| DAY * days).collect();
    past.live(&days, |past, day| {
        if day % 30 == 29 {
            sizes.push(past.state_bytes() as f64 / 1e6);
            eprintln!("{sources} sources: {:.2} MB of state after {} days", sizes[sizes.len() - 1], day + 1);
        }
    });
    let largest = sizes.iter().copied().fold(past.state_bytes() as f64 / 1e6, f64::max);
    // Gaps are kept for ever: all that a year may add are four for each source.
    vec![
        at_most(format!("state database of {sources} sources"), largest, 20.0 * sources as f64 / 1000.0, "MB"),
        at_most("state after a year to that after a month", sizes[sizes.len() - 1] / sizes[0], 1.2, "times"),
    ]
}
