//! `collect SOURCE --from T --to T`: a range of the past.

use std::{fs, io::Read as _};

use atlas_logd::{
    instant::Instant,
    sim::{Event, Profile},
    source::Source,
    window::Window,
};

use crate::harness::{DAY, Gap, HOUR, MINUTE, Outcome, SECOND, Stage, at, orders, prod};

/// Two hours of both sources are collected, days of them are there.
fn stage() -> Stage {
    let stage = Stage::new();
    stage.configure(|config| config.start("2h"));
    let since = stage.ago(12 * HOUR);
    stage.generate(&orders(), &Profile::audit(since, 2.0));
    stage.generate(&prod(), &Profile::access(since, 2.0));
    stage.command(["collect"]).assert_done();
    stage
}

fn backfill(stage: &Stage, source: &Source, from: Instant, to: Instant) -> Outcome {
    let (name, from, to) = (source.to_string(), from.to_string(), to.to_string());
    stage.command(["collect", &name, "--from", &from, "--to", &to])
}

#[test]
fn a_range_that_reaches_the_start_moves_it() {
    let stage = stage();
    for source in [orders(), prod()] {
        let before = stage.status(&source);
        let from = before.start() - 3 * HOUR;
        backfill(&stage, &source, from, before.start()).assert_done();
        let after = stage.status(&source);
        assert_eq!((after.start(), after.gaps()), (from, vec![]));
        assert!(after.end() >= before.end());
        assert!(after.records > before.records);
        stage.assert_exact(&source);
    }
}

#[test]
fn a_range_that_does_not_reach_it_leaves_the_start_and_a_gap_until_a_later_one_closes_it() {
    let stage = stage();
    for source in [orders(), prod()] {
        let start = stage.status(&source).start();
        let old = Window::new(start - 6 * HOUR, start - 4 * HOUR);
        backfill(&stage, &source, old.from, old.to).assert_done();
        assert_eq!(stage.status(&source).start(), start);
        assert_eq!(stage.gaps(&source), [Gap::new(old.to, start, "before-start")]);
        stage.assert_exact(&source);
        // A second one, between the two and touching neither.
        let middle = Window::new(start - 3 * HOUR, start - HOUR);
        backfill(&stage, &source, middle.from, middle.to).assert_done();
        assert_eq!(stage.status(&source).start(), start);
        let gaps = [Gap::new(old.to, middle.from, "before-start"), Gap::new(middle.to, start, "before-start")];
        assert_eq!(stage.gaps(&source), gaps);
        backfill(&stage, &source, middle.to - MINUTE, start + MINUTE).assert_done();
        assert_eq!(stage.status(&source).start(), middle.from);
        assert_eq!(stage.gaps(&source), gaps[..1]);
        backfill(&stage, &source, old.to, middle.from).assert_done();
        assert_eq!(stage.status(&source).start(), old.from, "the start jumps over all that is there");
        assert_eq!(stage.gaps(&source), []);
        stage.assert_exact(&source);
        let records = stage.lines(&source).len();
        backfill(&stage, &source, old.from, start).assert_done();
        assert_eq!(stage.lines(&source).len(), records);
    }
}

#[test]
fn a_range_that_is_archived_in_a_compressed_segment_adds_nothing() {
    let stage = stage();
    stage.configure(|config| config.set_text("archive", "rotate_size", "1B"));
    let source = prod();
    let (start, end) = (stage.status(&source).start(), stage.status(&source).end());
    for hours in [1, 2] {
        backfill(&stage, &source, start - hours * HOUR, start - (hours - 1) * HOUR).assert_done();
    }
    let plain = stage.segments(&source);
    let oldest = stage.folder_of(&source).join(&plain[0].name);
    let mut gzip = Vec::new();
    flate2::read::GzEncoder::new(&plain[0].bytes[..], flate2::Compression::fast()).read_to_end(&mut gzip).unwrap();
    let zstd = zstd::encode_all(&plain[0].bytes[..], 3).unwrap();
    let mut there = oldest.clone();
    for (suffix, stored) in [(".gz", gzip), (".zst", zstd)] {
        let compressed = oldest.with_file_name(format!("{}{suffix}", plain[0].name));
        stage.damaged(|| {
            fs::write(&compressed, stored).unwrap();
            fs::remove_file(&there).unwrap();
        });
        backfill(&stage, &source, start - 2 * HOUR, end).assert_done();
        let now = stage.segments(&source);
        assert_eq!(now.len(), plain.len(), "{now:?}");
        assert_eq!(now[1..], plain[1..]);
        there = compressed;
    }
}

#[test]
fn a_range_that_is_archived_already_adds_nothing() {
    let stage = stage();
    for source in [orders(), prod()] {
        let before = stage.status(&source);
        let bytes = stage.bytes(&source);
        for (from, to) in [
            (before.start(), before.end()),
            (before.start() + 17 * MINUTE, before.start() + 18 * MINUTE),
            (before.end() - MINUTE, before.end()),
        ] {
            backfill(&stage, &source, from, to).assert_done();
            assert!(stage.bytes(&source) == bytes, "{source}: {from} to {to}");
            let after = stage.status(&source);
            assert_eq!((after.start(), after.gaps()), (before.start(), vec![]));
        }
        stage.assert_exact(&source);
    }
}

#[test]
fn a_range_up_to_now_moves_the_end_as_a_poll_does() {
    let stage = stage();
    for source in [orders(), prod()] {
        let before = stage.status(&source);
        backfill(&stage, &source, before.start() - HOUR, stage.now() + HOUR).assert_done();
        let after = stage.status(&source);
        assert_eq!(after.start(), before.start() - HOUR);
        assert!(after.end() >= before.end() && after.end() <= stage.now() - 10 * MINUTE);
        stage.command(["collect"]).assert_done();
        stage.assert_current(&source);
    }
}

#[test]
fn a_range_within_a_gap_closes_it() {
    let stage = Stage::at("2026-11-20T12:00:00Z");
    stage.configure(|config| config.only_audit());
    stage.generate(&orders(), &Profile::audit(stage.ago(8 * HOUR), 5.0));
    stage.poll_once();
    let source = orders();
    let (begin, end) = (stage.status(&source).end(), stage.now());
    let (name, from, to) = (source.to_string(), begin.to_string(), end.to_string());
    stage.command(["skip", &name, "--from", &from, "--to", &to, "--reason", "never"]).assert_done();
    stage.pass(HOUR);
    let desk = stage.desk();
    desk.poll(&source);
    let gap = |from, to| Gap { detail: "never".to_owned(), ..Gap::new(from, to, "skipped") };
    assert_eq!(stage.gaps(&source), [gap(begin, end)]);
    stage.assert_exact(&source);
    desk.backfill(&source, Window::new(begin + 3 * MINUTE, begin + 4 * MINUTE));
    assert_eq!(stage.gaps(&source), [gap(begin, begin + 3 * MINUTE), gap(begin + 4 * MINUTE, end)]);
    stage.assert_exact(&source);
    desk.backfill(&source, Window::new(begin - HOUR, begin + MINUTE));
    assert_eq!(stage.gaps(&source), [gap(begin + MINUTE, begin + 3 * MINUTE), gap(begin + 4 * MINUTE, end)]);
    desk.backfill(&source, Window::new(begin, end));
    assert_eq!(stage.gaps(&source), []);
    stage.assert_current(&source);
}

#[test]
fn a_range_of_which_atlas_holds_only_the_end_widens_the_archive_by_that_alone() {
    let stage = Stage::at("2026-11-20T12:00:00Z");
    stage.configure(|config| {
        config.only_access();
        config.start("2d");
    });
    stage.generate(&prod(), &Profile::plain(stage.ago(20 * DAY), 0.2));
    let desk = stage.desk();
    desk.poll(&prod());
    let start = at("2026-11-18T12:00:00Z");
    let held = stage.now() - 7 * DAY + 10 * MINUTE;
    let lost = format!("Atlas no longer holds what is before {held}");
    let failure = desk.try_backfill(&prod(), Window::new(start - 10 * DAY, start - 6 * DAY)).failure.unwrap();
    assert!(failure.to_string().contains(&lost), "{failure}");
    assert_eq!(stage.status(&prod()).start(), start);
    assert_eq!(stage.gaps(&prod()), []);
    let failure = desk.try_backfill(&prod(), Window::new(start - 10 * DAY, start)).failure.unwrap();
    assert!(failure.to_string().contains(&lost), "{failure}");
    assert_eq!(stage.status(&prod()).start(), held);
    assert_eq!(stage.gaps(&prod()), []);
    stage.assert_exact(&prod());
}

#[test]
fn a_range_that_is_none_is_refused() {
    let stage = stage();
    let before = stage.status(&orders()).covered();
    let now = stage.now();
    backfill(&stage, &orders(), now, now - HOUR).assert_code(2).assert_says("is not before");
    backfill(&stage, &orders(), now, now).assert_code(2).assert_says("is not before");
    let name = orders().to_string();
    stage.command(["collect", &name, "--from", "2026-11-01"]).assert_code(2);
    stage.command(["collect", "payments/stream-audit/other"]).assert_code(2).assert_says(&name);
    assert_eq!(stage.status(&orders()).covered(), before);
}

/// In a segment, the end of one collection is followed by the beginning of another one, hours away.
#[test]
fn a_record_without_a_time_where_two_collections_meet_hides_no_identical_one_hours_away() {
    let stage = Stage::at("2026-11-20T12:00:00Z");
    stage.configure(|config| {
        config.only_audit();
        config.start("1h");
    });
    let begin = at("2026-11-20T00:00:00Z");
    let quiet = 120..240;
    for minute in (0..720).filter(|minute| !quiet.contains(minute)) {
        stage.add(&orders(), Event::audit(begin + minute * MINUTE, &format!("{minute}")));
    }
    for minute in [150, 420] {
        stage.add(&orders(), Event::new(begin + minute * MINUTE + 30 * SECOND, "no time"));
    }
    stage.poll_once();
    let desk = stage.desk();
    let middle = begin + 210 * MINUTE;
    desk.backfill(&orders(), Window::new(begin, middle));
    desk.backfill(&orders(), Window::new(middle, begin + 11 * HOUR));
    assert_eq!((stage.status(&orders()).start(), stage.gaps(&orders())), (begin, vec![]));
    stage.assert_exact(&orders());
    desk.backfill(&orders(), Window::new(begin, begin + 11 * HOUR));
    stage.assert_exact(&orders());
}
