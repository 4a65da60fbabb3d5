//! Side by side: atlas-logd, and the pipes that people would write instead, against the same Atlas.
//!
//! ```text
//! cargo bench --bench side_by_side                 # all cases
//! cargo bench --bench side_by_side -- audit-400mb  # some, by name
//! ```
//!
//! Each case runs both sides alternately, five times (`ATLAS_LOGD_BENCH_RUNS=N`), from nothing to everything durable, and
//! prints medians and their ratio; of `verify`, what is archived is proven again and again, and the other side is `openssl`
//! hashing the same segment. How large the program is, is told too. Needed: `curl`, `gunzip`, `jq`, `sync`, `openssl` and a
//! disk with 12 GB free (`ATLAS_LOGD_BENCH_DIR=DIR` says where).
//!
//! | file | holds |
//! |---|---|
//! | `bodies` | what Atlas answers, made before anything is measured |
//! | `prepared` | an Atlas that answers with it, in a process of its own |
//! | `../replies` | that process, the heads of its answers, and an entry of an access history |
//! | `measured` | a command, and what it took |
//! | `sides` | the two sides of a case |

#![expect(clippy::unwrap_used, reason = "a benchmark that cannot go on has failed")]
#![expect(clippy::print_stderr, reason = "it tells how it goes")]

#[path = "../replies/access_entry.rs"]
mod access_entry;
mod bodies;
mod measured;
mod prepared;
#[path = "../replies/mod.rs"]
mod replies;
mod sides;

use std::{collections::HashMap, path::PathBuf, process::ExitCode, time::Duration};

use crate::{
    bodies::{BACKLOG, Volume},
    measured::{Measured, median},
    prepared::Prepared,
    sides::{Archived, Bench},
};

/// What both sides do.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Work {
    /// Fetch, and write.
    Archive,
    /// Prove what was archived: one segment, so that it is done on one core.
    Verify,
}

struct Case {
    name: &'static str,
    work: Work,
    volume: Volume,
    /// The ratio of the wall times to reach.
    ratio: f64,
    /// The requests to keep to.
    requests: u64,
}

const HOUR: Duration = Duration::from_secs(3600);

/// The hour that has just passed: a sixth of the lines can come again at the next poll.
const SMALL: Volume = Volume::Audit { megabytes: 400, over: HOUR, before: Duration::ZERO };
/// A burst of some minutes: all of its lines can come again.
const BURST: Volume = Volume::Audit { megabytes: 400, over: Duration::from_secs(300), before: Duration::ZERO };
/// An hour of a backlog: none of its lines can come again.
const OLD: Volume = Volume::Audit { megabytes: 400, over: HOUR, before: BACKLOG };
const LARGE: Volume = Volume::Audit { megabytes: 4000, over: HOUR, before: BACKLOG };
const PAGES: Volume = Volume::Access { entries: 400_000 };

const CASES: [Case; 6] = [
    Case { name: "audit-400mb", work: Work::Archive, volume: SMALL, ratio: 0.6, requests: 1 },
    Case { name: "audit-400mb-burst", work: Work::Archive, volume: BURST, ratio: 1.0, requests: 1 },
    Case { name: "audit-400mb-old", work: Work::Archive, volume: OLD, ratio: 0.6, requests: 1 },
    Case { name: "audit-4gb", work: Work::Archive, volume: LARGE, ratio: 0.6, requests: 1 },
    // 1.4 for each page of 20,000, of which there are 20.
    Case { name: "access-400k", work: Work::Archive, volume: PAGES, ratio: 0.3, requests: 28 },
    // Four fifths of the speed.
    Case { name: "verify-4gb", work: Work::Verify, volume: LARGE, ratio: 1.25, requests: 0 },
];

/// The peak of memory to keep to, in MiB.
const LARGEST_PEAK: f64 = 40.0;

/// The peak with ten times as much to that with as much as before.
const PEAK_GROWTH: f64 = 1.1;

/// The program, in bytes.
const LARGEST_PROGRAM: u64 = 15_000_000;

fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}

fn main() -> ExitCode {
    // The same program plays the other parts too, each in a process of its own.
    match std::env::var("ATLAS_LOGD_BENCH_PART").as_deref() {
        Ok("atlas") => return prepared::serve(),
        Ok("measure") => return measured::run(),
        _ => {}
    }
    let wanted: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with('-')).collect();
    let runs = std::env::var("ATLAS_LOGD_BENCH_RUNS").map_or(5, |text| text.parse().unwrap());
    let dir = std::env::var_os("ATLAS_LOGD_BENCH_DIR").map_or_else(std::env::temp_dir, PathBuf::from);
    println!("Medians of {runs}; at least five count.\n");
    println!(
        "| case | without | atlas-logd | ratio | to reach | peak memory | CPU without | CPU atlas-logd | requests | Atlas alone |"
    );
    println!("|---|---|---|---|---|---|---|---|---|---|");
    let mut all = true;
    let mut peaks = HashMap::new();
    for case in CASES.iter().filter(|case| wanted.is_empty() || wanted.iter().any(|name| name == case.name)) {
        let (peak, reached) = case.run(&dir, runs);
        peaks.insert(case.name, peak);
        all &= reached;
    }
    if let (Some(small), Some(large)) = (peaks.get("audit-400mb-old"), peaks.get("audit-4gb")) {
        println!("\nTen times as much takes {:.2} times the memory, of at most {PEAK_GROWTH}.", large / small);
        all &= *large <= small * PEAK_GROWTH;
    }
    let size = sides::program().metadata().unwrap().len();
    println!("\nThe program has {:.1} MB, of at most {:.1}.", megabytes(size), megabytes(LARGEST_PROGRAM));
    all &= size <= LARGEST_PROGRAM;
    if all { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

impl Case {
    /// The peak of memory, and whether what is to be reached was.
    fn run(&self, dir: &std::path::Path, runs: usize) -> (f64, bool) {
        eprintln!("{}: preparing", self.name);
        let atlas = Prepared::start(self.volume);
        let bench = Bench::new(dir, &atlas, self.volume);
        let archived = (self.work == Work::Verify).then(|| bench.archived());
        let (mut without, mut ours): (Vec<Measured>, Vec<Measured>) = Default::default();
        let mut requests = 0;
        // So long Atlas itself takes, whoever asks.
        let alone = (self.work == Work::Archive).then(|| bench.fetch_only().wall);
        for run in 1..=runs {
            let other = archived.as_ref().map_or_else(|| bench.pipe(), Archived::hash);
            let before = atlas.requests();
            let own = archived.as_ref().map_or_else(|| bench.own(), Archived::verify);
            let asked = atlas.requests() - before;
            requests = requests.max(asked);
            eprintln!("{}: run {run} of {runs}: without {other}, atlas-logd {own}, {asked} requests", self.name);
            without.push(other);
            ours.push(own);
        }
        let wall = [&without, &ours].map(|side| median(side, |run| run.wall));
        let cpu = [&without, &ours].map(|side| median(side, |run| run.cpu));
        let peak = ours.iter().map(|run| run.peak).fold(0.0, f64::max);
        let ratio = wall[1] / wall[0];
        println!(
            "| {} | {:.2} s | {:.2} s | {ratio:.2} | {} | {peak:.1} MiB | {:.2} s | {:.2} s | {requests} | {} |",
            self.name,
            wall[0],
            wall[1],
            self.ratio,
            cpu[0],
            cpu[1],
            alone.map_or_else(|| "–".to_owned(), |alone| format!("{alone:.2} s")),
        );
        (peak, ratio <= self.ratio && peak <= LARGEST_PEAK && requests <= self.requests)
    }
}
