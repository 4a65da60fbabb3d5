//! Kills the real program for real: SIGKILL at random instants, again and again, on one archive, against the simulated
//! Atlas in another process. At the end it has to catch up, and an oracle compares everything.
//!
//! `cargo test` kills some times. More is asked for with a number, and everything that is chosen by chance follows from
//! the seed:
//!
//! ```text
//! cargo test --release --test kills -- 500
//! cargo test --release --test kills -- 500 --seed 7
//! ```
//!
//! It has no test harness of its own, so that it can take the number; all else that is passed to a test is understood as
//! by any other: `--list`, `--exact`, filters. What it finds out, it always prints.
//!
//! The victims are the daemon and `collect`, also of ranges of the past, while sources come and go with changes of the
//! configuration. An [`observer`] tails all segments meanwhile. After each kill a [`snapshot`] tells what it fell into.
//! Times are real here, so a run cannot be repeated exactly: the same seed makes the same choices, as long as the victims
//! end as they did.

#![expect(clippy::unwrap_used, reason = "a test")]

mod atlas;
#[path = "../commands/harness/comparison.rs"]
#[expect(dead_code, reason = "shared with tests that know where a commit ended in bytes")]
mod comparison;
mod configuration;
mod dice;
mod journal;
mod judgement;
mod kept;
mod observer;
mod plan;
mod run;
mod snapshot;
mod tally;
mod victim;

use std::process::ExitCode;

use libtest_mimic::Trial;

use run::Run;

/// As many as fit into `cargo test`.
const KILLS: u32 = 30;

const SEED: u64 = 1;

/// Options of any test that are followed by a value of their own.
const WITH_VALUE: [&str; 5] = ["--test-threads", "--skip", "--format", "--color", "--logfile"];

/// What this test is asked for, and what any test is.
struct Asked {
    kills: u32,
    seed: u64,
    others: Vec<String>,
}

impl Asked {
    fn read(mut arguments: impl Iterator<Item = String>) -> Result<Self, &'static str> {
        let mut asked = Self { kills: KILLS, seed: SEED, others: Vec::new() };
        while let Some(argument) = arguments.next() {
            if let Ok(kills) = argument.parse() {
                asked.kills = kills;
            } else if argument == "--seed" || argument.starts_with("--seed=") {
                let value = argument.strip_prefix("--seed=").map(str::to_owned).or_else(|| arguments.next());
                let seed = value.and_then(|value| value.parse().ok());
                asked.seed = seed.ok_or("--seed is followed by a number")?;
            } else {
                let value = WITH_VALUE.contains(&argument.as_str()).then(|| arguments.next()).flatten();
                asked.others.push(argument);
                asked.others.extend(value);
            }
        }
        Ok(asked)
    }
}

fn main() -> ExitCode {
    let Asked { kills, seed, others } = match Asked::read(std::env::args()) {
        Ok(asked) => asked,
        Err(fault) => {
            println!("{fault}");
            return ExitCode::from(2);
        }
    };
    let run = Trial::test("a_program_that_is_killed_again_and_again_archives_everything_once", move || {
        Run::new(kills, seed).go();
        Ok(())
    });
    libtest_mimic::run(&libtest_mimic::Arguments::from_iter(others), vec![run]).exit_code()
}
