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
