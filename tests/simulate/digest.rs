//! HTTP Digest, asked by a client that somebody else wrote.

use http_auth::{DigestClient, PasswordParams, parser::ChallengeParser};

use crate::client::{ACCESS, PROD, Reply, Setup, at};

struct Client<'a> {
    setup: &'a Setup,
    digest: DigestClient,
}

impl<'a> Client<'a> {
    /// A client with the nonce of a challenge.
    fn new(setup: &'a Setup, reply: &Reply) -> Self {
        let mut challenges = ChallengeParser::new(reply.header("WWW-Authenticate").unwrap());
        let digest = DigestClient::try_from(&challenges.next().unwrap().unwrap()).unwrap();
        Self { setup, digest }
    }

    fn header(&mut self, uri: &str, password: &str) -> String {
        let params = PasswordParams { username: "publickey", password, uri, method: "GET", body: Some(&[]) };
        self.digest.respond(&params).unwrap()
    }

    fn send(&self, target: &str, authorization: &str) -> Reply {
        self.setup.send("GET", target, &[("Accept", ACCESS), ("Authorization", authorization)], "")
    }

    fn get(&mut self, target: &str) -> Reply {
        let authorization = self.header(target, "private-key");
        self.send(target, &authorization)
    }
}

fn challenged(setup: &Setup) -> Reply {
    setup.send("GET", PROD, &[("Accept", ACCESS)], "")
}

fn stale(reply: &Reply) -> bool {
    assert_eq!(reply.status, 401);
    reply.header("WWW-Authenticate").unwrap().ends_with("stale=true")
}

#[test]
fn a_nonce_serves_many_requests_until_it_is_stale() {
    let setup = Setup::new();
    let mut client = Client::new(&setup, &challenged(&setup));
    let with_query = format!("{PROD}?nLogs=5");
    for target in [PROD, &with_query, PROD] {
        assert_eq!(client.get(target).status, 200);
    }
    setup.clock.set(at("2026-11-20T12:01:00Z"));
    let reply = client.get(PROD);
    assert!(stale(&reply));
    assert_eq!(Client::new(&setup, &reply).get(PROD).status, 200);
    setup.world.expire_all_nonces();
    assert!(stale(&client.get(PROD)));
    assert_eq!(setup.world.requests().len(), 7);
}

#[test]
fn the_same_request_again_is_refused() {
    let setup = Setup::new();
    let mut client = Client::new(&setup, &challenged(&setup));
    let authorization = client.header(PROD, "private-key");
    assert_eq!(client.send(PROD, &authorization).status, 200);
    assert!(!stale(&client.send(PROD, &authorization)));
}

#[test]
fn another_uri_or_password_is_refused() {
    let setup = Setup::new();
    let mut client = Client::new(&setup, &challenged(&setup));
    let for_another = client.header(&format!("{PROD}?nLogs=5"), "private-key");
    assert!(!stale(&client.send(PROD, &for_another)));
    let wrong = client.header(PROD, "wrong");
    assert!(!stale(&client.send(PROD, &wrong)));
    // Nobody used up the nonce for its owner.
    assert_eq!(client.get(PROD).status, 200);
}

#[test]
fn an_unknown_nonce_is_stale_for_who_knows_the_key() {
    let (setup, other) = (Setup::new(), Setup::new());
    challenged(&other);
    let mut client = Client::new(&setup, &challenged(&other));
    assert!(stale(&client.get(PROD)));
}
