//! Audit logs arrive in many forms; the archive holds their lines as they came.

use std::io::Write;

use atlas_logd::sim::{EmptyAudit, Event, Fault, Framing, Match};

use crate::harness::{HOUR, MINUTE, SECOND, Stage, orders};

fn stage() -> Stage {
    let stage = Stage::new();
    stage.configure(|config| config.only_audit());
    stage
}

/// Lines that a text tool would be tempted to change.
fn odd_lines(stage: &Stage) -> Vec<Event> {
    let time = stage.ago(HOUR);
    let audit = |second: u32, note: &str| Event::audit(time + second * SECOND, note);
    let raw = |second: u32, bytes: &[u8]| Event::new(time + second * SECOND, bytes.to_vec());
    vec![
        audit(0, "plain"),
        audit(1, "müller-straße 用户 🦀 e\u{301}\u{2028}x"),
        raw(2, b"{\"time\":1710715316123,\"note\":\"a carriage return belongs to its line\"}\r"),
        raw(3, b"not JSON: Traceback (most recent call last)"),
        raw(4, b"\xff\xfe bytes that are no text \x00\x1b[31m"),
        raw(5, b"\r"),
        raw(6, b" "),
        raw(7, b"\xef\xbb\xbf{\"time\":1710715316123}"),
        raw(8, &[b"{\"long\":\"".as_slice(), &vec![b'x'; 1024 * 1024], b"\"}"].concat()),
        raw(9, &vec![b'y'; 1024 * 1024]),
        audit(10, "twice"),
        audit(10, "twice"),
        raw(11, b"{\"time\":\"soon\"} the same bytes without a time, twice"),
        raw(11, b"{\"time\":\"soon\"} the same bytes without a time, twice"),
        audit(12, "last"),
    ]
}

fn joined(events: &[Event]) -> Vec<u8> {
    events.iter().flat_map(|event| [&event.bytes[..], b"\n"].concat()).collect()
}

#[test]
fn lines_are_archived_as_they_came_whatever_the_members_and_the_framing() {
    for (lines_per_member, final_newline, framing) in [
        (None, true, Framing::Length),
        (None, false, Framing::Chunked),
        (Some(1), true, Framing::Chunked),
        (Some(4), false, Framing::Length),
    ] {
        let stage = stage();
        stage.world.set(|settings| {
            settings.lines_per_member = lines_per_member;
            settings.final_newline = final_newline;
            settings.framing = framing;
        });
        let events = odd_lines(&stage);
        events.iter().for_each(|event| stage.add(&orders(), event.clone()));
        stage.command(["collect"]).assert_done();
        let form = format!("{lines_per_member:?} {final_newline} {framing:?}");
        assert!(stage.bytes(&orders()) == joined(&events), "{form}");
        stage.command(["collect"]).assert_done();
        assert!(stage.bytes(&orders()) == joined(&events), "collected again: {form}");
        stage.assert_current(&orders());
    }
}

#[test]
fn an_empty_line_is_no_record() {
    let stage = stage();
    stage.add(&orders(), Event::new(stage.ago(HOUR), "\n\none\n\n\ntwo\n"));
    stage.add(&orders(), Event::new(stage.ago(MINUTE), ""));
    stage.command(["collect"]).assert_done();
    assert_eq!(stage.text_lines(&orders()), ["one", "two"]);
    stage.command(["collect"]).assert_done();
    assert_eq!(stage.text_lines(&orders()), ["one", "two"]);
}

#[test]
fn each_form_of_an_empty_log_says_that_nothing_happened() {
    for empty_audit in EmptyAudit::ALL {
        let stage = stage();
        stage.world.set(|settings| settings.empty_audit = empty_audit);
        let before = stage.now();
        stage.command(["collect"]).assert_done();
        let after = stage.now();
        assert_eq!(stage.bytes(&orders()), b"");
        let status = stage.status(&orders());
        // The `Date` has whole seconds.
        assert!(before - 10 * MINUTE - SECOND <= status.end() && status.end() <= after - 10 * MINUTE, "{status:?}");
        assert!(status.gaps().is_empty());
    }
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut member = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    member.write_all(bytes).unwrap();
    member.finish().unwrap()
}

#[test]
fn a_line_may_go_on_in_the_next_gzip_member() {
    let stage = stage();
    let body = [
        gzip(b""),
        gzip(b"{\"time\":1,\"note\":\"begins in one member"),
        gzip(b""),
        gzip(b" and ends in another\"}\nsecond\nthi"),
        gzip(b"rd"),
        gzip(b""),
    ];
    stage.world.fault(Match::source(&orders().id), Fault::Body(body.concat().into()));
    stage.command(["collect"]).assert_done();
    let lines = ["{\"time\":1,\"note\":\"begins in one member and ends in another\"}", "second", "third"];
    assert_eq!(stage.text_lines(&orders()), lines);
    stage.command(["collect"]).assert_done();
    assert_eq!(stage.text_lines(&orders()), lines);
}

#[test]
fn a_last_line_without_its_newline_is_the_same_record_once_it_has_one() {
    let stage = stage();
    stage.world.set(|settings| settings.final_newline = false);
    stage.add(&orders(), Event::audit(stage.ago(2 * MINUTE), "last for now"));
    stage.command(["collect"]).assert_done();
    stage.add(&orders(), Event::audit(stage.ago(MINUTE), "last"));
    stage.command(["collect"]).assert_done();
    assert_eq!(stage.lines(&orders()).len(), 2);
    stage.assert_current(&orders());
}
