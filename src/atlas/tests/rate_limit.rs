//! Answers that tell of the rate limit.

use std::time::Duration;

use super::{
    super::{Consequence, RequestError},
    server::{Reply, Server},
    setting::{access, audit, client},
};
use crate::source::Kind;

const PROJECT: &str = "32b6e34b3d91647abb20e7b8";

#[tokio::test]
async fn a_429_holds_its_project_and_kind_for_the_time_it_says() {
    let body = r#"{"detail":"Rate limit exceeded","error":429,"errorCode":"RATE_LIMITED_TOKEN_BUCKET"}"#;
    let server = Server::with_token(Reply::new("429 Too Many Requests\nRetry-After: 50", body));
    let client = client(&server.base_url);
    assert_eq!(client.hold(PROJECT, Kind::AccessHistory), None);

    let error = access(&client).await.unwrap_err();
    assert_eq!(error.consequence(), Consequence::RetryAfter(Duration::from_secs(50)));
    assert_eq!(
        error.to_string(),
        "the rate limit is reached (RATE_LIMITED_TOKEN_BUCKET: Rate limit exceeded), next try in 50 s"
    );
    let hold = client.hold(PROJECT, Kind::AccessHistory).unwrap();
    assert!(hold > Duration::from_secs(20) && hold <= Duration::from_secs(50), "{hold:?}");
    assert_eq!(client.hold(PROJECT, Kind::StreamAudit), None);
    assert_eq!(client.hold("another", Kind::AccessHistory), None);
    assert_eq!(client.stats().rate_limited, 1);
}

#[tokio::test]
async fn a_429_without_a_time_holds_ten_seconds_or_a_little_more() {
    let server = Server::with_token(Reply::new("429 Too Many Requests", ""));
    let error = audit(&client(&server.base_url)).await.unwrap_err();
    let RequestError::RateLimited { wait, .. } = error else { panic!("{error}") };
    assert!((10.0..12.5).contains(&wait.as_secs_f64()), "{wait:?}");
}

#[tokio::test]
async fn an_almost_empty_bucket_is_left_to_refill() {
    let head = "200 OK\nContent-Type: application/json\nRatelimit-Limit: 1200\nRatelimit-Remaining: 20";
    let server = Server::with_token(Reply::new(head, "{}"));
    let client = client(&server.base_url);
    access(&client).await.unwrap();
    let hold = client.hold(PROJECT, Kind::AccessHistory).unwrap();
    assert!(hold > Duration::from_secs(30) && hold <= Duration::from_secs(60), "{hold:?}");
    assert_eq!(client.stats().rate_limit_remaining, Some(20));
    assert_eq!((client.stats().requests, client.stats().token_requests, client.stats().received_bytes), (2, 1, 2 + 60));
}
