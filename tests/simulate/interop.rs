//! A client that somebody else wrote, with its connections kept open.

use atlas_logd::sim::{Fault, Match, Profile};

use crate::client::{AUDIT, BASIC, ORDERS, PROD, Setup, at};

async fn get(client: &reqwest::Client, setup: &Setup, token: &str) -> reqwest::Response {
    let url = format!("{}{ORDERS}?startDate=1795172400&endDate=1795176000", setup.sim.base_url());
    client.get(url).header("Accept", AUDIT).bearer_auth(token).send().await.unwrap()
}

#[tokio::test]
async fn reqwest_streams_an_answer_and_sees_a_cut() {
    // Another test may have installed it: there is only this one.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let setup = Setup::new();
    let profile = Profile::bulk(at("2026-11-20T11:00:00Z"), 100.0, 1000);
    setup.world.change_projects(|projects| projects[0].stream_instances[0].profile = Some(profile));
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let form = [("grant_type", "client_credentials")];
    let url = format!("{}/api/oauth/token", setup.sim.base_url());
    let reply = client.post(url).header("Authorization", BASIC).form(&form).send().await.unwrap();
    let reply: serde_json::Value = serde_json::from_slice(&reply.bytes().await.unwrap()).unwrap();
    let token = reply["access_token"].as_str().unwrap();
    let whole = get(&client, &setup, token).await.bytes().await.unwrap();
    assert_eq!(whole, get(&client, &setup, token).await.bytes().await.unwrap());
    setup.world.fault(Match::path("auditLogs").nth(1), Fault::Cut(1_500_000));
    let mut reply = get(&client, &setup, token).await;
    let mut received = Vec::new();
    let error = loop {
        match reply.chunk().await {
            Ok(Some(chunk)) => received.extend_from_slice(&chunk),
            Ok(None) => panic!("a cut body looks whole"),
            Err(error) => break error,
        }
    };
    assert!(error.is_body() || error.is_decode(), "{error:?}");
    assert!(received == whole[..1_500_000], "{} bytes", received.len());
    let gone = client.get(format!("{}{PROD}", setup.sim.base_url())).bearer_auth("x").send().await.unwrap();
    assert_eq!(gone.status(), 401);
}
