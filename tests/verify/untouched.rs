//! An untouched archive is valid, and the report tells what is in it.

use atlas_logd::{
    plan::GapReason,
    verify::{Note, Request},
    window::Window,
};

use crate::{
    archive::{FULL, REMOVED, TestArchive, UNSIGNED},
    source::{hour, records},
};

#[test]
fn it_is_valid_and_everything_in_it_is_told() {
    let archive = TestArchive::new();
    let report = archive.report();
    assert_eq!(archive.faults(), [] as [&str; 0]);
    let [gone, full, unsigned] = report.sources.as_slice() else { panic!("{report:#?}") };
    assert_eq!(gone.folder.to_str(), Some(REMOVED));
    assert_eq!((gone.segments, gone.records, gone.open.is_some()), (2, 23, false));
    assert_eq!(full.folder.to_str(), Some(FULL));
    assert_eq!((full.segments, full.read, full.records, full.late_records), (5, 5, 50 + 60 + 25 + 35, 4));
    assert_eq!((full.removed_segments, full.removed_records, full.removed_of_range), (1, 30, 0));
    assert_eq!(full.covered, Some(Window::new(hour(0), hour(6))));
    assert_eq!(full.islands, [Window::new(hour(-10), hour(-8))]);
    let gaps: Vec<_> = full.gaps.iter().map(|gap| (gap.window, gap.reason)).collect();
    let between = (Window::new(hour(-8), hour(0)), GapReason::BeforeStart);
    assert_eq!(gaps, [between, (Window::new(hour(2), hour(3)), GapReason::RowLimit)]);
    assert_eq!(full.damaged.len(), 1);
    assert_eq!(full.removed[0].decided, hour(4));
    assert_eq!(full.open.as_ref().unwrap().bytes, records("open", 5).len() as u64);
    assert!(full.newest.as_ref().unwrap().held && unsigned.newest.as_ref().unwrap().held);
    assert_eq!(unsigned.folder.to_str(), Some(UNSIGNED));
    let untold = archive.unnoticed.untold.0.clone();
    assert!(
        matches!(unsigned.notes.as_slice(), [Note::SeveralForms { .. }, Note::StoredFormUntold { file }] if *file == untold),
        "{:?}",
        unsigned.notes
    );
    assert_eq!((report.heads, report.newest_head.as_ref().unwrap().sha256), (3, archive.heads[2]));
    assert_eq!(report.keys.len(), 2);
    assert!(matches!(report.notes.as_slice(), [Note::HeadNotAsked, Note::NobodyVouches { .. }]), "{:?}", report.notes);
    assert!(report.is_valid() && !report.is_complete());
}

#[test]
fn the_program_says_so() {
    let archive = TestArchive::new();
    let outcome = archive.program(&[]);
    assert_eq!(outcome.code, 0, "{}", outcome.stdout);
    let told = archive.program(&["--json"]);
    assert_eq!(told.code, 0);
    let json: serde_json::Value = serde_json::from_str(&told.stdout).unwrap();
    assert_eq!((&json["valid"], &json["complete"]), (&true.into(), &false.into()));
    let full = &json["sources"][1];
    assert_eq!(full["folder"], FULL);
    assert_eq!((&full["segments"], &full["segments_read"], &full["records"]), (&5.into(), &5.into(), &170.into()));
    assert_eq!((&full["removed_segments"], &full["removed_records"]), (&1.into(), &30.into()));
    assert_eq!(full["covered"]["to"], hour(6).to_string());
    assert_eq!(full["gaps"][1]["reason"], "row-limit");
    assert_eq!(full["removed"][0]["decided"], hour(4).to_string());
    assert_eq!(json["head"]["sha256"], archive.heads[2].to_string());
    for line in [
        "payments/access-history/prod-0",
        "not sealed yet: nothing proves it",
        "by retention on",
        "only its first 100 bytes count",
        "possibly incomplete: a full page could not be split further (more than 20,000 in a second)",
        "valid: 3 sources, 11 segments, 398 records",
        "; 2 gaps not collected, each with its reason; 1 segment (30 records) removed by retention",
        "stored form not told of yet",
    ] {
        assert!(outcome.stdout.contains(line), "{line}\n{}", outcome.stdout);
    }
}

#[test]
fn one_without_signatures_says_what_that_proves() {
    let mut archive = TestArchive::empty();
    assert!(matches!(archive.report().notes.as_slice(), [Note::NoSource]));
    let mut source = crate::source::SourceWriter::new(&archive.root(), UNSIGNED, 0);
    source.seal(&records("a", 3), None, |_| {});
    let report = archive.report();
    assert!(report.is_valid());
    assert!(matches!(report.notes.as_slice(), [Note::NoHead]), "{:?}", report.notes);
    assert!(matches!(report.sources[0].notes.as_slice(), [Note::Unproven { .. }]));
    let key = crate::key::Key::new(2, "new@host");
    archive.add_head(jiff::civil::date(2026, 11, 1), vec![source.listed()], &key);
    let head = Some(archive.heads[0]);
    assert!(archive.verify(&Request { head, ..Request::default() }).sources[0].notes.is_empty());
    source.seal(b"", None, |_| {});
    let report = archive.verify(&Request { head, ..Request::default() });
    assert!(report.is_valid());
    assert!(matches!(report.sources[0].notes.as_slice(), [Note::Unproven { .. }]));
}
