//! Segments that someone else changed or took away: who tells of it, and when.

use std::{
    fs::{self, OpenOptions},
    io::Write,
    path::PathBuf,
};

use crate::harness::{DAY, HOUR, Outcome, SECOND, Stage, orders, prod};

/// Five segments of one record each.
fn stage() -> (Stage, Vec<PathBuf>) {
    let stage = Stage::new();
    stage.configure(|config| config.set_text("archive", "rotate_size", "1B"));
    for number in 1..=5 {
        stage.add_record(&orders(), SECOND, &format!("number {number}"));
        stage.command(["collect"]).assert_done();
    }
    let segments = paths(&stage);
    assert_eq!(segments.len(), 5);
    stage.command(["check"]).assert_done();
    (stage, segments)
}

fn paths(stage: &Stage) -> Vec<PathBuf> {
    let folder = stage.folder_of(&orders());
    stage.segments(&orders()).iter().map(|segment| folder.join(&segment.name)).collect()
}

fn remove(stage: &Stage, segments: &[PathBuf]) {
    stage.damaged(|| segments.iter().for_each(|segment| fs::remove_file(segment).unwrap()));
}

fn append(stage: &Stage, segment: &PathBuf) {
    stage.damaged(|| OpenOptions::new().append(true).open(segment).unwrap().write_all(b"{}\n").unwrap());
}

/// What `check` says behind the configuration and the folders.
fn check(stage: &Stage) -> Vec<String> {
    let outcome = stage.command(["check"]).assert_code(1);
    outcome.stdout.lines().skip(3).map(ToOwned::to_owned).collect()
}

fn last_sealed_and_open(segments: &[PathBuf]) -> [&PathBuf; 2] {
    [&segments[3], &segments[4]]
}

/// What is said of segments that are gone.
fn missing(stage: &Stage, numbers: &str) -> String {
    format!(
        "{numbers} gone from {}; put back what belongs there from a copy: as long as it is not there, its time is neither \
         reconciled nor backfilled",
        stage.folder_of(&orders()).display()
    )
}

#[test]
fn segments_that_are_gone_are_told_by_check_and_at_each_start_and_hold_up_nothing() {
    let (stage, segments) = stage();
    remove(&stage, &segments[1..3]);
    let said = missing(&stage, "the segments 00000002 to 00000003 are");
    assert_eq!(check(&stage), [format!("payments/stream-audit/orders: {said}")]);
    for _ in 0..2 {
        stage.add_record(&orders(), SECOND, "goes on");
        let Outcome { stderr, .. } = stage.command(["collect"]).assert_done();
        assert!(stderr.contains("ERROR") && stderr.contains(&said), "{stderr}");
    }
    assert_eq!(paths(&stage).len(), 5);
    remove(&stage, &segments[4..]);
    let said = missing(&stage, "the segments 00000002 to 00000003, 00000005 are");
    assert_eq!(check(&stage), [format!("payments/stream-audit/orders: {said}")]);
}

#[test]
fn one_segment_that_is_gone_is_told_as_one() {
    let (stage, segments) = stage();
    remove(&stage, &segments[2..3]);
    assert_eq!(
        check(&stage),
        [format!("payments/stream-audit/orders: {}", missing(&stage, "the segment 00000003 is"))]
    );
}

#[test]
fn oldest_segments_may_be_moved_to_other_storage_and_it_is_told_that_they_are() {
    let (stage, segments) = stage();
    remove(&stage, &segments[..2]);
    let said = format!(
        "the segments 00000001 to 00000002 are not in {}; unless they were moved to other storage, put them back from a \
         copy: as long as they are not there, their time is neither reconciled nor backfilled",
        stage.folder_of(&orders()).display()
    );
    let outcome = stage.command(["check"]).assert_done();
    assert_eq!(outcome.stdout.lines().last(), Some(&*format!("warning: payments/stream-audit/orders: {said}")));
    stage.add_record(&orders(), SECOND, "goes on");
    let Outcome { stderr, .. } = stage.command(["collect"]).assert_done();
    assert!(stderr.contains("WARN") && stderr.contains(&said), "{stderr}");
    assert_eq!(paths(&stage).len(), 4);
}

#[test]
fn newest_segments_that_lost_bytes_are_named_and_what_they_lost_is_asked_again_at_the_next_start() {
    let (stage, segments) = stage();
    let [sealed, open] = last_sealed_and_open(&segments);
    let lengths = [sealed, open].map(|path| fs::metadata(path).unwrap().len());
    stage.damaged(|| {
        fs::remove_file(sealed).unwrap();
        OpenOptions::new().write(true).open(open).unwrap().set_len(lengths[1] - 1).unwrap();
    });
    let remedy = "atlas-logd asks Atlas again for what it lost when it is started next";
    let named = |path: &PathBuf, detail: &str| {
        format!("payments/stream-audit/orders: the segment {} is damaged: {detail}; {remedy}", path.display())
    };
    let short = format!("the segment has {} bytes instead of {}", lengths[1] - 1, lengths[1]);
    assert_eq!(check(&stage), [named(sealed, "the segment is gone"), named(open, &short)]);
    stage.command(["collect"]).assert_done();
    // A line that was cut counts no more.
    let whole = |path: &PathBuf| {
        let text = fs::read_to_string(path).unwrap();
        text.split_inclusive('\n').filter(|line| line.ends_with('\n')).map(ToOwned::to_owned).collect::<Vec<_>>()
    };
    let counted: Vec<String> = paths(&stage).iter().flat_map(whole).collect();
    for number in 1..=5 {
        let note = format!("number {number}");
        assert_eq!(counted.iter().filter(|line| line.contains(&note)).count(), 1, "{note} in {counted:#?}");
    }
    // `status` goes on telling of it.
    stage.command(["check"]).assert_done();
    let shown = stage.command(["status"]).assert_done().stdout;
    assert!(shown.contains("damaged segment of payments/stream-audit/orders: 00000004-"), "{shown}");
}

/// Both newest segments are changed under a running process, which sees the open one only when it commits to it.
#[test]
fn damage_to_both_newest_segments_is_noticed_before_the_next_one_takes_their_place() {
    let stage = Stage::at("2026-11-20T12:00:00Z");
    stage.configure(|config| config.only_audit());
    // The program measures the life of a token by another clock.
    stage.world.set(|settings| settings.token_life = 1000 * DAY);
    let desk = stage.desk();
    for number in 1..=2 {
        stage.add_record(&orders(), SECOND, &format!("number {number}"));
        desk.poll(&orders());
        stage.pass(6 * HOUR);
        desk.poll(&orders());
        stage.pass(7 * HOUR);
    }
    let segments = paths(&stage);
    assert_eq!(segments.len(), 2);
    stage.damaged(|| {
        for segment in &segments {
            let text = fs::read_to_string(segment).unwrap();
            fs::write(segment, text.replace("number", "NUMBER")).unwrap();
        }
    });
    stage.add_record(&orders(), SECOND, "number 3");
    let damaged = desk.try_poll(&orders()).failure.unwrap().to_string();
    assert!(damaged.contains("a segment was damaged"), "{damaged}");
    desk.poll(&orders());
    drop(desk);
    stage.pass(HOUR);
    stage.poll_once();
    let lines = stage.text_lines(&orders());
    for number in 1..=3 {
        let note = format!("number {number}");
        assert_eq!(lines.iter().filter(|line| line.contains(&note)).count(), 1, "{note} in {lines:#?}");
    }
    assert_eq!(stage.gaps(&orders()), []);
}

/// What was told of a segment is not all that can be wrong with it later.
#[test]
fn a_damaged_segment_that_is_damaged_once_more_is_told_of_again() {
    let (stage, segments) = stage();
    let sealed = &segments[3];
    append(&stage, sealed);
    stage.command(["collect"]).assert_done();
    stage.command(["check"]).assert_done();
    stage.damaged(|| fs::write(sealed, "").unwrap());
    let said = check(&stage).concat();
    assert!(said.contains("is damaged: the segment has 0 bytes instead of "), "{said}");
    stage.command(["collect"]).assert_done();
    let lines = stage.text_lines(&orders());
    assert_eq!(lines.iter().filter(|line| line.contains("number 4")).count(), 1, "{lines:#?}");
}

#[test]
fn what_is_good_of_a_damaged_segment_stays_good_and_is_not_archived_again() {
    let stage = Stage::new();
    for number in 1..=10 {
        stage.add_record(&orders(), SECOND, &format!("number {number}"));
    }
    stage.command(["collect"]).assert_done();
    let [segment] = &paths(&stage)[..] else { panic!("not one segment") };
    let length = fs::metadata(segment).unwrap().len();
    stage.damaged(|| OpenOptions::new().write(true).open(segment).unwrap().set_len(length - 5).unwrap());
    let noted = || {
        stage.command(["collect"]).assert_done();
        let shown = stage.command(["status"]).assert_done().stdout;
        let noted = shown.lines().find(|line| line.starts_with("damaged segment")).map(ToOwned::to_owned);
        (noted.unwrap(), stage.status(&orders()).records)
    };
    let first = noted();
    assert_eq!(first.1, 11, "one was lost, and is archived once more");
    assert_eq!(noted(), first);
}

/// What is good of a damaged segment can be taken away, too.
#[test]
fn a_damaged_segment_that_is_gone_later_is_told_of() {
    let stage = Stage::new();
    stage.configure(|config| config.set_text("archive", "rotate_size", "1KiB"));
    for number in 1..=9 {
        stage.add_record(&orders(), SECOND, &format!("number {number}"));
        stage.command(["collect"]).assert_done();
    }
    let open = paths(&stage).pop().unwrap();
    let length = fs::metadata(&open).unwrap().len();
    stage.damaged(|| OpenOptions::new().write(true).open(&open).unwrap().set_len(length - 10).unwrap());
    for number in 10..=19 {
        stage.add_record(&orders(), SECOND, &format!("number {number}"));
        stage.command(["collect"]).assert_done();
    }
    stage.command(["check"]).assert_done();
    remove(&stage, std::slice::from_ref(&open));
    let number = &open.file_name().unwrap().to_str().unwrap()[..8];
    assert_eq!(
        check(&stage),
        [format!("payments/stream-audit/orders: {}", missing(&stage, &format!("the segment {number} is")))]
    );
}

#[test]
fn bytes_that_someone_else_appended_to_the_newest_segments_are_named() {
    let (stage, segments) = stage();
    let [sealed, open] = last_sealed_and_open(&segments);
    let lengths = [sealed, open].map(|path| fs::metadata(path).unwrap().len());
    append(&stage, sealed);
    append(&stage, open);
    let [first, second] = &check(&stage)[..] else { panic!("not two faults") };
    let [sealed, open] = [sealed, open].map(|path| path.display());
    let longer = format!(
        "is damaged: the segment has {} bytes instead of {}; nothing of it is lost",
        lengths[0] + 3,
        lengths[0]
    );
    assert_eq!(first, &format!("payments/stream-audit/orders: the segment {sealed} {longer}"));
    let refused = format!(
        "payments/stream-audit/orders: the segment {open} has {} bytes, but only {} of",
        lengths[1] + 3,
        lengths[1]
    );
    assert!(second.starts_with(&refused), "{second}");
    let cut = format!("truncate -s {} ", lengths[1]);
    assert!(second.contains(&cut), "{second}");
}

#[test]
fn a_segment_that_the_state_does_not_know_is_named() {
    let (stage, segments) = stage();
    let unknown = stage.folder_of(&orders()).join("00000099-20261120T123000Z.ndjson");
    stage.damaged(|| assert!(fs::copy(&segments[0], &unknown).unwrap() > 0));
    let [said] = &check(&stage)[..] else { panic!("not one fault") };
    let begin = format!(
        "payments/stream-audit/orders: {} lies in the archive, but the state does not know it",
        unknown.display()
    );
    assert!(said.starts_with(&begin), "{said}");
}

/// A commit that ended half-way is finished by the next start; somebody who only looks does not take it for damage.
#[test]
fn a_daemon_that_collects_is_never_told_to_be_damaged() {
    let stage = Stage::new();
    stage.configure(|config| {
        config.set_text("archive", "rotate_size", "1B");
        config.schedule(crate::harness::EVERY_SECOND);
    });
    let daemon = stage.spawn_daemon();
    for number in 0..4 {
        for source in [orders(), prod()] {
            stage.add_record(&source, SECOND, &format!("number {number}"));
            let asked = stage.data_requests(&source).len();
            stage.wait_for_data_requests(&source, asked + 1);
            stage.command(["check"]).assert_done();
            let shown = stage.command(["status"]).assert_done().stdout;
            assert!(!shown.contains("damaged"), "{shown}");
        }
    }
    daemon.stop();
}

#[test]
fn lengths_are_looked_at_when_the_daemon_starts_before_any_source_has_its_turn() {
    let (stage, segments) = stage();
    let [_, open] = last_sealed_and_open(&segments);
    let length = fs::metadata(open).unwrap().len();
    stage.damaged(|| OpenOptions::new().write(true).open(open).unwrap().set_len(length - 1).unwrap());
    let mut daemon = stage.spawn_daemon_unready();
    let said = daemon.wait_for_line("the next poll of its source seals it as damaged");
    let expected = format!("the segment {} has {} bytes instead of {length}", open.display(), length - 1);
    assert!(said.contains("ERROR") && said.contains(&expected), "{said}");
    daemon.wait_for_line("collecting");
    daemon.stop();
}

#[test]
fn a_longer_segment_is_told_when_the_daemon_starts() {
    let (stage, segments) = stage();
    let [_, open] = last_sealed_and_open(&segments);
    append(&stage, open);
    let mut daemon = stage.spawn_daemon_unready();
    let said = daemon.wait_for_line("cut it back");
    assert!(said.contains("ERROR") && said.contains(&open.display().to_string()), "{said}");
    daemon.wait_for_line("collecting");
    daemon.stop();
}
