//! Whose signatures count, and what a signature has to hold.

use std::{fs, path::Path};

use atlas_logd::{
    evidence::AllowedSigners,
    verify::{Note, Request},
};

use crate::{
    archive::{FULL, TestArchive, UNSIGNED},
    key::Key,
    source::{SourceWriter, records},
};

fn asking(lines: &str) -> Request {
    Request { allowed_signers: Some(AllowedSigners::parse(lines).unwrap()), ..Request::default() }
}

fn faults(archive: &TestArchive, lines: &str) -> Vec<String> {
    archive.verify(&asking(lines)).all_faults().map(ToString::to_string).collect()
}

#[test]
fn old_digests_verify_with_old_keys() {
    let archive = TestArchive::new();
    let old = archive.old.line("valid-before=\"20261102Z\"");
    let new = archive.new.line("namespaces=\"atlas-logd\",valid-after=\"202611010200Z\"");
    let both = format!("# rotated\n{old}{new}");
    let report = archive.verify(&asking(&both));
    assert!(report.is_valid(), "{:#?}", faults(&archive, &both));
    assert!(!report.notes.iter().any(|note| matches!(note, Note::NobodyVouches { .. })));
    let principals: Vec<_> = report.keys.values().flatten().map(String::as_str).collect();
    assert_eq!(principals.len(), 2);
    assert!(principals.contains(&"old@host") && principals.contains(&"new@host"));

    let path = archive.beside("allowed");
    fs::write(&path, &both).unwrap();
    let outcome = archive.program(&["--allowed-signers", path.to_str().unwrap()]);
    assert_eq!(outcome.code, 0, "{}", outcome.stdout);
    assert!(outcome.stdout.contains("signed by old@host: SHA256:"), "{}", outcome.stdout);
}

#[test]
fn keys_that_are_not_allowed_are_named_with_every_digest_that_they_signed() {
    let archive = TestArchive::new();
    let signed = archive.files().iter().filter(|path| path.to_str().unwrap().ends_with(".sig")).count();
    let by_new = 4 + 2;
    let unknown = faults(&archive, &archive.new.line(""));
    assert_eq!(unknown.len(), signed - by_new, "{unknown:#?}");
    assert!(unknown.iter().all(|fault| fault.contains(".sig: its key SHA256:")), "{unknown:#?}");
    assert!(unknown.iter().all(|fault| fault.ends_with("is not among the allowed signers")), "{unknown:#?}");
    let expired = archive.old.line("") + &archive.new.line("valid-before=\"20261101030000Z\"");
    let expired = faults(&archive, &expired);
    // What nothing allowed holds any more comes in addition: the newest digests and the newest archive digest.
    let (held, others): (Vec<String>, Vec<String>) = expired.into_iter().partition(|fault| fault.contains(".sig: "));
    assert_eq!(held.len(), by_new - 1, "{held:#?}");
    let expired = held;
    assert!(others.iter().all(|fault| fault.contains("nothing that is signed holds it")), "{others:#?}");
    assert!(expired.iter().any(|fault| fault.contains("is not allowed for 2026-11-01T06:00:00Z")), "{expired:#?}");
    let other = archive.old.line("namespaces=\"git\"") + &archive.new.line("");
    assert!(faults(&archive, &other).iter().all(|fault| fault.contains("is not allowed for the namespace")));
}

#[test]
fn what_is_not_signed_counts_only_where_something_signed_holds_it() {
    let mut archive = TestArchive::empty();
    let key = Key::new(1, "old@host");
    let lines = key.line("");
    let mut source = SourceWriter::new(&archive.root(), UNSIGNED, 0);
    source.seal(&records("a", 3), None, |_| {});
    source.seal(&records("b", 3), Some(&key), |_| {});
    assert_eq!(faults(&archive, &lines), [] as [&str; 0], "a signed digest holds the one before it");
    let third = source.seal(&records("c", 3), None, |_| {});
    let found = faults(&archive, &lines);
    assert_eq!(found.len(), 1, "{found:#?}");
    assert!(found[0].starts_with(&format!("{UNSIGNED}/{}: it is not signed", third.digest())), "{found:#?}");
    assert!(archive.report().is_valid(), "without allowed signers it is no fault");
    archive.add_head(jiff::civil::date(2026, 11, 1), vec![source.listed()], &key);
    assert_eq!(faults(&archive, &lines), [] as [&str; 0], "a signed archive digest holds it");
}

#[test]
fn foreign_missing_and_extra_signatures_are_told() {
    let archive = TestArchive::new();
    let digest = archive.file(FULL, 6, ".digest.json");
    let signature = archive.file(FULL, 6, ".sig");
    let name = signature.to_str().unwrap();
    let (bytes, right) = (archive.read(&digest), archive.read(&signature));
    archive.write(&signature, archive.old.signer.sign(&bytes).unwrap().as_bytes());
    archive.assert_fault(name, "it is made with the key SHA256:");
    archive.write(&signature, archive.new.signer.sign(b"something else").unwrap().as_bytes());
    archive.assert_fault(name, "it is not a signature of these bytes");
    archive.write(&signature, &[right.clone(), b"\n".to_vec()].concat());
    archive.assert_names(&signature, "an empty line");
    archive.write(&signature, &vec![b'A'; 1 << 20]);
    archive.assert_fault(name, "it is longer than 16384 bytes");
    archive.remove(&signature);
    archive.assert_fault(name, "the signature is missing");
    archive.write(&signature, &right);
    let unsigned = archive.file(UNSIGNED, 2, ".digest.json");
    let extra = format!("{}.sig", unsigned.display());
    archive.write(Path::new(&extra), archive.new.signer.sign(&archive.read(&unsigned)).unwrap().as_bytes());
    archive.assert_fault(&extra, "says that it has none");
}

#[test]
fn keys_of_other_kinds_are_skipped_and_said_where_a_digest_needs_them() {
    let archive = TestArchive::new();
    let other = "other@host sk-ssh-ed25519@openssh.com AAAAGnNrLXNzaC1lZDI1NTE5QG9wZW5zc2guY29tAAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4fAAAABHNzaDo=\n";
    let both = archive.old.line("") + other + &archive.new.line("");
    assert_eq!(faults(&archive, &both), [] as [&str; 0]);
    let found = faults(&archive, &(archive.new.line("") + other));
    let words = "is not among the allowed signers; line 2 was skipped: digests are signed with Ed25519 keys, not with \
                 sk-ssh-ed25519@openssh.com";
    assert!(!found.is_empty() && found.iter().all(|fault| fault.ends_with(words)), "{found:#?}");
}

#[test]
fn a_file_of_allowed_signers_that_is_not_understood_is_bad_usage() {
    let archive = TestArchive::new();
    let path = archive.beside("allowed");
    fs::write(&path, archive.new.line("cert-authority")).unwrap();
    let outcome = archive.program(&["--allowed-signers", path.to_str().unwrap()]);
    assert_eq!(outcome.code, 2);
    assert!(outcome.stderr.contains("allowed, line 1: cert-authority is not supported"), "{}", outcome.stderr);
    let outcome = archive.program(&["--allowed-signers", "/nowhere"]);
    assert_eq!(outcome.code, 2);
    assert!(outcome.stderr.contains("failed to read the allowed signers /nowhere"), "{}", outcome.stderr);
}
