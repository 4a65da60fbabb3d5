//! The access token: when one is asked for, and when not.

use std::{
    fs,
    sync::{
        Arc, Barrier,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use super::{
    super::{Consequence, RequestError},
    server::{Reply, Request, Server},
    setting::{SECRET, access, advice, ask, client, client_with, secret_file, service_account, source},
};
use crate::source::Kind;

fn unauthorized() -> Reply {
    Reply::new("401 Unauthorized\nContent-Type: application/json", r#"{"errorCode":"USER_UNAUTHORIZED"}"#)
}

fn bearer(request: &Request) -> &str {
    request.header("authorization").unwrap_or_default()
}

/// Answers the n-th token request with the token `t<n>`; accepts the tokens from `t<first>` on.
fn server_that_accepts_from(first: usize) -> Server {
    let minted = AtomicUsize::new(0);
    Server::start(move |request, _| {
        if request.is_for_token() {
            return Reply::token(&format!("t{}", minted.fetch_add(1, Ordering::SeqCst) + 1));
        }
        let generation = bearer(request).trim_start_matches("Bearer t").parse::<usize>().unwrap_or(0);
        if generation >= first { Reply::json(r#"{"accessLogs":[]}"#) } else { unauthorized() }
    })
}

#[tokio::test]
async fn no_token_is_asked_for_before_it_is_needed() {
    let server = server_that_accepts_from(1);
    let client = client(&server.base_url);
    client.revoke().await;
    assert_eq!(client.hold("p", Kind::AccessHistory), None);
    assert!(server.requests().is_empty());
}

#[tokio::test]
async fn one_token_serves_all_and_is_asked_for_with_the_secret() {
    let server = server_that_accepts_from(1);
    let client = client(&server.base_url);
    let asks = (0..16).map(|_| access(&client));
    assert!(futures_util::future::join_all(asks).await.iter().all(Result::is_ok));
    let requests = server.requests();
    assert_eq!(server.token_requests(), 1);
    assert_eq!(requests[0].body, "grant_type=client_credentials");
    assert_eq!(requests[0].header("authorization"), Some("Basic bWRiX3NhX2lkXzE6aHVzaC1odXNo"));
    assert!(requests[1..].iter().all(|request| bearer(request) == "Bearer t1"));
    assert_eq!(client.stats().requests, 17);
}

#[tokio::test]
async fn many_401s_lead_to_one_renewal() {
    const ASKS: usize = 8;
    let minted = AtomicUsize::new(0);
    // All the requests with the old token are there before the first 401 is sent.
    let together = Arc::new(Barrier::new(ASKS));
    let server = Server::start(move |request, _| {
        if request.is_for_token() {
            return Reply::token(&format!("t{}", minted.fetch_add(1, Ordering::SeqCst) + 1));
        }
        if bearer(request) == "Bearer t1" {
            together.wait();
            return unauthorized();
        }
        Reply::json("{}")
    });
    let client = client(&server.base_url);
    let asks = (0..ASKS).map(|_| access(&client));
    assert!(futures_util::future::join_all(asks).await.iter().all(Result::is_ok));
    assert_eq!(server.token_requests(), 2);
    assert_eq!(client.stats().requests as usize, 2 + 2 * ASKS);
}

#[tokio::test]
async fn a_missing_role_does_not_use_up_tokens() {
    let server = server_that_accepts_from(usize::MAX);
    let client = client(&server.base_url);
    let denied = source(Kind::AccessHistory, "prod-0");
    for _ in 0..20 {
        let error = ask(&client, &denied).await.unwrap_err();
        assert!(matches!(error, RequestError::Refused { status: 401, .. }), "{error}");
        assert_eq!(error.consequence(), Consequence::GiveUp);
        assert!(advice(&error, &denied).starts_with("grant the service account mdb_sa_id_1 the role"));
    }
    assert_eq!(server.token_requests(), 2);
    for name in 0..20 {
        ask(&client, &source(Kind::AccessHistory, &name.to_string())).await.unwrap_err();
    }
    assert_eq!(server.token_requests(), 4);
}

/// Time passes for the client, and for nothing else.
async fn pass(time: Duration) {
    tokio::time::pause();
    tokio::time::advance(time).await;
    tokio::time::resume();
}

#[tokio::test]
async fn tokens_that_end_faster_than_new_ones_may_be_asked_for_deny_nothing_for_long() {
    // Each token is good for one answer.
    let (minted, used) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let server = Server::start(move |request, _| {
        if request.is_for_token() {
            return Reply::token(&format!("t{}", minted.fetch_add(1, Ordering::SeqCst) + 1));
        }
        let generation = bearer(request).trim_start_matches("Bearer t").parse::<usize>().unwrap_or(0);
        if used.swap(generation, Ordering::SeqCst) < generation { Reply::json("{}") } else { unauthorized() }
    });
    let client = client(&server.base_url);
    for _ in 0..4 {
        access(&client).await.unwrap();
    }
    let error = access(&client).await.unwrap_err();
    assert!(matches!(error, RequestError::Refused { status: 401, .. }), "{error}");
    assert_eq!(server.token_requests(), 4);
    pass(Duration::from_secs(181)).await;
    access(&client).await.unwrap();
    assert_eq!(server.token_requests(), 5);
}

#[tokio::test]
async fn a_denial_is_doubted_after_a_while() {
    let server = server_that_accepts_from(4);
    let client = client(&server.base_url);
    access(&client).await.unwrap_err();
    access(&client).await.unwrap_err();
    assert_eq!(server.token_requests(), 2);
    for _ in 0..2 {
        pass(Duration::from_secs(15 * 60)).await;
        let _ = access(&client).await;
    }
    access(&client).await.unwrap();
    assert_eq!(server.token_requests(), 4);
}

#[tokio::test]
async fn a_role_that_was_granted_takes_effect_without_a_new_token() {
    let server = Server::start(|request, before| match () {
        () if request.is_for_token() => Reply::token("t"),
        () if before < 5 => unauthorized(),
        () => Reply::json("{}"),
    });
    let client = client(&server.base_url);
    access(&client).await.unwrap_err();
    access(&client).await.unwrap_err();
    access(&client).await.unwrap();
    assert_eq!(server.token_requests(), 2);
}

#[tokio::test]
async fn a_changed_secret_file_is_read_for_the_next_token() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("secret");
    fs::write(&path, "old\n").unwrap();
    let server = server_that_accepts_from(2);
    let client = client_with(&server.base_url, &service_account(secret_file(&path)));
    client.prime().await.unwrap();
    fs::write(&path, "new\n").unwrap();
    access(&client).await.unwrap();
    let requests = server.requests();
    let basics: Vec<_> = requests.iter().filter(|request| request.is_for_token()).map(bearer).collect();
    // mdb_sa_id_1:old and mdb_sa_id_1:new
    assert_eq!(basics, ["Basic bWRiX3NhX2lkXzE6b2xk", "Basic bWRiX3NhX2lkXzE6bmV3"]);
}

#[tokio::test]
async fn a_secret_that_has_expired_is_reported_once_for_all() {
    let body = r#"{"error":"invalid_client","error_description":"expired"}"#;
    let server = Server::start(move |_, _| Reply::new("401 Unauthorized", body));
    let client = client(&server.base_url);
    let asks = (0..10).map(|_| access(&client));
    for result in futures_util::future::join_all(asks).await {
        let error = result.unwrap_err();
        assert_eq!(
            error.to_string(),
            "no access token: the service account mdb_sa_id_1 was not accepted: 401 (invalid_client: expired)"
        );
        assert_eq!(error.consequence(), Consequence::GiveUp);
        let advice = advice(&error, &source(Kind::AccessHistory, "prod-0"));
        assert!(advice.contains("put it into the environment variable SECRET"), "{advice}");
    }
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test]
async fn a_token_endpoint_that_fails_is_worth_a_retry_and_one_that_talks_nonsense_is_not() {
    for (reply, expected, consequence) in [
        (Reply::new("500 Oops", ""), "no access token: the server failed with 500", Consequence::Retry),
        (Reply::json("{}"), "no access token: the answer holds no bearer token", Consequence::GiveUp),
        (
            Reply::new("429 Slow\nRetry-After: 30", ""),
            "no access token: the rate limit is reached, next try in 30 s",
            Consequence::RetryAfter(std::time::Duration::from_secs(30)),
        ),
    ] {
        let server = Server::start(move |_, _| reply.clone());
        let error = access(&client(&server.base_url)).await.unwrap_err();
        assert_eq!(error.to_string(), expected);
        assert_eq!(error.consequence(), consequence);
    }
}

#[tokio::test]
async fn the_token_is_revoked_once() {
    let server = server_that_accepts_from(1);
    let client = client(&server.base_url);
    access(&client).await.unwrap();
    client.revoke().await;
    client.revoke().await;
    let requests = server.requests();
    let revocations: Vec<_> = requests.iter().filter(|request| request.line == "POST /api/oauth/revoke").collect();
    assert_eq!(revocations.len(), 1);
    assert_eq!(revocations[0].body, "token=t1&token_type_hint=access_token");
    assert!(bearer(revocations[0]).starts_with("Basic "));
}

#[tokio::test]
async fn priming_gets_the_token_once_and_learns_the_time() {
    let server = Server::start(|_, _| {
        let body = r#"{"access_token":"t","expires_in":3600}"#;
        Reply::new("200 OK\nContent-Type: application/json\nDate: Mon, 10 Aug 2020 03:13:09 GMT", body)
    });
    let client = client(&server.base_url);
    client.prime().await.unwrap();
    client.prime().await.unwrap();
    assert!(client.clock_offset_ms().unwrap() < -1_000_000);
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test]
async fn nothing_shows_the_secret_or_the_token() {
    let server = Server::with_token(unauthorized());
    let client = client(&server.base_url);
    let error = access(&client).await.unwrap_err();
    let shown = format!("{client:?} {client:#?} {error:?} {error}");
    assert!(!shown.contains(SECRET) && !shown.contains("Bearer"), "{shown}");
}
