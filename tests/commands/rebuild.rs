//! `rebuild`: the state is lost, or older than the archive, and is made again.

use std::{
    fs::{self, OpenOptions},
    io::{Read as _, Write as _},
    path::{Path, PathBuf},
};

use atlas_logd::{
    config,
    evidence::{Compressed, SegmentDigest, Sha256Sum},
    rebuild::{Assumption, Order, RebuildError, Report, rebuild},
    sim::{Event, RangeClock},
    source::Source,
    state::{DamagedSegment, SourceState, Store, damaged_segments, gaps, islands},
    window::Window,
};

use crate::harness::{DAY, HOUR, MINUTE, SECOND, Stage, at, orders, prod};

/// A stage with small segments at a time of its own.
pub(crate) fn stage() -> Stage {
    let stage = Stage::at("2026-11-20T12:00:00Z");
    stage.configure(|config| {
        config.settle("15m");
        config.set_text("archive", "rotate_size", "2KiB");
    });
    // The program measures the life of a token by another clock.
    stage.world.set(|settings| settings.token_life = 1000 * DAY);
    stage
}

/// The files of the database.
fn database(stage: &Stage) -> Vec<PathBuf> {
    let files = ["state.db", "state.db-wal", "state.db-shm"].map(|name| stage.state().join(name));
    files.into_iter().filter(|path| path.exists()).collect()
}

pub(crate) fn lose_state(stage: &Stage) {
    database(stage).iter().for_each(|path| fs::remove_file(path).unwrap());
}

/// Makes the state again, by the stage's own clock.
pub(crate) fn try_rebuild(stage: &Stage, order: Order) -> Result<Report, RebuildError> {
    let config = config::load(&stage.config_path()).unwrap();
    let report = rebuild(&config, stage.local_clock().as_ref(), order);
    stage.look_thoroughly_at_segments();
    report
}

/// The state is lost and made again.
#[track_caller]
fn lose_and_rebuild(stage: &Stage) -> Report {
    lose_state(stage);
    try_rebuild(stage, Order::Keep).unwrap()
}

/// What the state knows of a source.
fn state_of(
    stage: &Stage,
    source: &Source,
) -> (SourceState, Vec<atlas_logd::plan::Gap>, Vec<Window>, Vec<DamagedSegment>) {
    let store = Store::open_read_only(&stage.state()).unwrap();
    store
        .read(|connection| {
            let state = SourceState::load(connection, &source.id)?.unwrap();
            let key = state.key;
            let rows = (gaps(connection, key)?, islands(connection, key)?, damaged_segments(connection, key)?);
            Ok::<_, atlas_logd::state::StateError>((state, rows.0, rows.1, rows.2))
        })
        .unwrap()
}

/// The next poll finds nothing that is not archived already.
#[track_caller]
fn assert_nothing_twice(stage: &Stage) {
    let before = [orders(), prod()].map(|source| stage.bytes(&source));
    stage.poll_once();
    for (source, before) in [orders(), prod()].iter().zip(before) {
        assert!(stage.bytes(source) == before, "{source}: something was archived again at {}", stage.now());
    }
}

/// A few records of both sources: in time and late, identical ones, and some without any time.
fn add_records(stage: &Stage, number: u32) {
    for (late, note) in [(0, "in time"), (4, "a little late"), (14, "late"), (0, "twice"), (0, "twice")] {
        let note = format!("{number} {note}");
        stage.add(&orders(), Event::audit(stage.now(), &note).late(late * MINUTE));
        stage.add(&prod(), Event::access(stage.now(), "host-00", &note).late(late * MINUTE));
    }
    let visible = stage.now() + 2 * MINUTE;
    stage.add(&orders(), Event::new(stage.now() + SECOND, format!("no time {}", number / 3)).visible_at(visible));
}

#[test]
fn a_state_that_is_lost_after_any_poll_is_made_again_and_nothing_is_archived_twice() {
    let stage = stage();
    for number in 0..25 {
        add_records(&stage, number);
        stage.poll_once();
        stage.pass(3 * MINUTE);
        stage.poll_once();
        let before = [orders(), prod()].map(|source| state_of(&stage, &source));
        lose_and_rebuild(&stage);
        for (source, (lost, ..)) in [orders(), prod()].iter().zip(before) {
            let (made, ..) = state_of(&stage, source);
            assert!(made.end <= lost.end && made.start == lost.start, "{source}: {made:?}, not {lost:?}");
            let numbers = |state: &SourceState| (state.records, state.bytes, state.next_sequence, state.told.clone());
            assert_eq!(numbers(&made), numbers(&lost), "{source}");
            let open = |state: &SourceState| {
                state.open.clone().map(|open| (open.name, open.length, open.records, open.sha256.sum()))
            };
            assert_eq!(open(&made), open(&lost), "{source}");
            let sealed =
                |state: &SourceState| state.sealed.clone().map(|sealed| (sealed.name, sealed.length, sealed.sha256));
            assert_eq!(sealed(&made), sealed(&lost), "{source}");
        }
        assert_nothing_twice(&stage);
        stage.pass(4 * MINUTE);
    }
    stage.pass(HOUR);
    stage.poll_once();
    for source in [orders(), prod()] {
        assert!(stage.segments(&source).len() > 5);
        stage.assert_exact(&source);
    }
}

/// Where Atlas goes by the arrival of records, a state that was just made does not know it yet. The end of the first window
/// must not forget a record that comes again in the second one.
#[test]
fn very_late_records_are_known_again_in_every_window_of_what_is_asked_again() {
    let stage = stage();
    stage.configure(|config| config.set_text("archive", "rotate_size", "1MiB"));
    stage.world.set(|settings| settings.range_clock = RangeClock::Ingested);
    let poll_at = |now: &str| {
        stage.set_time(at(now));
        stage.poll_once();
    };
    [orders(), prod()].iter().for_each(|source| stage.add_record(source, SECOND, "first"));
    stage.poll_once();
    poll_at("2026-11-20T23:59:00Z");
    poll_at("2026-11-21T00:01:00Z");
    let happened = at("2026-11-21T13:00:00Z");
    let late = at("2026-11-21T23:58:00Z").since(happened);
    stage.add(&orders(), Event::audit(happened, "very late").late(late));
    stage.add(&prod(), Event::access(happened, "host-00", "very late").late(late));
    poll_at("2026-11-21T23:59:00Z");
    assert_eq!([orders(), prod()].map(|source| stage.lines(&source).len()), [2, 2]);
    lose_and_rebuild(&stage);
    assert_eq!(stage.status(&orders()).end(), at("2026-11-20T23:44:00Z"), "more than a day is asked again");
    for _ in 0..4 {
        assert_nothing_twice(&stage);
        stage.pass(5 * MINUTE);
    }
    [orders(), prod()].iter().for_each(|source| stage.assert_exact(source));
}

#[test]
fn gaps_islands_and_damage_are_known_again() {
    let stage = stage();
    stage.configure(|config| config.set_text("archive", "rotate_size", "1B"));
    let start = stage.now() - 6 * HOUR;
    for number in 0..20 {
        stage.add_record(&orders(), number * HOUR, &format!("old {number}"));
    }
    stage.poll_once();
    let desk = stage.desk();
    desk.backfill(&orders(), Window::new(start - 5 * HOUR, start - 3 * HOUR));
    drop(desk);
    stage.add_record(&orders(), SECOND, "damaged");
    stage.poll_once();
    let newest = stage.segments(&orders()).pop().unwrap();
    let path = stage.folder_of(&orders()).join(&newest.name);
    stage.damaged(|| fs::write(&path, &newest.bytes[..newest.bytes.len() - 3]).unwrap());
    for number in 0..3 {
        stage.pass(10 * MINUTE);
        stage.add_record(&orders(), SECOND, &format!("new {number}"));
        stage.poll_once();
    }
    let (lost, lost_gaps, lost_islands, lost_damaged) = state_of(&stage, &orders());
    assert_eq!((lost_islands.len(), lost_damaged.len()), (1, 1));
    let report = lose_and_rebuild(&stage);
    let (made, made_gaps, made_islands, made_damaged) = state_of(&stage, &orders());
    assert_eq!((made_gaps, made_islands, made_damaged), (lost_gaps, lost_islands, lost_damaged));
    assert_eq!((made.start, made.told), (lost.start, lost.told));
    let told = report.sources.iter().find(|one| one.folder == "payments/stream-audit/orders").unwrap();
    assert_eq!(told.gaps.len(), 1, "between the backfill and the start: {:?}", told.gaps);
    stage.poll_once();
    let texts = stage.text_lines_that_count(&orders());
    for note in ["damaged", "new 0", "new 1", "new 2", "old 1\"", "old 9", "old 10"] {
        assert_eq!(texts.iter().filter(|line| line.contains(note)).count(), 1, "{note} in {texts:#?}");
    }
}

#[test]
fn sealed_segments_may_be_compressed_or_moved_away() {
    let stage = stage();
    stage.configure(|config| config.set_text("archive", "rotate_size", "1B"));
    for number in 0..6 {
        stage.add_record(&orders(), SECOND, &format!("number {number}"));
        stage.poll_once();
        stage.pass(if number == 0 { 3 * DAY } else { MINUTE });
    }
    let folder = stage.folder_of(&orders());
    let segments = stage.segments(&orders());
    stage.damaged(|| {
        fs::remove_file(folder.join(&segments[0].name)).unwrap();
        let mut gzip = Vec::new();
        flate2::read::GzEncoder::new(&segments[3].bytes[..], flate2::Compression::fast())
            .read_to_end(&mut gzip)
            .unwrap();
        fs::write(folder.join(format!("{}.gz", segments[3].name)), gzip).unwrap();
        fs::remove_file(folder.join(&segments[3].name)).unwrap();
    });
    let report = lose_and_rebuild(&stage);
    let told = report.sources.iter().find(|one| one.folder == "payments/stream-audit/orders").unwrap();
    let gone = format!("payments/stream-audit/orders/{}", segments[0].name);
    assert!(told.assumptions.contains(&Assumption::Gone { segments: vec![gone] }), "{told:?}");
    assert_nothing_twice(&stage);
    // No digest had told of the compression yet: the next one does.
    stage.add_record(&orders(), SECOND, "the next");
    stage.poll_once();
    let open = folder.join(&segments[5].name);
    let digest = fs::read(open.to_str().unwrap().replace(".ndjson", ".digest.json")).unwrap();
    let file = format!("{}.gz", segments[3].name);
    let stored = fs::read(folder.join(&file)).unwrap();
    let segment = segments[3].name.parse().unwrap();
    let compressed = Compressed { segment, file, bytes: stored.len() as u64, sha256: Sha256Sum::of(&stored) };
    assert_eq!(SegmentDigest::parse(&digest).unwrap().compressed, [compressed]);
}

/// A commit that was interrupted half-way: some of its lines are whole, the last one is not, and the state that knew of it
/// is lost.
#[test]
fn an_append_that_was_interrupted_is_admitted_and_its_records_are_archived() {
    let stage = stage();
    stage.configure(|config| config.set_text("archive", "rotate_size", "1MiB"));
    for number in 0..3 {
        stage.add_record(&orders(), SECOND, &format!("number {number}"));
    }
    stage.poll_once();
    stage.pass(MINUTE);
    for number in 3..6 {
        stage.add_record(&orders(), SECOND, &format!("number {number}"));
    }
    let whole = stage.bytes(&orders()).len();
    stage.poll_once();
    let [segment] = &stage.segments(&orders())[..] else { panic!("not one segment") };
    let path = stage.folder_of(&orders()).join(&segment.name);
    let torn = whole + (segment.bytes.len() - whole) / 2;
    assert_ne!(segment.bytes[torn - 1], b'\n');
    let good = memchr::memrchr(b'\n', &segment.bytes[..torn]).unwrap() + 1;
    assert!(good > whole, "one line is whole");
    stage.damaged(|| fs::write(&path, &segment.bytes[..torn]).unwrap());
    let report = lose_and_rebuild(&stage);
    let torn_bytes = (torn - good) as u64;
    let told = report.sources.iter().find(|one| one.folder == "payments/stream-audit/orders").unwrap();
    assert!(told.assumptions.contains(&Assumption::Torn { segment: segment.name.clone(), torn_bytes }), "{told:?}");
    assert_eq!(stage.segments(&orders())[0].bytes, segment.bytes[..torn], "nothing is taken back");
    // It stays so, whoever comes first.
    lose_and_rebuild(&stage);
    for _ in 0..2 {
        stage.poll_once();
        let texts = stage.text_lines_that_count(&orders());
        for number in 0..6 {
            let note = format!("number {number}");
            assert_eq!(texts.iter().filter(|line| line.contains(&note)).count(), 1, "{note} in {texts:#?}");
        }
    }
    let digest = fs::read_to_string(path.with_file_name(segment.name.replace(".ndjson", ".digest.json"))).unwrap();
    assert!(digest.contains(&format!("\"good_bytes\": {good}")), "{digest}");
    assert!(digest.contains("behind its last complete line lie"), "{digest}");
}

#[test]
fn a_source_without_any_digest_starts_where_the_configuration_said_when_it_was_first_seen() {
    let stage = stage();
    stage.configure(|config| config.set_text("archive", "rotate_size", "1MiB"));
    for hours in [1, 3, 5] {
        [orders(), prod()].iter().for_each(|source| stage.add_record(source, hours * HOUR, &format!("{hours} h ago")));
    }
    stage.poll_once();
    let start = stage.status(&orders()).start();
    stage.pass(5 * HOUR);
    [orders(), prod()].iter().for_each(|source| stage.add_record(source, 2 * HOUR, "meanwhile"));
    let report = lose_and_rebuild(&stage);
    assert_eq!(report.sources.len(), 2);
    assert_eq!(report.sources[0].assumptions[0], Assumption::StartOfConfiguration { start });
    stage.poll_once();
    for source in [orders(), prod()] {
        assert_eq!((stage.status(&source).start(), stage.lines(&source).len()), (start, 4));
        stage.assert_exact(&source);
    }
}

impl Stage {
    /// The lines of a source that end.
    fn text_lines_that_count(&self, source: &Source) -> Vec<String> {
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        let whole = |text: String| {
            text.split_inclusive('\n').filter(|line| line.ends_with('\n')).map(ToOwned::to_owned).collect::<Vec<_>>()
        };
        self.segments(source).into_iter().flat_map(|segment| whole(text(segment.bytes))).collect()
    }
}

/// Appends to a file.
pub(crate) fn append(path: &Path, bytes: &[u8]) {
    OpenOptions::new().append(true).open(path).unwrap().write_all(bytes).unwrap();
}
