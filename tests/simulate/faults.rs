//! Faults that really strike.

use std::{io::Read, time::Duration};

use atlas_logd::sim::{DateHeader, Event, Fault, Framing, Match};

use crate::client::{ACCESS, AUDIT, ORDERS, PROD, Reply, Setup, at};

fn setup() -> Setup {
    let setup = Setup::new();
    setup.world.set(|settings| (settings.tokens_per_minute, settings.live_tokens) = (10_000, 10_000));
    for second in 0..3 {
        let time = at("2026-11-20T11:00:00Z") + Duration::from_secs(second);
        setup.world.add(&setup.audit_source(), Event::audit(time, "note"));
        setup.world.add(&setup.access_source(), Event::access(time, "host", "note"));
    }
    setup
}

fn with(setup: &Setup, fault: Fault, target: &str, accept: &str) -> Reply {
    setup.world.fault(Match::path("/groups/").authenticated().nth(1), fault);
    let reply = setup.get(target, accept);
    setup.world.clear_faults();
    reply
}

#[test]
fn a_cut_leaves_exactly_the_bytes_before_it_under_either_framing() {
    let setup = setup();
    for (target, accept) in [(PROD, ACCESS), (ORDERS, AUDIT)] {
        for framing in [Framing::Length, Framing::Chunked] {
            setup.world.set(|settings| settings.framing = framing);
            let right = setup.get(target, accept);
            assert!(right.whole);
            for bytes in (0..right.body.len()).step_by(37) {
                let reply = with(&setup, Fault::Cut(bytes), target, accept);
                assert_eq!((reply.status, reply.whole), (200, false));
                assert_eq!(reply.body, right.body[..bytes], "cut after {bytes}");
                let reply = with(&setup, Fault::Truncate(bytes), target, accept);
                assert_eq!((reply.status, reply.whole), (200, true));
                assert_eq!(reply.body, right.body[..bytes], "truncated to {bytes}");
            }
        }
    }
}

#[test]
fn bytes_are_changed_added_and_replaced() {
    let setup = setup();
    let right = setup.get(PROD, ACCESS).body;
    let mut corrupt = right.clone();
    corrupt[100] = !corrupt[100];
    assert_eq!(with(&setup, Fault::Corrupt(100), PROD, ACCESS).body, corrupt);
    let reply = with(&setup, Fault::Append("garbage".into()), PROD, ACCESS);
    assert_eq!((reply.body, reply.whole), ([right.as_slice(), b"garbage"].concat(), true));
    let reply = with(&setup, Fault::Length(right.len() as u64 + 10), PROD, ACCESS);
    assert_eq!((reply.body, reply.whole), (right.clone(), false));
    let reply = with(&setup, Fault::Length(10), PROD, ACCESS);
    assert_eq!((reply.body.as_slice(), reply.whole), (&right[..10], true));
    let reply = with(&setup, Fault::Body("<html>".into()), ORDERS, AUDIT);
    assert_eq!((reply.status, reply.text(), reply.whole), (200, "<html>", true));
    let trickle = Fault::Trickle { after: right.len() - 5, every: Duration::from_micros(1) };
    assert_eq!(with(&setup, trickle, PROD, ACCESS).body, right);
}

#[test]
fn other_answers_come_instead() {
    let setup = setup();
    let reply = with(&setup, Fault::html(502), PROD, ACCESS);
    assert_eq!((reply.status, reply.header("Content-Type")), (502, Some("text/html")));
    assert_eq!(
        with(&setup, Fault::json(503, "UNEXPECTED_ERROR"), PROD, ACCESS).error(),
        (503, "UNEXPECTED_ERROR".into())
    );
    let reply = with(&setup, Fault::redirect("http://127.0.0.1:1/"), PROD, ACCESS);
    assert_eq!((reply.status, reply.header("Location")), (302, Some("http://127.0.0.1:1/")));
    let reply = with(&setup, Fault::RateLimited { retry_after: Some(7) }, PROD, ACCESS);
    assert_eq!((reply.status, reply.header("Retry-After")), (429, Some("7")));
    let reply = with(&setup, Fault::RateLimited { retry_after: None }, PROD, ACCESS);
    assert_eq!((reply.status, reply.header("Retry-After")), (429, None));
    assert_eq!(setup.get(PROD, ACCESS).status, 200);
}

#[test]
fn the_date_and_other_headers_can_be_wrong_or_missing() {
    let setup = setup();
    assert_eq!(with(&setup, Fault::no_date(), PROD, ACCESS).header("Date"), None);
    let reply = with(&setup, Fault::DateOffset(-3_600_000), PROD, ACCESS);
    assert_eq!(reply.header("Date"), Some("Fri, 20 Nov 2026 11:00:00 GMT"));
    let reply = with(&setup, Fault::Header("Content-Disposition".into(), Some("inline".into())), ORDERS, AUDIT);
    assert_eq!(reply.header("Content-Disposition"), Some("inline"));
    let narrow = Fault::NarrowRange(Duration::from_secs(1), Duration::ZERO);
    let reply = with(&setup, narrow, &format!("{ORDERS}?startDate=1795172400&endDate=1795176000"), AUDIT);
    assert_eq!(reply.lines().len(), 2);
    assert!(reply.header("Content-Disposition").unwrap().contains("_2026-11-20T11:00:01Z_"));
    setup.world.set(|settings| settings.date = DateHeader::Missing);
    assert_eq!(setup.get(PROD, ACCESS).header("Date"), None);
    setup.world.set(|settings| settings.date = DateHeader::Offset(60_000));
    assert_eq!(setup.get(PROD, ACCESS).header("Date"), Some("Fri, 20 Nov 2026 12:01:00 GMT"));
}

#[test]
fn connections_are_reset() {
    let setup = setup();
    let reply = with(&setup, Fault::Reset, PROD, ACCESS);
    assert_eq!((reply.status, reply.body.len()), (0, 0));
    let reply = with(&setup, Fault::ResetAfter(100), PROD, ACCESS);
    assert!(!reply.whole && reply.body.len() <= 100);
    assert_eq!(setup.get(PROD, ACCESS).status, 200);
}

#[test]
fn a_stalled_body_stays_open_and_an_endless_one_goes_on() {
    let setup = setup();
    let token = setup.token();
    let headers = [("Authorization", token.as_str()), ("Accept", ACCESS)];
    setup.world.fault(Match::path(PROD).nth(1), Fault::Stall(50));
    let mut stream = setup.open("GET", PROD, &headers, "");
    let mut received = Vec::new();
    while !received.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).unwrap();
        received.push(byte[0]);
    }
    stream.read_exact(&mut [0; 50]).unwrap();
    stream.set_nonblocking(true).unwrap();
    assert_eq!(stream.read(&mut [0; 10]).unwrap_err().kind(), std::io::ErrorKind::WouldBlock);

    setup.world.fault(Match::path(PROD), Fault::endless_line());
    let mut stream = setup.open("GET", PROD, &headers, "");
    let mut much = vec![0; 20 * 1024 * 1024];
    stream.read_exact(&mut much).unwrap();
}

#[test]
fn a_gzip_bomb_is_small_on_the_wire() {
    let setup = setup();
    let reply = with(&setup, Fault::gzip_bomb(64), ORDERS, AUDIT);
    assert!(reply.whole && reply.body.len() < 1024 * 1024);
    let mut decoder = flate2::read::GzDecoder::new(&reply.body[..]);
    assert_eq!(std::io::copy(&mut decoder, &mut std::io::sink()).unwrap(), 64 * 1024 * 1024);
}

#[test]
fn a_hung_request_is_in_the_log_without_an_answer() {
    let setup = setup();
    let token = setup.token();
    setup.world.fault(Match::path(PROD), Fault::Hang);
    let stream = setup.open("GET", PROD, &[("Authorization", &token), ("Accept", ACCESS)], "");
    assert!(setup.world.wait_arrived(&Match::path(PROD), 1));
    assert_eq!(setup.world.requests().last().unwrap().status, None);
    drop(stream);
}
