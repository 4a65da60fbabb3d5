//! The audit log of a stream instance.

use std::time::Duration;

use atlas_logd::{
    sim::{EmptyAudit, Event, Profile},
    window::Window,
};

use crate::client::{AUDIT, GROUP, ORDERS, Setup, at};

/// 2026-11-20T11:00:00Z to 12:00:00Z
const HOUR: &str = "startDate=1795172400&endDate=1795176000";

#[test]
fn an_answer_has_the_recorded_shape() {
    let setup = Setup::new();
    setup.world.add(&setup.audit_source(), Event::audit(at("2026-11-20T11:00:00Z"), "first"));
    setup.world.add(&setup.audit_source(), Event::audit(at("2026-11-20T11:00:00.001Z"), "second"));
    let reply = setup.get(&format!("{ORDERS}?{HOUR}"), AUDIT);
    assert_eq!((reply.status, reply.whole), (200, true));
    assert_eq!(reply.header("Content-Type"), Some("application/vnd.atlas.2023-02-01+gzip"));
    assert_eq!(reply.header("Content-Encoding"), None);
    let disposition = "attachment; filename=\"orders_2026-11-20T11:00:00Z_2026-11-20T12:00:00Z_audit.log.gz\"";
    assert_eq!(reply.header("Content-Disposition"), Some(disposition));
    assert_eq!(reply.header("X-Java-Method"), Some("ApiStreamsResource::getAuditLogsForTenant"));
    let lines = reply.lines();
    assert_eq!(lines.len(), 2);
    assert!(lines[0].contains("first") && lines[1].contains("second"));
}

#[test]
fn nothing_has_three_forms() {
    let setup = Setup::new();
    for form in EmptyAudit::ALL {
        setup.world.set(|settings| settings.empty_audit = form);
        let reply = setup.get(&format!("{ORDERS}?{HOUR}"), AUDIT);
        assert!(reply.whole);
        let bytes = match form {
            EmptyAudit::Gzip => 23,
            EmptyAudit::NoBytes => 0,
            EmptyAudit::TwoMembers => 46,
        };
        assert_eq!(reply.body.len(), bytes);
        if bytes > 0 {
            assert!(reply.lines().is_empty());
        }
    }
}

#[test]
fn a_body_can_have_several_members_and_no_last_newline() {
    let setup = Setup::new();
    for number in 0..5 {
        let time = at("2026-11-20T11:00:00Z") + Duration::from_secs(number);
        setup.world.add(&setup.audit_source(), Event::new(time, number.to_string()));
    }
    let one = setup.get(&format!("{ORDERS}?{HOUR}"), AUDIT);
    setup.world.set(|settings| (settings.lines_per_member, settings.final_newline) = (Some(2), false));
    let three = setup.get(&format!("{ORDERS}?{HOUR}"), AUDIT);
    assert_eq!(three.lines(), one.lines());
    let mut rest = &three.body[..];
    let mut members = Vec::new();
    while !rest.is_empty() {
        let mut text = String::new();
        std::io::Read::read_to_string(&mut flate2::bufread::GzDecoder::new(&mut rest), &mut text).unwrap();
        members.push(text);
    }
    assert_eq!(members, ["0\n1\n", "2\n3\n", "4"]);
}

#[test]
fn without_a_range_the_last_thirty_days_are_meant() {
    let setup = Setup::new();
    setup.world.add(&setup.audit_source(), Event::new(at("2026-10-21T11:59:59Z"), "before"));
    setup.world.add(&setup.audit_source(), Event::new(at("2026-10-21T12:00:00Z"), "first"));
    let reply = setup.get(ORDERS, AUDIT);
    assert_eq!(reply.lines(), ["first"]);
    assert!(reply.header("Content-Disposition").unwrap().contains("_2026-10-21T12:00:00Z_2026-11-20T12:00:00Z_"));
    // Audit logs are held for the life of the instance: an explicit range reaches further back.
    assert_eq!(setup.get(&format!("{ORDERS}?startDate=0&endDate=1795176000"), AUDIT).lines(), ["before", "first"]);
}

#[test]
fn a_narrower_range_is_echoed_and_is_what_is_answered() {
    let setup = Setup::new();
    for (time, text) in
        [("2026-11-20T11:00:00Z", "cut"), ("2026-11-20T11:30:00Z", "kept"), ("2026-11-20T12:00:00Z", "cut")]
    {
        setup.world.add(&setup.audit_source(), Event::new(at(time), text));
    }
    setup.world.set(|settings| settings.audit_range_cut = (Duration::from_secs(60), Duration::from_secs(600)));
    let reply = setup.get(&format!("{ORDERS}?{HOUR}"), AUDIT);
    assert_eq!(reply.lines(), ["kept"]);
    assert!(reply.header("Content-Disposition").unwrap().contains("_2026-11-20T11:01:00Z_2026-11-20T11:50:00Z_"));
}

#[test]
fn a_download_is_audited_itself() {
    let setup = Setup::new();
    setup.world.set(|settings| settings.downloads_are_audited = true);
    assert!(setup.get(&format!("{ORDERS}?{HOUR}"), AUDIT).lines().is_empty());
    setup.clock.set(at("2026-11-20T12:00:05Z"));
    let lines = setup.get(&format!("{ORDERS}?{HOUR}"), AUDIT).lines();
    assert_eq!(lines.len(), 1);
    assert!(lines[0].contains("Audit log accessed") && lines[0].contains("mdb_sa_id_1"), "{}", lines[0]);
    let held = setup.world.truth(
        &setup.audit_source(),
        Window::new(at("2026-11-20T00:00:00Z"), at("2026-11-21T00:00:00Z")),
        at("2026-11-20T13:00:00Z"),
    );
    assert_eq!(held.len(), 2);
    assert_eq!(held[0].bytes, lines[0].as_bytes());
}

#[test]
fn generated_lines_come_as_the_truth_has_them() {
    let setup = Setup::new();
    let profile = Profile { long: 0.001, ..Profile::audit(at("2026-11-18T00:00:00Z"), 20.0) };
    setup.world.change_projects(|projects| projects[0].stream_instances[0].profile = Some(profile));
    let reply = setup.get(&format!("{ORDERS}?startDate=1795132800&endDate=1795219200"), AUDIT);
    let day = Window::new(at("2026-11-20T00:00:00Z"), at("2026-11-21T00:00:00Z"));
    let held = setup.world.truth(&setup.audit_source(), day, at("2026-11-20T12:00:00Z"));
    let mut expected = Vec::new();
    for event in &held {
        expected.extend_from_slice(&event.bytes);
        expected.push(b'\n');
    }
    let mut decoded = Vec::new();
    std::io::Read::read_to_end(&mut flate2::read::MultiGzDecoder::new(&reply.body[..]), &mut decoded).unwrap();
    assert!(held.len() > 10_000 && decoded == expected, "{} lines", held.len());
    assert!(held.iter().any(|event| event.bytes.len() > 100_000) && held.iter().any(|event| !event.bytes.is_ascii()));
    assert!(held.iter().any(|event| serde_json::from_slice::<serde_json::Value>(&event.bytes).is_err()));
}

#[test]
fn a_large_answer_comes_in_chunks() {
    let setup = Setup::new();
    let profile = Profile::bulk(at("2026-11-20T11:00:00Z"), 100.0, 1000);
    setup.world.change_projects(|projects| projects[0].stream_instances[0].profile = Some(profile));
    let reply = setup.get(&format!("{ORDERS}?{HOUR}"), AUDIT);
    assert_eq!((reply.header("Content-Length"), reply.whole), (None, true));
    assert!(reply.lines().iter().all(|line| line.len() == 1000));
}

#[test]
fn names_are_free_text_and_wrong_queries_are_refused() {
    let setup = Setup::new();
    setup.world.change_projects(|projects| projects[0].stream_instances[0].name = "a/b \"ü\"".to_owned());
    let base = format!("/api/atlas/v2/groups/{GROUP}/streams");
    let reply = setup.get(&format!("{base}/a%2Fb%20%22%C3%BC%22/auditLogs"), AUDIT);
    assert_eq!(reply.status, 200);
    assert!(reply.header("Content-Disposition").unwrap().starts_with("attachment; filename=\"a/b____"));
    assert_eq!(setup.get(ORDERS, AUDIT).error(), (404, "STREAM_TENANT_NOT_FOUND_FOR_NAME".into()));
    for query in ["startDate=x", "startDate=2&endDate=1", "start=1", "startDate=1.5", "envelope=x"] {
        assert_eq!(setup.get(&format!("{ORDERS}?{query}"), AUDIT).error().0, 400, "{query}");
    }
}
