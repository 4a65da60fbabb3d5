//! Answers that stop at every byte, with correct framing.

use atlas_logd::sim::{Event, Fault, Match};

use super::cases::gzip;
use crate::harness::{SECOND, Stage, orders, prod};

const NOW: &str = "2026-11-20T12:00:00Z";

/// More polls at one moment than Atlas would answer.
fn unlimited(stage: &Stage) {
    stage.world.set(|settings| settings.bucket.capacity = 1_000_000);
}

#[test]
fn a_gzip_that_stops_anywhere_brings_no_record_unless_it_stops_after_a_member() {
    let stage = Stage::at(NOW);
    stage.configure(|config| {
        config.only_audit();
        config.set_text("atlas", "retry_budget", "0s");
        // A window that is too short to be asked in parts: the answer is the same whatever is asked.
        config.start("1m");
    });
    unlimited(&stage);
    let source = orders();
    let line = |event: &Event| [&event.bytes[..], b"\n"].concat();
    let events: Vec<Event> =
        (0..4).map(|number| Event::audit(stage.ago(30 * SECOND) + number * SECOND, &format!("no. {number}"))).collect();
    events.iter().for_each(|event| stage.add(&source, event.clone()));
    let members: Vec<Vec<u8>> =
        events.chunks(2).map(|events| gzip(events.iter().flat_map(line).collect::<Vec<u8>>())).collect();
    let (first, body) = (members[0].len(), members.concat());

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
    let stage = Stage::at(NOW);
    stage.configure(|config| {
        config.only_access();
        config.set_text("atlas", "retry_budget", "0s");
        // A window that is too short to be asked in parts: the answer is the same whatever is asked.
        config.start("1m");
    });
    unlimited(&stage);
    let source = prod();
    // Newest first, as Atlas answers.
    let events: Vec<Event> = (0..2)
        .map(|number| Event::access(stage.ago(30 * SECOND + number * SECOND), "host-00", &format!("no. {number}")))
        .collect();
    events.iter().for_each(|event| stage.add(&source, event.clone()));
    let entries: Vec<&[u8]> = events.iter().map(|event| &event.bytes[..]).collect();
    let page = [&b"{\"accessLogs\":["[..], &entries.join(&b',')[..], b"],\"totalCount\": 2.50e1}\n"].concat();

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
