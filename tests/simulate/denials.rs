//! What is refused, and with which words.

use atlas_logd::sim::{Denial, Role};

use crate::client::{ACCESS, AUDIT, GROUP, ORDERS, PROD, Setup};

fn error(status: u16, code: &str) -> (u16, String) {
    (status, code.to_owned())
}

#[test]
fn media_types_decide_about_the_version() {
    let setup = Setup::new();
    for accept in ["application/vnd.atlas.2023-10-01+json", "application/vnd.atlas.2023-01-31+gzip", "*/*", ""] {
        assert_eq!(setup.get(ORDERS, accept).error(), error(406, "INVALID_VERSION_DATE"), "{accept}");
    }
    setup.world.set(|settings| {
        for versions in settings.versions.values_mut() {
            versions.gone = versions.all.clone();
        }
    });
    assert_eq!(setup.get(ORDERS, AUDIT).error(), error(410, "VERSION_GONE"));
    setup.world.set(|settings| {
        for versions in settings.versions.values_mut() {
            versions.gone.clear();
            versions.sunset = Some("Thu, 1 Jul 2027 00:00:00 GMT".to_owned());
        }
    });
    let reply = setup.get(ORDERS, AUDIT);
    assert_eq!(reply.status, 200);
    assert_eq!(reply.header("Sunset"), Some("Thu, 1 Jul 2027 00:00:00 GMT"));
    assert!(reply.header("Deprecation").is_some());
}

#[test]
fn what_is_not_there_has_its_own_error() {
    let setup = Setup::new();
    let cluster = |name: &str| format!("/api/atlas/v2/groups/{GROUP}/dbAccessHistory/clusters/{name}");
    let reply = setup.get(&cluster("cluster-989"), ACCESS);
    let body = format!(
        r#"{{"detail":"No cluster named cluster-989 exists in group {GROUP}.","error":404,"errorCode":"CLUSTER_NOT_FOUND","parameters":["cluster-989","{GROUP}"],"reason":"Not Found"}}"#
    );
    assert_eq!(reply.text(), body);
    assert_eq!(reply.header("Content-Type"), Some("application/json"));
    assert_eq!(reply.header("X-Error-Code"), Some("CLUSTER_NOT_FOUND"));
    assert_eq!(reply.header("Vary"), Some("Accept-Encoding"));
    assert!(reply.header("Ratelimit-Remaining").is_some());
    assert_eq!(setup.get(&cluster("flex"), ACCESS).error(), error(400, "CANNOT_USE_FLEX_CLUSTER_IN_CLUSTER_API"));
    assert_eq!(setup.get(&cluster("shared"), ACCESS).error().0, 400);
    for name in ["a_b", "-a", "%C3%BC", "a%20b"] {
        assert_eq!(setup.get(&cluster(name), ACCESS).error().0, 400, "{name}");
    }
    let group = |id: &str| format!("/api/atlas/v2/groups/{id}/dbAccessHistory/clusters/prod-0");
    assert_eq!(setup.get(&group("0123456789abcdef01234568"), ACCESS).error(), error(404, "GROUP_NOT_FOUND"));
    assert_eq!(setup.get(&group("0123456789ABCDEF01234567"), ACCESS).error(), error(400, "INVALID_GROUP_ID"));
}

#[test]
fn foreign_projects_and_missing_roles_are_told_apart_only_by_their_code() {
    let setup = Setup::new();
    let foreign = "/api/atlas/v2/groups/ffffffffffffffffffffffff/dbAccessHistory/clusters/prod-0";
    assert_eq!(setup.get(foreign, ACCESS).error(), error(401, "USER_CANNOT_ACCESS_GROUP"));
    setup.world.set(|settings| settings.denial = Denial::NotInGroup);
    assert_eq!(setup.get(foreign, ACCESS).error(), error(401, "NOT_IN_GROUP"));
    setup.world.change_service_accounts(|accounts| {
        accounts[0].grants.insert(GROUP.to_owned(), vec![Role::StreamProcessingOwner]);
    });
    assert_eq!(setup.get(PROD, ACCESS).error(), error(401, "USER_UNAUTHORIZED"));
    assert_eq!(setup.get(ORDERS, AUDIT).status, 200);
    setup.world.set(|settings| settings.denial = Denial::Forbidden);
    setup.world.change_service_accounts(|accounts| {
        accounts[0].grants.insert(GROUP.to_owned(), vec![Role::MonitoringAdmin, Role::ReadOnly]);
    });
    assert_eq!(setup.get(ORDERS, AUDIT).error(), error(403, "USER_UNAUTHORIZED"));
    assert_eq!(setup.get(PROD, ACCESS).status, 200);
}

#[test]
fn an_address_that_is_not_on_the_access_list_may_have_a_token_but_not_use_it() {
    let setup = Setup::new();
    setup.world.set(|settings| settings.access_list = Some(vec!["203.0.113.9".parse().unwrap()]));
    let reply = setup.get(PROD, ACCESS);
    assert_eq!(reply.error(), error(403, "IP_ADDRESS_NOT_ON_ACCESS_LIST"));
    assert_eq!(reply.json()["parameters"], serde_json::json!(["127.0.0.1"]));
}

#[test]
fn another_method_has_no_body_and_another_path_is_not_found() {
    let setup = Setup::new();
    for (method, target) in [("POST", ORDERS), ("DELETE", PROD), ("GET", "/api/oauth/token")] {
        let reply = setup.send(method, target, &[], "");
        assert_eq!((reply.status, reply.body.len()), (405, 0), "{method} {target}");
    }
    assert_eq!(setup.send("GET", "/api/atlas/v2/nothing", &[], "").error(), error(404, "RESOURCE_NOT_FOUND"));
}

#[test]
fn without_credentials_there_is_the_recorded_challenge() {
    let setup = Setup::new();
    let reply = setup.send("GET", PROD, &[("Accept", ACCESS)], "");
    assert_eq!(reply.status, 401);
    let body = "{\n  \"error\" : 401,\n  \"reason\" : \"Unauthorized\",\n  \"detail\" : \"You are not authorized for this resource.\",\n  \"errorCode\" : \"UNEXPECTED_ERROR\"\n}";
    assert_eq!((reply.text(), body.len()), (body, 142));
    let challenge = reply.header("WWW-Authenticate").unwrap();
    let (before, nonce) = challenge.split_once("nonce=\"").unwrap();
    assert_eq!(before, "Digest realm=\"MMS Public API\", domain=\"\", ");
    assert_eq!(&nonce[32..], "\", algorithm=MD5, qop=\"auth\", stale=false");
    let mut names = reply.header_names();
    names.sort_unstable();
    let recorded = [
        "Connection",
        "Content-Length",
        "Content-Type",
        "Date",
        "Server",
        "Vary",
        "Www-Authenticate",
        "X-Envoy-Upstream-Service-Time",
    ];
    assert_eq!(names, recorded);
}
