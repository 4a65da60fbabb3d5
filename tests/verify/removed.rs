//! What retention removed: it is said, never counted as verified, and demanded where its time is asked for.

use atlas_logd::{
    evidence::{Range, Removed},
    verify::Request,
};

use crate::{
    archive::{FULL, TestArchive},
    source::{SourceWriter, hour, records},
};

/// Two segments that were removed, one of them without records, and two that are there.
fn removed() -> TestArchive {
    let archive = TestArchive::empty();
    let mut source = SourceWriter::new(&archive.root(), FULL, 0);
    let gone = [source.seal(&records("a", 7), None, |_| {}), source.seal(b"", None, |_| {})];
    source.seal(&records("c", 3), None, |_| {});
    source.seal(&records("d", 4), None, |digest| {
        let decided = hour(4);
        digest.removed = gone.clone().map(|segment| Removed { segment, decided, keep_seconds: 3600 }).to_vec();
    });
    gone.iter().for_each(|segment| source.remove(segment));
    archive
}

fn complete(archive: &TestArchive, from: Option<i64>, to: Option<i64>) -> bool {
    archive.verify(&Request { from: from.map(hour), to: to.map(hour), ..Request::default() }).is_complete()
}

#[test]
fn what_was_removed_is_told_apart_from_what_was_verified() {
    let archive = removed();
    let outcome = archive.program(&["--require-complete"]);
    assert_eq!(outcome.code, 0, "what is not asked for may go: {}", outcome.stdout);
    let summary = outcome.stdout.lines().last().unwrap();
    assert!(summary.starts_with("valid: 1 source, 2 segments, 7 records, "), "{summary}");
    assert!(summary.ends_with("; 2 segments (7 records) removed by retention"), "{summary}");
    assert!(
        outcome.stdout.contains(&format!("removed: {FULL}: 2 segments (7 records) by retention")),
        "{}",
        outcome.stdout
    );
}

#[test]
fn a_range_of_which_records_were_removed_is_not_complete() {
    let archive = removed();
    assert!(complete(&archive, None, None));
    assert!(!complete(&archive, Some(0), Some(1)));
    assert!(!complete(&archive, Some(0), Some(4)));
    assert!(!complete(&archive, None, Some(3)), "it begins where the source does");
    // The second one held nothing, which its digest says still.
    assert!(complete(&archive, Some(1), Some(2)));
    assert!(complete(&archive, Some(2), None));
    let (from, to) = (hour(0).to_string(), hour(2).to_string());
    let outcome = archive.program(&["--require-complete", "--from", &from, "--to", &to]);
    assert_eq!(outcome.code, 1, "{}", outcome.stdout);
    assert!(outcome.stderr.contains("not all of it is there"), "{}", outcome.stderr);
    let line = format!("not here: {FULL}: 1 segment removed by retention may have held records of the range");
    assert!(outcome.stdout.contains(&line), "{}", outcome.stdout);
    let told = archive.program(&["--json", "--from", &from, "--to", &to]);
    let json: serde_json::Value = serde_json::from_str(&told.stdout).unwrap();
    let source = &json["sources"][0];
    assert_eq!((&json["complete"], &source["complete"]), (&false.into(), &false.into()));
    let counts = ["removed_segments", "removed_records", "removed_of_range"].map(|key| source[key].as_u64().unwrap());
    assert_eq!(counts, [2, 7, 1]);
}

/// A source whose second digest tells that the first segment was removed.
fn told(change: impl Fn(&mut atlas_logd::evidence::SegmentDigest), removed: impl Fn(&mut Removed)) -> Vec<String> {
    let archive = TestArchive::empty();
    let mut source = SourceWriter::new(&archive.root(), FULL, 0);
    let first = source.seal(&records("a", 7), None, change);
    source.seal(b"", None, |digest| {
        (digest.sealed, digest.covered) = (hour(100), None);
        let mut entry = Removed { segment: first.clone(), decided: hour(100), keep_seconds: 3600 };
        removed(&mut entry);
        digest.removed.push(entry);
    });
    source.remove(&first);
    archive.faults()
}

#[test]
fn a_removal_that_contradicts_what_the_digests_say_is_named() {
    assert_eq!(told(|_| {}, |_| {}), [] as [&str; 0]);
    for faults in [
        // Kept for longer than it was there.
        told(|_| {}, |entry| entry.keep_seconds = 100 * 3600),
        told(|_| {}, |entry| entry.keep_seconds = u64::MAX),
        told(|_| {}, |entry| entry.decided = hour(1)),
        // Newer records, or a covered range that is newer.
        told(|digest| digest.last_record = Some(hour(24)), |entry| entry.keep_seconds = 76 * 3600),
        told(|digest| digest.covered = Some(Range { from: hour(0), to: hour(99) }), |_| {}),
    ] {
        assert!(!faults.is_empty());
        let fault = faults.iter().find(|fault| fault.contains("was removed on")).unwrap();
        assert!(fault.starts_with(&format!("{FULL}/00000002-")) && fault.contains("makes it newer"), "{fault}");
    }
}

#[test]
fn clocks_that_were_wrong_make_no_removal_a_fault() {
    // The clock was ahead when the segment was sealed; a later digest tells that it was.
    assert_eq!(told(|digest| digest.sealed = hour(5000), |entry| entry.decided = hour(102)), [] as [&str; 0]);
    // The clock of a record was.
    assert_eq!(told(|digest| digest.last_record = Some(hour(5000)), |_| {}), [] as [&str; 0]);
    // The clock that decided it was.
    assert_eq!(told(|_| {}, |entry| entry.decided = hour(50_000)), [] as [&str; 0]);
}
