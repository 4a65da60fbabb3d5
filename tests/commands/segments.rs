//! Segments: when one ends and the next begins, what they are called, and who may read them.

use std::{
    fs::{self, OpenOptions},
    io::Write,
    os::unix::fs::PermissionsExt,
    path::Path,
    process::Command,
    time::Duration,
};

use atlas_logd::{sim::Event, source::Kind};

use crate::harness::{DAY, HOUR, MINUTE, Segment, Stage, orders, prod};

fn stage() -> Stage {
    let stage = Stage::at("2026-11-20T12:30:00Z");
    stage.configure(|config| config.only_audit());
    stage
}

fn names(stage: &Stage) -> Vec<String> {
    stage.segments(&orders()).into_iter().map(|segment| segment.name).collect()
}

fn sizes(stage: &Stage) -> Vec<usize> {
    stage.segments(&orders()).iter().map(|segment| segment.bytes.len()).collect()
}

/// A record of a thousand bytes, newline included.
fn kilobyte(stage: &Stage, number: u32) -> Event {
    let begin = format!("{{\"time\":{},\"number\":{number},\"filling\":\"", stage.now().millis());
    let filling = "x".repeat(1000 - begin.len() - 3);
    Event::new(stage.now(), format!("{begin}{filling}\"}}"))
}

#[test]
fn a_segment_ends_once_it_has_its_size_and_the_next_number_follows() {
    let stage = stage();
    stage.configure(|config| config.set_text("archive", "rotate_size", "3000B"));
    for number in 0..7 {
        stage.add(&orders(), kilobyte(&stage, number));
        stage.poll_once();
        stage.pass(MINUTE);
    }
    assert_eq!(sizes(&stage), [3000, 3000, 1000], "judged before a window is written");
    let expected =
        ["00000001-20261120T123000Z.ndjson", "00000002-20261120T123300Z.ndjson", "00000003-20261120T123600Z.ndjson"];
    assert_eq!(names(&stage), expected);
    stage.assert_current(&orders());
}

#[test]
fn a_window_lies_in_one_segment_and_one_that_is_large_becomes_a_segment_of_its_own() {
    let stage = stage();
    stage.configure(|config| config.set_text("archive", "rotate_size", "3000B"));
    stage.add(&orders(), kilobyte(&stage, 0));
    stage.poll_once();
    stage.pass(MINUTE);
    for number in 1..11 {
        stage.add(&orders(), kilobyte(&stage, number));
    }
    stage.poll_once();
    assert_eq!(sizes(&stage), [1000, 10_000]);
    stage.pass(MINUTE);
    stage.add(&orders(), kilobyte(&stage, 11));
    stage.poll_once();
    assert_eq!(sizes(&stage), [1000, 10_000, 1000]);
    assert!(stage.segments(&orders()).iter().all(|segment| segment.mode == 0o640));
    stage.assert_current(&orders());
}

#[test]
fn a_segment_ends_with_its_day_also_when_nothing_happened() {
    let stage = stage();
    for number in [0, 2] {
        stage.add(&orders(), Event::audit(stage.now() + number * DAY, &number.to_string()));
    }
    for _ in 0..4 {
        stage.pass(MINUTE);
        stage.poll_once();
        stage.poll_once();
        stage.pass(DAY - MINUTE);
    }
    let expected = [
        "00000001-20261120T123100Z.ndjson",
        "00000002-20261121T123100Z.ndjson",
        "00000003-20261122T123100Z.ndjson",
        "00000004-20261123T123100Z.ndjson",
    ];
    assert_eq!(names(&stage), expected);
    let lines: Vec<usize> = stage.segments(&orders()).iter().map(|segment| segment.lines().len()).collect();
    assert_eq!(lines, [1, 0, 1, 0]);
    stage.assert_current(&orders());
}

#[test]
fn a_segment_ends_with_its_hour_where_that_is_asked_for() {
    let stage = stage();
    stage.configure(|config| config.set_text("archive", "rotate_every", "hour"));
    let desk = stage.desk();
    for number in 0..8 {
        stage.add(&orders(), Event::audit(stage.now(), &number.to_string()));
        desk.poll(&orders());
        stage.pass(20 * MINUTE);
    }
    let expected =
        ["00000001-20261120T123000Z.ndjson", "00000002-20261120T131000Z.ndjson", "00000003-20261120T141000Z.ndjson"];
    assert_eq!(names(&stage), expected);
    let lines: Vec<usize> = stage.segments(&orders()).iter().map(|segment| segment.lines().len()).collect();
    assert_eq!(lines, [2, 3, 3]);
    stage.assert_current(&orders());
}

#[test]
fn a_restart_goes_on_with_the_open_segment() {
    let stage = stage();
    for number in 0..5 {
        stage.add(&orders(), kilobyte(&stage, number));
        stage.poll_once();
        stage.pass(HOUR);
    }
    assert_eq!(sizes(&stage), [5000]);
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

fn assert_modes(stage: &Stage, file_mode: u32, folder_mode: u32) {
    for source in [orders(), prod()] {
        let segments: Vec<Segment> = stage.segments(&source);
        assert!(!segments.is_empty());
        segments.iter().for_each(|segment| assert_eq!(segment.mode, file_mode, "{segment:?}"));
        let folder = stage.folder_of(&source);
        for folder in [folder.as_path(), folder.parent().unwrap(), folder.parent().unwrap().parent().unwrap()] {
            assert_eq!(mode(folder), folder_mode, "{}", folder.display());
        }
    }
}

#[test]
fn modes_are_as_configured_whatever_the_umask() {
    for umask in ["0000", "0022", "0077"] {
        for (modes, file_mode, folder_mode) in
            [(None, 0o640, 0o750), (Some(("0600", "0700")), 0o600, 0o700), (Some(("0644", "0755")), 0o644, 0o755)]
        {
            let stage = Stage::new();
            if let Some((file_mode, folder_mode)) = modes {
                stage.configure(|config| {
                    config.set_text("archive", "file_mode", file_mode);
                    config.set_text("archive", "dir_mode", folder_mode);
                });
            }
            stage.configure(|config| config.set_text("archive", "rotate_size", "1500B"));
            for round in 0..3 {
                for number in 0..=round * 2 {
                    let time = stage.ago((round * 10 + number) * MINUTE);
                    stage.add(&orders(), Event::audit(time, &format!("{round} {number}")));
                    stage.add(&prod(), Event::access(time, "host-00", &format!("{round} {number}")));
                }
                stage.command_under_umask(umask, ["collect"]).assert_done();
            }
            assert!(stage.segments(&prod()).len() > 1, "both appended and renamed ones");
            assert_modes(&stage, file_mode, folder_mode);
        }
    }
}

/// Also while the daemon has the source open, and however little it is: what a commit appends must not hide it.
#[test]
fn bytes_that_someone_else_wrote_are_refused_and_the_named_command_takes_them_back() {
    for foreign in ["x", "a foreign line\n", &"foreign\n".repeat(1000)] {
        let stage = Stage::at("2026-11-20T12:00:00Z");
        let source = stage.add_source(Kind::StreamAudit, "Café & shops");
        stage.add_record(&source, HOUR, "before");
        let desk = stage.desk();
        desk.poll_all();
        let path = stage.folder_of(&source).join(&stage.segments(&source)[0].name);
        let ours = stage.bytes(&source).len();
        OpenOptions::new().append(true).open(&path).unwrap().write_all(foreign.as_bytes()).unwrap();
        stage.pass(MINUTE);
        stage.add_record(&source, Duration::ZERO, "behind");
        stage.add_record(&orders(), Duration::ZERO, "behind");
        stage.pass(MINUTE);
        for _ in 0..2 {
            let failure = desk.try_poll(&source).failure.unwrap().to_string();
            assert!(failure.contains(&format!("but only {ours} of them were written by this state")), "{failure}");
            desk.poll(&orders());
            stage.assert_current(&orders());
        }
        let (failure, length) =
            (desk.try_poll(&source).failure.unwrap().to_string(), fs::metadata(&path).unwrap().len());
        assert_eq!(length, (ours + foreign.len()) as u64, "nothing is written behind it");
        let command = format!("truncate -s {ours} '{}'", path.display());
        assert!(failure.contains(&format!("cut it back: {command})")), "{failure}");
        stage.damaged(|| assert!(Command::new("/bin/sh").args(["-c", &command]).status().unwrap().success()));
        desk.poll(&source);
        assert_eq!(stage.lines(&source).len(), 2);
        stage.assert_exact(&source);
    }
}
