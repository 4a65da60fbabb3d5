//! Memory does not grow with what is exported.

use std::{fs, io::Read as _, process::Stdio};

use atlas_logd::archive::StoredForm;

use crate::{
    archive::{Archive, ORDERS, event, noon},
    program::program,
};

const MIB: usize = 1 << 20;

/// The limit of `collect`.
const LIMIT: usize = 40 * MIB;

/// Nearly as long as a record may be.
const LONG_RECORD_BYTES: usize = 15 * MIB;

/// So much is left to be written while the memory is looked at: more than buffers and pipes hold.
const LEFT: usize = 2 * MIB;

/// The resident set of a process at its largest.
fn peak(process: u32) -> usize {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().strip_suffix(" kB").unwrap().parse::<usize>().unwrap() * 1024
}

#[test]
fn an_export_takes_the_same_memory_whatever_it_finds() {
    let mut archive = Archive::new();
    let lines: Vec<String> = (0..20_000).map(|_| event(noon(3), &"x".repeat(1000))).collect();
    for (day, form) in (3..).zip(StoredForm::ALL) {
        let name = archive.sealed(day, &lines);
        archive.compress(&name, form);
    }
    let odd = [
        vec![event(noon(3), &"y".repeat(LONG_RECORD_BYTES))],
        vec![format!("{}\n", "no clock ".repeat(LONG_RECORD_BYTES / 9))],
        vec!["no clock at all\n".to_owned(); 5 * MIB / 16],
    ]
    .concat();
    archive.sealed(6, &odd);
    let total = 3 * lines.concat().len() + odd.concat().len();

    let mut command = program();
    command.args(["export", ORDERS, "--from", "2026-03-03", "--to", "2026-03-04", "--archive"]).arg(archive.root());
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut stdout = child.stdout.take().unwrap();
    let mut begin = vec![0; total - LEFT];
    stdout.read_exact(&mut begin).unwrap();
    let peak = peak(child.id());
    let mut rest = Vec::new();
    stdout.read_to_end(&mut rest).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(rest.len(), LEFT);
    assert!(peak < LIMIT, "{} MiB", peak / MIB);
}
