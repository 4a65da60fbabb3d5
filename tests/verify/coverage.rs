//! Coverage: gaps, ranges, and what is read of a range.

use atlas_logd::{evidence::Range, verify::Request, window::Window};

use crate::{
    archive::{FULL, REMOVED, TestArchive},
    source::{SourceWriter, hour, records},
};

fn asking(from: i64, to: i64) -> Request {
    Request { from: Some(hour(from)), to: Some(hour(to)), ..Request::default() }
}

#[test]
fn a_gap_is_a_failure_only_where_completeness_is_required() {
    let archive = TestArchive::new();
    assert_eq!(archive.program(&[]).code, 0);
    let outcome = archive.program(&["--require-complete"]);
    assert_eq!(outcome.code, 1);
    assert!(outcome.stderr.contains("nothing is wrong, but not all of it is there"), "{}", outcome.stderr);
    let range = |from: i64, to: i64| {
        let (from, to) = (hour(from).to_string(), hour(to).to_string());
        archive.program(&["--require-complete", "--from", &from, "--to", &to])
    };
    assert_eq!(range(0, 2).code, 0);
    let outcome = range(1, 4);
    assert_eq!(outcome.code, 1);
    let line = format!("not covered: {REMOVED}: {}", Window::new(hour(2), hour(4)));
    assert!(outcome.stdout.contains(&line), "{}", outcome.stdout);
    assert!(outcome.stdout.contains(&format!("gap: {FULL}: {}", Window::new(hour(2), hour(3)))), "{}", outcome.stdout);
    assert_eq!(range(2, 1).code, 2);
}

#[test]
fn a_range_clips_coverage_and_gaps() {
    let archive = TestArchive::new();
    let report = archive.verify(&asking(-9, 1));
    let full = &report.sources[1];
    assert_eq!(full.covered, Some(Window::new(hour(0), hour(1))));
    assert_eq!(full.islands, [Window::new(hour(-9), hour(-8))]);
    assert_eq!(full.gaps[0].window, Window::new(hour(-8), hour(0)));
    assert!(full.uncovered.is_empty());
    assert_eq!(report.sources[0].uncovered, [Window::new(hour(-9), hour(0))]);
    let open_ended = Request { from: Some(hour(-12)), ..Request::default() };
    assert_eq!(archive.verify(&open_ended).sources[1].uncovered, [Window::new(hour(-12), hour(-10))]);
}

#[test]
fn of_a_range_only_what_can_hold_its_records_is_read() {
    let archive = TestArchive::new();
    let newest = archive.file(FULL, 6, ".ndjson");
    let bytes = archive.read(&newest);
    let mut changed = bytes.clone();
    changed[5] ^= 1;
    archive.write(&newest, &changed);
    let valid = |from, to| archive.verify(&asking(from, to)).is_valid();
    assert!(valid(0, 2) && !valid(5, 6) && !valid(0, 6));
    // Its length is looked at all the same, and so are all digests.
    archive.write(&newest, &bytes[1..]);
    assert!(!valid(0, 2));
    archive.write(&newest, &bytes);
    archive.remove(&archive.file(FULL, 6, ".sig"));
    assert!(!valid(0, 2));
}

#[test]
fn a_range_that_no_digest_covers_and_no_gap_explains_is_named() {
    let archive = TestArchive::empty();
    let mut source = SourceWriter::new(&archive.root(), FULL, 0);
    source.seal(&records("a", 3), None, |_| {});
    let second = source.seal(&records("b", 3), None, |digest| {
        digest.covered = Some(Range { from: hour(1) + std::time::Duration::from_millis(1), to: hour(2) });
    });
    archive.assert_fault(&format!("{FULL}/{}", second.digest()), "what it says about coverage does not follow");
}
