//! Archive digests that the program's own writer made: one is made every day, whatever was before.

use std::path::Path;

use atlas_logd::evidence::{ArchiveDigest, HEADS, ListedSource, Sha256Sum};

use crate::{
    archive::{FULL, TestArchive, UNSIGNED},
    author::Author,
    source::{hour, records},
};

const YEARS: i64 = 12 * 365 * 24;

/// What the archive digest of the day lists, so many hours after the first day began.
fn listed(archive: &TestArchive, now: i64) -> Vec<ListedSource> {
    let path = Path::new(HEADS).join(ArchiveDigest::file_name(hour(now).date()));
    ArchiveDigest::parse(&archive.read(&path)).unwrap().sources
}

/// An archive with two sources, whose first day is sealed and in an archive digest.
fn two_days() -> (TestArchive, Author) {
    let mut archive = TestArchive::without_files();
    let author = Author::begin(&archive, None);
    for folder in [FULL, UNSIGNED] {
        let mut state = author.open(folder, 0);
        author.collect(&mut state, 5, &records(folder, 10), Vec::new());
        author.rotate(&mut state, 24);
    }
    author.make_head(&mut archive, 25, &[FULL, UNSIGNED]);
    assert_eq!(archive.heads.len(), 1);
    (archive, author)
}

#[test]
fn a_clock_that_was_wrong_for_a_day_does_not_end_the_archive_digests() {
    let (mut archive, author) = two_days();
    author.make_head(&mut archive, YEARS, &[FULL, UNSIGNED]);
    author.make_head(&mut archive, 49, &[FULL, UNSIGNED]);
    author.make_head(&mut archive, 50, &[FULL, UNSIGNED]);
    author.make_head(&mut archive, 73, &[FULL, UNSIGNED]);
    // The day that was wrong, and days that have theirs: none is made anew.
    for known in [YEARS, 26, 50] {
        author.make_head(&mut archive, known, &[FULL, UNSIGNED]);
    }
    assert_eq!(archive.heads.len(), 4);
    assert_eq!(archive.faults(), [] as [&str; 0]);
    let newest = archive.report().newest_head.unwrap();
    assert_eq!((newest.date, newest.sha256), (hour(73).date(), archive.heads[3]));
    // What is held by the last one is held, though a later day has an older one.
    let path = Path::new(HEADS).join(ArchiveDigest::file_name(hour(YEARS).date()));
    archive.remove(&path);
    archive.assert_names(&path, "missing");
}

#[test]
fn an_archive_digest_names_no_digest_that_is_not_in_its_place() {
    let (mut archive, author) = two_days();
    let mut state = author.open(FULL, 26);
    let before = listed(&archive, 25);
    author.collect(&mut state, 30, &records("second day", 10), Vec::new());
    author.rotate(&mut state, 49);
    author.take_newest_digest_back(&archive, &mut state);
    author.make_head(&mut archive, 50, &[FULL, UNSIGNED]);
    let of_full = |listed: Vec<ListedSource>| {
        listed.into_iter().find(|listed| listed.source.folder == FULL).and_then(|listed| listed.last_digest).unwrap()
    };
    assert_eq!(of_full(listed(&archive, 50)), of_full(before));
    drop((state, author));

    let author = Author::begin(&archive, None);
    let state = author.open(FULL, 73);
    assert_eq!(archive.faults(), [] as [&str; 0]);
    author.make_head(&mut archive, 74, &[FULL, UNSIGNED]);
    assert_eq!(Some(of_full(listed(&archive, 74))), state.told.digest);
    assert_eq!(archive.faults(), [] as [&str; 0]);
}

#[test]
fn a_source_whose_state_is_damaged_stays_listed_and_keeps_no_other_from_it() {
    let (mut archive, author) = two_days();
    let mut state = author.open(UNSIGNED, 26);
    author.collect(&mut state, 30, &records("second day", 10), Vec::new());
    author.rotate(&mut state, 49);
    author.damage_row(FULL);
    author.make_head(&mut archive, 50, &[FULL, UNSIGNED]);
    let (before, now) = (listed(&archive, 25), listed(&archive, 50));
    let since = before[0].complete_until;
    assert_eq!((before[0].source.folder.as_str(), since), (FULL, Some(hour(5))));
    assert_eq!(now[0], ListedSource { not_collected_since: since, ..before[0].clone() });
    assert_eq!((now[1].last_digest.as_ref(), now[1].complete_until), (state.told.digest.as_ref(), Some(hour(30))));
    assert_ne!(now[1].last_digest, before[1].last_digest);
    assert_eq!(archive.faults(), [] as [&str; 0]);
}

#[test]
fn an_archive_digest_that_a_crash_left_on_its_way_is_told_when_it_is_in_its_place() {
    let (mut archive, author) = two_days();
    author.take_newest_head_back(&archive);
    let head = archive.heads.pop();
    author.make_head(&mut archive, 26, &[FULL, UNSIGNED]);
    assert_eq!(archive.heads.last().copied(), head);
    author.take_newest_head_back(&archive);
    archive.heads.clear();
    // On the next day there are two.
    author.make_head(&mut archive, 50, &[FULL, UNSIGNED]);
    let second: Sha256Sum = archive.heads[1];
    assert_eq!((archive.heads.len(), Some(archive.heads[0])), (2, head));
    assert_eq!(archive.report().newest_head.map(|head| head.sha256), Some(second));
    assert_eq!(archive.faults(), [] as [&str; 0]);
}
