//! Chains that were made anew, by somebody who can write but not sign, or who can even sign.

use std::path::Path;

use atlas_logd::{evidence::Sha256Sum, state::ArchiveId};

use crate::{
    archive::{FULL, TestArchive, UNSIGNED},
    key::Key,
    source::{SourceWriter, records},
};

#[test]
fn a_chain_that_forks_is_named() {
    let archive = TestArchive::empty();
    let mut source = SourceWriter::new(&archive.root(), FULL, 0);
    source.seal(&records("a", 3), Some(&archive.new), |_| {});
    let second = source.seal(&records("b", 3), Some(&archive.new), |_| {});
    // Another second one, as right as the first one by itself.
    let mut fork = SourceWriter::new(&archive.root(), FULL, 0);
    fork.seal(&records("a", 3), Some(&archive.new), |_| {});
    fork.skip_hours(5);
    let other = fork.seal(&records("c", 3), Some(&archive.new), |digest| digest.covered = None);
    let digest = format!("{FULL}/{}", other.digest());
    archive.assert_names(Path::new(&digest), "the fork");
    assert!(archive.faults()[0].contains("there are several digests with the number 2: the chain forks"));
    assert!(other > second);
}

#[test]
fn a_chain_that_skips_is_named() {
    let archive = TestArchive::empty();
    let mut source = SourceWriter::new(&archive.root(), FULL, 0);
    for name in ["a", "b", "c", "d"] {
        source.seal(&records(name, 3), None, |_| {});
    }
    let files = archive.files();
    for path in files.iter().filter(|path| path.to_str().unwrap().contains("/00000002-")) {
        archive.remove(path);
    }
    archive.assert_fault(FULL, "the digest with the number 2 is missing, but later ones are there");
    for path in files.iter().filter(|path| path.to_str().unwrap().contains("/00000001-")) {
        archive.remove(path);
    }
    archive.assert_fault(FULL, "digests with the numbers 1 to 2 are missing, but later ones are there");
}

#[test]
fn a_newest_digest_that_is_missing_is_named_by_the_segment_behind_its_own() {
    for key in [None, Some(Key::new(1, "old@host"))] {
        let mut archive = TestArchive::empty();
        let mut source = SourceWriter::new(&archive.root(), FULL, 0);
        for name in ["a", "b", "c"] {
            source.seal(&records(name, 3), key.as_ref(), |_| {});
        }
        source.open(b"{}\n");
        let digest = archive.file(FULL, 3, ".digest.json");
        let open = archive.file(FULL, 4, ".ndjson");
        let words = format!("the digest with the number 3 is missing: {} comes behind it", open.display());
        archive.remove(&digest);
        let faults = archive.faults();
        assert_eq!(faults.len(), 1 + usize::from(key.is_some()), "{faults:#?}");
        assert!(faults[0].starts_with(&format!("{}: {words}", digest.display())), "{faults:#?}");
        assert_eq!(archive.report().sources[0].open.as_ref().unwrap().segment.sequence(), 4);
        if key.is_some() {
            archive.remove(&archive.file(FULL, 3, ".sig"));
            archive.assert_fault(digest.to_str().unwrap(), &words);
        }
        archive.remove(&archive.file(FULL, 3, ".ndjson"));
        archive.assert_fault(FULL, &words);
        let key = Key::new(1, "old@host");
        archive.add_head(jiff::civil::date(2026, 11, 1), vec![source.listed()], &key);
        archive.assert_names(&digest, "the removal");
    }
}

#[test]
fn a_chain_that_was_made_anew_is_noticed_by_those_that_hold_it() {
    let archive = TestArchive::new();
    let second = archive.file(UNSIGNED, 2, ".digest.json");
    // Whoever changes an unsigned digest has to change all that follow; the archive digest still names the old one.
    let text = String::from_utf8(archive.read(&second)).unwrap();
    let mut changed = text.replace("\"late_records\": 0", "\"late_records\": 1");
    assert_ne!(changed, text);
    archive.write(&second, changed.as_bytes());
    for number in [3, 4] {
        let path = archive.file(UNSIGNED, number, ".digest.json");
        let before = Sha256Sum::of(text_before(&archive, number).as_bytes());
        let text = String::from_utf8(archive.read(&path)).unwrap();
        let previous = text.lines().find(|line| line.contains("\"previous\"")).unwrap();
        changed = text.replace(previous, &format!("  \"previous\": \"{before}\","));
        archive.write(&path, changed.as_bytes());
    }
    let faults = archive.faults();
    assert_eq!(faults.len(), 2, "{faults:#?}");
    assert!(
        faults[0].contains(second.to_str().unwrap()) && faults[0].contains(".heads/2026-11-02.json names"),
        "{faults:#?}"
    );
    assert!(faults[1].contains("/00000004-") && faults[1].contains(".heads/2026-11-03.json names"), "{faults:#?}");
}

fn text_before(archive: &TestArchive, number: u64) -> String {
    String::from_utf8(archive.read(&archive.file(UNSIGNED, number - 1, ".digest.json"))).unwrap()
}

#[test]
fn digests_that_do_not_belong_together_are_named() {
    let other = ArchiveId::parse("ffffffffffffffffffffffffffffffff").unwrap();
    for (words, change) in [
        ("it belongs to the archive ffffffffffffffffffffffffffffffff", 0),
        ("it is of another source", 1),
        ("it says that it belongs to the folder elsewhere", 2),
        ("it holds 3 records, but its digest says 4", 3),
        ("it is not the first one, but names none before it", 4),
    ] {
        let archive = TestArchive::empty();
        let mut source = SourceWriter::new(&archive.root(), FULL, 0);
        source.seal(&records("a", 3), Some(&archive.new), |_| {});
        let second = source.seal(&records("b", 3), Some(&archive.new), |digest| match change {
            0 => digest.archive = other.clone(),
            1 => digest.source.project_id = "f".repeat(24),
            2 => digest.source.folder = "elsewhere".to_owned(),
            3 => digest.records += 1,
            _ => digest.previous = None,
        });
        let path = if change == 3 { second.to_string() } else { second.digest() };
        archive.assert_fault(&format!("{FULL}/{path}"), words);
    }
    let archive = TestArchive::empty();
    let mut source = SourceWriter::new(&archive.root(), FULL, 0);
    let first = source.seal(b"", None, |digest| digest.previous = Some(Sha256Sum::of(b"x")));
    archive.assert_fault(&format!("{FULL}/{}", first.digest()), "it is the first one, but names another before it");
}

#[test]
fn a_project_may_have_been_renamed() {
    let archive = TestArchive::empty();
    let mut source = SourceWriter::new(&archive.root(), FULL, 0);
    source.seal(b"", None, |_| {});
    source.seal(b"", None, |digest| digest.source.project_name = "billing".to_owned());
    let report = archive.report();
    assert!(report.is_valid());
    assert_eq!(report.sources[0].source.as_ref().unwrap().project_name, "billing");
}
