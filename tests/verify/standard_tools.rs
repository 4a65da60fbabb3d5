//! An untouched archive verifies with tools that everybody has.

use std::{
    fs::{self, File},
    process::{Command, Stdio},
};

use crate::archive::TestArchive;

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
