//! `seal`: open segments get their digest now, with a daemon and without.

use std::fs;

use atlas_logd::evidence::SegmentDigest;

use crate::{
    beside_daemon::{assert_proven, stage},
    harness::{HOUR, MINUTE, Stage, orders, prod, shops},
};

fn digests(stage: &Stage) -> Vec<SegmentDigest> {
    let entries = fs::read_dir(stage.folder_of(&orders())).unwrap().map(|entry| entry.unwrap().path());
    let mut paths: Vec<_> = entries.filter(|path| path.to_str().unwrap().ends_with(".digest.json")).collect();
    paths.sort();
    paths.iter().map(|path| SegmentDigest::parse(&fs::read(path).unwrap()).unwrap()).collect()
}

/// Seals what is open, and what is not, and goes on.
#[track_caller]
fn seal_twice(stage: &Stage) {
    let name = orders().to_string();
    let open = stage.segments(&orders())[0].name.clone();
    let digest = open.replace(".ndjson", ".digest.json");
    let bytes = stage.bytes(&orders()).len();
    let said = stage.command(["seal", &name]).assert_done().stdout;
    assert_eq!(said, format!("{name}: sealed {open} (1 record, {bytes} B); its digest is {digest}\n"));
    assert_eq!(digests(stage).len(), 1);
    assert_eq!((digests(stage)[0].records, digests(stage)[0].bytes), (1, bytes as u64));
    assert_eq!(digests(stage)[0].covered.unwrap().to, stage.status(&orders()).end());
    let nothing = "no segment is open; there is nothing to seal\n";
    assert_eq!(stage.command(["seal", &name]).assert_done().stdout, format!("{name}: {nothing}"));
    let mut all: Vec<String> = stage.command(["seal"]).assert_done().stdout.lines().map(str::to_owned).collect();
    all.sort();
    assert!(all[0].starts_with(&format!("{}: sealed 00000001-", prod())), "{all:#?}");
    assert_eq!(format!("{}\n", all[1]), format!("{name}: {nothing}"));
    // A poll opens the next one, also where nothing is new.
    stage.command(["collect"]).assert_done();
    assert_eq!(stage.segments(&orders()).len(), 2);
    stage.add_record(&orders(), MINUTE, "second");
    stage.command(["collect"]).assert_done();
    assert_eq!(stage.segments(&orders())[1].lines().len(), 1);
    stage.command(["seal", &name, &name]).assert_done();
    assert_eq!(digests(stage).len(), 2);
    stage.command(["seal", "payments/stream-audit/order"]).assert_code(2).assert_says("there is no source");
}

#[test]
fn the_open_segment_is_sealed_once_and_the_next_poll_opens_the_next_one() {
    let (stage, daemon) = stage();
    seal_twice(&stage);
    daemon.stop();
    assert_proven(&stage, &[orders(), prod()]);
}

#[test]
fn it_is_the_same_without_a_daemon() {
    let stage = Stage::new();
    [orders(), prod()].iter().for_each(|source| stage.add_record(source, HOUR, "first"));
    let never = stage.command(["seal"]).assert_done().stdout;
    assert_eq!(never.lines().filter(|line| line.ends_with("no segment is open; there is nothing to seal")).count(), 2);
    stage.command(["collect"]).assert_done();
    seal_twice(&stage);
    assert_proven(&stage, &[orders(), prod()]);
}

#[test]
fn a_segment_that_somebody_wrote_to_is_not_sealed_and_the_others_are() {
    let (stage, daemon) = stage();
    let segment = stage.folder_of(&orders()).join(&stage.segments(&orders())[0].name);
    let good = fs::read(&segment).unwrap();
    stage.damaged(|| fs::write(&segment, [&good[..], b"more\n"].concat()).unwrap());
    let said = stage.command(["seal"]).assert_code(1);
    said.clone().assert_says("but only").assert_says("were written by this state");
    assert!(said.stdout.contains(&format!("{}: sealed", prod())), "{}", said.stdout);
    assert!(digests(&stage).is_empty());
    stage.damaged(|| fs::write(&segment, good).unwrap());
    stage.command(["seal", &orders().to_string()]).assert_done();
    daemon.stop();
    assert_proven(&stage, &[orders(), prod()]);
    assert!(stage.lines(&shops()).is_empty());
}
