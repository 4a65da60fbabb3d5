//! The life of a bearer token.

use std::time::Duration;

use crate::client::{ACCESS, BASIC, PROD, Setup, at};

const FORM: &str = "application/x-www-form-urlencoded";

fn status(setup: &Setup, token: &str) -> u16 {
    setup.send("GET", PROD, &[("Authorization", token), ("Accept", ACCESS)], "").status
}

#[test]
fn a_token_lives_for_its_hour() {
    let setup = Setup::new();
    let reply = setup.ask_token(BASIC);
    assert_eq!(reply.status, 200);
    assert_eq!(reply.json()["expires_in"], 3600);
    assert_eq!(reply.json()["token_type"], "Bearer");
    let token = format!("bearer {}", reply.json()["access_token"].as_str().unwrap());
    assert_eq!(status(&setup, &token), 200);
    setup.clock.set(at("2026-11-20T12:59:59Z"));
    assert_eq!(status(&setup, &token), 200);
    setup.clock.set(at("2026-11-20T13:00:00Z"));
    assert_eq!(status(&setup, &token), 401);
    assert_eq!(status(&setup, "Bearer made-up"), 401);
}

#[test]
fn a_revoked_token_is_dead_and_revoking_needs_the_secret() {
    let setup = Setup::new();
    let token = setup.token();
    let body = format!("token={}&token_type_hint=access_token", token.trim_start_matches("Bearer "));
    let revoke = |headers: &[(&str, &str)]| setup.send("POST", "/api/oauth/revoke", headers, &body).status;
    assert_eq!(revoke(&[("Content-Type", FORM), ("Authorization", &token)]), 401);
    assert_eq!(setup.world.live_tokens(), 1);
    assert_eq!(revoke(&[("Content-Type", FORM), ("Authorization", BASIC)]), 200);
    assert_eq!(setup.world.live_tokens(), 0);
    assert_eq!(status(&setup, &token), 401);
    assert_eq!(revoke(&[("Content-Type", FORM), ("Authorization", BASIC)]), 200);
    let token = setup.token();
    setup.world.revoke_all_tokens();
    assert_eq!(status(&setup, &token), 401);
}

#[test]
fn errors_are_those_of_the_rfc() {
    let setup = Setup::new();
    // mdb_sa_id_1:wrong
    for basic in ["Basic bWRiX3NhX2lkXzE6d3Jvbmc=", "Basic !", "Bearer x"] {
        let reply = setup.ask_token(basic);
        assert_eq!((reply.status, reply.json()["error"].as_str()), (401, Some("invalid_client")));
        assert!(reply.json()["error_description"].is_string());
    }
    let post = |body: &str, media_type: &str| {
        let reply =
            setup.send("POST", "/api/oauth/token", &[("Authorization", BASIC), ("Content-Type", media_type)], body);
        (reply.status, reply.json()["error"].as_str().unwrap().to_owned())
    };
    assert_eq!(post("", FORM), (400, "invalid_request".into()));
    assert_eq!(post("grant_type=password", FORM), (400, "unsupported_grant_type".into()));
    assert_eq!(post("grant_type=client_credentials", "application/json"), (400, "invalid_request".into()));
}

#[test]
fn a_secret_ends_and_its_successor_goes_on() {
    let setup = Setup::new();
    setup.world.change_service_accounts(|accounts| {
        accounts[0].secrets[0].1 = Some(at("2026-11-20T12:30:00Z"));
        accounts[0].secrets.push(("next".to_owned(), None));
    });
    // mdb_sa_id_1:next
    let next = "Basic bWRiX3NhX2lkXzE6bmV4dA==";
    assert_eq!([setup.ask_token(BASIC).status, setup.ask_token(next).status], [200, 200]);
    setup.clock.set(at("2026-11-20T12:30:00Z"));
    assert_eq!([setup.ask_token(BASIC).status, setup.ask_token(next).status], [401, 200]);
}

#[test]
fn tokens_are_limited_to_ten_a_minute_and_a_hundred_alive() {
    let setup = Setup::new();
    for _ in 0..10 {
        assert_eq!(setup.ask_token(BASIC).status, 200);
    }
    setup.clock.set(at("2026-11-20T12:00:20Z"));
    let reply = setup.ask_token(BASIC);
    assert_eq!(reply.error(), (429, "RATE_LIMITED".into()));
    assert_eq!(reply.header("Retry-After"), Some("40"));
    setup.clock.set(at("2026-11-20T12:01:00Z"));
    assert_eq!(setup.ask_token(BASIC).status, 200);
    for minute in 2..11 {
        setup.clock.set(at("2026-11-20T12:00:00Z") + Duration::from_secs(60 * minute));
        for _ in 0..10 {
            setup.ask_token(BASIC);
        }
    }
    assert_eq!(setup.world.live_tokens(), 100);
    setup.clock.set(at("2026-11-20T12:20:00Z"));
    assert_eq!(setup.ask_token(BASIC).status, 429);
}
