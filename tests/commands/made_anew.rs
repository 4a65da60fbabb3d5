//! Clusters and instances that are deleted at Atlas and made again under the same name.

use atlas_logd::{
    instant::Instant,
    sim::{DateHeader, Project},
    source::{Kind, Source},
    window::Window,
};

use crate::harness::{DAY, Gap, HOUR, MINUTE, PAYMENTS, Stage, orders, prod};

const SOURCES: fn() -> [Source; 2] = || [orders(), prod()];

fn stage() -> Stage {
    let stage = Stage::at("2026-11-20T12:00:00Z");
    SOURCES().iter().for_each(|source| stage.add_record(source, HOUR, "of the first one"));
    stage
}

/// Takes both sources away, with all that they hold.
fn delete(stage: &Stage) -> Vec<Project> {
    let mut before = Vec::new();
    stage.world.change_projects(|projects| {
        before.clone_from(projects);
        projects[0].stream_instances.clear();
        projects[0].clusters.clear();
    });
    SOURCES().iter().for_each(|source| stage.world.forget(&source.id));
    before
}

fn make_again(stage: &Stage, before: Vec<Project>) {
    stage.world.change_projects(|projects| *projects = before);
    SOURCES().iter().for_each(|source| stage.add_record(source, MINUTE, "of the second one"));
}

fn texts(stage: &Stage, source: &Source) -> Vec<String> {
    let lines = stage.text_lines(source);
    let notes = ["of the first one", "never seen", "of the second one"];
    lines.iter().map(|line| (*notes.iter().find(|note| line.contains(**note)).unwrap()).to_owned()).collect()
}

#[test]
fn what_a_source_held_that_atlas_did_not_know_for_a_time_is_a_gap_until_an_operator_knows_better() {
    let stage = stage();
    let desk = stage.desk();
    desk.poll_all();
    let ends = SOURCES().map(|source| stage.status(&source).end());
    stage.pass(HOUR);
    SOURCES().iter().for_each(|source| stage.add_record(source, MINUTE, "never seen"));
    let before = delete(&stage);
    for _ in 0..3 {
        for source in &SOURCES() {
            let failure = desk.try_poll(source).failure.unwrap().to_string();
            assert!(failure.contains("the answer is 404"), "{failure}");
        }
        stage.pass(10 * MINUTE);
    }
    let last_seen_absent = stage.ago(10 * MINUTE);
    drop(desk);
    stage.pass(HOUR);
    make_again(&stage, before);
    for _ in 0..3 {
        stage.poll_once();
        stage.pass(HOUR);
    }
    for (source, end) in SOURCES().iter().zip(ends) {
        assert_eq!(texts(&stage, source), ["of the first one", "of the second one"], "{source}");
        assert_eq!(stage.gaps(source), [Gap::new(end, last_seen_absent, "absent")], "{source}");
    }
    let desk = stage.desk();
    for source in SOURCES() {
        let gap = stage.gaps(&source)[0].window;
        desk.backfill(&source, gap);
        assert_eq!(stage.gaps(&source), [], "{source}");
    }
}

#[test]
fn one_that_was_away_for_longer_than_atlas_holds_leaves_one_range_with_both_reasons() {
    let stage = stage();
    stage.poll_once();
    let end = stage.status(&prod()).end();
    let before = delete(&stage);
    stage.pass(HOUR);
    assert!(stage.desk().try_poll(&prod()).failure.is_some());
    let absent_until = stage.now();
    stage.pass(8 * DAY);
    make_again(&stage, before);
    stage.poll_once();
    let held_since = stage.ago(7 * DAY) + 10 * MINUTE;
    assert_eq!(stage.gaps(&prod()), [Gap::new(end, held_since, "retention")]);
    assert!(absent_until < held_since);
    assert_eq!(texts(&stage, &prod()), ["of the first one", "of the second one"]);
}

/// What damage took cannot be had again for certain from one that may be another one.
#[test]
fn damage_to_what_one_held_that_is_made_anew_leaves_a_gap() {
    let stage = stage();
    stage.poll_once();
    let start = stage.status(&prod()).start();
    for source in SOURCES() {
        let segment = stage.folder_of(&source).join(&stage.segments(&source)[0].name);
        stage.damaged(|| std::fs::remove_file(segment).unwrap());
    }
    let before = delete(&stage);
    stage.pass(MINUTE);
    for source in &SOURCES() {
        assert!(stage.desk().try_poll(source).failure.is_some(), "{source}");
    }
    let absent_until = stage.now();
    make_again(&stage, before);
    for _ in 0..3 {
        stage.pass(HOUR);
        stage.poll_once();
    }
    for source in &SOURCES() {
        assert_eq!(stage.gaps(source), [Gap::new(start, absent_until, "absent")], "{source}");
        assert_eq!(texts(&stage, source), ["of the second one"], "{source}");
    }
}

/// Nor can what was never collected from the one before.
#[test]
fn a_backfill_of_what_one_held_that_was_made_anew_leaves_a_gap() {
    let stage = stage();
    stage.configure(|config| config.start("30m"));
    stage.poll_once();
    let before = delete(&stage);
    stage.pass(MINUTE);
    for source in &SOURCES() {
        assert!(stage.desk().try_poll(source).failure.is_some(), "{source}");
    }
    make_again(&stage, before);
    stage.pass(HOUR);
    stage.poll_once();
    let desk = stage.desk();
    for source in SOURCES() {
        let start = stage.status(&source).start();
        let [ahead] = &stage.gaps(&source)[..] else { panic!("{source}: not one gap") };
        let range = Window::new(start - 5 * HOUR, start);
        desk.backfill(&source, range);
        assert_eq!(stage.gaps(&source), [Gap::new(range.from, start, "absent"), ahead.clone()], "{source}");
        // Whoever asks again knows better.
        desk.backfill(&source, Window::new(range.from, ahead.window.to));
        assert_eq!(stage.gaps(&source), [], "{source}");
    }
}

/// Nor does a clock that is wrong meanwhile make the gap shorter, or let it grow for ever.
#[test]
fn a_wrong_clock_at_an_absence_hides_nothing() {
    for off in [-3600_i64, 3600, 86_400] {
        let stage = stage();
        stage.poll_once();
        stage.pass(3 * HOUR);
        let lost = stage.ago(MINUTE);
        let before = delete(&stage);
        let now = stage.now();
        stage.set_local_time(Instant::from_millis(now.millis() + (off * 1000).max(0)));
        stage.world.set(|settings| settings.date = DateHeader::Offset(off * 1000));
        for source in &SOURCES() {
            assert!(stage.desk().try_poll(source).failure.is_some(), "{source}");
        }
        stage.set_local_time(now);
        stage.world.set(|settings| settings.date = DateHeader::Offset(0));
        make_again(&stage, before);
        for _ in 0..40 {
            stage.pass(HOUR);
            stage.poll_once();
        }
        for source in &SOURCES() {
            let [gap] = &stage.gaps(source)[..] else { panic!("{source}: not one gap") };
            assert!(gap.window.contains(lost), "{source}: {gap:?}");
            assert!(gap.window.to <= now + 2 * HOUR, "{source}: {gap:?}");
        }
    }
}

/// Whoever is not let into a project, or misspells its id, knows nothing about its clusters.
#[test]
fn a_project_that_is_not_found_says_nothing_about_its_sources() {
    let stage = stage();
    stage.poll_once();
    let mut before = Vec::new();
    stage.world.change_projects(|projects| {
        before.clone_from(projects);
        projects.retain(|project| project.id != PAYMENTS);
    });
    stage.pass(HOUR);
    for source in &SOURCES() {
        let failure = stage.desk().try_poll(source).failure.unwrap().to_string();
        assert!(failure.contains("GROUP_NOT_FOUND"), "{failure}");
    }
    stage.world.change_projects(|projects| *projects = before);
    stage.pass(HOUR);
    stage.poll_once();
    for source in &SOURCES() {
        stage.assert_current(source);
        assert_eq!(stage.gaps(source), []);
    }
}

#[test]
fn one_that_was_never_there_before_starts_with_a_gap_up_to_when_it_was_missed_last() {
    let stage = stage();
    let source = stage.add_to_configuration(Kind::AccessHistory, "to-come");
    let desk = stage.desk();
    assert!(desk.try_poll(&source).failure.is_some());
    let missed = stage.now();
    stage.pass(HOUR);
    stage.world.change_projects(|projects| projects[0].clusters.push(atlas_logd::sim::Cluster::new("to-come")));
    stage.add_record(&source, MINUTE, "of the second one");
    desk.poll(&source);
    drop(desk);
    assert_eq!(stage.gaps(&source), [Gap::new(stage.status(&source).start(), missed, "absent")]);
    assert_eq!(texts(&stage, &source), ["of the second one"]);
}
