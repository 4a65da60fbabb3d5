//! Coverage: gaps, ranges, and what is read of a range.

use atlas_logd::{evidence::Range, instant::Instant, verify::Request, window::Window};

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
    assert_eq!(range(1, 2).code, 0);
    assert_eq!(range(0, 2).code, 1, "a segment was removed");
    let outcome = range(1, 4);
    assert_eq!(outcome.code, 1);
    let line = format!("not covered: {REMOVED}: {}", Window::new(hour(2), hour(4)));
    assert!(outcome.stdout.contains(&line), "{}", outcome.stdout);
    assert!(outcome.stdout.contains(&format!("gap: {FULL}: {}", Window::new(hour(2), hour(3)))), "{}", outcome.stdout);
    assert_eq!(range(2, 1).code, 2);
}

/// One source that is covered for six hours, one for two.
fn ended(configured: bool) -> TestArchive {
    let mut archive = TestArchive::empty();
    let (mut full, mut ended) =
        (SourceWriter::new(&archive.root(), FULL, 0), SourceWriter::new(&archive.root(), REMOVED, 1));
    (0..6).for_each(|_| drop(full.seal(&records("full", 2), None, |_| {})));
    (0..2).for_each(|_| drop(ended.seal(&records("ended", 2), None, |_| {})));
    let listed = atlas_logd::evidence::ListedSource { configured, ..ended.listed() };
    let key = crate::key::Key::new(1, "old@host");
    archive.add_head(jiff::civil::date(2026, 11, 1), vec![listed, full.listed()], &key);
    archive
}

fn uncovered(archive: &TestArchive, from: Option<i64>, to: Option<i64>) -> [Vec<Window>; 2] {
    let report = archive.verify(&Request { from: from.map(hour), to: to.map(hour), ..Request::default() });
    assert!(report.is_valid());
    let [ended, full] = report.sources.try_into().unwrap();
    [ended.uncovered, full.uncovered]
}

#[test]
fn a_range_without_an_end_ends_where_the_archive_does() {
    let archive = ended(true);
    let window = |from: i64, to: i64| Window::new(hour(from), hour(to));
    assert_eq!(uncovered(&archive, Some(2), None), [vec![window(3, 6)], vec![]]);
    assert_eq!(uncovered(&archive, Some(4), None), [vec![window(4, 6)], vec![]]);
    // Behind all that is covered, up to the newest archive digest, and for ever.
    assert_eq!(uncovered(&archive, Some(7), None), [vec![window(7, 24)], vec![window(7, 24)]]);
    let for_ever = Window::new(hour(30), Instant::MAX);
    assert_eq!(uncovered(&archive, Some(30), None), [vec![for_ever], vec![for_ever]]);
    let from = hour(30).to_string();
    let outcome = archive.program(&["--require-complete", "--from", &from]);
    assert_eq!(outcome.code, 1, "{}", outcome.stdout);
    assert!(outcome.stdout.contains(&format!("not covered: {FULL}: all from {from} on: ")), "{}", outcome.stdout);
    assert!(outcome.stdout.trim_end().ends_with("; 2 ranges not covered"), "{}", outcome.stdout);
    let told = archive.program(&["--json", "--from", &from]);
    let json: serde_json::Value = serde_json::from_str(&told.stdout).unwrap();
    let range = serde_json::json!({ "from": from, "to": null });
    assert_eq!((&json["sources"][0]["uncovered"][0], &json["complete"]), (&range, &false.into()));
}

#[test]
fn a_range_without_a_beginning_begins_where_each_source_does() {
    let archive = ended(true);
    assert_eq!(uncovered(&archive, None, Some(3)), [vec![], vec![]]);
    assert_eq!(uncovered(&archive, None, Some(4)), [vec![Window::new(hour(3), hour(4))], vec![]]);
    let before = Window::new(Instant::MIN, hour(0));
    assert_eq!(uncovered(&archive, None, Some(0)), [vec![before], vec![before]]);
    let outcome = archive.program(&["--require-complete", "--to", &hour(0).to_string()]);
    assert_eq!(outcome.code, 1, "{}", outcome.stdout);
}

#[test]
fn of_a_source_that_is_not_configured_any_more_nothing_is_demanded_from_its_end_on() {
    let archive = ended(false);
    for (from, to) in [(Some(2), None), (Some(4), None), (Some(2), Some(6)), (None, Some(5))] {
        assert_eq!(uncovered(&archive, from, to), [vec![], vec![]]);
    }
    assert_eq!(uncovered(&archive, Some(0), Some(6)), [vec![Window::new(hour(0), hour(1))], vec![]]);
    let outcome = archive.program(&["--require-complete", "--from", &hour(2).to_string()]);
    assert_eq!(outcome.code, 0, "{}", outcome.stdout);
    let note = format!("note: {REMOVED}: not configured any more, says the archive digest of 2026-11-01");
    assert!(outcome.stdout.contains(&note), "{}", outcome.stdout);
}

#[test]
fn of_a_source_of_which_nothing_is_there_yet_nothing_is_covered() {
    let mut archive = TestArchive::empty();
    let mut full = SourceWriter::new(&archive.root(), FULL, 0);
    let new = SourceWriter::new(&archive.root(), REMOVED, 0);
    std::fs::remove_dir_all(archive.root().join("old")).unwrap();
    full.seal(b"", None, |_| {});
    let key = crate::key::Key::new(1, "old@host");
    archive.add_head(jiff::civil::date(2026, 11, 1), vec![new.listed(), full.listed()], &key);
    assert_eq!(uncovered(&archive, Some(0), Some(1)), [vec![Window::new(hour(0), hour(1))], vec![]]);
    assert_eq!(uncovered(&archive, Some(0), None), [vec![Window::new(hour(0), hour(1))], vec![]]);
    assert_eq!(uncovered(&archive, None, Some(1)), [vec![Window::new(hour(0), hour(1))], vec![]]);
    assert_eq!(archive.program(&["--require-complete"]).code, 0, "nothing is missing");
}

#[test]
fn an_archive_without_any_source_is_not_complete() {
    let archive = TestArchive::empty();
    assert_eq!(archive.program(&[]).code, 0);
    let outcome = archive.program(&["--require-complete"]);
    assert_eq!(outcome.code, 1);
    assert!(outcome.stdout.trim_end().ends_with("; nothing archived"), "{}", outcome.stdout);
}

#[test]
fn of_a_range_is_said_how_many_segments_were_read() {
    let archive = ended(true);
    let (from, to) = (hour(4).to_string(), hour(5).to_string());
    let outcome = archive.program(&["--from", &from, "--to", &to]);
    // One that ends where the range begins may hold a record of that very instant.
    assert!(outcome.stdout.contains("valid: 2 sources, 2 of 8 segments read, 4 records, "), "{}", outcome.stdout);
    assert!(outcome.stdout.contains("2 of 6 read"), "{}", outcome.stdout);
    let told = archive.program(&["--json", "--from", &from, "--to", &to]);
    let json: serde_json::Value = serde_json::from_str(&told.stdout).unwrap();
    let full = &json["sources"][1];
    assert_eq!((&full["segments"], &full["segments_read"], &full["records"]), (&6.into(), &2.into(), &4.into()));
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
