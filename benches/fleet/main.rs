//! Many sources: what a fleet of them costs the daemon, hour for hour, measured from outside with the real program.
//!
//! ```text
//! cargo bench --bench fleet                             # all cases, more than an hour
//! cargo bench --bench fleet -- quiet-1000 busy-10000    # some, by name
//! ```
//!
//! | case | what runs |
//! |---|---|
//! | `steady` | 20 sources without new records: what one poll is, counted |
//! | `quiet-1000` | 1,000 sources in 10 projects; each twentieth has 100 entries a poll |
//! | `busy-10000` | 10,000 sources in 100 projects; each tenth has 100 entries a poll. Besides it 100 of the same, for the cost of a poll |
//! | `start-10000` | the start of the daemon with 10,000 sources and what a year leaves in the state |
//! | `year-1000` | the state of 1,000 sources after each month of a year |
//!
//! Sources are polled every five minutes. `ATLAS_LOGD_BENCH_INTERVAL=30` takes so many seconds instead, and
//! `ATLAS_LOGD_BENCH_TICKS=1` measures one poll of each source instead of three. With a shorter interval there are fewer sources
//! in `busy-10000`, so that as many polls begin each second, and what is told is what a poll costs. `ATLAS_LOGD_BENCH_SOURCES=100`
//! takes so many in `start-10000` and `year-1000`; what is to be reached is scaled with it.
//! `ATLAS_LOGD_BENCH_DIR=DIR` says on which disk; what happened before is made in `/dev/shm`, where there is one (a year
//! of 1,000 sources are 4 GB of small files). `ATLAS_LOGD_BENCH_PROGRAM=FILE` measures
//! another program. Needed: Linux and `curl`.
//!
//! Atlas is one process on the same machine, by HTTP without TLS.
//!
//! | file | holds |
//! |---|---|
//! | `fleet` | which sources there are, and when they are polled |
//! | `atlas` | an Atlas for all of them, in a process of its own, which notes who asked when |
//! | `../replies` | that process, the heads of its answers, and an entry of an access history |
//! | `past` | what their state and their archive hold before, made by the library on a clock of its own |
//! | `daemon` | the program, and what it takes |
//! | `starts` | whether every poll began when it was planned |
//! | `log` | the transactions in the log of a database |
//! | `cases` | the cases |

#![expect(clippy::unwrap_used, reason = "a benchmark that cannot go on has failed")]
#![expect(clippy::print_stderr, reason = "it tells how it goes")]

#[path = "../replies/access_entry.rs"]
mod access_entry;
mod atlas;
mod cases;
mod daemon;
mod fleet;
mod log;
mod past;
#[path = "../replies/mod.rs"]
mod replies;
mod starts;

use std::process::ExitCode;

fn main() -> ExitCode {
    // The same program plays Atlas too, in a process of its own.
    if std::env::var("ATLAS_LOGD_BENCH_PART").as_deref() == Ok("atlas") {
        return atlas::serve();
    }
    let wanted: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with('-')).collect();
    println!("| case | figure | measured | to reach | |");
    println!("|---|---|---|---|---|");
    let mut all = true;
    for (name, case) in cases::CASES {
        if wanted.is_empty() || wanted.iter().any(|wanted| wanted == name) {
            for figure in case() {
                println!(
                    "| {name} | {} | {} | {} | {} |",
                    figure.what,
                    figure.measured,
                    figure.to_reach,
                    if figure.reached { "reached" } else { "**missed**" },
                );
                all &= figure.reached;
            }
        }
    }
    if all { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
