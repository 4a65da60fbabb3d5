//! Answers that go wrong at every byte: they stop with correct framing, break off, are reset, stall, or change there.

use atlas_logd::{
    sim::{Event, Fault, Match},
    source::Source,
};

use super::cases::gzip;
use crate::harness::{SECOND, Stage, desk::Desk, orders, prod, try_until};

const NOW: &str = "2026-11-20T12:00:00Z";

/// A stage with one source, of which one poll tries one answer.
fn stage_of(source: &Source) -> Stage {
    let stage = Stage::at(NOW);
    stage.configure(|config| {
        if *source == orders() {
            config.only_audit()
        } else {
            config.only_access()
        }
        config.set_text("atlas", "retry_budget", "0s");
        // A window that is too short to be asked in parts: the answer is the same whatever is asked.
        config.start("1m");
    });
    // More polls at one moment than Atlas would answer.
    stage.world.set(|settings| settings.bucket.capacity = 1_000_000);
    stage
}

/// Four lines in a gzip of two members, and where the first one ends.
fn small_gzip(stage: &Stage) -> (Vec<Event>, Vec<u8>, usize) {
    let line = |event: &Event| [&event.bytes[..], b"\n"].concat();
    let events: Vec<Event> =
        (0..4).map(|number| Event::audit(stage.ago(30 * SECOND) + number * SECOND, &format!("no. {number}"))).collect();
    let members: Vec<Vec<u8>> =
        events.chunks(2).map(|events| gzip(events.iter().flat_map(line).collect::<Vec<u8>>())).collect();
    (events, members.concat(), members[0].len())
}

/// Two entries, newest first, as Atlas answers.
fn small_page(stage: &Stage) -> (Vec<Event>, Vec<u8>) {
    let events: Vec<Event> = (0..2)
        .map(|number| Event::access(stage.ago(30 * SECOND + number * SECOND), "host-00", &format!("no. {number}")))
        .collect();
    let entries: Vec<&[u8]> = events.iter().map(|event| &event.bytes[..]).collect();
    let page = [&b"{\"accessLogs\":["[..], &entries.join(&b',')[..], b"],\"totalCount\": 2.50e1}\n"].concat();
    (events, page)
}

/// The same, compressed for its way.
fn small_compressed_page(stage: &Stage) -> (Vec<Event>, Vec<u8>) {
    stage.world.set(|settings| settings.compresses = true);
    let (events, page) = small_page(stage);
    (events, gzip(page))
}

/// The small answers: an audit log, and a page as it is and compressed.
const SMALL_ANSWERS: [(fn() -> Source, SmallAnswer); 3] = [
    (orders, |stage| {
        let (events, body, _) = small_gzip(stage);
        (events, body)
    }),
    (prod, small_page),
    (prod, small_compressed_page),
];

type SmallAnswer = fn(&Stage) -> (Vec<Event>, Vec<u8>);

/// Polls once for every place in `body`, each time with the fault at that place. Whether the answer counted, by place.
fn at_every_byte(stage: &Stage, source: &Source, body: &[u8], fault: impl Fn(usize) -> Fault) -> Vec<bool> {
    let desk = stage.desk();
    let counted = (0..body.len()).map(|place| failure_at(stage, &desk, source, body, fault(place)).is_none());
    let counted = counted.collect();
    stage.world.clear_faults();
    counted
}

/// Polls once, and is answered with `body` and a fault in it. What failed.
fn failure_at(stage: &Stage, desk: &Desk<'_>, source: &Source, body: &[u8], fault: Fault) -> Option<String> {
    stage.world.clear_faults();
    let when = Match::source(&source.id);
    stage.world.fault(when.clone(), Fault::Body(body.to_vec().into()));
    stage.world.fault(when, fault);
    desk.try_poll(source).failure.map(|failure| failure.to_string())
}

/// No answer counts that breaks off, wherever it does, and none of its records is archived.
fn nothing_comes_of(stage: &Stage, source: &Source, body: &[u8], fault: impl Fn(usize) -> Fault) {
    let counted = at_every_byte(stage, source, body, fault);
    assert_eq!(counted.iter().position(|counted| *counted), None, "an answer that broke off counted");
    assert_eq!(stage.lines(source).len(), 0);
}

/// Then the right answer is archived once.
fn then_all_is_well(stage: &Stage, source: &Source, events: &[Event]) {
    events.iter().for_each(|event| stage.add(source, event.clone()));
    stage.configure(|config| {
        config.set_text("atlas", "connect_timeout", "10s");
        config.set_text("atlas", "stall_timeout", "60s");
    });
    stage.poll_once();
    stage.assert_current(source);
    assert_eq!(stage.lines(source).len(), events.len());
}

#[test]
fn an_answer_whose_connection_is_closed_or_reset_anywhere_brings_no_record() {
    for (source, small_answer) in SMALL_ANSWERS {
        let source = source();
        let stage = stage_of(&source);
        let (events, body) = small_answer(&stage);
        nothing_comes_of(&stage, &source, &body, Fault::Cut);
        nothing_comes_of(&stage, &source, &body, Fault::ResetAfter);
        then_all_is_well(&stage, &source, &events);
    }
}

#[test]
fn an_answer_that_stalls_anywhere_brings_no_record() {
    for (source, small_answer) in SMALL_ANSWERS {
        let source = source();
        let stage = stage_of(&source);
        stage.configure(|config| {
            config.set_text("atlas", "connect_timeout", "20ms");
            config.set_text("atlas", "stall_timeout", "20ms");
        });
        let (events, body) = small_answer(&stage);
        let desk = stage.desk();
        for place in 0..body.len() {
            // On a busy machine the answer may not even begin in time.
            let stalled = format!(", {place} bytes in all");
            try_until(|| {
                let failure = failure_at(&stage, &desk, &source, &body, Fault::Stall(place));
                let failure = failure.expect("an answer that stalled counted");
                if failure.contains(&stalled) {
                    Ok(())
                } else {
                    Err(format!("byte {place} of {}: {failure}", body.len()))
                }
            });
        }
        drop(desk);
        assert_eq!(stage.lines(&source).len(), 0);
        stage.world.clear_faults();
        then_all_is_well(&stage, &source, &events);
    }
}

#[test]
fn a_gzip_that_is_changed_anywhere_but_in_what_nobody_reads_brings_no_record() {
    let stage = stage_of(&orders());
    let (events, body, first) = small_gzip(&stage);
    let counted = at_every_byte(&stage, &orders(), &body, Fault::Corrupt);
    // Time, compression level and system of each member: any value is right.
    let unread = |place: usize| {
        let place = if place < first { place } else { place - first };
        (4..10).contains(&place)
    };
    for (place, counted) in counted.into_iter().enumerate() {
        assert_eq!(counted, unread(place), "byte {place} of {}", body.len());
    }
    then_all_is_well(&stage, &orders(), &events);
}

#[test]
fn a_page_that_is_changed_anywhere_brings_no_record() {
    let stage = stage_of(&prod());
    let (events, body) = small_page(&stage);
    // An inverted byte is no ASCII. (Nothing but TLS protects JSON against one that is.)
    let counted = at_every_byte(&stage, &prod(), &body, Fault::Corrupt);
    let last = body.len() - 1;
    for (place, counted) in counted.into_iter().enumerate() {
        assert!(!counted, "byte {place} of {}", last);
    }
    then_all_is_well(&stage, &prod(), &events);
}

#[test]
fn a_compressed_page_that_is_changed_anywhere_but_in_what_nobody_reads_brings_no_record() {
    let stage = stage_of(&prod());
    let (events, body) = small_compressed_page(&stage);
    let counted = at_every_byte(&stage, &prod(), &body, Fault::Corrupt);
    for (place, counted) in counted.into_iter().enumerate() {
        assert_eq!(counted, (4..10).contains(&place), "byte {place} of {}", body.len());
    }
    then_all_is_well(&stage, &prod(), &events);
}

#[test]
fn a_compressed_page_that_stops_anywhere_brings_no_record() {
    let stage = stage_of(&prod());
    let (events, body) = small_compressed_page(&stage);
    let desk = stage.desk();
    for length in 0..body.len() {
        let failure = failure_at(&stage, &desk, &prod(), &body, Fault::Truncate(length));
        let failure = failure.expect("an answer that stopped counted");
        assert!(failure.contains("the gzip data stops in the middle"), "{length}: {failure}");
    }
    drop(desk);
    assert_eq!(stage.lines(&prod()).len(), 0);
    stage.world.clear_faults();
    then_all_is_well(&stage, &prod(), &events);
}

#[test]
fn a_gzip_that_stops_anywhere_brings_no_record_unless_it_stops_after_a_member() {
    let source = orders();
    let stage = stage_of(&source);
    let (events, body, first) = small_gzip(&stage);
    events.iter().for_each(|event| stage.add(&source, event.clone()));

    let desk = stage.desk();
    for length in 0..=body.len() {
        stage.world.clear_faults();
        let when = Match::source(&source.id);
        stage.world.fault(when.clone(), Fault::Body(body.clone().into()));
        stage.world.fault(when, Fault::Truncate(length));
        let report = desk.try_poll(&source);
        // A body of no bytes is how some of Atlas' downloads say that nothing happened, and a gzip that ends with a member
        // is whole: no client can tell it from one that was to have another. Both are complete by their framing, and what
        // they lack is asked again for as long as records may still appear.
        let complete = length == 0 || length == first || length == body.len();
        assert_eq!(report.failure.is_none(), complete, "{length} of {} bytes: {report:?}", body.len());
        let archived = if length < first {
            0
        } else if length < body.len() {
            2
        } else {
            4
        };
        let expected: Vec<_> = events[..archived].iter().map(|event| event.bytes.to_vec()).collect();
        assert_eq!(stage.lines(&source), expected, "after {length} of {} bytes", body.len());
        if let Some(failure) = report.failure {
            assert!(failure.to_string().contains("the gzip data stops in the middle"), "{length}: {failure}");
        }
    }
    stage.world.clear_faults();
    desk.poll(&source);
    stage.assert_exact(&source);
    assert_eq!(stage.lines(&source).len(), 4);
}

#[test]
fn a_page_that_stops_anywhere_brings_no_record() {
    let source = prod();
    let stage = stage_of(&source);
    let (events, page) = small_page(&stage);
    events.iter().for_each(|event| stage.add(&source, event.clone()));

    let desk = stage.desk();
    // The page is whole with its last brace: the newline behind it says nothing.
    let whole = page.len() - 1;
    for length in 0..=page.len() {
        stage.world.clear_faults();
        let when = Match::source(&source.id);
        stage.world.fault(when.clone(), Fault::Body(page.clone().into()));
        stage.world.fault(when, Fault::Truncate(length));
        let report = desk.try_poll(&source);
        assert_eq!(report.failure.is_none(), length >= whole, "{length} of {} bytes: {report:?}", page.len());
        assert_eq!(stage.lines(&source).len(), if length < whole { 0 } else { 2 }, "after {length} bytes");
        if let Some(failure) = report.failure {
            assert!(failure.to_string().contains("the JSON stops in the middle"), "{length}: {failure}");
        }
    }
    stage.world.clear_faults();
    desk.poll(&source);
    stage.assert_exact(&source);
}
