//! `reconcile`: what is archived is compared with what Atlas shows now, and what came too late is archived.

use std::time::Duration;

use atlas_logd::{
    instant::Instant,
    sim::{Event, RangeClock},
    source::{Kind, Source},
    window::Window,
};

use crate::harness::{
    DAY, Gap, HOUR, MINUTE, Outcome, ProjectTable, SECOND, Stage, asked_from, orders, prod, shops, warehouse,
};

const NOW: &str = "2026-11-20T12:00:00Z";
const SETTLE: Duration = Duration::from_secs(15 * 60);

fn event(source: &Source, time: Instant, note: &str) -> Event {
    match source.id.kind {
        Kind::StreamAudit => Event::audit(time, note),
        Kind::AccessHistory => Event::access(time, "host-00", note),
    }
}

/// A day with a record each ten minutes in every source, collected.
fn collected(stage: &Stage, sources: &[Source]) {
    stage.configure(|config| {
        config.start("1d");
        config.settle("15m");
    });
    for source in sources {
        (6..144)
            .for_each(|number| stage.add(source, event(source, stage.ago(number * 10 * MINUTE), &format!("{number}"))));
    }
}

fn stage_at() -> Stage {
    let stage = Stage::at(NOW);
    collected(&stage, &[orders(), prod()]);
    stage.poll_once();
    stage
}

/// More records of an hour, which Atlas did not show before.
fn add_late(stage: &Stage, source: &Source, count: u32) {
    let from = stage.ago(12 * HOUR);
    for number in 0..count {
        stage.add(source, event(source, from + number * SECOND, &format!("late {number}")));
    }
}

fn reconcile(stage: &Stage, source: &Source) -> Outcome {
    stage.command(["reconcile", &source.to_string()])
}

#[test]
fn a_record_that_came_later_than_the_settle_time_is_found_archived_once_and_counted() {
    let stage = stage_at();
    for source in [orders(), prod()] {
        add_late(&stage, &source, 1);
        let before = stage.status(&source);
        let desk = stage.desk();
        desk.poll(&source);
        assert_eq!(stage.lines(&source).len(), 138, "no poll looks there any more");

        let report = desk.reconcile(&source);
        assert_eq!((report.figures.records, report.times.late, report.times.lateness), (1, 1, SETTLE));
        assert_eq!((report.times.first, report.times.last), (Some(stage.ago(12 * HOUR)), Some(stage.ago(12 * HOUR))));
        assert_eq!(report.compared.unwrap().tally.missing, 1);
        assert_eq!(stage.lines(&source).len(), 139);
        stage.assert_exact(&source);

        let report = desk.reconcile(&source);
        assert_eq!((report.figures.records, report.times.late), (0, 0));
        desk.poll(&source);
        drop(desk);
        let after = stage.status(&source);
        assert_eq!((after.covered(), after.records), (before.covered(), 139), "nothing is claimed that was not before");
        let settle = SETTLE.as_secs() / 60;
        let late =
            format!("late: {source}: 1 record came later than the settle time, the latest at least {settle} min");
        let said = stage.command(["status"]).assert_done().stdout;
        assert!(said.contains(&late), "{said}");
        let last = after.reconciliation.unwrap();
        assert_eq!((last.compared, last.missing, last.failure), (139, 0, None));
    }
}

#[test]
fn where_nothing_is_new_no_byte_is_written() {
    let stage = stage_at();
    for source in [orders(), prod()] {
        let (before, covered) = (stage.segments(&source), stage.status(&source).covered());
        stage.world.clear_requests();
        let report = stage.desk().reconcile(&source);
        let compared = report.compared.unwrap();
        assert_eq!((compared.tally.shown, compared.tally.missing, report.figures.bytes), (138, 0, 0));
        assert_eq!(compared.range, Some(covered));
        assert_eq!(stage.segments(&source), before);
        assert_eq!(stage.requests_for(&source), 1);
        assert_eq!(stage.status(&source).covered(), covered);
    }
}

#[test]
fn the_command_tells_what_was_compared_and_what_was_missing() {
    let stage = Stage::new();
    collected(&stage, &[orders(), prod()]);
    stage.command(["collect"]).assert_done();
    let quiet = stage.command(["reconcile"]).assert_done();
    for source in [orders(), prod()] {
        let said = quiet.stderr.lines().find(|line| line.contains("compared 138 records of [")).unwrap_or_default();
        assert!(said.contains("none was missing"), "{}", quiet.stderr);
        add_late(&stage, &source, 2);
    }
    let found = stage.command(["reconcile"]).assert_done();
    for source in [orders(), prod()] {
        let said =
            |text: &str| found.stderr.lines().any(|line| line.starts_with(&source.to_string()) && line.contains(text));
        assert!(said("compared 140 records of [") && said("2 were missing and are archived now"), "{}", found.stderr);
        assert!(said("2 records came later than the settle time of 15 min, at least 15 min"), "{}", found.stderr);
        assert_eq!(stage.lines(&source).len(), 140);
        stage.assert_exact(&source);
    }
    assert_eq!(found.stderr.matches("came later than").count(), 2, "once for each source: {}", found.stderr);
    assert!(found.stdout.contains(&orders().to_string()), "{}", found.stdout);
    reconcile(&stage, &orders()).assert_done().assert_says("none was missing");
}

#[test]
fn only_what_is_asked_for_is_compared() {
    let stage = Stage::new();
    collected(&stage, &[orders(), prod()]);
    stage.command(["collect"]).assert_done();
    [orders(), prod()].iter().for_each(|source| add_late(&stage, source, 1));
    stage.world.clear_requests();
    let name = orders().to_string();
    let (from, to) = (stage.ago(10 * HOUR).to_string(), stage.ago(9 * HOUR).to_string());
    let elsewhere = stage.command(["reconcile", &name, "--from", &from, "--to", &to]).assert_done();
    assert!(elsewhere.stderr.contains(&format!("of [{from}, {to}): none was missing")), "{}", elsewhere.stderr);
    assert_eq!(stage.requests_for(&prod()), 0);
    assert!(stage.status(&orders()).reconciliation.is_none(), "it says nothing about the last days");
    let (from, to) = (stage.ago(13 * HOUR).to_string(), stage.ago(11 * HOUR).to_string());
    stage.command(["reconcile", &name, "--from", &from, "--to", &to]).assert_done().assert_says("1 was missing");
    assert_eq!((stage.lines(&orders()).len(), stage.lines(&prod()).len()), (139, 138));

    let (from, to) = (stage.ago(5 * DAY).to_string(), stage.ago(4 * DAY).to_string());
    stage.command(["reconcile", &name, "--from", &from, "--to", &to]).assert_done().assert_says("nothing to compare");
    stage.command(["reconcile", &name, "--from", &to, "--to", &from]).assert_code(2).assert_says("is not before");
    stage.command(["reconcile", "payments/stream-audit/other"]).assert_code(2).assert_says(&name);
    stage.command(["reconcile", &name, "--from", &from]).assert_code(2);
}

/// Something has changed at Atlas, and a person has to decide.
#[test]
fn a_window_of_which_most_differs_is_refused_until_a_person_archives_it() {
    for source in [orders(), prod()] {
        let stage = Stage::new();
        collected(&stage, std::slice::from_ref(&source));
        stage.command(["collect"]).assert_done();
        add_late(&stage, &source, 139);
        let before = stage.segments(&source);
        let refused = reconcile(&stage, &source).assert_code(1);
        let refused = refused.assert_says("of what Atlas shows, 139 of 277 records of [");
        let message = "are not in the archive, though it was complete";
        assert_eq!(stage.segments(&source), before, "nothing of it is archived");
        let gaps = stage.gaps(&source);
        assert_eq!(gaps, [Gap::new(gaps[0].window.from, stage.status(&source).end(), "differs")]);

        // It can be seen until a later one succeeds, and polls go on unharmed.
        stage.command(["collect"]).assert_done();
        let status = stage.status(&source);
        assert_eq!(status.failing_since, None);
        assert!(status.reconciliation.unwrap().failure.unwrap().contains(message));
        let table = stage.command(["status"]).assert_done().stdout;
        assert!(table.contains("reconciliation failed at ") && table.contains(message), "{table}");
        assert_eq!((stage.gaps(&source), stage.segments(&source)), (gaps, before), "no poll decides it");

        // What was told to differ is left alone.
        reconcile(&stage, &source).assert_done();
        let command = refused.stderr.split_once("archive them with: ").unwrap().1.split(';').next().unwrap();
        let words = command.split(' ').skip_while(|word| *word != "collect").map(|word| word.trim_matches('\''));
        let words: Vec<&str> = words.collect();
        assert_eq!(words.len(), 6, "{command}");
        stage.command(words).assert_done().assert_says("139 records came later than the settle time");
        assert_eq!((stage.lines(&source).len(), stage.gaps(&source)), (277, vec![]));
        stage.assert_exact(&source);
        reconcile(&stage, &source).assert_done().assert_says("compared 277 records");
        assert_eq!(stage.status(&source).reconciliation.unwrap().failure, None);
    }
}

#[test]
fn a_person_can_leave_what_differs_as_it_is() {
    let stage = Stage::new();
    collected(&stage, &[prod()]);
    stage.command(["collect"]).assert_done();
    add_late(&stage, &prod(), 139);
    let (covered, bytes) = (stage.status(&prod()).covered(), stage.bytes(&prod()));
    let refused = reconcile(&stage, &prod()).assert_code(1).stderr;
    let gap = stage.gaps(&prod())[0].clone();
    let command = refused.split_once("leave it at that with").unwrap().1;
    let skipped = stage.paste(command).assert_done();
    assert!(skipped.stdout.contains(&format!("{} is a gap now", gap.window)), "{}", skipped.stdout);
    let left = Gap { reason: "skipped".to_owned(), detail: "never".to_owned(), ..gap };
    assert_eq!(stage.gaps(&prod()), [left]);
    assert_eq!((stage.status(&prod()).covered(), stage.bytes(&prod()) == bytes), (covered, true));
    reconcile(&stage, &prod()).assert_done();
}

/// Of three days, most of the second one differs, and a record of the third one came late.
#[test]
fn the_windows_behind_one_that_differs_are_compared_and_it_alone_becomes_a_gap() {
    for source in [orders(), prod()] {
        let stage = Stage::at(NOW);
        // The program measures the life of a token by another clock.
        stage.world.set(|settings| settings.token_life = 1000 * DAY);
        stage.configure(|config| config.start("3d"));
        for hours in 1..72 {
            stage.add(&source, event(&source, stage.ago(hours * HOUR), &format!("{hours}")));
        }
        stage.poll_once();
        (0..60).for_each(|number| {
            stage.add(&source, event(&source, stage.ago(30 * HOUR) + number * SECOND, &format!("other {number}")));
        });
        // At its edges, within the slack of what is asked.
        let begin = stage.ago(2 * DAY);
        for (time, note) in
            [(begin - SECOND, "before"), (begin + DAY + SECOND, "behind"), (begin + 2 * DAY - HOUR, "late")]
        {
            stage.add(&source, event(&source, time, note));
        }
        let before = stage.status(&source).covered();
        let desk = stage.desk();
        let report = desk.try_reconcile(&source, None);
        let failure = report.failure.unwrap().to_string();
        let gap = Window::new(begin, begin + DAY);
        assert!(failure.contains(&format!("records of {gap} are not in the archive")), "{failure}");
        assert_eq!(report.times.late, 3, "{source}");
        assert_eq!(stage.gaps(&source), [Gap::new(gap.from, gap.to, "differs")]);
        assert_eq!(stage.status(&source).covered(), before);
        assert_eq!(stage.lines(&source).len(), 71 + 3);

        // Neither a poll nor the next night touches it, also when it is over.
        for _ in 0..4 {
            stage.pass(DAY);
            desk.poll(&source);
            assert_eq!(desk.reconcile(&source).times.late, 0);
        }
        assert_eq!(stage.gaps(&source), [Gap::new(gap.from, gap.to, "differs")]);
        let archived = desk.backfill(&source, gap);
        assert_eq!((archived.figures.records, archived.times.late), (60, 60));
        assert_eq!(stage.gaps(&source), []);
        stage.assert_exact_in_any_order(&source);
    }
}

#[test]
fn half_of_a_window_may_be_late() {
    let stage = stage_at();
    add_late(&stage, &prod(), 138);
    let desk = stage.desk();
    assert_eq!(desk.reconcile(&prod()).times.late, 138);
    stage.assert_exact(&prod());
}

/// Each of its days holds too few records to tell.
#[test]
fn a_quiet_source_is_judged_by_all_its_windows() {
    let stage = Stage::at(NOW);
    stage.configure(|config| config.start("3d"));
    stage.poll_once();
    for hours in (1..71).step_by(8) {
        stage.add(&prod(), Event::access(stage.ago(hours * HOUR), "host-00", &format!("{hours}")));
        stage.add(&prod(), Event::access(stage.ago(hours * HOUR), "host-01", &format!("{hours}")));
        stage.add(&prod(), Event::access(stage.ago(hours * HOUR), "host-02", &format!("{hours}")));
    }
    let desk = stage.desk();
    let report = desk.try_reconcile(&prod(), None);
    let failure = report.failure.unwrap().to_string();
    assert!(failure.contains("of what Atlas shows, 9 of 9 records of ["), "{failure}");
    assert_eq!(stage.lines(&prod()).len(), 18, "less than enough to tell");
    let end = stage.status(&prod()).end();
    assert_eq!(stage.gaps(&prod()), [Gap::new(stage.ago(DAY), end, "differs")]);
}

#[test]
fn one_that_fails_harms_no_other() {
    let stage = Stage::new();
    stage.configure(|config| config.projects.push(ProjectTable::analytics()));
    let sources = [orders(), prod(), shops(), warehouse()];
    collected(&stage, &sources);
    stage.command(["collect"]).assert_done();
    add_late(&stage, &orders(), 200);
    sources[1..].iter().for_each(|source| add_late(&stage, source, 1));
    let outcome = stage.command(["reconcile"]).assert_code(1);
    assert_eq!(outcome.stderr.matches("1 was missing").count(), 3, "{}", outcome.stderr);
    assert_eq!(stage.lines(&orders()).len(), 138);
    for source in &sources[1..] {
        assert_eq!(stage.lines(source).len(), 139);
        assert_eq!(stage.status(source).reconciliation.unwrap().failure, None);
    }
}

#[test]
fn a_source_that_was_never_collected_has_nothing_to_compare() {
    let stage = Stage::new();
    stage.add_record(&orders(), HOUR, "one");
    stage.command(["reconcile"]).assert_done().assert_says("nothing to compare");
    assert_eq!(stage.requests_for(&orders()), 0);
    stage.command(["collect"]).assert_done();
    stage.assert_current(&orders());
}

/// A poll that is due meanwhile comes after the window under way, not after the last one.
#[test]
fn a_poll_comes_between_two_windows() {
    let stage = Stage::at(NOW);
    stage.configure(|config| config.start("60h"));
    for hours in 0..60 {
        stage.add_record(&orders(), hours * HOUR, &format!("{hours}"));
    }
    let desk = stage.desk();
    desk.poll(&orders());
    stage.pass(5 * MINUTE);
    stage.add_record(&orders(), MINUTE, "new");
    let end = stage.status(&orders()).end();
    stage.world.clear_requests();
    let (reconciled, polled) = desk.reconcile_and_poll(&orders());
    assert!(reconciled.failure.is_none() && polled.failure.is_none());
    assert_eq!((reconciled.compared.unwrap().tally.missing, polled.figures.records), (0, 1));
    assert_eq!(reconciled.figures.windows, 3);
    let asked: Vec<Instant> = stage.data_requests(&orders()).iter().map(asked_from).collect();
    assert_eq!(asked.iter().position(|from| *from > end - MINUTE), Some(1), "{asked:?}");
    assert_eq!(asked.len(), 4);
    stage.assert_current(&orders());
}

/// Gaps have ways of their own to be closed, and what Atlas no longer holds is no difference.
#[test]
fn nothing_is_asked_but_what_is_claimed_and_still_held() {
    let stage = Stage::at("2026-11-10T12:00:00Z");
    stage.configure(|config| {
        config.only_access();
        config.start("1d");
    });
    stage.poll_once();
    let begin = stage.status(&prod()).start();
    let gap = Window::new(stage.status(&prod()).end(), stage.now());
    let (name, from, to) = (prod().to_string(), gap.from.to_string(), gap.to.to_string());
    stage.command(["skip", &name, "--from", &from, "--to", &to, "--reason", "never"]).assert_done();
    for (ago, note) in [(MINUTE, "in the gap"), (3 * HOUR, "before it")] {
        stage.add(&prod(), Event::access(stage.ago(ago), "host-00", note));
    }
    stage.pass(2 * DAY);
    let desk = stage.desk();
    desk.poll(&prod());
    stage.world.clear_requests();
    let report = desk.try_reconcile(&prod(), Some(Window::new(begin - DAY, stage.now())));
    assert_eq!((report.times.late, report.figures.records), (1, 1));
    let asked: Vec<Window> = stage.data_requests(&prod()).iter().filter_map(|request| request.asked()).collect();
    assert_eq!(asked.first().map(|asked| asked.from), Some(begin));
    assert_eq!(asked.last().map(|asked| asked.to), Some(stage.status(&prod()).end()));
    assert!(asked.iter().all(|asked| asked.intersection(gap).is_empty()), "{asked:?}");
    assert_eq!(stage.gaps(&prod()), [Gap { detail: "never".to_owned(), ..Gap::new(gap.from, gap.to, "skipped") }]);

    stage.pass(5 * DAY);
    desk.poll(&prod());
    stage.world.clear_requests();
    let report = desk.try_reconcile(&prod(), Some(Window::new(begin, stage.now())));
    assert!(report.failure.is_none() && report.figures.records == 0);
    let held = stage.now() - 7 * DAY + 10 * MINUTE;
    assert!(stage.data_requests(&prod()).iter().all(|request| asked_from(request) >= held));
}

/// A backfill finds it too, and where Atlas goes by arrival a poll.
#[test]
fn late_is_what_belongs_to_a_time_that_was_claimed_whoever_finds_it() {
    let stage = stage_at();
    for source in [orders(), prod()] {
        add_late(&stage, &source, 3);
        let desk = stage.desk();
        let start = stage.status(&source).start();
        stage.add(&source, event(&source, start - HOUR, "before the start"));
        let found = desk.backfill(&source, Window::new(start - 2 * HOUR, stage.now()));
        assert_eq!((found.figures.records, found.times.late, found.times.lateness), (4, 3, SETTLE));
    }
    stage.world.set(|settings| settings.range_clock = RangeClock::Ingested);
    let desk = stage.desk();
    for source in [orders(), prod()] {
        let time = stage.now();
        stage.add(&source, event(&source, time, "in time").late(14 * MINUTE));
        stage.add(&source, event(&source, time, "late").late(33 * MINUTE));
        for minute in 1..=35_u32 {
            stage.pass(MINUTE);
            let report = desk.poll(&source);
            let expected = if minute == 33 { (1, 1, 32 * MINUTE) } else { (report.figures.records, 0, Duration::ZERO) };
            assert_eq!((report.figures.records, report.times.late, report.times.lateness), expected, "{minute}");
        }
        stage.assert_current(&source);
    }
}
