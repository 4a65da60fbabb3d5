//! How many instructions the decoders and the commit path take: `cargo bench --bench instructions`.
//!
//! Times on shared machines are noisy; the number of instructions is the same in every run, but for a little that depends on
//! random ids. Each piece of work runs under callgrind (`valgrind` has to be installed) in processes of its own, once and many
//! times: the difference is the work without what prepares it. The figures are compared with those in
//! `benches/instructions/expected`, which are of an x86-64 with AVX2; one that is more than 2 % higher is a failure, and one
//! that is lower is worth being written down:
//!
//! ```text
//! cargo bench --bench instructions               # compares
//! cargo bench --bench instructions -- --accept   # writes the figures down
//! ```

#![expect(clippy::unwrap_used, reason = "a benchmark that cannot go on has failed")]

#[path = "../replies/access_entry.rs"]
mod access_entry;
#[path = "../side_by_side/bodies.rs"]
#[expect(dead_code, reason = "only a part of it is needed here")]
mod bodies;
#[path = "../stages/work.rs"]
#[expect(dead_code, reason = "only a part of it is needed here")]
mod work;

use std::{
    collections::BTreeMap,
    fs,
    hint::black_box,
    path::PathBuf,
    process::{Command, ExitCode},
};

use atlas_logd::source::Kind;

use crate::work::Writer;

/// So much more may be chance.
const TOLERANCE: f64 = 1.02;

/// In which process which piece of work is done, and how often.
const PIECE: &str = "ATLAS_LOGD_BENCH_PIECE";
const TIMES: &str = "ATLAS_LOGD_BENCH_TIMES";

/// So many times more make the difference.
const MORE: u64 = 20;

const PIECES: [&str; 7] =
    ["decode-audit", "decode-access", "read-audit", "read-access", "commit-audit", "commit-access", "commit-quiet"];

fn main() -> ExitCode {
    if let Ok(piece) = std::env::var(PIECE) {
        do_piece(&piece, std::env::var(TIMES).unwrap().parse().unwrap());
        return ExitCode::SUCCESS;
    }
    let accept = std::env::args().any(|argument| argument == "--accept");
    let file = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/benches/instructions/expected"));
    let before = fs::read_to_string(&file).unwrap_or_default();
    let expected = read(&before);
    let mut counted = String::new();
    let mut higher = false;
    println!("| piece of work | instructions | expected | ratio |");
    println!("|---|---|---|---|");
    for piece in PIECES {
        let count = count(piece);
        let before = expected.get(piece).copied();
        let ratio = before.map(|before| count as f64 / before as f64);
        higher |= ratio.is_none_or(|ratio| ratio > TOLERANCE);
        let shown = |number: Option<String>| number.unwrap_or_else(|| "none".to_owned());
        println!(
            "| {piece} | {count} | {} | {} |",
            shown(before.map(|before| before.to_string())),
            shown(ratio.map(|ratio| format!("{ratio:.3}"))),
        );
        counted += &format!("{piece} {count}\n");
    }
    if accept {
        fs::write(&file, counted).unwrap();
        return ExitCode::SUCCESS;
    }
    if higher { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

fn read(text: &str) -> BTreeMap<&str, u64> {
    text.lines().filter_map(|line| line.split_once(' ')).map(|(piece, count)| (piece, count.parse().unwrap())).collect()
}

/// How many instructions a piece of work takes.
fn count(piece: &str) -> u64 {
    (count_all(piece, 1 + MORE) - count_all(piece, 1)) / MORE
}

/// How many instructions a process takes that does it so many times.
fn count_all(piece: &str, times: u64) -> u64 {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("callgrind.out");
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", &format!("--callgrind-out-file={}", out.display())])
        .arg(std::env::current_exe().unwrap())
        .env(PIECE, piece)
        .env(TIMES, times.to_string())
        .output();
    let output = output.expect("valgrind has to be installed");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    let text = fs::read_to_string(&out).unwrap();
    let summary = text.lines().find_map(|line| line.strip_prefix("summary: ").or(line.strip_prefix("totals: ")));
    summary.unwrap_or_else(|| panic!("callgrind says nothing of a sum: {said}")).trim().parse().unwrap()
}

fn do_piece(piece: &str, times: u64) {
    const BYTES: usize = 1 << 20;
    const ENTRIES: usize = 1_000;
    let lines = || work::records(Kind::StreamAudit, &work::lines(BYTES));
    let entries = || work::records(Kind::AccessHistory, &work::page(ENTRIES));
    let folder = tempfile::tempdir().unwrap();
    match piece {
        "decode-audit" => {
            // Less than what is inflated on a thread of its own.
            let body = work::gzip(&work::lines(1 << 19));
            repeat(times, || _ = black_box(work::inflate_and_split(black_box(&body))));
        }
        "decode-access" => {
            let page = work::page(ENTRIES);
            repeat(times, || _ = black_box(work::split_page(black_box(&page))));
        }
        "read-audit" => {
            let records = lines();
            repeat(times, || _ = black_box(work::read(Kind::StreamAudit, black_box(&records))));
        }
        "read-access" => {
            let records = entries();
            repeat(times, || _ = black_box(work::read(Kind::AccessHistory, black_box(&records))));
        }
        "commit-audit" | "commit-access" => {
            let (kind, records) = match piece {
                "commit-audit" => (Kind::StreamAudit, lines()),
                _ => (Kind::AccessHistory, entries()),
            };
            let mut writer = Writer::new(folder.path(), kind);
            let records = &records[..200];
            // What is prepared once, is.
            writer.commit(records);
            repeat(times, || writer.commit(black_box(records)));
        }
        "commit-quiet" => {
            let mut writer = Writer::new(folder.path(), Kind::StreamAudit);
            writer.commit_quietly();
            repeat(times, || writer.commit_quietly());
        }
        other => panic!("there is no {other}"),
    }
}

fn repeat(times: u64, work: impl FnMut()) {
    std::iter::repeat_with(work).take(usize::try_from(times).unwrap()).for_each(drop);
}
