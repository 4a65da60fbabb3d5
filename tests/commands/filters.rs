//! Only a part of the access history.

use atlas_logd::{
    sim::Event,
    source::{AuthResult, Filter, Source, SourceId},
};

use crate::harness::{HOUR, MINUTE, SECOND, Stage, orders, prod};

const ADDRESS: &str = "203.0.113.9";

/// Successes, failures from two addresses, and entries that say neither or say it as a string.
fn stage() -> Stage {
    let stage = Stage::new();
    for number in 0..40 {
        let time = stage.ago(5 * HOUR) + number * 7 * MINUTE;
        let note = number.to_string();
        stage.add(&orders(), Event::audit(time, &note));
        stage.add(&prod(), Event::access(time, "host-00", &note));
        stage.add(&prod(), Event::access_failure(time + SECOND, "host-00", &note, ADDRESS));
        stage.add(&prod(), Event::access_failure(time + 2 * SECOND, "host-00", &note, "2001:db8::1"));
        let text =
            format!(r#"{{"authResult":"false","hostname":"{number}","ipAddress":"{ADDRESS}","timestamp":"{time}"}}"#);
        stage.add(&prod(), Event::new(time, text));
        stage.add(&prod(), Event::new(time, format!(r#"{{"hostname":"{number}","timestamp":"{time}"}}"#)));
    }
    stage
}

fn filtered(auth_result: AuthResult, ip_address: Option<&str>) -> Source {
    let filter = Filter { auth_result, ip_address: ip_address.map(|address| address.parse().unwrap()) };
    let prod = prod();
    Source { id: SourceId { filter, ..prod.id }, ..prod }
}

fn filter(stage: &Stage, filter: &str) {
    stage.configure(|config| config.projects[0].more = vec![format!("access_history_filter = {{ {filter} }}")]);
}

#[test]
fn each_filter_archives_what_passes_it() {
    for (text, source, records) in [
        (r#"auth_result = "failure""#, filtered(AuthResult::Failure, None), 120),
        (r#"auth_result = "success""#, filtered(AuthResult::Success, None), 40),
        (r#"auth_result = "all""#, prod(), 200),
        (r#"ip_address = "203.0.113.9""#, filtered(AuthResult::All, Some(ADDRESS)), 80),
        (
            r#"auth_result = "failure", ip_address = "2001:db8::1""#,
            filtered(AuthResult::Failure, Some("2001:db8::1")),
            40,
        ),
        (r#"auth_result = "success", ip_address = "203.0.113.9""#, filtered(AuthResult::Success, Some(ADDRESS)), 0),
    ] {
        let stage = stage();
        filter(&stage, text);
        stage.command(["collect"]).assert_done();
        stage.command(["collect"]).assert_done();
        assert_eq!(stage.lines(&source).len(), records, "{text}");
        stage.assert_current(&source);
        stage.assert_current(&orders());
        assert_eq!(stage.lines(&orders()).len(), 40, "a filter is for the access history only");
    }
}

#[test]
fn another_filter_is_another_source_with_a_folder_of_its_own() {
    let stage = stage();
    stage.command(["collect"]).assert_done();
    let before = stage.segments(&prod());
    assert_eq!(stage.lines(&prod()).len(), 200);
    filter(&stage, r#"auth_result = "failure", ip_address = "2001:db8::1""#);
    stage.command(["collect"]).assert_done();
    let failures = filtered(AuthResult::Failure, Some("2001:db8::1"));
    let folder = stage.archive().join("payments/access-history/prod-0~auth_result=failure,ip_address=2001_db8__1");
    assert!(folder.is_dir());
    assert_eq!(stage.folder_of(&failures), folder);
    assert_eq!(stage.lines(&failures).len(), 40);
    stage.assert_current(&failures);
    assert_eq!(stage.segments(&prod()), before, "the source without a filter stays as it is");
    let statuses = stage.statuses();
    let removed: Vec<_> = statuses.iter().filter(|status| !status.configured).collect();
    assert_eq!(removed.len(), 1);
    assert_eq!(removed[0].records, 200);
    assert_eq!(removed[0].folder.as_deref(), Some("payments/access-history/prod-0"));
    stage.configure(|config| config.projects[0].more.clear());
    stage.add(&prod(), Event::access(stage.ago(SECOND), "host-00", "later"));
    stage.command(["collect"]).assert_done();
    assert_eq!(stage.lines(&prod()).len(), 201, "it goes on where it was");
    stage.assert_current(&prod());
}
