//! How `collect` shows its progress: moving on a terminal, plain lines elsewhere.

use std::{
    fs::{File, OpenOptions},
    io::Read,
    os::fd::OwnedFd,
    process::{Child, Command, Stdio},
};

use atlas_logd::sim::Match;
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

use crate::harness::{HOUR, Stage, orders, prod};

fn stage() -> Stage {
    let stage = Stage::new();
    for source in [orders(), prod()] {
        (0..3).for_each(|number| stage.add_record(&source, HOUR, &format!("{number}")));
    }
    stage
}

/// Starts `collect` with its standard error on a terminal.
fn on_a_terminal(stage: &Stage) -> (Child, File) {
    let terminal = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&terminal).unwrap();
    unlockpt(&terminal).unwrap();
    let name = ptsname(&terminal, Vec::new()).unwrap();
    let screen = OpenOptions::new().read(true).write(true).open(name.to_str().unwrap()).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_atlas-logd"));
    command.env("TERM", "xterm").arg("--config").arg(stage.config_path()).arg("collect");
    let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(OwnedFd::from(screen)).spawn().unwrap();
    (child, File::from(terminal))
}

#[test]
fn on_a_terminal_a_line_moves_and_the_result_stays() {
    let stage = stage();
    let hold = stage.world.hold(Match::source(&orders().id));
    let (mut child, mut terminal) = on_a_terminal(&stage);
    let mut seen = Vec::new();
    let mut read = |seen: &mut Vec<u8>| {
        let mut buffer = [0; 4096];
        // The end of the program closes the terminal, which is an error here.
        let count = terminal.read(&mut buffer).unwrap_or(0);
        seen.extend_from_slice(&buffer[..count]);
        count > 0
    };
    let contains = |seen: &[u8], text: &str| seen.windows(text.len()).any(|part| part == text.as_bytes());
    while !contains(&seen, "1/2 sources, 3 records") {
        assert!(read(&mut seen), "{}", String::from_utf8_lossy(&seen));
    }
    hold.release();
    while read(&mut seen) {}
    assert_eq!(child.wait().unwrap().code(), Some(0));
    let seen = String::from_utf8(seen).unwrap();
    for source in [orders(), prod()] {
        assert!(seen.contains(&format!("{source}: done: 3 new records, ")), "{seen}");
    }
    assert!(seen.contains('\r'), "the line moves: {seen}");
}

#[test]
fn elsewhere_each_window_and_each_source_is_a_plain_line() {
    let stage = stage();
    let outcome = stage.command(["collect"]).assert_done();
    for source in [orders(), prod()] {
        let begins = |start: String| outcome.stderr.lines().filter(|line| line.starts_with(&start)).count();
        assert_eq!(begins(format!("{source}: [")), 1, "{}", outcome.stderr);
        assert_eq!(begins(format!("{source}: done: 3 new records, ")), 1, "{}", outcome.stderr);
    }
    assert!(!outcome.stderr.contains('\r') && !outcome.stderr.contains('\u{1b}'), "{}", outcome.stderr);
}
