//! `check --online`: whatever would fail in the first night fails now, with what to do about it.

use std::{fs, net::Ipv4Addr};

use atlas_logd::{
    sim::{Cluster, DateHeader, Fault, Match, Role, StreamInstance, Tier},
    source::Kind,
};
use serde::Deserialize;

use crate::harness::{
    CLIENT_ID, Outcome, PAYMENTS, PUBLIC_KEY, ProjectTable, Stage, cluster, lists, orders, prod, shops, warehouse,
};

/// What programs read.
#[derive(Debug, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
struct Finding {
    area: String,
    subject: String,
    outcome: String,
    message: String,
    advice: Option<String>,
}

fn checked(stage: &Stage, code: i32) -> Vec<Finding> {
    let outcome = stage.command(["check", "--online", "--json"]).assert_code(code);
    serde_json::from_str(&outcome.stdout).unwrap()
}

#[track_caller]
fn line<'a>(outcome: &'a Outcome, subject: &str) -> &'a str {
    let mut lines = outcome.stdout.lines();
    let start = format!("{subject}: ");
    let line = lines.find(|line| line.trim_start_matches("warning: ").starts_with(&start));
    line.unwrap_or_else(|| panic!("nothing about {subject}:\n{}", outcome.stdout))
}

fn both_projects() -> Stage {
    let stage = Stage::new();
    stage.configure(|config| config.projects.push(ProjectTable::analytics()));
    stage
}

#[test]
fn all_is_well_and_each_thing_has_its_line() {
    let stage = both_projects();
    // Whether Atlas compresses pages makes no difference.
    stage.world.set(|settings| settings.compresses = true);
    let outcome = stage.command(["check", "--online"]).assert_done();
    let said: Vec<&str> = outcome.stdout.lines().skip(3).collect();
    assert!(
        said[0].starts_with("http://127.0.0.1:") && said[0].contains(": ok, connected to 127.0.0.1:"),
        "{}",
        said[0]
    );
    let expected = [
        "credentials legacy: ok, sees 1 project",
        "credentials main: ok, sees 1 project",
        "clock: ok, as Atlas'",
        "analytics/access-history/warehouse: ok",
        "analytics/stream-audit/shops: ok",
        "payments/access-history/prod-0: ok",
        "payments/stream-audit/orders: ok",
    ];
    assert_eq!(said[1..], expected);
    assert_eq!(stage.world.live_tokens(), 0);
    let is_empty = |folder| fs::read_dir(folder).unwrap().next().is_none();
    assert!(is_empty(stage.archive()) && is_empty(stage.state()));
}

#[test]
fn programs_read_the_same_as_people() {
    let stage = both_projects();
    let findings = checked(&stage, 0);
    let areas: Vec<&str> = findings.iter().map(|finding| finding.area.as_str()).collect();
    let expected = [
        "configuration",
        "folder",
        "folder",
        "reachability",
        "credentials",
        "credentials",
        "clock",
        "source",
        "source",
        "source",
        "source",
    ];
    assert_eq!(areas, expected);
    assert!(findings.iter().all(|finding| finding.outcome == "ok" && finding.advice.is_none()), "{findings:?}");
    stage.add_to_configuration(Kind::AccessHistory, "prod-1");
    let findings = checked(&stage, 1);
    let failed: Vec<&Finding> = findings.iter().filter(|finding| finding.outcome != "ok").collect();
    assert_eq!(failed.len(), 1, "{failed:?}");
    assert_eq!((failed[0].subject.as_str(), failed[0].outcome.as_str()), ("payments/access-history/prod-1", "failed"));
    assert!(failed[0].message.starts_with("the answer is 404 (CLUSTER_NOT_FOUND"), "{failed:?}");
    let advice = format!(
        "there is no cluster 'prod-1' in project 'payments' ({PAYMENTS}): check the name, or remove it from the \
         configuration; did you mean \"prod-0\"?"
    );
    assert_eq!(failed[0].advice.as_deref(), Some(&*advice));
}

#[test]
fn a_broken_credential_is_told_once_and_its_sources_are_not_asked() {
    let stage = both_projects();
    fs::write(stage.folder().join("private-key"), "wrong").unwrap();
    let outcome = stage.command(["check", "--online"]).assert_code(1);
    let wrong_key = format!(
        "credentials legacy: the API key {PUBLIC_KEY} was not accepted; check that the API key {PUBLIC_KEY} exists in Atlas \
         and that its private key is in the file {}/private-key; Atlas shows a private key only once, so make a new key if \
         in doubt",
        stage.folder().display()
    );
    assert_eq!(line(&outcome, "credentials legacy"), wrong_key);
    let (shops, warehouse) = (shops(), warehouse());
    let why = "not asked: the credentials legacy cannot be used";
    assert_eq!(line(&outcome, &warehouse.to_string()), format!("{warehouse}: {why}"));
    assert_eq!(line(&outcome, &shops.to_string()), format!("{shops}: the same as {warehouse}"));
    assert_eq!(line(&outcome, &prod().to_string()), format!("{}: ok", prod()));
    assert_eq!(stage.requests_for(&shops) + stage.requests_for(&warehouse), 0);

    fs::write(stage.folder().join("client-secret"), "wrong").unwrap();
    let outcome = stage.command(["check", "--online"]).assert_code(1);
    let said = line(&outcome, "credentials main");
    assert!(said.contains(&format!("the secret of the service account {CLIENT_ID} has expired or is wrong")), "{said}");
}

#[test]
fn an_address_that_is_not_on_the_access_list_is_named() {
    let stage = Stage::new();
    stage.world.set(|settings| settings.access_list = Some(vec![Ipv4Addr::new(203, 0, 113, 9).into()]));
    let outcome = stage.command(["check", "--online"]).assert_code(1);
    let advice = format!("add 127.0.0.1 to the API access list of the service account {CLIENT_ID}");
    assert!(line(&outcome, "credentials main").ends_with(&advice), "{}", outcome.stdout);
    assert_eq!(outcome.stdout.matches(&advice).count(), 1);
}

#[test]
fn a_missing_role_is_named_with_the_project_once() {
    let stage = Stage::new();
    stage.grant(PAYMENTS, Role::MonitoringAdmin);
    stage.add_source(Kind::StreamAudit, "returns");
    let outcome = stage.command(["check", "--online"]).assert_code(1);
    let role = format!(
        "{}: the answer is 401 (USER_UNAUTHORIZED: The current user is not authorized to perform this action.); grant the \
         service account {CLIENT_ID} the role 'Project Stream Processing Owner' (or a Project Data Access role, or \
         'Project Owner') in project 'payments' ({PAYMENTS})",
        orders()
    );
    assert_eq!(line(&outcome, &orders().to_string()), role);
    assert_eq!(
        line(&outcome, "payments/stream-audit/returns"),
        format!("payments/stream-audit/returns: the same as {}", orders())
    );
    assert_eq!(line(&outcome, &prod().to_string()), format!("{}: ok", prod()));
}

#[test]
fn a_name_that_atlas_does_not_know_is_compared_with_those_that_it_knows() {
    let stage = Stage::new();
    stage.add_to_configuration(Kind::StreamAudit, "ordres");
    stage.add_to_configuration(Kind::AccessHistory, "prod-1");
    stage.add_to_configuration(Kind::AccessHistory, "elsewhere");
    let outcome = stage.command(["check", "--online"]).assert_code(1);
    let said = |source: &str| line(&outcome, source);
    assert!(said("payments/stream-audit/ordres").ends_with("; did you mean \"orders\"?"), "{}", outcome.stdout);
    assert!(said("payments/access-history/prod-1").ends_with("; did you mean \"prod-0\"?"), "{}", outcome.stdout);
    let elsewhere = said("payments/access-history/elsewhere");
    assert!(elsewhere.contains("there is no cluster 'elsewhere' in project 'payments'"), "{elsewhere}");
    assert!(!elsewhere.contains("did you mean"), "{elsewhere}");
    assert_eq!(said("payments/stream-audit/orders"), "payments/stream-audit/orders: ok");
    // Each list once, however many names are wrong.
    let [_, clusters, streams] = lists();
    assert_eq!(stage.world.requests_matching(&clusters).len(), 1);
    assert_eq!(stage.world.requests_matching(&streams).len(), 1);
}

#[test]
fn a_project_that_the_credential_does_not_see_is_compared_with_those_that_it_sees() {
    let stage = Stage::new();
    let wrong = PAYMENTS.replacen('3', "4", 1);
    stage.configure(|config| config.projects[0].id.clone_from(&wrong));
    let outcome = stage.command(["check", "--online"]).assert_code(1);
    let hint = format!("did you mean the project \"payments\" with the id \"{PAYMENTS}\"?");
    assert!(line(&outcome, &prod().to_string()).ends_with(&hint), "{}", outcome.stdout);
}

#[test]
fn a_shared_tier_is_said_as_such_whether_it_is_named_or_only_matched() {
    let stage = Stage::new();
    stage.make_cluster(Cluster::new("sandbox").on(Tier::Shared));
    stage.make_cluster(Cluster { paused: true, ..Cluster::new("winter") });
    stage.change_payments(|project| project.stream_instances.push(StreamInstance::new("..")));
    stage.configure(|config| config.projects[0].clusters.push("sandbox".to_owned()));
    let outcome = stage.command(["check", "--online"]).assert_code(1);
    let sandbox = cluster("sandbox").to_string();
    let said = line(&outcome, &sandbox);
    assert!(said.starts_with(&format!("{sandbox}: a shared-tier cluster (M0, M2 or M5) by its list: ")), "{said}");
    assert!(said.ends_with("; Atlas has no access history of it: remove it from the configuration"), "{said}");

    stage.configure(|config| {
        config.select("clusters", "\"all\"");
        config.select("stream_instances", "[\"o*\"]");
    });
    let outcome = stage.command(["check", "--online"]).assert_done();
    let clusters = format!("list of clusters of the project payments ({PAYMENTS})");
    assert_eq!(
        line(&outcome, &clusters),
        format!(
            "{clusters}: ok, 3 found, 2 meant, 1 other not collected (sandbox: a shared-tier cluster (M0, M2, M5 or Flex), \
             of which Atlas has no access history)"
        )
    );
    let streams = format!("list of stream instances of the project payments ({PAYMENTS})");
    let said = line(&outcome, &streams);
    assert!(said.starts_with(&format!("warning: {streams}: ok, 2 found, 1 meant; ")), "{said}");
    assert!(said.contains("\"..\" is not the name of a stream instance"), "{said}");
    assert_eq!(line(&outcome, "payments/access-history/winter"), "payments/access-history/winter: ok, paused");
    assert!(!outcome.stdout.contains(&format!("\n{sandbox}: ")), "{}", outcome.stdout);
    assert_eq!(fs::read_dir(stage.state()).unwrap().count(), 0, "nothing is remembered");
}

#[test]
fn lists_that_cannot_be_had_and_projects_that_are_found_are_told() {
    let stage = Stage::new();
    stage.make_project("aaaaaaaaaaaaaaaaaaaaaaaa", "shop");
    stage.configure(|config| config.projects.push(ProjectTable::discovering("[\"s*\"]")));
    let outcome = stage.command(["check", "--online"]).assert_done();
    assert_eq!(
        line(&outcome, "list of projects for the credentials main"),
        "list of projects for the credentials main: ok, 2 found, 1 meant"
    );
    assert_eq!(line(&outcome, "shop/access-history/prod-0"), "shop/access-history/prod-0: ok");
    stage.world.fault(Match::path("/groups/aaaaaaaaaaaaaaaaaaaaaaaa/clusters"), Fault::json(403, "USER_UNAUTHORIZED"));
    let outcome = stage.command(["check", "--online"]).assert_code(1);
    let said = line(&outcome, "list of clusters of the project shop (aaaaaaaaaaaaaaaaaaaaaaaa)");
    assert!(said.ends_with("the role 'Project Read Only' in the project aaaaaaaaaaaaaaaaaaaaaaaa"), "{said}");
    assert_eq!(line(&outcome, "shop/stream-audit/orders"), "shop/stream-audit/orders: ok");
}

#[test]
fn atlas_that_cannot_be_reached_is_told_once_with_where_it_ends() {
    let stage = Stage::new();
    // Nothing listens on port 9 of loopback.
    stage.configure(|config| config.set_text("atlas", "base_url", "http://127.0.0.1:9"));
    let outcome = stage.command(["check", "--online"]).assert_code(1);
    let said = line(&outcome, "http://127.0.0.1:9");
    assert!(said.contains("no connection to 127.0.0.1:9: Connection refused"), "{said}");
    assert!(said.ends_with("let this machine connect to 127.0.0.1, port 9, or set HTTPS_PROXY"), "{said}");
    assert_eq!(line(&outcome, "credentials main"), "credentials main: not asked: Atlas cannot be reached");
    assert_eq!(outcome.stdout.matches("Connection refused").count(), 1);

    // Something that is not TLS.
    let address = stage.base_url().replace("http://", "https://");
    stage.configure(|config| config.set_text("atlas", "base_url", &address));
    let outcome = stage.command(["check", "--online"]).assert_code(1);
    let said = line(&outcome, &address);
    assert!(said.contains("connected to 127.0.0.1:") && said.contains(", but no exchange is possible: "), "{said}");

    // Longer than a part of a name may be, so that no name server is asked.
    let name = "a".repeat(64);
    stage.configure(|config| config.set_text("atlas", "base_url", &format!("https://{name}")));
    let outcome = stage.command(["check", "--online"]).assert_code(1);
    let said = line(&outcome, &format!("https://{name}"));
    assert!(said.contains(&format!("the name {name} cannot be looked up: ")), "{said}");
}

#[test]
fn a_clock_that_is_wrong_and_a_date_that_is_missing_are_faults() {
    let stage = Stage::new();
    for (date, said) in [
        (DateHeader::Offset(300_000), "clock: it differs from Atlas' by 4 min "),
        (DateHeader::Missing, "clock: the answers of Atlas have no Date header, without which no watermark moves; "),
    ] {
        stage.world.set(|settings| settings.date = date);
        let outcome = stage.command(["check", "--online"]).assert_code(1);
        let line = line(&outcome, "clock");
        assert!(line.starts_with(said) || line.starts_with("clock: it differs from Atlas' by 5 min"), "{line}");
    }
}

#[test]
fn what_is_gone_or_paused_and_not_answered_for_is_a_warning() {
    let stage = Stage::new();
    stage.configure(|config| config.select("clusters", "\"all\""));
    let gone = stage.make_cluster(Cluster::new("prod-1"));
    let paused = stage.make_cluster(Cluster { paused: true, ..Cluster::new("winter") });
    stage.command(["collect"]).assert_done();
    stage.delete_cluster(&gone);
    stage.world.fault(Match::source(&paused.id), Fault::json(409, "CLUSTER_PAUSED"));
    let outcome = stage.command(["check", "--online"]).assert_done();
    assert!(
        line(&outcome, &gone.to_string()).starts_with(&format!("warning: {gone}: gone: no list shows it any more"))
    );
    assert!(
        line(&outcome, &paused.to_string()).starts_with(&format!("warning: {paused}: paused, and not answered for"))
    );
}

#[test]
fn a_pattern_that_matches_nothing_is_a_warning_and_a_configuration_without_any_source_a_failure() {
    let stage = Stage::new();
    stage.configure(|config| config.select("clusters", "[\"prd-*\", \"p*\"]"));
    let outcome = stage.command(["check", "--online"]).assert_done();
    let clusters = format!("list of clusters of the project payments ({PAYMENTS})");
    assert_eq!(
        line(&outcome, &clusters),
        format!(
            "warning: {clusters}: ok, 1 found, 1 meant; \"prd-*\" in clusters matches nothing; did you mean \"prod-0\"?"
        )
    );

    stage.configure(|config| config.projects = vec![ProjectTable::discovering("[\"paiments\"]")]);
    let outcome = stage.command(["check", "--online"]).assert_code(1);
    let projects = "list of projects for the credentials main";
    let said = line(&outcome, projects);
    let meant = "\"paiments\" in discover matches nothing; did you mean \"payments\"?";
    assert_eq!(said, format!("warning: {projects}: ok, 1 found, 0 meant; {meant}"));
    let none = "no source is collected: the lists of Atlas so far hold nothing that the configuration means and that can be \
                collected";
    assert!(line(&outcome, "all lists").starts_with(&format!("all lists: {none}; compare the patterns")));

    stage.command(["collect"]).assert_code(1).assert_says(none);
    stage.command(["status"]).assert_done();
    let said = stage.command(["status", "--max-lag", "30d"]).assert_code(1).stderr;
    assert!(said.starts_with("no sources: "), "{said}");
}

#[test]
fn an_answer_that_cannot_be_read_is_no_answer() {
    let stage = Stage::new();
    for (source, body) in [(prod(), &b"{\"hello\":1}"[..]), (prod(), b""), (orders(), b"no gzip")] {
        stage.world.clear_faults();
        stage.world.fault(Match::source(&source.id), Fault::Body(body.into()));
        let outcome = stage.command(["check", "--online"]).assert_code(1);
        let said = line(&outcome, &source.to_string());
        assert!(said.starts_with(&format!("{source}: the answer cannot be used: ")), "{said}");
        assert!(said.ends_with("; check atlas.base_url, and whether a proxy answers in place of Atlas"), "{said}");
    }
}

#[test]
fn a_list_that_is_none_has_failed() {
    let stage = Stage::new();
    stage.configure(|config| config.select("clusters", "\"all\""));
    for body in ["[]", "{\"foo\":1}"] {
        stage.world.clear_faults();
        stage.world.fault(Match::path("/clusters").query("pageNum"), Fault::Body(body.into()));
        let outcome = stage.command(["check", "--online"]).assert_code(1);
        let said = line(&outcome, &format!("list of clusters of the project payments ({PAYMENTS})"));
        assert!(!said.contains(": ok"), "{said}");
    }
}

#[test]
fn who_is_found_by_a_list_and_has_no_log_is_not_compared_with_itself() {
    let stage = Stage::new();
    stage.configure(|config| config.select("clusters", "\"all\""));
    stage.make_cluster(Cluster::new("prod-1"));
    stage.world.fault(Match::source(&prod().id), Fault::json(404, "CLUSTER_NOT_FOUND"));
    let outcome = stage.command(["check", "--online"]).assert_code(1);
    let said = line(&outcome, &prod().to_string());
    assert!(
        said.ends_with("; it was found in a list of Atlas, and is not polled any more once no list shows it"),
        "{said}"
    );
    // One that is named, and listed as well.
    stage.configure(|config| config.select("clusters", "[\"prod-0\"]"));
    let outcome = stage.command(["check", "--online"]).assert_code(1);
    let said = line(&outcome, &prod().to_string());
    assert!(said.contains("check the name") && said.ends_with("; did you mean \"prod-1\"?"), "{said}");
}

#[test]
fn credentials_that_cannot_be_used_are_told_once_for_all_tables() {
    let stage = both_projects();
    stage.configure(|config| {
        for table in
            [ProjectTable::discovering("[\"a*\"]"), ProjectTable::analytics(), ProjectTable::discovering("[\"b*\"]")]
        {
            config.projects.push(table);
        }
        let last = config.projects.len() - 2;
        config.projects[last].more.push("discover = [\"c*\"]".to_owned());
    });
    for secret in ["client-secret", "private-key"] {
        fs::write(stage.folder().join(secret), "wrong").unwrap();
    }
    let outcome = stage.command(["check", "--online"]).assert_code(1);
    let said = "lists for the credentials main: not asked: these credentials cannot be used";
    assert_eq!(outcome.stdout.matches(said).count(), 1, "{}", outcome.stdout);
}
