//! The access history of a cluster.

use std::{io::Read as _, time::Duration};

use atlas_logd::{
    sim::{Bounds, Event, Framing, Profile, RangeClock, Rendering},
    source::{AuthResult, Filter, SourceId},
    window::Window,
};

use crate::client::{ACCESS, AUDIT, ORDERS, PROD, Setup, at};

const DAY: &str = "start=1795132800000&end=1795219200000";

#[test]
fn an_answer_has_the_recorded_headers_in_their_order_and_the_recorded_body() {
    let setup = Setup::new();
    let reply = setup.get(&format!("{PROD}?{DAY}"), ACCESS);
    assert_eq!(reply.status, 200);
    assert_eq!(reply.text(), r#"{"accessLogs":[]}"#);
    let recorded = [
        "Connection",
        "Content-Length",
        "Content-Type",
        "Date",
        "Ratelimit-Limit",
        "Ratelimit-Remaining",
        "Referrer-Policy",
        "Server",
        "Strict-Transport-Security",
        "X-Content-Type-Options",
        "X-Envoy-Upstream-Service-Time",
        "X-Frame-Options",
        "X-Java-Method",
        "X-Java-Version",
        "X-Mongodb-Service-Version",
        "X-Permitted-Cross-Domain-Policies",
    ];
    // The transport adds the first one, at the end.
    let names: Vec<&str> = reply.header_names().into_iter().filter(|name| *name != "Connection").collect();
    assert_eq!(names, recorded[1..]);
    assert_eq!(reply.header("Content-Type"), Some("application/vnd.atlas.2023-01-01+json;charset=utf-8"));
    assert_eq!(reply.header("Date"), Some("Fri, 20 Nov 2026 12:00:00 GMT"));
    assert_eq!(reply.header("Ratelimit-Limit"), Some("1200"));
    assert_eq!(reply.header("Ratelimit-Remaining"), Some("1199"));
}

#[test]
fn json_is_compressed_for_those_who_take_that_where_atlas_does() {
    let setup = Setup::new();
    setup.world.add(&setup.access_source(), Event::access(at("2026-11-20T11:00:00Z"), "host", "one"));
    let (path, token) = (format!("{PROD}?{DAY}"), setup.token());
    let plain = setup.get(&path, ACCESS);
    let send = |path: &str, accept, encodings| {
        setup.send("GET", path, &[("Authorization", &token), ("Accept", accept), ("Accept-Encoding", encodings)], "")
    };
    assert_eq!(send(&path, ACCESS, "gzip").header("Content-Encoding"), None);
    setup.world.set(|settings| settings.compresses = true);
    assert_eq!(send(&path, ACCESS, "identity, br").header("Content-Encoding"), None);
    assert_eq!(send(&format!("{ORDERS}?startDate=1"), AUDIT, "gzip").header("Content-Encoding"), None);
    let packed = send(&path, ACCESS, "br, gzip");
    assert_eq!(packed.header("Content-Encoding"), Some("gzip"));
    assert_eq!(packed.header("Content-Length"), None);
    let mut page = Vec::new();
    flate2::read::GzDecoder::new(&packed.body[..]).read_to_end(&mut page).unwrap();
    assert_eq!(page, plain.body);
    assert_eq!(send(&format!("{PROD}-none"), ACCESS, "gzip").header("Content-Encoding"), Some("gzip"), "errors too");
}

#[test]
fn a_page_is_the_newest_entries_newest_first_in_their_very_bytes() {
    let setup = Setup::new();
    let source = setup.access_source();
    for number in 0..5 {
        let time = at("2026-11-20T11:00:00Z") + Duration::from_secs(number);
        setup.world.add(&source, Event::access(time, "host", &number.to_string()));
    }
    let day = Window::new(at("2026-11-20T00:00:00Z"), at("2026-11-21T00:00:00Z"));
    let held = setup.world.truth(&source, day, at("2026-11-20T12:00:00Z"));
    let texts: Vec<&str> = held.iter().rev().take(3).map(|event| std::str::from_utf8(&event.bytes).unwrap()).collect();
    let reply = setup.get(&format!("{PROD}?{DAY}&nLogs=3"), ACCESS);
    assert_eq!(reply.text(), format!("{{\"accessLogs\":[{}]}}", texts.join(",")));
    assert_eq!(reply.entries(), ["4", "3", "2"]);
    assert!(setup.get(&format!("{PROD}?{DAY}&nLogs=0"), ACCESS).entries().is_empty());
    assert_eq!(setup.get(PROD, ACCESS).entries().len(), 5);
}

#[test]
fn more_than_a_page_is_cut_off_without_a_word() {
    let setup = Setup::new();
    let since = at("2026-11-19T00:00:00Z");
    setup.world.change_projects(|projects| {
        projects[0].clusters[0].profile = Some(Profile { padded_to: Some(700), ..Profile::plain(since, 20.0) });
    });
    let day = Window::new(at("2026-11-20T00:00:00Z"), at("2026-11-21T00:00:00Z"));
    for number in 0..10_000 {
        let event = Event::access(at("2026-11-20T05:00:00Z") + Duration::from_millis(number), "host", "burst");
        setup.world.add(&setup.access_source(), event);
    }
    let held = setup.world.truth(&setup.access_source(), day, at("2026-11-20T12:00:00Z"));
    assert!(held.len() > 20_000, "{}", held.len());
    let reply = setup.get(&format!("{PROD}?{DAY}"), ACCESS);
    assert!(reply.whole);
    let newest: Vec<String> =
        held.iter().rev().take(20_000).map(|event| String::from_utf8(event.bytes.to_vec()).unwrap()).collect();
    assert!(reply.text() == format!("{{\"accessLogs\":[{}]}}", newest.join(",")), "not the newest 20,000");
}

#[test]
fn only_what_is_visible_and_younger_than_seven_days_is_there() {
    let setup = Setup::new();
    let source = setup.access_source();
    setup.world.add(&source, Event::access(at("2026-11-13T11:59:59.999Z"), "host", "gone"));
    setup.world.add(&source, Event::access(at("2026-11-13T12:00:00Z"), "host", "last"));
    let late = Event::access(at("2026-11-20T11:59:00Z"), "host", "late").late(Duration::from_secs(61));
    setup.world.add(&source, late);
    let all = format!("{PROD}?start=0&end=1800000000000");
    assert_eq!(setup.get(&all, ACCESS).entries(), ["last"]);
    setup.clock.set(at("2026-11-20T12:00:01Z"));
    assert_eq!(setup.get(&all, ACCESS).entries(), ["late"]);
}

#[test]
fn the_range_follows_the_settings() {
    let setup = Setup::new();
    let source = setup.access_source();
    // 11:00:00.500 by its log line, 11:00:00 by its timestamp, 11:04:00 by when it was taken in.
    let event = Event::access(at("2026-11-20T11:00:00.5Z"), "host", "one").visible_at(at("2026-11-20T11:04:00Z"));
    setup.world.add(&source, event);
    let millis = |text: &str| at(text).millis();
    // A token for each request: their limit is not what is asked for here.
    setup.world.set(|settings| settings.tokens_per_minute = 1000);
    let found = |clock, bounds, from: &str, to: &str| {
        setup.world.set(|settings| (settings.range_clock, settings.bounds) = (clock, bounds));
        let reply = setup.get(&format!("{PROD}?start={}&end={}", millis(from), millis(to)), ACCESS);
        !reply.entries().is_empty()
    };
    let (before, exact, after) = ("2026-11-20T11:00:00Z", "2026-11-20T11:00:00.5Z", "2026-11-20T11:00:01Z");
    assert!(found(RangeClock::LogLine, Bounds::CLOSED, before, exact));
    assert!(found(RangeClock::LogLine, Bounds::CLOSED, exact, after));
    assert!(!found(RangeClock::LogLine, Bounds::HALF_OPEN, before, exact));
    assert!(found(RangeClock::LogLine, Bounds::HALF_OPEN, exact, after));
    assert!(!found(RangeClock::LogLine, Bounds::LEFT_OPEN, exact, after));
    assert!(found(RangeClock::Timestamp, Bounds::CLOSED, before, exact));
    assert!(!found(RangeClock::Timestamp, Bounds::OPEN, before, exact));
    assert!(!found(RangeClock::Timestamp, Bounds::CLOSED, exact, after));
    assert!(!found(RangeClock::Ingested, Bounds::CLOSED, before, after));
    assert!(found(RangeClock::Ingested, Bounds::CLOSED, "2026-11-20T11:04:00Z", "2026-11-20T11:05:00Z"));
}

#[test]
fn results_and_addresses_can_be_asked_for() {
    let setup = Setup::new();
    let source = setup.access_source();
    let time = at("2026-11-20T11:00:00Z");
    setup.world.add(&source, Event::access(time, "host", "fine"));
    setup.world.add(&source, Event::access_failure(time, "host", "bad", "203.0.113.9"));
    setup.world.add(&source, Event::new(time, r#"{"authResult":"false","username":"text"}"#));
    setup.world.add(&source, Event::new(time, r#"{"username":"neither"}"#));
    let ask = |query: &str| setup.get(&format!("{PROD}?{query}"), ACCESS).entries();
    assert_eq!(ask(""), ["neither", "text", "bad", "fine"]);
    assert_eq!(ask("authResult=true"), ["fine"]);
    assert_eq!(ask("authResult=false"), ["text", "bad"]);
    assert_eq!(ask("ipAddress=203.0.113.9"), ["bad"]);
    let filter = Filter { auth_result: AuthResult::Failure, ip_address: None };
    let day = Window::new(at("2026-11-20T00:00:00Z"), at("2026-11-21T00:00:00Z"));
    assert_eq!(setup.world.truth(&SourceId { filter, ..source }, day, time).len(), 2);
}

#[test]
fn entries_can_be_rendered_otherwise() {
    let setup = Setup::new();
    let event = Event::access(at("2026-11-20T11:00:00Z"), "host", "ü");
    setup.world.add(&setup.access_source(), event.clone());
    let plain = setup.get(PROD, ACCESS);
    setup.world.set(|settings| settings.rendering = Rendering::Anew);
    let anew = setup.get(PROD, ACCESS);
    assert_ne!(anew.body, plain.body);
    assert_eq!(anew.json(), plain.json());
    setup.world.set(|settings| settings.rendering = Rendering::AsHeld);
    let pretty = setup.get(&format!("{PROD}?pretty=true"), ACCESS);
    assert!(pretty.text().starts_with("{\n  \"accessLogs\" : [ {\n    \"authResult\" : true,\n"), "{}", pretty.text());
    assert_eq!(pretty.json(), plain.json());
    let envelope = setup.get(&format!("{PROD}?envelope=true"), ACCESS);
    assert_eq!(envelope.json()["content"], plain.json());
    setup.world.set(|settings| settings.framing = Framing::Chunked);
    let chunked = setup.get(PROD, ACCESS);
    assert_eq!((chunked.header("Content-Length"), chunked.whole), (None, true));
    assert_eq!(chunked.body, plain.body);
}

#[test]
fn a_wrong_query_is_refused() {
    let setup = Setup::new();
    setup.world.set(|settings| settings.tokens_per_minute = 1000);
    let wrong = [
        "start=1",
        "end=1",
        "start=2&end=1",
        "start=2026-11-20&end=2026-11-21",
        "start=-1&end=1",
        "nLogs=20001",
        "nLogs=many",
        "authResult=maybe",
        "ipAddress=host",
        "pretty=1",
        "startDate=1&endDate=2",
        "start=1&end=2&start=1",
    ];
    for query in wrong {
        let reply = setup.get(&format!("{PROD}?{query}"), ACCESS);
        assert_eq!(reply.error().0, 400, "{query}");
    }
}
