//! Retention: what is wholly older than `keep` goes, whatever clocks said on the way, and nothing else.

use std::{fs, path::Path, time::Duration};

use atlas_logd::{
    archive::{SegmentName, StoredForm},
    commit::{Committer, Upkeep},
    state::SourceState,
    verify::Note,
};

use crate::{
    archive::{FULL, TestArchive},
    author::Author,
    source::{hour, records},
};

const KEEP: Duration = Duration::from_secs(36 * 3600);

const UPKEEP: Upkeep = Upkeep { compress: None, keep: Some(KEEP) };

/// A clock that is years off.
const FUTURE: i64 = 100_000;
const PAST: i64 = -400_000;

/// The numbers of the segments that lie there.
fn stored(archive: &TestArchive) -> Vec<u64> {
    let names = fs::read_dir(archive.root().join(FULL)).unwrap().map(|entry| entry.unwrap().file_name());
    let named = names.filter_map(|name| StoredForm::of_file(name.to_str().unwrap()));
    let mut numbers: Vec<u64> = named.map(|(segment, _)| segment.sequence()).collect();
    numbers.sort_unstable();
    numbers
}

/// Collects for an hour, and seals what there is a day later.
fn day(author: &Author, state: &mut SourceState, from: i64) {
    author.collect(state, from + 1, &records(&from.to_string(), 5), Vec::new());
    author.rotate(state, from + 24);
}

/// Five segments, one a day, and an open one at hour 120.
fn five_days(archive: &TestArchive) -> (Author, SourceState) {
    let author = Author::begin(archive, None);
    let mut state = author.open(FULL, 0);
    (0..5).for_each(|number| day(&author, &mut state, number * 24));
    (author, state)
}

/// Nothing lies there that the digests say is gone.
fn assert_nothing_lingers(archive: &TestArchive) {
    let report = archive.report();
    let notes = &report.sources[0].notes;
    assert!(!notes.iter().any(|note| matches!(note, Note::NotRemovedYet { .. })), "{notes:?}");
}

/// What is decided is told, and goes.
fn decide_and_remove(author: &Author, state: &mut SourceState, seals: i64) {
    author.keep_up(state, UPKEEP, 1);
    author.rotate(state, seals);
    author.keep_up(state, UPKEEP, 1);
}

#[test]
fn a_clock_that_was_ahead_keeps_no_segment_for_ever() {
    let archive = TestArchive::without_files();
    let author = Author::begin(&archive, None);
    let mut state = author.open(FULL, 0);
    day(&author, &mut state, 0);
    // The second one is sealed in the future, the third one opened there.
    author.collect(&mut state, 25, &records("second", 5), Vec::new());
    author.rotate(&mut state, FUTURE);
    author.rotate(&mut state, 48);
    day(&author, &mut state, 48);
    day(&author, &mut state, 72);
    day(&author, &mut state, 96);
    author.keep_up(&mut state, UPKEEP, 1);
    assert_eq!(stored(&archive), [1, 2, 3, 4, 5, 6, 7], "no digest tells of it yet");
    author.rotate(&mut state, 144);
    author.keep_up(&mut state, UPKEEP, 1);
    assert_eq!(stored(&archive), [5, 6, 7, 8], "the fifth one was sealed at hour 96, 24 hours before it was looked at");
    assert_eq!(archive.faults(), [] as [&str; 0]);
}

#[test]
fn a_clock_that_was_behind_makes_nothing_old() {
    let archive = TestArchive::without_files();
    let author = Author::begin(&archive, None);
    let mut state = author.open(FULL, 0);
    author.collect(&mut state, 1, &records("first", 5), Vec::new());
    author.rotate(&mut state, 24);
    author.collect(&mut state, 25, &records("second", 5), Vec::new());
    author.rotate(&mut state, PAST);
    author.rotate(&mut state, 26);
    author.rotate(&mut state, 49);
    author.keep_up(&mut state, UPKEEP, 1);
    assert_eq!(state.told.removed_to, 0, "hour 13 was before the first one was sealed");
    author.rotate(&mut state, 61);
    decide_and_remove(&author, &mut state, 85);
    assert_eq!(stored(&archive), [2, 3, 4, 5, 6], "hour 25 was behind the first one alone");
    assert_eq!(archive.faults(), [] as [&str; 0]);
}

#[test]
fn a_segment_without_a_digest_stays_and_those_behind_it_go() {
    for damage in [|path: &Path| fs::remove_file(path).unwrap(), |path: &Path| fs::write(path, "{}").unwrap()] {
        let archive = TestArchive::without_files();
        let (author, mut state) = five_days(&archive);
        let digest = archive.file(FULL, 2, ".digest.json");
        let bytes = archive.read(&digest);
        damage(&archive.root().join(&digest));
        let path = archive.beside("log");
        let log = fs::File::create(&path).unwrap();
        tracing::subscriber::with_default(tracing_subscriber::fmt().with_writer(log).finish(), || {
            decide_and_remove(&author, &mut state, 144);
            assert_eq!(stored(&archive), [2, 4, 5, 6, 7]);
            assert!(!archive.faults().is_empty(), "verify names it");
            decide_and_remove(&author, &mut state, 168);
            assert_eq!(stored(&archive), [2, 5, 6, 7, 8]);
        });
        assert_eq!(fs::read_to_string(path).unwrap().matches("it stays as evidence").count(), 1, "it is said once");
        // It is not forgotten.
        archive.write(&digest, &bytes);
        decide_and_remove(&author, &mut state, 192);
        assert_eq!(stored(&archive), [6, 7, 8, 9]);
        assert_eq!(archive.faults(), [] as [&str; 0]);
    }
}

#[test]
fn what_no_digest_has_told_of_is_kept_when_segments_are_kept_for_longer() {
    for keep in [None, Some(2 * KEEP)] {
        let archive = TestArchive::without_files();
        let (author, mut state) = five_days(&archive);
        author.keep_up(&mut state, UPKEEP, 1);
        assert_eq!(state.told.removed_to, 3);
        author.set_keep(keep);
        author.rotate(&mut state, 144);
        assert_eq!(state.told.removed_to, 0);
        // Nothing but the digests says what goes.
        author.keep_up(&mut state, Upkeep { compress: None, keep }, 1);
        author.rotate(&mut state, 168);
        author.keep_up(&mut state, Upkeep { compress: None, keep }, 1);
        let left: &[u64] = if keep.is_some() { &[3, 4, 5, 6, 7, 8] } else { &[1, 2, 3, 4, 5, 6, 7, 8] };
        assert_eq!(stored(&archive), left);
        assert_eq!(archive.faults(), [] as [&str; 0]);
    }
}

#[test]
fn what_a_digest_has_told_of_goes_though_segments_are_kept_for_ever_now() {
    let archive = TestArchive::without_files();
    let (author, mut state) = five_days(&archive);
    author.keep_up(&mut state, UPKEEP, 1);
    author.rotate(&mut state, 144);
    author.set_keep(None);
    let nothing = Upkeep::default();
    assert!(Committer::is_due(&state, nothing, false) && !Committer::is_due(&state, nothing, true));
    author.keep_up(&mut state, nothing, 1);
    assert_eq!(stored(&archive), [4, 5, 6, 7]);
    assert_nothing_lingers(&archive);
    assert_eq!(archive.faults(), [] as [&str; 0]);
}

#[test]
fn a_source_that_is_no_longer_collected_keeps_what_no_digest_has_told_of() {
    let archive = TestArchive::without_files();
    let (author, mut state) = five_days(&archive);
    author.keep_up(&mut state, UPKEEP, 1);
    author.retire(&mut state);
    assert_eq!(stored(&archive), [1, 2, 3, 4, 5, 6]);
    assert_eq!(archive.faults(), [] as [&str; 0]);
    let archive = TestArchive::without_files();
    let (author, mut state) = five_days(&archive);
    author.keep_up(&mut state, UPKEEP, 1);
    author.rotate(&mut state, 144);
    author.retire(&mut state);
    assert_eq!(stored(&archive), [4, 5, 6, 7], "the digests say that they are gone");
    assert_nothing_lingers(&archive);
    assert_eq!(archive.faults(), [] as [&str; 0]);
}

#[test]
fn what_a_clock_ahead_of_this_one_decided_is_judged_again() {
    let archive = TestArchive::without_files();
    let (author, mut state) = five_days(&archive);
    author.set_now(FUTURE);
    author.keep_up(&mut state, UPKEEP, 1);
    assert_eq!(state.told.removed_to, 4, "all but the last sealed one seemed old");
    author.rotate(&mut state, 144);
    author.keep_up(&mut state, UPKEEP, 1);
    assert_eq!((stored(&archive), state.told.removed_to), (vec![1, 2, 3, 4, 5, 6, 7], 4));
    author.rotate(&mut state, 168);
    author.keep_up(&mut state, UPKEEP, 1);
    assert_eq!(stored(&archive), [5, 6, 7, 8]);
    assert!(hour(144) - KEEP > hour(96), "the fourth one is older then");
    assert_eq!(archive.faults(), [] as [&str; 0]);
}

#[test]
fn a_segment_that_is_to_go_is_not_compressed_and_others_are() {
    let archive = TestArchive::without_files();
    let (author, mut state) = five_days(&archive);
    fs::remove_file(archive.root().join(archive.file(FULL, 1, ".digest.json"))).unwrap();
    let upkeep = Upkeep { compress: Some(StoredForm::Gzip), keep: Some(KEEP) };
    author.keep_up(&mut state, upkeep, 4);
    let form = |number: u64| {
        let names = fs::read_dir(archive.root().join(FULL)).unwrap().map(|entry| entry.unwrap().file_name());
        let mut forms = names.filter_map(|name| StoredForm::of_file(name.to_str().unwrap()));
        forms.find(|(segment, _): &(SegmentName, _)| segment.sequence() == number).map(|(_, form)| form)
    };
    let plain = Some(StoredForm::Plain);
    assert_eq!([1, 2, 3, 4, 5].map(form), [plain, plain, plain, Some(StoredForm::Gzip), plain]);
}
