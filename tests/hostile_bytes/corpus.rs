//! What the fuzz targets found worth keeping.

use std::{
    collections::BTreeSet,
    fs,
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
};

/// The fuzz package has a target, a check and a corpus for each of these.
const TARGETS: [&str; 6] = ["challenge", "configuration", "error_body", "gzip_lines", "json_entries", "recovery"];

fn fuzz() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz")
}

/// All inputs that are kept for a target. There must be some.
pub(crate) fn corpus(target: &str) -> Vec<Vec<u8>> {
    files(target).into_iter().map(|path| fs::read(path).unwrap()).collect()
}

fn files(target: &str) -> Vec<PathBuf> {
    let folder = fuzz().join("corpus").join(target);
    let entries = fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    assert!(!files.is_empty(), "{} is empty", folder.display());
    files.sort();
    files
}

/// Everything that is kept for a target goes through its check. All that fails is named, and not only the first.
#[track_caller]
pub(crate) fn replay(target: &str, check: fn(&[u8])) {
    let fails = |path: &PathBuf| {
        let input = fs::read(path).unwrap();
        catch_unwind(AssertUnwindSafe(|| check(&input))).is_err()
    };
    let failed: Vec<PathBuf> = files(target).into_iter().filter(fails).collect();
    assert!(failed.is_empty(), "what failed is said above, for {failed:?}");
}

fn names(folder: &Path) -> BTreeSet<String> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned()).collect()
}

/// A target without a corpus would be replayed by nobody, and a corpus without a test in vain.
#[test]
fn each_target_has_a_corpus() {
    let targets: BTreeSet<String> = TARGETS.map(str::to_owned).into();
    assert_eq!(names(&fuzz().join("fuzz_targets")), targets);
    assert_eq!(names(&fuzz().join("corpus")), targets);
}

#[test]
fn the_corpus_stays_small() {
    let files: Vec<PathBuf> = TARGETS.iter().flat_map(|target| files(target)).collect();
    let bytes: u64 = files.iter().map(|path| fs::metadata(path).unwrap().len()).sum();
    assert!(
        bytes <= 512 << 10,
        "{} files with {bytes} bytes: see fuzz/README.md for how to make it smaller",
        files.len()
    );
}
