//! What Atlas denies: asked once, with what to do about it, and no business of other sources.

use atlas_logd::{
    sim::{ApiKey, Cluster, Denial, Endpoint, Match, Project, Role, Tier, World},
    source::{Kind, Source},
};

use crate::harness::{
    ANALYTICS, CLIENT_ID, Outcome, PAYMENTS, PRIVATE_KEY, PUBLIC_KEY, ProjectTable, Stage, orders, prod, shops,
    warehouse,
};

/// The failure of `source` ends with `said`.
#[track_caller]
fn assert_denied(outcome: &Outcome, source: &Source, said: &str) {
    let start = format!("{source}: failed to collect [");
    let line = outcome.stderr.lines().find(|line| line.starts_with(&start));
    assert!(line.is_some_and(|line| line.ends_with(&format!("): {said}"))), "not {said:?} but:\n{}", outcome.stderr);
}

/// How often a source was asked with credentials.
fn asked(stage: &Stage, source: &Source) -> usize {
    stage.world.requests_matching(&Match::source(&source.id).authenticated()).len()
}

fn assert_collected(stage: &Stage, sources: &[Source]) {
    for source in sources {
        assert_eq!(stage.lines(source).len(), 1, "{source}");
        stage.assert_current(source);
    }
}

fn roles(kind: Kind) -> &'static str {
    match kind {
        Kind::StreamAudit => {
            "the role 'Project Stream Processing Owner' (or a Project Data Access role, or 'Project Owner')"
        }
        Kind::AccessHistory => "the role 'Project Monitoring Admin' (or 'Project Database Access Admin')",
    }
}

#[test]
fn a_service_account_without_its_role_is_told_which_to_grant() {
    for (denial, status) in [(Denial::Unauthorized, 401), (Denial::Forbidden, 403)] {
        let stage = Stage::of_both_projects();
        stage.world.set(|settings| settings.denial = denial);
        stage.world.change_service_accounts(|accounts| {
            accounts[0].grants.insert(PAYMENTS.to_owned(), vec![Role::ReadOnly]);
        });
        let outcome = stage.command(["collect"]).assert_code(1);
        for source in [orders(), prod()] {
            let said = format!(
                "the answer is {status} (USER_UNAUTHORIZED: The current user is not authorized to perform this \
                 action.); grant the service account {CLIENT_ID} {} in project 'payments' ({PAYMENTS})",
                roles(source.id.kind)
            );
            assert_denied(&outcome, &source, &said);
            // A 401 can also mean that the token has ended: one more try with another.
            assert_eq!(asked(&stage, &source), if status == 401 { 2 } else { 1 }, "{source}");
        }
        assert!(stage.world.requests_matching(&Match::path("/api/oauth/token")).len() <= 3);
        // The tokens that were replaced in vain are given back too.
        assert_eq!(stage.world.live_tokens(), 0);
        assert_collected(&stage, &[shops(), warehouse()]);

        stage.world.change_service_accounts(|accounts| {
            let roles = vec![Role::StreamProcessingOwner, Role::MonitoringAdmin];
            accounts[0].grants.insert(PAYMENTS.to_owned(), roles);
        });
        stage.command(["collect"]).assert_done();
        assert_collected(&stage, &[orders(), prod()]);
    }
}

#[test]
fn one_missing_role_of_two_denies_one_kind_of_two() {
    let stage = Stage::of_both_projects();
    stage.world.change_service_accounts(|accounts| {
        accounts[0].grants.insert(PAYMENTS.to_owned(), vec![Role::DatabaseAccessAdmin]);
    });
    let outcome = stage.command(["collect"]).assert_code(1);
    assert!(outcome.stderr.contains(&format!("{}: failed", orders())));
    assert_collected(&stage, &[prod(), shops(), warehouse()]);
}

#[test]
fn an_api_key_in_a_foreign_project_is_told_which_role_to_grant() {
    let denials = [
        (Denial::Unauthorized, "USER_CANNOT_ACCESS_GROUP: The current user cannot access the group."),
        (Denial::NotInGroup, "NOT_IN_GROUP: The current user is not in the group, or the group does not exist."),
    ];
    for (denial, words) in denials {
        let stage = Stage::of_both_projects();
        stage.world.set(|settings| settings.denial = denial);
        stage.world.change_api_keys(|keys| *keys = vec![ApiKey::new(PUBLIC_KEY, PRIVATE_KEY)]);
        let outcome = stage.command(["collect"]).assert_code(1);
        for source in [shops(), warehouse()] {
            let said = format!(
                "the answer is 401 ({words}); grant the API key {PUBLIC_KEY} {} in project 'analytics' ({ANALYTICS})",
                roles(source.id.kind)
            );
            assert_denied(&outcome, &source, &said);
            // Who is denied without a challenge was known: no other nonce would help.
            assert_eq!(asked(&stage, &source), 1, "{source}");
        }
        assert_collected(&stage, &[orders(), prod()]);
    }
}

#[test]
fn an_address_that_is_not_on_the_access_list_is_named() {
    let stage = Stage::of_both_projects();
    stage.world.set(|settings| settings.access_list = Some(Vec::new()));
    let outcome = stage.command(["collect"]).assert_code(1);
    for (source, identity) in [
        (orders(), format!("service account {CLIENT_ID}")),
        (prod(), format!("service account {CLIENT_ID}")),
        (shops(), format!("API key {PUBLIC_KEY}")),
        (warehouse(), format!("API key {PUBLIC_KEY}")),
    ] {
        let said = format!(
            "the answer is 403 (IP_ADDRESS_NOT_ON_ACCESS_LIST: IP address 127.0.0.1 is not allowed to access this \
             resource.); add 127.0.0.1 to the API access list of the {identity}"
        );
        assert_denied(&outcome, &source, &said);
        assert_eq!(asked(&stage, &source), 1, "{source}");
    }
    assert_eq!(stage.world.live_tokens(), 0);
}

#[test]
fn what_does_not_exist_is_named_with_the_project_in_which_it_was_looked_for() {
    let stage = Stage::of_both_projects();
    let cluster = stage.add_to_configuration(Kind::AccessHistory, "prod-9");
    let instance = stage.add_to_configuration(Kind::StreamAudit, "ordres & more");
    let outcome = stage.command(["collect"]).assert_code(1);
    let project = format!("project 'payments' ({PAYMENTS}): check the name, or remove it from the configuration");
    let line = |source: &Source| {
        let start = format!("{source}: failed to collect [");
        outcome.stderr.lines().find(|line| line.starts_with(&start)).unwrap_or_default().to_owned()
    };
    assert!(line(&cluster).contains("): the answer is 404 (CLUSTER_NOT_FOUND: "), "{}", outcome.stderr);
    assert!(line(&cluster).ends_with(&format!("; there is no cluster 'prod-9' in {project}")), "{}", line(&cluster));
    assert!(line(&instance).contains("): the answer is 404 (STREAM_TENANT_NOT_FOUND_FOR_NAME: "), "{}", outcome.stderr);
    let said = format!("; there is no stream instance 'ordres & more' in {project}");
    assert!(line(&instance).ends_with(&said), "{}", line(&instance));
    for source in [cluster, instance] {
        assert_eq!(asked(&stage, &source), 1, "{source}");
    }
    assert_collected(&stage, &[orders(), prod(), shops(), warehouse()]);
}

#[test]
fn a_project_that_does_not_exist_is_named() {
    let stage = Stage::of_both_projects();
    let id = "0123456789abcdef01234567";
    stage.configure(|config| {
        let project = ProjectTable { id: id.to_owned(), name: "gone".to_owned(), ..ProjectTable::payments() };
        config.projects.push(project);
    });
    let outcome = stage.command(["collect"]).assert_code(1);
    for (kind, name) in [(Kind::StreamAudit, "orders"), (Kind::AccessHistory, "prod-0")] {
        let source = Source { id: World::source(id, kind, name), project_name: "gone".to_owned() };
        let said = format!(
            "the answer is 404 (GROUP_NOT_FOUND: No group with ID {id} exists.); there is no project 'gone' ({id}) that \
             the service account {CLIENT_ID} can see: check its id in the configuration"
        );
        assert_denied(&outcome, &source, &said);
        assert_eq!(asked(&stage, &source), 1, "{source}");
    }
    assert_collected(&stage, &[orders(), prod(), shops(), warehouse()]);
}

#[test]
fn clusters_that_have_no_access_history_are_told_apart() {
    let stage = Stage::of_both_projects();
    stage.world.change_projects(|projects: &mut Vec<Project>| {
        let payments = projects.iter_mut().find(|project| project.id == PAYMENTS).unwrap();
        payments.clusters.push(Cluster::new("flex").on(Tier::Flex));
        payments.clusters.push(Cluster::new("shared").on(Tier::Shared));
    });
    let flex = stage.add_to_configuration(Kind::AccessHistory, "flex");
    let shared = stage.add_to_configuration(Kind::AccessHistory, "shared");
    let outcome = stage.command(["collect"]).assert_code(1);
    let said = "the answer is 400 (CANNOT_USE_FLEX_CLUSTER_IN_CLUSTER_API: The Flex cluster flex cannot be used in the \
                cluster API.); 'flex' is a shared-tier cluster, for which Atlas has no access history: remove it from the \
                configuration";
    assert_denied(&outcome, &flex, said);
    // Which code Atlas has for these is not known.
    let said = "the answer is 400 (TENANT_CLUSTER_UNSUPPORTED: The access history of shared cannot be had: it is an M0, \
                M2 or M5 cluster.); Atlas has no access history of M0, M2, M5, Flex and serverless clusters: if 'shared' \
                is one of them, remove it from the configuration";
    assert_denied(&outcome, &shared, said);
    for source in [flex, shared] {
        assert_eq!(asked(&stage, &source), 1, "{source}");
    }
    assert_collected(&stage, &[orders(), prod(), shops(), warehouse()]);
}

#[test]
fn a_version_that_atlas_does_not_serve_any_more_asks_for_a_newer_program() {
    let stage = Stage::of_both_projects();
    stage.world.set(|settings| {
        settings.versions.get_mut(&Endpoint::AuditLogs).unwrap().all = vec!["2099-01-01".parse().unwrap()];
        let versions = settings.versions.get_mut(&Endpoint::AccessHistory).unwrap();
        versions.gone.clone_from(&versions.all);
    });
    let outcome = stage.command(["collect"]).assert_code(1);
    let advice =
        "; Atlas does not serve this version of its API any more: this atlas-logd is too old, install a newer one";
    for (source, code) in [(orders(), "406 (INVALID_VERSION_DATE: "), (prod(), "410 (VERSION_GONE: ")] {
        let start = format!("{source}: failed to collect [");
        let line = outcome.stderr.lines().find(|line| line.starts_with(&start)).unwrap();
        assert!(line.contains(&format!("): the answer is {code}")) && line.ends_with(advice), "{line}");
        assert_eq!(asked(&stage, &source), 1, "{source}");
    }
}
