//! The discovery lists.

use super::{
    super::{Consequence, Listing, PageFault, RequestError},
    server::{Reply, Server},
    setting::client,
};

#[tokio::test]
async fn all_pages_are_followed() {
    let server = Server::start(|request, _| match request.line.as_str() {
        "GET /api/atlas/v2/groups?pageNum=1&itemsPerPage=500" => Reply::json(
            r#"{"results":[{"id":"1","name":"one"}],"links":[{"rel":"next","href":"/api/atlas/v2/groups?pageNum=2&x=a%20b"}]}"#,
        ),
        "GET /api/atlas/v2/groups?pageNum=2&x=a%20b" => Reply::json(
            r#"{"results":[{"id":"2","name":"two"}],"links":[{"rel":"previous","href":"/x"}],"totalCount":9}"#,
        ),
        _ => Reply::token("t"),
    });
    let projects = client(&server.base_url).list(Listing::Projects).await.unwrap();
    assert_eq!(projects.iter().map(|project| project.name.as_str()).collect::<Vec<_>>(), ["one", "two"]);
    assert_eq!(server.requests()[1].header("accept"), Some("application/vnd.atlas.2023-01-01+json"));
}

#[tokio::test]
async fn credentials_do_not_follow_a_link_elsewhere() {
    let page = r#"{"results":[],"links":[{"rel":"next","href":"http://evil.example:8080/api?token=x"}]}"#;
    let server = Server::with_token(Reply::json(page));
    let error = client(&server.base_url).list(Listing::Clusters { project_id: "p" }).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "the list of clusters is not what it should be: the next page is at http://evil.example:8080"
    );
    assert_eq!(error.consequence(), Consequence::GiveUp);
}

#[tokio::test]
async fn a_list_without_end_ends() {
    let page = r#"{"results":[],"links":[{"rel":"next","href":"/api/atlas/v2/groups/p/streams?pageNum=1"}]}"#;
    let server = Server::with_token(Reply::json(page));
    let error = client(&server.base_url).list(Listing::StreamInstances { project_id: "p" }).await.unwrap_err();
    assert!(matches!(error, RequestError::Page { fault: PageFault::TooMany { limit: 200 }, .. }), "{error}");
}
