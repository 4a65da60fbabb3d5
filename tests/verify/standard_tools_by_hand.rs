//! Single commands of standard tools, as the README has them for the auditor.

use std::{
    fs::{self, File},
    path::Path,
    process::{Command, Stdio},
};

use atlas_logd::evidence::Sha256Sum;

use crate::{
    archive::{FULL, TestArchive},
    standard_tools::are_installed,
};

const README: &str = include_str!("../../README.md");

/// The commands of the README for one segment, for one of this archive.
fn commands(archive: &TestArchive, allowed: &Path) -> String {
    let (_, section) = README.split_once("**Without this program**").unwrap();
    let (_, block) = section.split_once("```sh\n").unwrap();
    let (commands, _) = block.split_once("```").unwrap();
    let stem = |number| archive.file(FULL, number, ".digest.json").to_str().unwrap().replace(".digest.json", "");
    let name = |number: u64| stem(number).replace(&format!("{FULL}/"), "");
    let mut commands = commands.to_owned();
    for (example, own) in [
        ("cd /var/log/atlas-logd ", format!("cd {} ", archive.root().display())),
        ("/etc/atlas-logd/allowed_signers", allowed.display().to_string()),
        ("00000041-20261121T000012Z", name(6)),
        ("00000040-20261120T000009Z", name(5)),
        ("-I atlas-logd ", format!("-I {} ", archive.new.principal)),
        ("2026-11-22.json", "2026-11-03.json".to_owned()),
    ] {
        assert!(commands.contains(example), "{example}");
        commands = commands.replace(example, &own);
    }
    commands
}

#[test]
fn the_commands_of_the_readme_do_what_they_say() {
    if !are_installed() {
        return;
    }
    let archive = TestArchive::new();
    let allowed = archive.beside("allowed");
    fs::write(&allowed, archive.new.line("namespaces=\"atlas-logd\"")).unwrap();
    let output = Command::new("sh").args(["-e", "-c", &commands(&archive, &allowed)]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let said = String::from_utf8(output.stdout).unwrap();
    let lines: Vec<&str> = said.lines().collect();
    assert!(lines[0].starts_with("Good \"atlas-logd\" signature for new@host with ED25519 key "), "{said}");
    let sum = |line: &str| line.trim_end_matches(" -").trim().parse::<Sha256Sum>().unwrap();
    assert_eq!(sum(lines[1]), sum(lines[2]));
    assert_eq!(sum(lines[3]), sum(lines[4]));
    assert!(lines.contains(&"  \"late_records\": 4,"), "{said}");
    assert!(said.contains(&format!("\n{}  .heads/2026-11-03.json\n", archive.heads[2])), "{said}");
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
