//! Evidence, by the real program: what it collects proves itself, signed or not, plain or compressed.

use std::{fs, path::PathBuf};

use atlas_logd::{
    evidence::{SegmentDigest, Sha256Sum},
    source::Source,
};
use ssh_key::{LineEnding, PrivateKey, private::Ed25519Keypair};

use crate::harness::{DAY, HOUR, MINUTE, Outcome, Stage, orders, prod};

/// Each window with records becomes a segment.
fn stage() -> Stage {
    let stage = Stage::new();
    stage.configure(|config| config.set_text("archive", "rotate_size", "1B"));
    stage
}

/// A record in each source, and a collection.
fn collect(stage: &Stage, note: &str) -> Outcome {
    [orders(), prod()].iter().for_each(|source| stage.add_record(source, MINUTE, note));
    stage.command(["collect"])
}

fn verify(stage: &Stage, more: &[&str]) -> Outcome {
    let archive = stage.archive();
    stage.command([&["verify", archive.to_str().unwrap()], more].concat())
}

/// The digests of a source, in their order.
fn digests(stage: &Stage, source: &Source) -> Vec<PathBuf> {
    files(stage, source, ".digest.json")
}

/// The files in the folder of a source whose names end so.
fn files(stage: &Stage, source: &Source, end: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(stage.folder_of(source)).unwrap().map(|entry| entry.unwrap().path());
    let mut found: Vec<PathBuf> = entries.filter(|path| path.to_str().unwrap().ends_with(end)).collect();
    found.sort();
    found
}

/// A key in a file that the configuration names, and its line for a file of allowed signers.
pub(crate) fn sign_with(stage: &Stage, seed: u8) -> String {
    let key: PrivateKey = Ed25519Keypair::from_seed(&[seed; 32]).into();
    let path = stage.folder().join(format!("key-{seed}"));
    fs::write(&path, key.to_openssh(LineEnding::LF).unwrap().as_bytes()).unwrap();
    stage.configure(|config| config.set_text("evidence", "signing_key", path.to_str().unwrap()));
    format!("archive-{seed}@host namespaces=\"atlas-logd\" {}\n", key.public_key().to_openssh().unwrap())
}

/// A file of allowed signers.
fn allow(stage: &Stage, lines: &str) -> String {
    let path = stage.folder().join("allowed");
    fs::write(&path, lines).unwrap();
    path.to_str().unwrap().to_owned()
}

#[test]
fn after_every_collection_the_archive_proves_itself() {
    let stage = stage();
    for note in ["one", "two", "three"] {
        collect(&stage, note).assert_done();
        let outcome = verify(&stage, &[]).assert_done();
        assert!(outcome.stdout.contains("valid: 2 sources"), "{}", outcome.stdout);
    }
    for source in [orders(), prod()] {
        let digests = digests(&stage, &source);
        assert!(digests.len() >= 2, "{digests:?}");
        let mut previous = None;
        for (path, segment) in digests.iter().zip(stage.segments(&source)) {
            let bytes = fs::read(path).unwrap();
            let digest = SegmentDigest::parse(&bytes).unwrap();
            assert_eq!(digest.previous, previous);
            assert_eq!(digest.segment.as_str(), segment.name);
            assert_eq!((digest.sha256, digest.bytes), (Sha256Sum::of(&segment.bytes), segment.bytes.len() as u64));
            assert_eq!(digest.records, segment.lines().len() as u64);
            previous = Some(Sha256Sum::of(&bytes));
        }
        stage.assert_current(&source);
    }
}

#[test]
fn digests_are_signed_and_a_new_key_leaves_the_old_signatures_valid() {
    let stage = stage();
    let old = sign_with(&stage, 1);
    collect(&stage, "one").assert_done();
    collect(&stage, "two").assert_done();
    let new = sign_with(&stage, 2);
    collect(&stage, "three").assert_done();
    collect(&stage, "four").assert_done();
    for source in [orders(), prod()] {
        let signed = digests(&stage, &source).into_iter().map(|path| format!("{}.sig", path.display()));
        let signatures = files(&stage, &source, ".sig");
        assert_eq!(
            signed.collect::<Vec<_>>(),
            signatures.iter().map(|path| path.display().to_string()).collect::<Vec<_>>()
        );
        assert!(signatures.len() >= 3, "{signatures:?}");
    }
    let outcome = verify(&stage, &["--allowed-signers", &allow(&stage, &format!("{old}{new}"))]).assert_done();
    for principal in ["archive-1@host", "archive-2@host"] {
        assert!(outcome.stdout.contains(principal), "{}", outcome.stdout);
    }
    let outcome = verify(&stage, &["--allowed-signers", &allow(&stage, &new)]).assert_code(1);
    assert!(outcome.stdout.contains("is not among the allowed signers"), "{}", outcome.stdout);
}

#[test]
fn the_head_that_was_noted_proves_that_nothing_was_cut_off() {
    let stage = stage();
    sign_with(&stage, 1);
    stage.configure(|config| config.start("80h"));
    // A window for each day.
    for (days, note) in [(3, "one"), (2, "two"), (1, "three")] {
        stage.add_record(&orders(), days * DAY, note);
        stage.add_record(&prod(), days * DAY, note);
    }
    stage.command(["status", "--head"]).assert_code(1).assert_says("nothing has been collected");
    let said = stage.command(["collect"]).assert_done().stderr;
    let head = stage.command(["status", "--head"]).assert_done().stdout.trim().to_owned();
    assert!(head.parse::<Sha256Sum>().is_ok(), "{head:?}");
    assert!(said.contains(&format!("head {head}; keep it on another machine")), "{said}");
    verify(&stage, &["--head", &head]).assert_done();
    let newest = digests(&stage, &orders()).pop().unwrap();
    stage.damaged(|| {
        let name = newest.file_name().and_then(|name| name.to_str()).unwrap();
        let number: u64 = name[..8].parse().unwrap();
        for number in [number, number + 1] {
            for path in fs::read_dir(stage.folder_of(&orders())).unwrap().map(|entry| entry.unwrap().path()) {
                if path.file_name().unwrap().to_str().unwrap().starts_with(&format!("{number:08}-")) {
                    fs::remove_file(path).unwrap();
                }
            }
        }
    });
    let named = format!("FAULT: {}: the digest is missing", newest.strip_prefix(stage.archive()).unwrap().display());
    let outcome = verify(&stage, &["--head", &head]).assert_code(1);
    assert!(outcome.stdout.contains(&named), "{}", outcome.stdout);
    // Whoever removes the archive digest too is told by who noted it.
    fs::remove_dir_all(stage.archive().join(".heads")).unwrap();
    verify(&stage, &[]).assert_done();
    let outcome = verify(&stage, &["--head", &head]).assert_code(1);
    assert!(outcome.stdout.contains(&format!("no archive digest here has the SHA-256 {head}")), "{}", outcome.stdout);
}

#[test]
fn sealed_segments_are_compressed_and_hold_what_they_held() {
    for (compress, end) in [("gzip", ".ndjson.gz"), ("zstd", ".ndjson.zst")] {
        let stage = stage();
        stage.configure(|config| config.set_text("archive", "compress", compress));
        for note in ["one", "two", "three", "four", "five"] {
            collect(&stage, note).assert_done();
            verify(&stage, &[]).assert_done();
        }
        for source in [orders(), prod()] {
            let (sealed, plain) = (digests(&stage, &source).len(), files(&stage, &source, ".ndjson").len());
            assert!(sealed >= 4, "{sealed}");
            assert_eq!(
                (files(&stage, &source, end).len(), plain),
                (sealed - 1, 2),
                "all but the last sealed and the open one"
            );
            stage.assert_current(&source);
            let (lines, status) = (stage.lines(&source), stage.status(&source));
            let (name, from, to) =
                (source.to_string(), (status.end() - 3 * HOUR).to_string(), status.end().to_string());
            stage.command(["collect", &name, "--from", &from, "--to", &to]).assert_done();
            assert_eq!(stage.lines(&source), lines, "a backfill archives nothing twice");
            stage.assert_exact(&source);
        }
        verify(&stage, &[]).assert_done();
    }
}

#[test]
fn collection_pauses_while_the_disk_is_nearly_full() {
    let stage = stage();
    stage.configure(|config| config.set_text("archive", "min_free", "16TiB"));
    let sentence = "[archive] min_free is 16.0 TiB: collection pauses, watermarks wait, and it goes on by itself";
    collect(&stage, "one").assert_code(1).assert_says(sentence);
    assert!([orders(), prod()].iter().all(|source| stage.lines(source).is_empty()));
    assert_paused(&stage, sentence);
    stage.configure(|config| config.remove("archive", "min_free"));
    collect(&stage, "two").assert_done();
    let ends = [orders(), prod()].map(|source| stage.status(&source).end());
    stage.configure(|config| config.set_text("archive", "min_free", "16TiB"));
    collect(&stage, "three").assert_code(1).assert_says(sentence);
    assert_eq!([orders(), prod()].map(|source| stage.status(&source).end()), ends, "watermarks wait");
    assert_paused(&stage, sentence);
    stage.command(["reconcile"]).assert_code(1).assert_says(sentence);
    for source in [orders(), prod()] {
        let reconciliation = stage.status(&source).reconciliation.unwrap();
        assert!(reconciliation.failure.as_ref().is_some_and(|said| said.contains(sentence)), "{reconciliation:?}");
    }
    stage.configure(|config| config.remove("archive", "min_free"));
    collect(&stage, "four").assert_done();
    [orders(), prod()].iter().for_each(|source| stage.assert_current(source));
    verify(&stage, &[]).assert_done();
}

/// The status says why nothing is collected, also of sources that never were.
#[track_caller]
fn assert_paused(stage: &Stage, sentence: &str) {
    let table = stage.command(["status"]).assert_done().stdout;
    assert!(!table.contains("never polled"), "{table}");
    for source in [orders(), prod()] {
        let status = stage.status(&source);
        assert!(status.failing_since.is_some() && status.message.unwrap().contains(sentence));
        let said =
            table.lines().find(|line| line.starts_with(&format!("failing: {source}: the archive's file system has ")));
        assert!(said.is_some_and(|said| said.contains(sentence)), "{table}");
    }
}
