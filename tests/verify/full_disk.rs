//! A report that could not be written is no report.

use std::{
    fs::OpenOptions,
    process::{Command, Stdio},
};

use crate::archive::TestArchive;

/// `atlas-logd verify ARCHIVE …`, with its output there: exit code, and what it said on standard error.
fn verify_into(archive: &TestArchive, arguments: &[&str], out: Stdio) -> (i32, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_atlas-logd"));
    command.arg("verify").arg(archive.root()).args(arguments).stdout(out);
    let output = command.output().unwrap();
    (output.status.code().unwrap(), String::from_utf8(output.stderr).unwrap())
}

#[test]
fn output_that_cannot_be_written_is_a_failure() {
    let archive = TestArchive::new();
    for arguments in [&[][..], &["--json"], &["--help"]] {
        let full = OpenOptions::new().write(true).open("/dev/full").unwrap();
        let (code, said) = verify_into(&archive, arguments, full.into());
        assert_eq!(code, 1, "{arguments:?}: {said}");
        assert!(said.contains("atlas-logd: failed to write to standard output: No space left on device"), "{said}");
    }
}

#[test]
fn a_reader_that_went_away_is_none() {
    let archive = TestArchive::new();
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    assert_eq!(verify_into(&archive, &[], writer.into()), (0, String::new()));
}
