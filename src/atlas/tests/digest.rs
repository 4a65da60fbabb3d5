//! The API key: nonces, their counts, and what a 401 means.

use std::{
    collections::HashSet,
    sync::atomic::{AtomicUsize, Ordering},
};

use md5::{Digest, Md5};

use super::{
    super::{Consequence, RequestError},
    server::{Reply, Request, Server},
    setting::{SECRET, access, advice, ask, key_client, source},
};
use crate::source::Kind;

fn challenge(nonce: &str, stale: bool, body: &str) -> Reply {
    let challenge = format!(
        "401 Unauthorized
         Www-Authenticate: Digest realm=\"MMS Public API\", domain=\"\", nonce=\"{nonce}\", algorithm=MD5, qop=\"auth\", stale={stale}"
    );
    Reply::new(&challenge, body)
}

/// A field of the header `Authorization: Digest …`.
fn field<'a>(request: &'a Request, name: &str) -> Option<&'a str> {
    let fields = request.header("authorization")?.strip_prefix("Digest ")?;
    let mut fields = fields.split(", ").filter_map(|field| field.split_once('='));
    fields.find(|(field, _)| *field == name).map(|(_, value)| value.trim_matches('"'))
}

fn md5(text: &str) -> String {
    Md5::digest(text).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Whether the request is signed with the right key, by RFC 2617.
fn is_signed(request: &Request) -> bool {
    let get = |name| field(request, name).unwrap_or_default();
    let uri = request.line.strip_prefix("GET ").unwrap();
    let a1 = md5(&format!("abcdefgh:MMS Public API:{SECRET}"));
    let a2 = md5(&format!("GET:{uri}"));
    let response = md5(&format!("{a1}:{}:{}:{}:auth:{a2}", get("nonce"), get("nc"), get("cnonce")));
    get("uri") == uri && get("username") == "abcdefgh" && get("response") == response
}

fn signatures(server: &Server) -> Vec<(String, String)> {
    let requests = server.requests();
    let shown = |request: &Request, name| field(request, name).unwrap_or("-").to_owned();
    requests.iter().map(|request| (shown(request, "nonce"), shown(request, "nc"))).collect()
}

#[tokio::test]
async fn one_request_without_credentials_gets_a_nonce_for_all() {
    let server = Server::start(|request, _| match field(request, "nonce") {
        Some("n1") if is_signed(request) => Reply::json("{}"),
        _ => challenge("n1", false, ""),
    });
    let client = key_client(&server.base_url);
    let asks = (0..16).map(|_| access(&client));
    assert!(futures_util::future::join_all(asks).await.iter().all(Result::is_ok));
    assert!(server.requests()[0].header("authorization").is_none());
    let counts: HashSet<_> = signatures(&server).into_iter().skip(1).collect();
    let expected = (1..=16).map(|count| ("n1".to_owned(), format!("{count:08x}"))).collect();
    assert_eq!(counts, expected);
}

#[tokio::test]
async fn a_stale_nonce_leads_to_one_more_try_with_the_next() {
    // Each nonce is good for two requests.
    let server = Server::start(|request, _| {
        let nonce = field(request, "nonce").and_then(|nonce| nonce.strip_prefix('n')).map_or(0, |n| n.parse().unwrap());
        let is_used_up = field(request, "nc").is_none_or(|count| count > "00000002");
        if is_used_up { challenge(&format!("n{}", nonce + 1), nonce > 0, "") } else { Reply::json("{}") }
    });
    let client = key_client(&server.base_url);
    for _ in 0..4 {
        access(&client).await.unwrap();
    }
    let expected = [("-", "-"), ("n1", "1"), ("n1", "2"), ("n1", "3"), ("n2", "1"), ("n2", "2")];
    let expected =
        expected.map(|(nonce, nc)| (nonce.to_owned(), if nc == "-" { nc.into() } else { format!("0000000{nc}") }));
    assert_eq!(signatures(&server), expected);
}

#[tokio::test]
async fn a_used_nonce_gets_one_more_try_even_if_it_is_not_called_stale() {
    let server = Server::start(|request, before| match field(request, "nonce") {
        Some("n1") if before < 2 => Reply::json("{}"),
        Some("n2") => Reply::json("{}"),
        None => challenge("n1", false, ""),
        Some(_) => challenge("n2", false, ""),
    });
    let client = key_client(&server.base_url);
    access(&client).await.unwrap();
    access(&client).await.unwrap();
    assert_eq!(server.requests().len(), 4);
}

#[tokio::test]
async fn a_nonce_that_is_always_stale_ends_the_ask_but_not_the_poll() {
    let count = AtomicUsize::new(0);
    let server = Server::start(move |request, _| {
        challenge(&format!("n{}", count.fetch_add(1, Ordering::SeqCst)), field(request, "nonce").is_some(), "")
    });
    let error = access(&key_client(&server.base_url)).await.unwrap_err();
    assert!(matches!(error, RequestError::NonceStale), "{error}");
    assert_eq!(error.consequence(), Consequence::Retry);
    assert_eq!(server.requests().len(), 3);
}

#[tokio::test]
async fn a_wrong_key_is_an_error_and_not_tried_twice() {
    let body = r#"{"error":401,"errorCode":"UNEXPECTED_ERROR"}"#;
    let server = Server::start(move |_, before| challenge(&format!("n{before}"), false, body));
    let client = key_client(&server.base_url);
    let prod = source(Kind::AccessHistory, "prod-0");
    let error = ask(&client, &prod).await.unwrap_err();
    assert!(matches!(error, RequestError::WrongKey { .. }), "{error}");
    assert_eq!(error.consequence(), Consequence::GiveUp);
    assert!(advice(&error, &prod).contains("its private key is in the environment variable SECRET"));
    assert_eq!(server.requests().len(), 2);
    assert!(!format!("{client:?} {error:?}").contains(SECRET));
}

#[tokio::test]
async fn a_missing_role_is_not_mistaken_for_a_wrong_key() {
    let server = Server::start(|request, _| {
        let body = if is_signed(request) { r#"{"errorCode":"NOT_IN_GROUP"}"# } else { "" };
        challenge("n1", false, body)
    });
    let prod = source(Kind::AccessHistory, "prod-0");
    let error = ask(&key_client(&server.base_url), &prod).await.unwrap_err();
    assert!(matches!(error, RequestError::Refused { status: 401, .. }), "{error}");
    assert!(advice(&error, &prod).starts_with("grant the API key abcdefgh the role"));
}

#[tokio::test]
async fn a_server_without_a_usable_challenge_is_an_error() {
    for (reply, expected) in [
        (Reply::json("{}"), "the server did not ask for a digest: its answer is 200 without a challenge"),
        (Reply::new("401 No", ""), "the server did not ask for a digest: its answer is 401 without a challenge"),
        (
            Reply::new("401 No\nWWW-Authenticate: Basic realm=\"x\"", ""),
            "the server did not ask for a digest: its answer is 401 without a challenge",
        ),
        (
            Reply::new("401 No\nWWW-Authenticate: Digest realm=\"x\"", ""),
            "the digest challenge cannot be answered: missing required parameter nonce",
        ),
        (Reply::new("503 No", ""), "the server failed with 503"),
    ] {
        let server = Server::start(move |_, _| reply.clone());
        let error = access(&key_client(&server.base_url)).await.unwrap_err();
        assert_eq!(error.to_string(), expected);
    }
}

#[tokio::test]
async fn priming_gets_the_nonce_that_the_first_ask_uses() {
    let server =
        Server::start(|request, _| if is_signed(request) { Reply::json("{}") } else { challenge("n1", false, "") });
    let client = key_client(&server.base_url);
    client.prime().await.unwrap();
    client.prime().await.unwrap();
    access(&client).await.unwrap();
    let requests = server.requests();
    assert_eq!(requests.len(), 2);
    assert_eq!(requests[0].line, "GET /api/atlas/v2/groups");
}
