//! What archive digests hold: that no source is missing, and that nothing was cut off at the end.

use std::{fs, path::Path};

use atlas_logd::{evidence::Sha256Sum, verify::Request};

use crate::archive::{FULL, REMOVED, TestArchive, UNSIGNED};

fn faults(archive: &TestArchive, head: Sha256Sum) -> Vec<String> {
    let request = Request { head: Some(head), ..Request::default() };
    archive.verify(&request).all_faults().map(ToString::to_string).collect()
}

/// Removes the newest sealed segment of a source with its digest, and the open one.
fn cut_off(archive: &TestArchive, folder: &str, number: u64) {
    let names = [format!("{folder}/{number:08}-"), format!("{folder}/{:08}-", number + 1)];
    for path in archive.files() {
        if names.iter().any(|name| path.to_str().unwrap().starts_with(name)) {
            archive.remove(&path);
        }
    }
}

fn remove_head(archive: &TestArchive, day: u32) {
    for end in ["", ".sig"] {
        archive.remove(Path::new(&format!(".heads/2026-11-{day:02}.json{end}")));
    }
}

#[test]
fn every_head_that_was_noted_holds() {
    let archive = TestArchive::new();
    for &head in &archive.heads {
        assert_eq!(faults(&archive, head), [] as [&str; 0]);
        let outcome = archive.program(&["--head", &head.to_string()]);
        assert_eq!(outcome.code, 0, "{}", outcome.stdout);
    }
    let other = Sha256Sum::of(b"another");
    let found = faults(&archive, other);
    assert_eq!(found.len(), 1);
    assert!(found[0].starts_with(&format!(".heads: no archive digest here has the SHA-256 {other}")), "{found:?}");
    let outcome = archive.program(&["--head", &other.to_string()]);
    assert_eq!(outcome.code, 1, "{}", outcome.stdout);
    assert_eq!(archive.program(&["--head", "abc"]).code, 2);
}

#[test]
fn a_newest_archive_digest_that_is_not_signed_is_told() {
    let mut archive = TestArchive::new();
    let mut newest =
        atlas_logd::evidence::ArchiveDigest::parse(&archive.read(Path::new(".heads/2026-11-03.json"))).unwrap();
    newest.previous = Some(archive.heads[2]);
    newest.previous_date = Some(newest.date);
    newest.date = newest.date.tomorrow().unwrap();
    newest.signing_key = None;
    archive.write(Path::new(".heads/2026-11-04.json"), &newest.to_bytes());
    archive.heads.push(Sha256Sum::of(&newest.to_bytes()));
    assert_eq!(archive.faults(), [] as [&str; 0]);
    let note = "note: the newest archive digest, of 2026-11-04, is neither signed nor held by --head";
    let outcome = archive.program(&[]);
    assert!(outcome.stdout.contains(note), "{}", outcome.stdout);
    let outcome = archive.program(&["--head", &archive.heads[3].to_string()]);
    assert!(!outcome.stdout.contains(note), "{}", outcome.stdout);
    archive.remove(Path::new(".heads/2026-11-04.json"));
    assert!(!archive.program(&[]).stdout.contains(note));
}

#[test]
fn what_is_cut_off_at_the_end_is_named() {
    for (folder, number) in [(FULL, 6), (UNSIGNED, 4)] {
        let archive = TestArchive::new();
        let digest = archive.file(folder, number, ".digest.json");
        cut_off(&archive, folder, number);
        archive.assert_fault(digest.to_str().unwrap(), ".heads/2026-11-03.json lists it");
        // Who can take away the last archive digest too goes unnoticed, unless the head was noted elsewhere.
        remove_head(&archive, 3);
        assert_eq!(archive.faults(), [] as [&str; 0]);
        assert_eq!(faults(&archive, archive.heads[1]), [] as [&str; 0]);
        assert_eq!(faults(&archive, archive.heads[2]).len(), 1);
    }
}

#[test]
fn without_a_head_that_was_noted_any_number_of_days_can_be_cut_off() {
    let archive = TestArchive::new();
    let newer = |path: &Path| path.starts_with(FULL) && path.file_name().unwrap().to_str().unwrap() > "00000003";
    archive.files().iter().filter(|path| newer(path)).for_each(|path| archive.remove(path));
    fs::remove_dir_all(archive.root().join("payments/stream-audit")).unwrap();
    remove_head(&archive, 3);
    remove_head(&archive, 2);
    archive.remove(&archive.file(FULL, 2, ".gz"));
    for (number, of, count) in [(1, "removed", 30), (2, "gzip", 50)] {
        let digest = archive.file(FULL, number, ".digest.json");
        let plain = digest.to_str().unwrap().replace(".digest.json", ".ndjson");
        archive.write(Path::new(&plain), &crate::source::records(of, count));
    }
    assert_eq!(archive.faults(), [] as [&str; 0]);
    assert_eq!(faults(&archive, archive.heads[1]).len(), 1);
}

#[test]
fn a_source_that_is_gone_is_named() {
    for folder in [FULL, UNSIGNED, REMOVED] {
        let archive = TestArchive::new();
        let path = archive.root().join(folder);
        fs::remove_dir_all(&path).unwrap();
        archive.assert_names(Path::new(folder), "the removal");
        // The folders above it may have become empty.
        let _ = fs::remove_dir(path.parent().unwrap())
            .and_then(|()| fs::remove_dir(path.parent().unwrap().parent().unwrap()));
        archive.assert_fault(folder, "the whole source is missing: .heads/2026-11-0");
    }
}

#[test]
fn a_missing_archive_digest_is_named() {
    for (day, by) in [(1, ".heads/2026-11-02.json"), (2, ".heads/2026-11-03.json")] {
        let archive = TestArchive::new();
        remove_head(&archive, day);
        archive.assert_fault(&format!(".heads/2026-11-{day:02}.json"), &format!("{by} names it as the one before"));
    }
    let archive = TestArchive::new();
    fs::remove_dir_all(archive.root().join(".heads")).unwrap();
    assert_eq!(archive.faults(), [] as [&str; 0], "who takes all of them away goes unnoticed");
    assert_eq!(faults(&archive, archive.heads[0]).len(), 1, "unless one was noted elsewhere");
    let outcome = archive.program(&[]);
    assert!(outcome.stdout.contains("nothing tells whether a whole source is missing"), "{}", outcome.stdout);
}

#[test]
fn a_source_that_is_newer_than_the_last_archive_digest_is_told() {
    let archive = TestArchive::new();
    let mut source = crate::source::SourceWriter::new(&archive.root(), "new/stream-audit/later", 9);
    source.seal(b"{}\n", None, |_| {});
    let outcome = archive.program(&[]);
    assert_eq!(outcome.code, 0);
    assert!(
        outcome.stdout.contains("note: new/stream-audit/later: newer than the last archive digest"),
        "{}",
        outcome.stdout
    );
}

#[test]
fn archive_digests_that_contradict_each_other_are_named() {
    use jiff::civil::date;

    use crate::{
        key::Key,
        source::{SourceWriter, records},
    };

    let key = Key::new(2, "new@host");
    let mut archive = TestArchive::empty();
    let mut one = SourceWriter::new(&archive.root(), FULL, 0);
    let mut other = SourceWriter::new(&archive.root(), UNSIGNED, 0);
    one.seal(&records("a", 3), None, |_| {});
    other.seal(&records("b", 3), None, |_| {});
    let early = one.listed();
    one.seal(&records("c", 3), None, |_| {});
    archive.add_head(date(2026, 11, 1), vec![one.listed(), other.listed()], &key);
    assert_eq!(archive.faults(), [] as [&str; 0]);
    archive.add_head(date(2026, 11, 2), vec![one.listed()], &key);
    archive.assert_fault(".heads/2026-11-02.json", &format!("it does not list {UNSIGNED}"));
    remove_head(&archive, 2);
    archive.heads.pop();
    archive.add_head(date(2026, 11, 2), vec![early, other.listed()], &key);
    archive.assert_fault(".heads/2026-11-02.json", &format!("it does not tell the same of {FULL}"));
    remove_head(&archive, 2);
    archive.heads.pop();
    // One that does not name the one before it.
    archive.heads.clear();
    archive.add_head(date(2026, 11, 2), vec![one.listed(), other.listed()], &key);
    archive.assert_fault(".heads/2026-11-02.json", "it does not name .heads/2026-11-01.json as the one before");
}

#[test]
fn a_source_that_was_failing_is_told() {
    use crate::{
        key::Key,
        source::{SourceWriter, hour},
    };

    let key = Key::new(2, "new@host");
    let mut archive = TestArchive::empty();
    let mut source = SourceWriter::new(&archive.root(), FULL, 0);
    source.seal(b"", None, |_| {});
    let mut failing = source.listed();
    failing.not_collected_since = Some(hour(1));
    archive.add_head(jiff::civil::date(2026, 11, 1), vec![failing], &key);
    let outcome = archive.program(&[]);
    assert_eq!(outcome.code, 0);
    let note = format!("note: {FULL}: not collected since {}, says the archive digest of 2026-11-01", hour(1));
    assert!(outcome.stdout.contains(&note), "{}", outcome.stdout);
    archive.add_head(jiff::civil::date(2026, 11, 2), vec![source.listed()], &key);
    assert!(!archive.program(&[]).stdout.contains("not collected since"), "it was well again");
}
