//! Wrong answers that stay wrong, with what is said about each.

use std::{io::Write as _, time::Duration};

use atlas_logd::{
    sim::{Fault, Match},
    source::{Kind, Source},
};
use bytes::Bytes;
use flate2::{Compression, write::GzEncoder};

use crate::harness::{HOUR, MINUTE, SECOND, Stage};

/// What a person has to do about a failed poll.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Then {
    /// Nothing: it gets better by itself.
    Wait,
    /// This.
    Do(&'static str),
    /// Skip the window, if it never gets better.
    Skip,
}

/// A wrong answer.
pub(super) struct Case {
    pub(super) kind: Kind,
    /// The name of the source that gets it.
    pub(super) name: &'static str,
    pub(super) faults: Vec<Fault>,
    /// The cause, as it is told.
    pub(super) says: &'static str,
    pub(super) then: Then,
}

impl Case {
    /// Whether the page itself may be good.
    pub(super) fn may_be_of_compression(&self) -> bool {
        matches!(self.name, "not-compressed" | "html-as-json") && self.kind == Kind::AccessHistory
    }
}

/// One gzip member.
pub(super) fn gzip(text: impl AsRef<[u8]>) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(text.as_ref()).unwrap();
    encoder.finish().unwrap()
}

/// Lines that never happened: none of them may ever be archived.
const FORGED: &str = "{\"time\":1,\"forged\":1}\n{\"time\":2,\"forged\":2}\n";

const CHECK_URL: Then = Then::Do("; check atlas.base_url, and whether a proxy answers in place of Atlas");

fn answer(status: u16, media_type: &str, body: impl Into<Bytes>) -> Fault {
    let headers = vec![("Content-Type".to_owned(), media_type.to_owned())];
    Fault::Answer { status, headers, body: body.into() }
}

fn body(bytes: impl Into<Bytes>) -> Fault {
    Fault::Body(bytes.into())
}

/// What concerns any body.
fn of_both(kind: Kind) -> Vec<Case> {
    let wanted = match kind {
        Kind::StreamAudit => "the answer is text/html instead of gzip",
        Kind::AccessHistory => "the answer is text/html instead of JSON",
    };
    let case = |name, faults: Vec<Fault>, says, then| Case { kind, name, faults, says, then };
    let trickle = Fault::Trickle { after: 20, every: Duration::from_secs(1) };
    vec![
        case("cut", vec![Fault::Cut(30)], "the body broke off after 30 bytes: ", Then::Wait),
        case("too-long-a-length", vec![Fault::Length(1_000_000)], "the body broke off after ", Then::Wait),
        case(
            "silent",
            vec![Fault::Stall(10)],
            "the body trickles: less than 64 KiB came within 8 s, 10 bytes in all",
            Then::Wait,
        ),
        case("trickling", vec![trickle], "the body trickles: less than 64 KiB came within 8 s, ", Then::Wait),
        case("reset", vec![Fault::Reset], "the exchange with 127.0.0.1 failed: ", Then::Wait),
        case("html-502", vec![Fault::html(502)], "the server failed with 502", Then::Wait),
        case(
            "json-500",
            vec![Fault::json(500, "UNEXPECTED_ERROR")],
            "the server failed with 500 (UNEXPECTED_ERROR: An unexpected error occurred.)",
            Then::Wait,
        ),
        case("html-200", vec![Fault::html(200)], wanted, CHECK_URL),
        case(
            "redirect",
            vec![Fault::redirect("https://login.example/sso")],
            "the answer is a redirect (302) to login.example",
            CHECK_URL,
        ),
        case(
            "status-204",
            vec![Fault::Answer { status: 204, headers: Vec::new(), body: Bytes::new() }],
            "the answer is 204",
            CHECK_URL,
        ),
        case(
            "encoded",
            vec![Fault::Header("Content-Encoding".into(), Some("br".into()))],
            "the answer has the content encoding br, which was not asked for",
            CHECK_URL,
        ),
    ]
}

fn of_audit_logs() -> Vec<Case> {
    let case = |name, faults, says, then| Case { kind: Kind::StreamAudit, name, faults, says, then };
    let (first, second) = (gzip(FORGED), gzip("{\"forged\":3}\n"));
    let whole = [first.clone(), second].concat();
    let newlines = gzip(vec![b'\n'; 80 << 20]);
    let line = [vec![b'y'; (1 << 20) - 1], b"\n".to_vec()].concat();
    let lines = Fault::Repeat { unit: line.into(), times: None };
    let endless = Fault::Repeat { unit: vec![b'x'; 1 << 20].into(), times: None };
    let place = |from_end: usize| whole.len() - from_end;
    vec![
        // Framing is what shows that there was to be another member.
        case(
            "cut-between-members",
            vec![body(whole.clone()), Fault::Cut(first.len())],
            "the body broke off after ",
            Then::Wait,
        ),
        case(
            "truncated",
            vec![body(whole.clone()), Fault::Truncate(place(3))],
            "the gzip data stops in the middle, after 57 decompressed bytes",
            Then::Wait,
        ),
        case(
            "too-short-a-length",
            vec![body(whole.clone()), Fault::Length(place(3) as u64)],
            "the gzip data stops in the middle, after 57 decompressed bytes",
            Then::Wait,
        ),
        case(
            "wrong-checksum",
            vec![body(whole.clone()), Fault::Corrupt(place(6))],
            "the gzip data is damaged after 57 decompressed bytes: ",
            Then::Skip,
        ),
        case(
            "wrong-size",
            vec![body(whole.clone()), Fault::Corrupt(place(1))],
            "the gzip data is damaged after 57 decompressed bytes: ",
            Then::Skip,
        ),
        case(
            "trailing-garbage",
            vec![body(whole.clone()), Fault::Append("garbage after the end".into())],
            "the gzip data is damaged after 57 decompressed bytes: ",
            Then::Skip,
        ),
        case(
            "html-as-gzip",
            vec![body("<html><body>Bad Gateway</body></html>")],
            "the gzip data is damaged after 0 decompressed bytes: ",
            Then::Skip,
        ),
        case("plain-lines", vec![body(FORGED)], "the gzip data is damaged after 0 decompressed bytes: ", Then::Skip),
        case("endless-line", vec![endless], "a record is longer than 16777216 bytes", Then::Skip),
        case("endless-lines", vec![lines], "the answer is larger than 75497472 bytes", Then::Skip),
        case("bomb", vec![body(newlines)], "the gzip data expands without end: ", Then::Skip),
        case("status-206", vec![answer(206, "application/gzip", whole)], "the answer is 206", CHECK_URL),
    ]
}

fn of_access_history() -> Vec<Case> {
    let case = |name, faults, says, then| Case { kind: Kind::AccessHistory, name, faults, says, then };
    let page = "{\"accessLogs\":[{\"forged\":1},{\"forged\":2}]}";
    let long = [b"{\"accessLogs\":[{\"a\":\"".to_vec(), vec![b'x'; 17 << 20], b"\"}]}".to_vec()].concat();
    let repeated = |unit: &str| Fault::Repeat { unit: unit.repeat(20_000).into(), times: None };
    let compressed = || Fault::Header("Content-Encoding".into(), Some("gzip".into()));
    let entry = [b"{\"a\":\"".to_vec(), vec![b'x'; (1 << 20) - 9], b"\"},".to_vec()].concat();
    let bomb = gzip([&b"{\"accessLogs\":["[..], &entry.repeat(70), b"]}"].concat());
    vec![
        case(
            "not-compressed",
            vec![compressed(), body(page)],
            "the gzip data is damaged after 0 decompressed bytes: ",
            Then::Skip,
        ),
        case(
            "garbage-after-compressed",
            vec![compressed(), body(gzip(page)), Fault::Append("garbage after the end".into())],
            "the gzip data is damaged after 42 decompressed bytes: ",
            Then::Skip,
        ),
        case(
            "compressed-truncated",
            vec![compressed(), body(gzip(&page[..page.len() - 1]))],
            "the JSON stops in the middle, after 2 entries",
            Then::Wait,
        ),
        case("compressed-bomb", vec![compressed(), body(bomb)], "the gzip data expands without end: ", Then::Skip),
        case(
            "truncated",
            vec![body(page), Fault::Truncate(page.len() - 1)],
            "the JSON stops in the middle, after 2 entries",
            Then::Wait,
        ),
        case(
            "too-short-a-length",
            vec![body(page), Fault::Length(30)],
            "the JSON stops in the middle, after 1 entry",
            Then::Wait,
        ),
        case("no-bytes", vec![body("")], "the JSON stops in the middle, after 0 entries", Then::Wait),
        case(
            "trailing-garbage",
            vec![body(page), Fault::Append("}".into())],
            "the body is not JSON at line 1, column 43, after 2 entries",
            Then::Skip,
        ),
        case(
            "html-as-json",
            vec![body("<html><body>Bad Gateway</body></html>")],
            "the body is not JSON at line 1, column 1, after 0 entries",
            Then::Skip,
        ),
        case("null", vec![body("null")], "JSON of another shape: the body is not an object", Then::Skip),
        case(
            "other-shape",
            vec![body("{\"results\":[]}")],
            "JSON of another shape: there is no \"accessLogs\"",
            Then::Skip,
        ),
        case(
            "no-array",
            vec![body("{\"accessLogs\":null}")],
            "JSON of another shape: \"accessLogs\" is not an array",
            Then::Skip,
        ),
        case(
            "no-object",
            vec![body("{\"accessLogs\":[{\"forged\":1},7]}")],
            "JSON of another shape: entry 1 of \"accessLogs\" is not an object",
            Then::Skip,
        ),
        case(
            "twice",
            vec![body("{\"accessLogs\":[{\"forged\":1}],\"accessLogs\":[]}")],
            "JSON of another shape: \"accessLogs\" is there twice",
            Then::Skip,
        ),
        case("long-entry", vec![body(long)], "a record is longer than 16777216 bytes", Then::Skip),
        case("endless-depth", vec![repeated("{\"a\":")], "a record is longer than 16777216 bytes", Then::Skip),
        case("endless-space", vec![repeated("     ")], "a record is longer than 16777216 bytes", Then::Skip),
        case("status-206", vec![answer(206, "application/json", page)], "the answer is 206", CHECK_URL),
    ]
}

/// All of them, each for a source of its own.
pub(super) fn all() -> Vec<Case> {
    [of_both(Kind::StreamAudit), of_audit_logs(), of_both(Kind::AccessHistory), of_access_history()]
        .into_iter()
        .flatten()
        .collect()
}

/// Nothing is tried twice, and no answer is waited for or read for long.
pub(super) fn impatient(stage: &Stage) {
    stage.configure(|config| {
        config.set_text("atlas", "stall_timeout", "8s");
        config.set_text("atlas", "retry_budget", "0s");
        config.set_text("collect", "answer_limit", "72MiB");
    });
}

/// A stage on which each case has a source that was collected once and has new records since. Nothing is tried twice.
pub(super) fn stage_for(cases: &[Case]) -> (Stage, Vec<Source>) {
    let stage = Stage::new();
    impatient(&stage);
    let sources: Vec<Source> = cases.iter().map(|case| stage.add_source(case.kind, case.name)).collect();
    for source in &sources {
        (0..5).for_each(|number| stage.add_record(source, 2 * HOUR + number * MINUTE, &format!("before {number}")));
    }
    stage.command(["collect"]).assert_done();
    for source in &sources {
        (0..5).for_each(|number| stage.add_record(source, MINUTE + number * SECOND, &format!("after {number}")));
    }
    (stage, sources)
}

/// From now on each source gets its wrong answers.
pub(super) fn strike(stage: &Stage, cases: &[Case], sources: &[Source]) {
    for (case, source) in cases.iter().zip(sources) {
        case.faults.iter().for_each(|fault| stage.world.fault(Match::source(&source.id), fault.clone()));
    }
}
