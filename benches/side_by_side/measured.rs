//! A command, and what it took.

use std::{
    fmt,
    process::{Command, ExitCode, Stdio},
    time::Instant,
};

use nix::sys::{
    resource::{UsageWho, getrusage},
    time::TimeValLike as _,
};

/// What a command took, with all that it started.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Measured {
    /// Seconds until it was over.
    pub(crate) wall: f64,
    /// Seconds of computing.
    pub(crate) cpu: f64,
    /// The largest resident set of any of its processes, in MiB.
    pub(crate) peak: f64,
}

/// Runs a command line of the shell.
pub(crate) fn measure(line: &str) -> Measured {
    // In a small process of its own: the usage of children is told for all of them together.
    let output = Command::new(std::env::current_exe().unwrap())
        .env("ATLAS_LOGD_BENCH_PART", "measure")
        .env("ATLAS_LOGD_BENCH_LINE", line)
        .stderr(Stdio::inherit())
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{line}\n{text}");
    let figures: Vec<f64> = text.split_whitespace().map(|figure| figure.parse().unwrap()).collect();
    Measured { wall: figures[0], cpu: figures[1], peak: figures[2] }
}

/// The part of the process that measures.
pub(crate) fn run() -> ExitCode {
    let line = std::env::var("ATLAS_LOGD_BENCH_LINE").unwrap();
    let begun = Instant::now();
    let status = Command::new("sh").args(["-c", &line]).stdout(Stdio::null()).status().unwrap();
    let wall = begun.elapsed().as_secs_f64();
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN).unwrap();
    let cpu = (usage.user_time() + usage.system_time()).num_microseconds() as f64 / 1e6;
    println!("{wall} {cpu} {}", usage.max_rss() as f64 / 1024.0);
    if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// The median of a figure.
pub(crate) fn median(runs: &[Measured], figure: impl Fn(&Measured) -> f64) -> f64 {
    let mut figures: Vec<f64> = runs.iter().map(figure).collect();
    figures.sort_by(f64::total_cmp);
    figures[figures.len() / 2]
}

impl fmt::Display for Measured {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.2} s ({:.2} s of CPU, {:.1} MiB)", self.wall, self.cpu, self.peak)
    }
}
