//! An archive that the program's own writer made proves itself, and whatever is done to it is noticed and named.

use std::{fs::OpenOptions, path::Path, time::Duration};

use atlas_logd::{
    archive::StoredForm,
    commit::Upkeep,
    plan::{Gap, GapReason},
    verify::{Note, Request},
    window::Window,
};

use crate::{
    archive::{FULL, REMOVED, TestArchive, UNSIGNED},
    author::Author,
    bytes, files,
    key::Key,
    source::{hour, records},
    unnoticed::Unnoticed,
};

const MINUTE: Duration = Duration::from_secs(60);

/// Three sources over three days, with everything that the writer does: at first without a key, then with the old one,
/// then with the new one.
pub(crate) fn written() -> TestArchive {
    let mut archive = TestArchive::without_files();
    let author = Author::begin(&archive, None);
    let [mut full, mut orders, mut gone] = [FULL, UNSIGNED, REMOVED].map(|folder| author.open(folder, 0));
    author.collect(&mut orders, 1, &records("one", 20), Vec::new());
    author.collect(&mut orders, 2, b"", Vec::new());
    // A segment of its own.
    author.collect(&mut orders, 3, &records("two", 60), Vec::new());
    author.collect(&mut full, 3, &records("removed", 50), Vec::new());
    author.collect(&mut gone, 2, &records("gone", 20), Vec::new());
    drop(author);

    let author = Author::begin(&archive, Some(Key::new(1, "old@host").signer));
    [full, orders, gone] = [FULL, UNSIGNED, REMOVED].map(|folder| author.open(folder, 4));
    let window = Window::new(hour(3) + 10 * MINUTE, hour(3) + 20 * MINUTE);
    let row_limit = Gap { window, reason: GapReason::RowLimit, detail: "a full second".to_owned(), noticed: hour(4) };
    author.collect(&mut full, 4, &records("zstd", 10), vec![row_limit]);
    author.collect(&mut gone, 5, &records("gone again", 60), Vec::new());
    author.collect(&mut orders, 6, &records("untold", 15), Vec::new());
    author.make_head(&mut archive, 20, &[FULL, UNSIGNED, REMOVED]);
    author.commit(&mut full, Window::new(hour(-10), hour(-8)), &records("backfilled", 5), Vec::new());
    author.retire(&mut gone);
    author.rotate(&mut full, 26);
    author.rotate(&mut orders, 26);
    author.collect(&mut full, 27, &records("damaged", 12), Vec::new());
    author.collect(&mut orders, 27, &records("second day", 12), Vec::new());
    drop(author);
    let damaged = archive.file(FULL, 3, ".ndjson");
    let length = archive.read(&damaged).len() as u64;
    let file = OpenOptions::new().write(true).open(archive.root().join(&damaged)).unwrap();
    file.set_len(length / 2).unwrap();

    let author = Author::begin(&archive, Some(Key::new(2, "new@host").signer));
    [full, orders] = [FULL, UNSIGNED].map(|folder| author.open(folder, 28));
    author.make_head(&mut archive, 47, &[FULL, UNSIGNED]);
    let window = Window::new(hour(30), hour(31));
    let skipped = Gap { window, reason: GapReason::Skipped, detail: "known".to_owned(), noticed: author.now() };
    author.collect(&mut full, 49, b"", vec![skipped]);
    // A quiet day.
    author.rotate(&mut full, 50);
    let gzip = Upkeep { compress: Some(StoredForm::Gzip), keep: None };
    let plain_too = archive.file(UNSIGNED, 2, ".ndjson");
    let plain = archive.read(&plain_too);
    author.keep_up(&mut orders, gzip, 2);
    author.rotate(&mut orders, 50);
    author.keep_up(&mut orders, gzip, 3);
    // As if it had been killed before the plain one went.
    archive.write(&plain_too, &plain);
    let zstd = Upkeep { compress: Some(StoredForm::Zstd), keep: Some(Duration::from_secs(36 * 3600)) };
    author.keep_up(&mut full, zstd, 1);
    author.collect(&mut full, 51, &records("newest", 50), Vec::new());
    author.collect(&mut full, 52, &records("open", 5), Vec::new());
    author.keep_up(&mut full, Upkeep { compress: None, ..zstd }, 1);
    author.collect(&mut orders, 52, &records("open too", 5), Vec::new());
    author.make_head(&mut archive, 60, &[FULL, UNSIGNED]);
    drop(author);

    let report = archive.report();
    let good_bytes = report.sources[1].damaged[0].good_bytes;
    archive.unnoticed = Unnoticed {
        open: vec![archive.file(FULL, 6, ".ndjson"), archive.file(UNSIGNED, 5, ".ndjson")],
        damaged: (damaged, usize::try_from(good_bytes).unwrap()),
        untold: (archive.file(UNSIGNED, 3, ".gz"), records("untold", 15)),
        plain_too,
        next_of_removed: 3,
    };
    archive
}

#[test]
fn an_archive_that_was_written_is_valid_and_everything_in_it_is_told() {
    let archive = written();
    let report = archive.report();
    assert_eq!(archive.faults(), [] as [&str; 0]);
    let [gone, full, orders] = report.sources.as_slice() else { panic!("{report:#?}") };
    assert_eq!((gone.segments, gone.records, gone.open.is_some()), (2, 80, false));
    assert_eq!(gone.covered, Some(Window::new(hour(0), hour(5))));
    assert_eq!((full.segments, full.records, full.removed_records), (4, 10 + 5 + 12 + 50, 50));
    assert_eq!(full.covered, Some(Window::new(hour(0), hour(51))));
    assert_eq!(full.islands, [Window::new(hour(-10), hour(-8))]);
    let gaps: Vec<_> = full.gaps.iter().map(|gap| (gap.window, gap.reason)).collect();
    let row_limit = Window::new(hour(3) + 10 * MINUTE, hour(3) + 20 * MINUTE);
    let expected = [
        (Window::new(hour(-8), hour(0)), GapReason::BeforeStart),
        (row_limit, GapReason::RowLimit),
        (Window::new(hour(4), hour(27)), GapReason::Damage),
        (Window::new(hour(30), hour(31)), GapReason::Skipped),
    ];
    assert_eq!(gaps, expected);
    assert_eq!(full.damaged[0].segment.sequence(), 3);
    assert_eq!((full.removed[0].segment.sequence(), full.removed[0].decided), (1, hour(50)));
    assert!(!archive.files().iter().any(|path| path.starts_with(FULL) && is_segment(path, 1)), "it is removed");
    assert_eq!(full.open.as_ref().unwrap().bytes, records("open", 5).len() as u64);
    assert_eq!((orders.segments, orders.records), (4, 20 + 60 + 15 + 12));
    assert!(
        matches!(orders.notes.as_slice(), [Note::SeveralForms { .. }, Note::StoredFormUntold { .. }]),
        "{:?}",
        orders.notes
    );
    assert!(matches!(gone.notes.as_slice(), [Note::NotConfigured { .. }]), "{:?}", gone.notes);
    assert!(report.sources.iter().all(|source| source.newest.as_ref().unwrap().held));
    assert_eq!((report.heads, report.newest_head.as_ref().unwrap().sha256), (3, archive.heads[2]));
    assert_eq!(report.keys.len(), 2);
    for &head in &archive.heads {
        let request = Request { head: Some(head), ..Request::default() };
        assert!(archive.verify(&request).is_valid());
    }
    let allowed = archive.beside("allowed");
    std::fs::write(&allowed, archive.old.line("") + &archive.new.line("")).unwrap();
    let head = archive.heads[2].to_string();
    let outcome = archive.program(&["--allowed-signers", allowed.to_str().unwrap(), "--head", &head]);
    assert_eq!(outcome.code, 0, "{}", outcome.stdout);
}

fn is_segment(path: &Path, number: u64) -> bool {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap();
    StoredForm::of_file(name).is_some_and(|(segment, _)| segment.sequence() == number)
}

#[test]
fn every_changed_byte_of_it_is_noticed() {
    bytes::change_every_byte(&written());
}

#[test]
fn every_cut_file_of_it_is_noticed() {
    bytes::cut_every_file(&written());
}

#[test]
fn every_removed_file_of_it_is_noticed() {
    files::remove_every_file(&written());
}

#[test]
fn every_doubled_file_of_it_is_noticed() {
    files::double_every_file(&written());
}

#[test]
fn every_renamed_file_of_it_is_noticed() {
    files::rename_every_file(&written());
}

#[test]
fn every_two_swapped_files_of_it_are_noticed() {
    files::swap_every_two_files(&written());
}
