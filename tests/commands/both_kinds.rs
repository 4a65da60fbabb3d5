//! Both kinds of source and both authentications, and what a second collection costs.

use atlas_logd::sim::{AuthKind, Event, Match};

use crate::harness::{HOUR, MINUTE, ProjectTable, SECOND, Stage, orders, prod, shops, warehouse};

/// Some records of the last hours in all four sources.
fn stage() -> Stage {
    let stage = Stage::new();
    stage.configure(|config| config.projects.push(ProjectTable::analytics()));
    for number in 0..50 {
        let time = stage.ago(5 * HOUR) + number * 5 * MINUTE + number * 7 * SECOND;
        for audit in [orders(), shops()] {
            stage.add(&audit, Event::audit(time, &format!("{audit} {number}")));
        }
        for access in [prod(), warehouse()] {
            stage.add(&access, Event::access(time, "host-00", &format!("{access} {number}")));
        }
    }
    stage
}

#[test]
fn both_kinds_are_collected_with_both_authentications() {
    let stage = stage();
    stage.command(["collect"]).assert_done();
    for source in [orders(), prod(), shops(), warehouse()] {
        assert_eq!(stage.lines(&source).len(), 50);
        assert!(stage.gaps(&source).is_empty());
        stage.assert_current(&source);
    }
    assert_eq!(stage.world.live_tokens(), 0, "the token is revoked at the end");
}

#[test]
fn a_second_collection_adds_nothing_and_asks_once_for_each_source() {
    let stage = stage();
    stage.command(["collect"]).assert_done();
    let sources = [orders(), prod(), shops(), warehouse()];
    let before = sources.each_ref().map(|source| stage.segments(source));
    stage.world.clear_requests();
    stage.command(["collect"]).assert_done();
    assert_eq!(sources.each_ref().map(|source| stage.segments(source)), before);
    for source in [orders(), prod()] {
        let requests = stage.world.requests_matching(&Match::source(&source.id));
        assert_eq!(requests.len(), 1, "{source}");
        assert_eq!(requests[0].auth, AuthKind::Bearer);
    }
    let token_requests = stage.world.requests_matching(&Match::path("/api/oauth/token"));
    assert_eq!(token_requests.len(), 1, "one token for all sources of a credential");
    // A new process has no nonce yet: one try without, whichever source comes first.
    let digest: Vec<_> =
        [shops(), warehouse()].iter().flat_map(|s| stage.world.requests_matching(&Match::source(&s.id))).collect();
    let unauthenticated = digest.iter().filter(|request| request.auth == AuthKind::None).count();
    assert_eq!((digest.len(), unauthenticated), (3, 1));
    sources.iter().for_each(|source| stage.assert_current(source));
}
