//! The script of standard tools in `docs/verify.md`: an untouched archive passes, and what was done to it is named.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use atlas_logd::evidence::Sha256Sum;
use jiff::civil::date;

use crate::{
    archive::{FULL, REMOVED, TestArchive, UNSIGNED},
    key::Key,
    source::{SourceWriter, records},
    written::written,
};

const DOCUMENT: &str = include_str!("../../docs/verify.md");

/// The script as it is documented.
fn script() -> &'static str {
    let (_, script) = DOCUMENT.split_once("```sh\n#!/bin/sh\n").unwrap();
    script.split_once("```").unwrap().0
}

/// Whether the standard tools are there.
pub(crate) fn are_installed() -> bool {
    let missing = ["ssh-keygen", "sha256sum", "jq", "gzip", "zstd"].into_iter().find(|tool| {
        let found = Command::new("sh").args(["-c", &format!("command -v {tool}")]).stdout(Stdio::null()).status();
        !found.is_ok_and(|status| status.success())
    });
    if let Some(tool) = missing {
        println!("{tool} is not installed: the documented script was not tried");
    }
    missing.is_none()
}

/// What the script said: the lines of each kind, without the word in front.
struct Said {
    faults: Vec<String>,
    admitted: Vec<String>,
    digests: Vec<String>,
    unsigned: Vec<String>,
    head: Vec<String>,
}

/// Runs the script. It fails where it names a fault, and only there.
#[track_caller]
fn run(archive: &TestArchive, head: Option<Sha256Sum>) -> Said {
    let allowed = archive.beside("allowed");
    // The old key has long been replaced, and counts for what it signed before.
    let lines = archive.old.line("valid-before=\"20261103Z\"") + &archive.new.line("namespaces=\"atlas-logd\"");
    fs::write(&allowed, lines).unwrap();
    run_with(archive, &allowed, head)
}

#[track_caller]
fn run_with(archive: &TestArchive, allowed: &Path, head: Option<Sha256Sum>) -> Said {
    let mut command = Command::new("sh");
    command
        .args(["-c", script(), "verify.sh"])
        .arg(archive.root())
        .arg(allowed)
        .args(head.map(|head| head.to_string()));
    let output = command.output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    let lines = |word: &str| said.lines().filter_map(|line| line.strip_prefix(word)).map(str::to_owned).collect();
    let [faults, admitted, digests, unsigned, head]: [Vec<String>; 5] =
        ["FAULT: ", "ADMITTED: ", "DIGESTS: ", "UNSIGNED: ", "HEAD: "].map(lines);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(i32::from(!faults.is_empty())), "{said}{errors}");
    Said { faults, admitted, digests, unsigned, head }
}

/// It names a fault of something whose path holds `name`.
#[track_caller]
fn assert_named(archive: &TestArchive, name: &str, what: &str) {
    let faults = run(archive, None).faults;
    assert!(faults.iter().any(|fault| fault.contains(name)), "{what} of {name}: {faults:#?}");
}

#[test]
fn the_documented_script_finds_nothing_wrong_with_an_untouched_archive() {
    if !are_installed() {
        return;
    }
    for archive in [TestArchive::new(), written()] {
        let said = run(&archive, Some(archive.heads[1]));
        assert_eq!(said.faults, [""; 0]);
        let (damaged, good_bytes) = &archive.unnoticed.damaged;
        let removed = archive.file(FULL, 1, ".digest.json").to_str().unwrap().replace(".digest.json", ".ndjson");
        let admitted = [
            format!("./{removed} was removed by retention"),
            format!("./{} is damaged: only its first {good_bytes} bytes count", damaged.display()),
        ];
        assert_eq!(said.admitted, admitted);
        let signatures = archive.files().iter().filter(|path| path.to_str().unwrap().ends_with(".sig")).count();
        let signed = said.digests.iter().map(|line| line.split(' ').nth_back(3).unwrap().parse::<usize>().unwrap());
        assert_eq!(signed.sum::<usize>(), signatures, "{:#?}", said.digests);
        assert_eq!(said.head, [archive.heads[2].to_string()]);
    }
    let archive = TestArchive::new();
    let first = archive.file(UNSIGNED, 1, ".digest.json");
    assert_eq!(run(&archive, None).unsigned, [format!("./{}, and what follows it in its folder", first.display())]);
}

#[test]
fn an_archive_digest_that_was_made_before_any_segment_was_sealed_is_no_fault() {
    if !are_installed() {
        return;
    }
    let mut archive = TestArchive::empty();
    let key = Key::new(1, "old@host");
    let writer = SourceWriter::new(&archive.root(), FULL, 0);
    writer.open(&records("open", 3));
    archive.add_head(date(2026, 11, 1), vec![writer.listed()], &key);
    assert_eq!(run(&archive, Some(archive.heads[0])).faults, [""; 0]);
}

#[test]
fn the_documented_script_names_what_was_changed() {
    if !are_installed() {
        return;
    }
    let archive = written();
    for path in [
        archive.file(FULL, 2, ".zst"),
        archive.file(FULL, 5, ".ndjson"),
        archive.file(FULL, 5, ".sig"),
        archive.file(FULL, 5, ".digest.json"),
        archive.file(UNSIGNED, 1, ".gz"),
        archive.file(UNSIGNED, 2, ".ndjson"),
        archive.file(UNSIGNED, 3, ".gz"),
        archive.file(REMOVED, 2, ".ndjson"),
        ".heads/2026-11-02.json.sig".into(),
    ] {
        let bytes = archive.read(&path);
        let mut changed = bytes.clone();
        changed[bytes.len() / 2] ^= 1;
        archive.write(&path, &changed);
        let faults = run(&archive, None).faults;
        let name = path.to_str().unwrap();
        assert!(faults.iter().any(|fault| fault.contains(name)), "a change of {name}: {faults:#?}");
        archive.write(&path, &bytes);
    }
    let damaged = &archive.unnoticed.damaged.0;
    let bytes = archive.read(damaged);
    archive.write(damaged, &[b"x", &bytes[1..]].concat());
    assert_named(&archive, damaged.to_str().unwrap(), "a change of the good bytes");
    archive.write(damaged, &bytes);
    // A digest is named by the one behind it.
    let next = archive.file(UNSIGNED, 3, ".digest.json");
    for (path, by) in [
        (archive.file(UNSIGNED, 2, ".digest.json"), next.to_str().unwrap()),
        (".heads/2026-11-01.json".into(), "2026-11-02.json"),
    ] {
        let bytes = archive.read(&path);
        archive.write(&path, &[&bytes[..], b"\n"].concat());
        assert_named(&archive, by, "a change of what is held by it");
        archive.write(&path, &bytes);
    }
    assert_eq!(run(&archive, None).faults, [""; 0], "it was not put back");
}

#[test]
fn the_documented_script_names_what_is_missing() {
    if !are_installed() {
        return;
    }
    let archive = written();
    let name = |path: &PathBuf| path.to_str().unwrap().to_owned();
    let (second, third) = (archive.file(FULL, 2, ".digest.json"), archive.file(FULL, 3, ".digest.json"));
    let (newest, open) = (archive.file(FULL, 5, ".digest.json"), archive.file(FULL, 6, ".ndjson"));
    let signature = archive.file(FULL, 5, ".sig");
    let segment = archive.file(FULL, 5, ".ndjson");
    let head = PathBuf::from(".heads/2026-11-02.json");
    for (removed, named) in [
        (vec![signature.clone()], name(&signature)),
        (vec![PathBuf::from(".heads/2026-11-03.json.sig")], ".heads/2026-11-03.json.sig".to_owned()),
        (vec![segment.clone()], name(&segment)),
        // In the middle, alone and with all that belongs to it.
        (vec![second.clone()], name(&third)),
        (vec![second.clone(), second.with_extension("json.sig"), archive.file(FULL, 2, ".zst")], name(&third)),
        (vec![head.clone(), head.with_extension("json.sig")], "2026-11-03.json".to_owned()),
        // At the end.
        (vec![newest.clone(), signature.clone()], name(&open)),
        (vec![newest.clone()], name(&signature)),
        (vec![newest, signature.clone(), segment, open], ".heads/2026-11-03.json lists".to_owned()),
    ] {
        let kept: Vec<_> = removed.iter().map(|path| (path, archive.read(path))).collect();
        removed.iter().for_each(|path| archive.remove(path));
        assert_named(&archive, &named, "the removal");
        kept.iter().for_each(|(path, bytes)| archive.write(path, bytes));
    }
    let cut_off = run(&archive, Some(Sha256Sum::of(b"a head that was kept"))).faults;
    assert!(cut_off.len() == 1 && cut_off[0].contains("there is no head"), "{cut_off:#?}");
    assert_eq!(run(&archive, None).faults, [""; 0], "it was not put back");
}

#[test]
fn the_documented_script_names_what_was_added_or_moved() {
    if !are_installed() {
        return;
    }
    let archive = written();
    let next = archive.file(FULL, 6, ".ndjson").to_str().unwrap().replace("00000006", "00000007");
    for (path, of) in [
        (PathBuf::from(next), archive.file(FULL, 6, ".ndjson")),
        (
            archive.file(FULL, 4, ".digest.json").with_file_name("00000004-20200101T000000Z.ndjson"),
            archive.file(FULL, 4, ".ndjson"),
        ),
        (
            archive.file(FULL, 5, ".digest.json").with_file_name("00000006-20260101T000000Z.digest.json"),
            archive.file(FULL, 5, ".digest.json"),
        ),
    ] {
        archive.write(&path, &archive.read(&of));
        assert_named(&archive, path.to_str().unwrap(), "the appearance");
        archive.remove(&path);
    }
    let link = archive.file(REMOVED, 2, ".ndjson");
    fs::rename(archive.root().join(&link), archive.beside("elsewhere")).unwrap();
    std::os::unix::fs::symlink(archive.beside("elsewhere"), archive.root().join(&link)).unwrap();
    assert_named(&archive, link.to_str().unwrap(), "a link in the place");
}

#[test]
fn the_documented_script_accepts_allowed_signers_only() {
    if !are_installed() {
        return;
    }
    let archive = TestArchive::new();
    let allowed = archive.beside("allowed");
    let by_old = archive.file(FULL, 1, ".sig").display().to_string();
    let by_new = archive.file(FULL, 6, ".sig").display().to_string();
    for (lines, refused, accepted) in [
        (archive.old.line(""), &by_new, &by_old),
        (archive.old.line("") + &archive.new.line("namespaces=\"git\""), &by_new, &by_old),
        (archive.old.line("valid-before=\"20260101Z\"") + &archive.new.line(""), &by_old, &by_new),
    ] {
        fs::write(&allowed, lines).unwrap();
        let faults = run_with(&archive, &allowed, None).faults;
        let names = |signature: &str| faults.iter().any(|fault| fault.contains(signature));
        assert!(names(refused) && !names(accepted), "{faults:#?}");
    }
}

#[test]
fn archive_digests_follow_each_other_by_their_numbers() {
    if !are_installed() {
        return;
    }
    let archive = TestArchive::empty();
    fs::create_dir(archive.root().join(".heads")).unwrap();
    let mut previous = "null".to_owned();
    // The clock was set back in between.
    let dates = ["2026-11-05", "2026-11-01", "2026-11-06"];
    for (number, date) in (1..).zip(dates) {
        let text = format!(
            "{{\"date\":\"{date}\",\"sequence\":{number},\"made\":\"{date}T00:30:00Z\",\"sources\":[],\
             \"signing_key\":null,\"previous\":{previous}}}\n"
        );
        archive.write(Path::new(&format!(".heads/{date}.json")), text.as_bytes());
        previous = format!("\"{}\"", Sha256Sum::of(text.as_bytes()));
    }
    let said = run(&archive, None);
    assert_eq!((said.faults, said.head), (Vec::new(), vec![previous.trim_matches('"').to_owned()]));
    archive.remove(Path::new(".heads/2026-11-01.json"));
    assert_named(&archive, ".heads/2026-11-06.json is number 3, not 2", "the one behind");
}
