//! A reconciliation or a backfill, and what the archive's evidence says: nothing is compared with less than was archived,
//! what retention removed is not brought back, and digests tell what was compared.

use std::{fs, path::PathBuf};

use atlas_logd::{
    evidence::{Range, SegmentDigest},
    plan::{Gap, GapReason},
    source::Source,
    window::Window,
};

use crate::harness::{DAY, HOUR, MINUTE, SECOND, Stage, orders, prod};

const SOURCES: fn() -> [Source; 2] = || [orders(), prod()];

/// A segment for each of so many days, with a record of it; the last one is open.
fn days(stage: &Stage, count: u32) {
    for number in 0..count {
        SOURCES().iter().for_each(|source| stage.add_record(source, 20 * MINUTE, &format!("number {number}")));
        stage.poll_once();
        stage.pass(DAY);
    }
}

fn stage() -> Stage {
    let stage = Stage::at("2026-11-20T12:00:00Z");
    stage.configure(|config| config.start("1h"));
    // The program measures the life of a token by another clock.
    stage.world.set(|settings| settings.token_life = 1000 * DAY);
    stage
}

fn segments(stage: &Stage, source: &Source) -> Vec<PathBuf> {
    stage.segments(source).iter().map(|segment| stage.folder_of(source).join(&segment.name)).collect()
}

fn digests(stage: &Stage, source: &Source) -> Vec<SegmentDigest> {
    let entries = fs::read_dir(stage.folder_of(source)).unwrap().map(|entry| entry.unwrap().path());
    let mut paths: Vec<PathBuf> = entries.filter(|path| path.to_str().unwrap().ends_with(".digest.json")).collect();
    paths.sort();
    paths.iter().map(|path| SegmentDigest::parse(&fs::read(path).unwrap()).unwrap()).collect()
}

fn range(window: Window) -> Range {
    window.into()
}

#[test]
fn where_a_segment_is_gone_or_changed_nothing_is_archived_until_it_is_put_back() {
    let stage = stage();
    days(&stage, 6);
    stage.poll_once();
    for source in SOURCES() {
        let (all, start) = (segments(&stage, &source), stage.status(&source).start());
        let [_, second, third, .., open] = &all[..] else { panic!("{all:?}") };
        let text = fs::read_to_string(third).unwrap();
        let restored = fs::read(second).unwrap();
        let damages: [(&PathBuf, &dyn Fn()); 4] = [
            (second, &|| fs::remove_file(second).unwrap()),
            (third, &|| fs::write(third, text.replace("number", "NUMBER")).unwrap()),
            (third, &|| fs::write(third, &text[..text.len() - 4]).unwrap()),
            (third, &|| fs::write(third, format!("{text}{{}}\n")).unwrap()),
        ];
        for (path, damage) in damages {
            stage.damaged(damage);
            let desk = stage.desk();
            let (bytes, gaps) = (stage.bytes(&source), stage.gaps(&source));
            let range = Window::new(start, stage.now());
            for report in [desk.try_reconcile(&source, Some(range)), desk.try_backfill(&source, range)] {
                let failure = report.failure.unwrap().to_string();
                assert!(
                    failure.contains(path.to_str().unwrap()) && failure.contains("atlas-logd verify "),
                    "{failure}"
                );
                assert_eq!(report.figures.records, 0);
            }
            assert_eq!((stage.bytes(&source) == bytes, stage.gaps(&source)), (true, gaps));
            desk.poll(&source);
            drop(desk);
            stage.damaged(|| {
                fs::write(second, &restored).unwrap();
                fs::write(third, &text).unwrap();
            });
        }
        assert!(open.exists());
        let desk = stage.desk();
        assert_eq!(
            desk.try_reconcile(&source, Some(Window::new(start, stage.now()))).compared.unwrap().tally.missing,
            0
        );
        drop(desk);
        stage.assert_exact(&source);
    }
}

#[test]
fn what_is_lost_for_good_is_archived_again_by_order() {
    let stage = stage();
    days(&stage, 6);
    stage.poll_once();
    for source in SOURCES() {
        let (all, start) = (segments(&stage, &source), stage.status(&source).start());
        // One before the last sealed one, whose loss is noticed and mended at once; Atlas still shows its day.
        stage.damaged(|| fs::remove_file(&all[all.len() - 3]).unwrap());
        let desk = stage.desk();
        let range = Window::new(start.max(stage.ago(6 * DAY)), stage.now());
        assert!(desk.try_backfill(&source, range).failure.unwrap().to_string().contains("--lost"));
        assert_eq!(desk.backfill_lost(&source, range).figures.records, 1);
        assert_eq!(desk.backfill_lost(&source, range).figures.records, 0);
        drop(desk);
        let mut lines = stage.lines(&source);
        lines.sort();
        lines.dedup();
        assert_eq!((stage.lines(&source).len(), lines.len()), (6, 6), "all are there again, and none twice");
    }
    stage.command(["collect", "--lost"]).assert_code(2);
}

#[test]
fn a_change_to_the_middle_of_the_open_segment_is_noticed_too() {
    let stage = stage();
    (0..2000).for_each(|number| stage.add_record(&orders(), 20 * MINUTE, &format!("number {number}")));
    stage.poll_once();
    let open = segments(&stage, &orders()).pop().unwrap();
    let text = fs::read_to_string(&open).unwrap();
    stage.damaged(|| fs::write(&open, text.replacen("number", "NUMBER", 1)).unwrap());
    let failure = stage.desk().try_reconcile(&orders(), None).failure.unwrap().to_string();
    assert!(failure.contains(&format!("{} is not what was committed to it", open.display())), "{failure}");
    assert_eq!(stage.lines(&orders()).len(), 2000);
}

/// What lies far enough in the past may be on other storage.
#[test]
fn segments_that_cannot_hold_the_range_need_not_be_there() {
    let stage = stage();
    days(&stage, 8);
    stage.poll_once();
    for source in SOURCES() {
        stage.damaged(|| segments(&stage, &source)[..2].iter().for_each(|path| fs::remove_file(path).unwrap()));
        let desk = stage.desk();
        assert_eq!(desk.reconcile(&source).compared.unwrap().tally.missing, 0);
        desk.backfill(&source, Window::new(stage.ago(DAY), stage.now()));
        let start = stage.status(&source).start();
        assert!(desk.try_backfill(&source, Window::new(start, start + HOUR)).failure.is_some());
    }
}

#[test]
fn what_retention_removed_is_neither_compared_nor_collected_again() {
    let stage = stage();
    stage.configure(|config| config.set_text("archive", "keep", "8d"));
    for number in 0..14 {
        let desk = stage.desk();
        for source in SOURCES() {
            stage.add_record(&source, 20 * MINUTE, &format!("number {number}"));
            desk.poll(&source);
            desk.keep_up(&source);
        }
        stage.pass(DAY);
    }
    for source in SOURCES() {
        let (lines, start) = (stage.lines(&source), stage.status(&source).start());
        assert!(lines.len() < 12, "{source}: {} are left", lines.len());
        // Something older lies beside it, and is collected.
        let older = Window::new(start - HOUR, stage.now());
        let desk = stage.desk();
        let last = stage.ago(14 * DAY) + 4 * DAY - 20 * MINUTE;
        for _ in 0..2 {
            let report = desk.try_reconcile(&source, Some(older));
            assert!(report.failure.is_none() && report.figures.records == 0, "{source}: {report:?}");
            if source == orders() {
                let [removed] = &desk.removed()[..] else { panic!("not one range") };
                assert!(removed.from == start && removed.contains(last), "{removed}");
            }
            let report = desk.try_backfill(&source, older);
            assert_eq!(report.figures.records, 0, "{source}: {report:?}");
            assert!(desk.removed().iter().all(|removed| removed.contains(last)));
        }
        drop(desk);
        assert_eq!(stage.lines(&source), lines);
        let expected = if source == orders() { start - HOUR } else { start };
        assert_eq!((stage.status(&source).start(), stage.gaps(&source)), (expected, vec![]));
    }
}

#[test]
fn digests_tell_as_reconciled_what_was_compared_without_a_difference_and_nothing_else() {
    let stage = stage();
    stage.configure(|config| config.start("3d"));
    for source in SOURCES() {
        for hours in 1..72_u32 {
            stage.add_record(&source, hours * HOUR, &format!("{hours}"));
        }
    }
    stage.poll_once();
    let start = stage.ago(3 * DAY);
    let day = |number: u32| Window::new(start + number * DAY, start + (number + 1) * DAY);
    for source in SOURCES() {
        stage.add_record(&source, 2 * DAY - HOUR - MINUTE, "late");
        assert_eq!(stage.desk().reconcile(&source).times.late, 1);
    }
    let end = SOURCES().map(|source| stage.status(&source).end());
    // Most of another day is shown that was not there before.
    for source in SOURCES() {
        (0..60).for_each(|number| {
            stage.add_record(&source, 3 * DAY - 2 * HOUR - number * SECOND, &format!("other {number}"));
        });
        let failed = stage.desk().try_reconcile(&source, Some(day(0)));
        assert!(failed.failure.is_some());
    }
    stage.pass(DAY);
    stage.poll_once();
    for (source, end) in SOURCES().into_iter().zip(end) {
        let digests = digests(&stage, &source);
        let [digest] = &digests[..] else { panic!("{digests:?}") };
        let compared = [day(0), Window::new(day(2).from, end)].map(range);
        assert_eq!(digest.reconciled, compared, "{source}");
        assert_eq!(digest.backfilled, [range(day(1))], "a rebuilt state has to know where late records came from");
        let gaps: Vec<Gap> = digest.gaps.iter().cloned().map(Gap::from).collect();
        let gaps: Vec<(Window, GapReason)> = gaps.iter().map(|gap| (gap.window, gap.reason)).collect();
        assert_eq!(gaps, [(day(0), GapReason::Differs)]);
        assert_eq!(digest.late_records, 1);
    }
    let archive = stage.archive();
    let verified = stage.command(["verify", archive.to_str().unwrap(), "--require-complete"]).assert_code(1);
    assert!(verified.stdout.contains(GapReason::Differs.sentence()), "{}", verified.stdout);
    let json = stage.command(["verify", archive.to_str().unwrap(), "--json"]).assert_done().stdout;
    assert!(json.contains("\"reason\": \"differs\""), "{json}");
}
