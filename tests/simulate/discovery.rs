//! The lists.

use atlas_logd::sim::{Cluster, Project, Role};

use crate::client::{GROUP, Setup};

const GROUPS: &str = "application/vnd.atlas.2023-01-01+json";
const CLUSTERS: &str = "application/vnd.atlas.2024-08-05+json";
const STREAMS: &str = "application/vnd.atlas.2023-02-01+json";

#[test]
fn the_lists_have_the_recorded_shapes() {
    let setup = Setup::new();
    let groups = setup.get("/api/atlas/v2/groups", GROUPS);
    let base = setup.sim.base_url();
    let text = groups.text();
    let links = format!(
        r#"{{"links":[{{"href":"{base}/api/atlas/v2/groups?includeCount=true&pageNum=1&itemsPerPage=100","rel":"self"}}],"results":[{{"clusterCount":3,"created":"#
    );
    assert!(text.starts_with(&links), "{text}");
    assert!(text.contains(&format!(r#","id":"{GROUP}","links":[{{"href":"{base}/api/atlas/v2/groups/{GROUP}","rel":"self"}}],"name":"payments","orgId":""#)));
    assert!(text.ends_with(r#""tags":[],"withDefaultAlertsSettings":true}],"totalCount":1}"#));
    assert_eq!(groups.header("Content-Type"), Some("application/vnd.atlas.2023-01-01+json;charset=utf-8"));

    let streams = setup.get(&format!("/api/atlas/v2/groups/{GROUP}/streams"), STREAMS);
    assert!(streams.text().contains(r#""results":[{"_id":""#));
    assert!(streams.text().ends_with(r#""name":"orders","streamConfig":{"tier":"SP30"}}],"totalCount":1}"#));

    let clusters = setup.get(&format!("/api/atlas/v2/groups/{GROUP}/clusters"), CLUSTERS);
    let list = clusters.json();
    let names: Vec<&str> =
        list["results"].as_array().unwrap().iter().map(|item| item["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["prod-0", "shared"]);
    let provider = |index: usize| &list["results"][index]["replicationSpecs"][0]["regionConfigs"][0]["providerName"];
    assert_eq!((provider(0).as_str(), provider(1).as_str()), (Some("AWS"), Some("TENANT")));
    assert_eq!(list["results"][0]["stateName"], "IDLE");
    assert_eq!(list["results"][0]["paused"], false);
    assert!(clusters.text().contains(r#""results":[{"adaptiveCapacity":null,"advancedConfiguration":{"#));
}

#[test]
fn a_list_goes_on_at_its_next_link() {
    let setup = Setup::new();
    setup.world.change_projects(|projects| {
        projects[0].clusters = (0..5).map(|number| Cluster::new(&format!("c{number}"))).collect();
    });
    let mut target = format!("/api/atlas/v2/groups/{GROUP}/clusters?itemsPerPage=2");
    let (mut names, mut rels) = (Vec::new(), Vec::new());
    loop {
        let page = setup.get(&target, CLUSTERS).json();
        assert_eq!(page["totalCount"], 5);
        names.extend(page["results"].as_array().unwrap().iter().map(|item| item["name"].as_str().unwrap().to_owned()));
        let links = page["links"].as_array().unwrap().clone();
        rels.push(links.iter().map(|link| link["rel"].as_str().unwrap().to_owned()).collect::<Vec<_>>().join(" "));
        let Some(next) = links.iter().find(|link| link["rel"] == "next") else { break };
        let href = next["href"].as_str().unwrap();
        target =
            href.strip_prefix(&setup.sim.base_url()).unwrap().replace("&includeDeletedWithRetainedBackups=false", "");
    }
    assert_eq!(names, ["c0", "c1", "c2", "c3", "c4"]);
    assert_eq!(rels, ["self next", "self previous next", "self previous"]);
}

#[test]
fn pages_have_limits_and_the_count_can_be_left_out() {
    let setup = Setup::new();
    for query in ["pageNum=0", "itemsPerPage=0", "itemsPerPage=501", "page=2"] {
        assert_eq!(setup.get(&format!("/api/atlas/v2/groups?{query}"), GROUPS).error().0, 400, "{query}");
    }
    let page = setup.get("/api/atlas/v2/groups?pageNum=7&includeCount=false&itemsPerPage=500", GROUPS).json();
    assert_eq!(page["results"].as_array().unwrap().len(), 0);
    assert!(page.get("totalCount").is_none());
}

#[test]
fn only_the_callers_projects_are_listed() {
    let setup = Setup::new();
    setup.world.add_project(Project::new("aaaaaaaaaaaaaaaaaaaaaaaa", "second"));
    let count = |setup: &Setup| setup.get("/api/atlas/v2/groups", GROUPS).json()["totalCount"].as_u64();
    assert_eq!(count(&setup), Some(1));
    setup.world.change_service_accounts(|accounts| {
        accounts[0].grants.insert("aaaaaaaaaaaaaaaaaaaaaaaa".to_owned(), vec![Role::ReadOnly]);
    });
    assert_eq!(count(&setup), Some(2));
    let old = "application/vnd.atlas.2023-01-01+json";
    assert_eq!(setup.get(&format!("/api/atlas/v2/groups/{GROUP}/clusters"), old).status, 406);
}
