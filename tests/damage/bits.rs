//! One bit of the state database or of its log is flipped, anywhere: either it is refused with a sentence, or everything
//! is exact.
//!
//! `cargo test` tries some dozens of bits of each, chosen by a seed. More of them, and others:
//!
//! ```text
//! ATLAS_LOGD_FLIPS=20000 ATLAS_LOGD_SEED=7 cargo test --release --test damage -- --nocapture bits
//! ```

use std::{
    collections::BTreeMap,
    fmt, fs,
    path::{Path, PathBuf},
};

use atlas_logd::{plan::GapReason, source::Kind, window::Window};
use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;

use crate::{
    oracle::exact,
    scene::{Failures, Folders, Scene, between},
};

/// What an eventful life leaves: an island before the start, and a minute that was skipped.
pub(crate) fn allowed() -> Vec<(GapReason, Window)> {
    vec![(GapReason::BeforeStart, between("06:30", "08:00")), (GapReason::Skipped, between("10:55", "11:01"))]
}

/// A life after which the state holds something in each of its tables: damaged segments, islands, gaps, fingerprints of
/// records with a clock and without, a reconciliation, and a commit under way. As a kill leaves it: with a log that is `long` or short.
pub(crate) fn eventful(scene: &Scene, long: bool) -> Folders<'_> {
    let folders = scene.folders();
    folders.poll_well("09:10");
    for kind in Kind::ALL {
        let segment = folders.segments(kind).remove(0);
        let half = segment.metadata().unwrap().len() / 2;
        fs::OpenOptions::new().write(true).open(&segment).unwrap().set_len(half).unwrap();
    }
    folders.poll_well("09:40");
    folders.poll_well("10:10");
    // While somebody else reads the database, SQLite does not clear its log.
    let reader = long.then(|| {
        let reader = rusqlite::Connection::open(folders.state().join("state.db")).unwrap();
        reader.query_row("SELECT count(*) FROM source", [], |row| row.get::<_, i64>(0)).unwrap();
        reader
    });
    folders.backfill_well(between("06:00", "06:30"));
    folders.poll_well("11:10");
    folders.skip_a_minute();
    folders.poll_well("11:40");
    folders.reconcile_well();
    let left = folders.poll_interrupted("11:50");
    drop(reader);
    left
}

/// What came of a flipped bit.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Outcome {
    /// Everything is exact.
    Exact,
    /// Each source is exact or refused, with a sentence that says what to do.
    Refused,
    /// Anything else: a defect.
    Silent(String),
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exact => f.write_str("exact"),
            Self::Refused => f.write_str("refused"),
            Self::Silent(what) => write!(f, "SILENT: {what}"),
        }
    }
}

/// Whether a sentence says what to do about a state that is not what was written.
fn is_helpful(said: &str) -> bool {
    said.contains("put back")
        || said.contains("run the version of atlas-logd that wrote it")
        || said.contains("set [archive] dir and [state] dir")
}

pub(crate) fn outcome(folders: &Folders<'_>) -> Outcome {
    let mut refused = false;
    for time in ["12:10", "13:10"] {
        let seen = segments(folders);
        let failures = match folders.poll(time) {
            Ok(failures) => failures,
            Err(said) if is_helpful(&said) => return Outcome::Refused,
            Err(said) => return Outcome::Silent(format!("no remedy in: {said}")),
        };
        if let Some(said) = failures.values().find(|said| !is_helpful(said)) {
            return Outcome::Silent(format!("no remedy in: {said}"));
        }
        for (path, before) in seen {
            let now = fs::read(&path).unwrap_or_default();
            let touched = now != before && failures.keys().any(|kind| path.starts_with(folders.source_folder(*kind)));
            if !now.starts_with(&before) || touched {
                return Outcome::Silent(format!("{} was changed", path.display()));
            }
        }
        if let Err(wrong) = others_are_exact(folders, &failures) {
            return Outcome::Silent(wrong);
        }
        refused |= !failures.is_empty();
    }
    if refused { Outcome::Refused } else { Outcome::Exact }
}

fn others_are_exact(folders: &Folders<'_>, failures: &Failures) -> Result<(), String> {
    let others = Kind::ALL.into_iter().filter(|kind| !failures.contains_key(kind));
    others.into_iter().try_for_each(|kind| exact(folders, kind, &allowed()).map_err(|wrong| format!("{kind}: {wrong}")))
}

/// All segments and what is in them.
fn segments(folders: &Folders<'_>) -> BTreeMap<PathBuf, Vec<u8>> {
    let kinds = Kind::ALL.into_iter();
    kinds.flat_map(|kind| folders.segments(kind)).map(|path| (path.clone(), fs::read(path).unwrap())).collect()
}

fn flip(path: &Path, bit: usize) {
    let mut bytes = fs::read(path).unwrap();
    bytes[bit / 8] ^= 1 << (bit % 8);
    fs::write(path, bytes).unwrap();
}

/// How many bits of a file are flipped.
const FLIPS: &str = "ATLAS_LOGD_FLIPS";

/// Whether this is a long run.
pub(crate) fn all_flips() -> bool {
    std::env::var_os(FLIPS).is_some()
}

fn number(variable: &str, default: u64) -> u64 {
    std::env::var(variable).map_or(default, |text| text.parse().unwrap())
}

/// Flips one bit after the other of `file`, each in a copy of its own.
fn flip_bits_of(file: &str, long: bool) {
    let scene = Scene::new();
    let template = eventful(&scene, long);
    assert_eq!(outcome(&template.copy()), Outcome::Exact, "nothing was flipped");
    let path = template.state().join(file);
    let bits = fs::read(&path).unwrap().len() * 8;
    let seed = number("ATLAS_LOGD_SEED", 1);
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut outcomes: BTreeMap<Outcome, Vec<usize>> = BTreeMap::new();
    for _ in 0..number(FLIPS, 24) {
        let bit = random.random_range(0..bits);
        let folders = template.copy();
        flip(&folders.state().join(file), bit);
        outcomes.entry(outcome(&folders)).or_default().push(bit);
    }
    for (outcome, bits) in &outcomes {
        println!("{file}, seed {seed}: {:5} × {outcome} (for example bit {})", bits.len(), bits[0]);
    }
    let silent = outcomes.keys().filter(|outcome| matches!(outcome, Outcome::Silent(_)));
    assert_eq!(silent.collect::<Vec<_>>(), Vec::<&Outcome>::new());
    assert!(outcomes.contains_key(&Outcome::Refused), "nothing was ever refused");
}

#[test]
fn a_flipped_bit_of_the_database_is_noticed_or_does_no_harm() {
    flip_bits_of("state.db", false);
}

#[test]
fn a_flipped_bit_of_a_database_with_a_long_log_is_noticed_or_does_no_harm() {
    flip_bits_of("state.db", true);
}

#[test]
fn a_flipped_bit_of_the_log_is_noticed_or_does_no_harm() {
    flip_bits_of("state.db-wal", true);
}
