//! An untouched archive verifies with tools that everybody has, by the commands of `docs/verify.md`.

use std::{
    fs::{self, File},
    path::Path,
    process::{Command, Stdio},
};

use crate::{
    archive::{FULL, REMOVED, TestArchive, UNSIGNED},
    written::written,
};

const DOCUMENT: &str = include_str!("../../docs/verify.md");

/// The commands as they are documented, for this archive.
fn commands(archive: &TestArchive, allowed: &Path) -> String {
    let (_, section) = DOCUMENT.split_once("## With standard tools").unwrap();
    let (_, block) = section.split_once("```sh\n").unwrap();
    let (commands, _) = block.split_once("```").unwrap();
    let commands = commands.replace("/var/log/atlas-logd", archive.root().to_str().unwrap());
    commands.replace("/etc/atlas-logd/allowed_signers", allowed.to_str().unwrap())
}

fn are_installed() -> bool {
    let missing = ["ssh-keygen", "sha256sum", "jq", "zcat", "zstd"].into_iter().find(|tool| {
        let found = Command::new("sh").args(["-c", &format!("command -v {tool}")]).stdout(Stdio::null()).status();
        !found.is_ok_and(|status| status.success())
    });
    if let Some(tool) = missing {
        println!("{tool} is not installed: the documented commands were not tried");
    }
    missing.is_none()
}

/// What they say: the lines with this beginning, without it.
fn said(archive: &TestArchive) -> [Vec<String>; 3] {
    let allowed = archive.beside("allowed");
    fs::write(&allowed, archive.old.line("") + &archive.new.line("namespaces=\"atlas-logd\"")).unwrap();
    let output = Command::new("sh").arg("-c").arg(commands(archive, &allowed)).output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    ["FAULT: ", "ADMITTED: ", "Good \"atlas-logd\" signature for "]
        .map(|begin| said.lines().filter_map(|line| line.strip_prefix(begin)).map(str::to_owned).collect())
}

#[test]
fn the_documented_commands_find_nothing_wrong_that_is_not_admitted() {
    if !are_installed() {
        return;
    }
    for archive in [TestArchive::new(), written()] {
        let [faults, admitted, good] = said(&archive);
        let (damaged, good_bytes) = &archive.unnoticed.damaged;
        let damaged = damaged.to_str().unwrap();
        let removed = archive.file(FULL, 1, ".digest.json").to_str().unwrap().replace(".digest.json", ".ndjson");
        assert_eq!(admitted.len(), 2, "{admitted:#?}");
        assert_eq!(admitted[0], format!("{removed} was removed by retention"));
        assert!(admitted[1].starts_with(&format!("{damaged} is damaged: {good_bytes} bytes count, ")), "{admitted:#?}");
        assert!(faults.iter().all(|fault| *fault == removed || fault == damaged), "{faults:#?}");
        let signatures = archive.files().iter().filter(|path| path.to_str().unwrap().ends_with(".sig")).count();
        assert_eq!(good.len(), signatures, "{good:#?}");
    }
}

#[test]
fn the_documented_commands_name_what_was_changed() {
    if !are_installed() {
        return;
    }
    let archive = written();
    let before = said(&archive)[0].clone();
    for path in [
        archive.file(FULL, 2, ".zst"),
        archive.file(FULL, 5, ".ndjson"),
        archive.file(FULL, 5, ".sig"),
        archive.file(UNSIGNED, 1, ".gz"),
        archive.file(UNSIGNED, 3, ".gz"),
        archive.file(REMOVED, 2, ".ndjson"),
        ".heads/2026-11-02.json.sig".into(),
    ] {
        let bytes = archive.read(&path);
        let mut changed = bytes.clone();
        changed[bytes.len() / 2] ^= 1;
        archive.write(&path, &changed);
        let [faults, ..] = said(&archive);
        let name = path.to_str().unwrap();
        let segment = name.trim_end_matches(".gz").trim_end_matches(".zst");
        let new = faults.iter().filter(|fault| !before.contains(fault));
        assert!(new.clone().count() > 0, "a change of {name} was not noticed");
        assert!(new.clone().all(|fault| fault.contains(segment)), "{name}: {faults:#?}");
        archive.write(&path, &bytes);
    }
    for path in [archive.file(UNSIGNED, 2, ".digest.json"), ".heads/2026-11-01.json".into()] {
        let bytes = archive.read(&path);
        archive.write(&path, &[&bytes[..], b"\n"].concat());
        assert_ne!(said(&archive)[0], before, "a change of {} was not noticed", path.display());
        archive.write(&path, &bytes);
    }
    assert_eq!(said(&archive)[0], before, "it was not put back");
}

#[test]
fn ssh_keygen_accepts_every_signature_and_no_other() {
    let archive = TestArchive::new();
    let allowed = archive.beside("allowed");
    fs::write(&allowed, archive.old.line("") + &archive.new.line("namespaces=\"atlas-logd\"")).unwrap();
    let verify = |signature: &str, principal: &str| {
        let digest = signature.strip_suffix(".sig").unwrap();
        Command::new("ssh-keygen")
            .args(["-Y", "verify", "-f"])
            .arg(&allowed)
            .args(["-I", principal, "-n", "atlas-logd", "-s"])
            .arg(archive.root().join(signature))
            .stdin(File::open(archive.root().join(digest)).unwrap())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
    };
    let mut accepted = 0;
    for path in archive.files() {
        let Some(signature) = path.to_str().filter(|path| path.ends_with(".sig")) else { continue };
        let by = [archive.old.principal, archive.new.principal].map(|principal| match verify(signature, principal) {
            Ok(status) => Some(status.success()),
            Err(_) => None,
        });
        if by == [None, None] {
            println!("ssh-keygen is not installed: signatures were not checked with it");
            return;
        }
        assert!(by == [Some(true), Some(false)] || by == [Some(false), Some(true)], "{signature}: {by:?}");
        accepted += 1;
    }
    assert_eq!(accepted, 11);
}
