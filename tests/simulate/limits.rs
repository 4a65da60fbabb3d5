//! Token buckets, the request log and holds.

use std::{io::ErrorKind, net::TcpStream, thread, time::Duration};

use atlas_logd::sim::{AuthKind, BucketSize, Match, SimAtlas};

use crate::client::{ACCESS, AUDIT, ORDERS, PROD, Setup, at};

#[test]
fn a_dry_bucket_says_when_to_come_again() {
    let setup = Setup::new();
    setup.world.set(|settings| settings.bucket = BucketSize { capacity: 2, refill: 1, every: Duration::from_secs(60) });
    let token = setup.token();
    let get = |target, accept| setup.send("GET", target, &[("Authorization", &token), ("Accept", accept)], "");
    for remaining in ["1", "0"] {
        let reply = get(PROD, ACCESS);
        assert_eq!((reply.status, reply.header("RateLimit-Remaining")), (200, Some(remaining)));
        assert_eq!(reply.header("RateLimit-Limit"), Some("2"));
    }
    setup.clock.set(at("2026-11-20T12:00:05Z"));
    let reply = get(PROD, ACCESS);
    assert_eq!(reply.error(), (429, "RATE_LIMITED_TOKEN_BUCKET".into()));
    assert_eq!(reply.header("Retry-After"), Some("55"));
    assert_eq!(reply.json()["parameters"], serde_json::json!([PROD.trim_start_matches('/'), 55, 2, 1, 60]));
    assert_eq!(reply.json()["reason"], "Too Many Requests");
    // Another endpoint set has its own bucket.
    assert_eq!(get(ORDERS, AUDIT).status, 200);
    setup.world.set(|settings| (settings.retry_after, settings.rate_limit_headers) = (false, false));
    let reply = get(PROD, ACCESS);
    assert_eq!(reply.status, 429);
    assert_eq!((reply.header("Retry-After"), reply.header("RateLimit-Limit")), (None, None));
    setup.clock.set(at("2026-11-20T12:01:00Z"));
    assert_eq!(get(PROD, ACCESS).status, 200);
    assert_eq!(get(PROD, ACCESS).status, 429);
}

#[test]
fn every_request_is_in_the_log() {
    let setup = Setup::new();
    setup.send("GET", PROD, &[("Accept", ACCESS), ("User-Agent", "test/1")], "");
    setup.get(&format!("{ORDERS}?startDate=1&endDate=2"), AUDIT);
    let requests = setup.world.requests();
    let seen: Vec<_> = requests.iter().map(|request| (request.auth, request.status)).collect();
    assert_eq!(seen, [(AuthKind::None, Some(401)), (AuthKind::Basic, Some(200)), (AuthKind::Bearer, Some(200))]);
    assert_eq!(requests[0].user_agent.as_deref(), Some("test/1"));
    assert_eq!((requests[2].path.as_str(), requests[2].query.as_str()), (ORDERS, "startDate=1&endDate=2"));
    assert_eq!(requests[2].source, Some(setup.audit_source()));
    assert_eq!(setup.world.requests_matching(&Match::source(&setup.audit_source())).len(), 1);
    setup.world.clear_requests();
    assert!(setup.world.requests().is_empty());
}

#[test]
fn an_atlas_that_was_stopped_comes_back_on_its_port() {
    let setup = Setup::new();
    let token = setup.token();
    let (address, world) = (setup.sim.addr(), setup.world.clone());
    drop(setup.sim);
    assert_eq!(TcpStream::connect(address).unwrap_err().kind(), ErrorKind::ConnectionRefused);
    let setup = Setup { sim: SimAtlas::start_at(world, address).unwrap(), ..setup };
    assert_eq!(setup.send("GET", PROD, &[("Authorization", &token), ("Accept", ACCESS)], "").status, 200);
}

#[test]
fn a_request_can_be_held_and_looked_at() {
    let setup = Setup::new();
    let token = setup.token();
    let hold = setup.world.hold(Match::source(&setup.access_source()));
    let headers = [("Authorization", token.as_str()), ("Accept", ACCESS)];
    thread::scope(|scope| {
        let asking = scope.spawn(|| setup.send("GET", PROD, &headers, ""));
        assert!(hold.wait_arrived(1));
        assert_eq!(setup.world.requests().last().unwrap().status, None);
        // Others are not held.
        assert_eq!(setup.send("GET", ORDERS, &[("Authorization", &token), ("Accept", AUDIT)], "").status, 200);
        setup.world.revoke_all_tokens();
        hold.release();
        assert_eq!(asking.join().unwrap().status, 401);
    });
    assert!(setup.world.wait_arrived(&Match::source(&setup.access_source()), 1));
}
