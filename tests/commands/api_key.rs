//! API keys: one request without credentials in the life of a process, and one nonce for as long as it lasts.

use std::fs;

use atlas_logd::{
    sim::{AuthKind, Match, Request},
    source::{Kind, Source},
};

use crate::harness::{HOUR, MINUTE, PUBLIC_KEY, ProjectTable, Stage, orders, prod, shops, warehouse};

/// Six sources of one API key, with a record each.
fn many(stage: &Stage) -> Vec<Source> {
    stage.configure(|config| config.projects = vec![ProjectTable::analytics()]);
    let more = (1..=4).map(|number| stage.add_source_of_analytics(Kind::StreamAudit, &format!("instance-{number}")));
    let sources: Vec<Source> = more.chain([shops(), warehouse()]).collect();
    sources.iter().for_each(|source| stage.add_record(source, HOUR, "one"));
    sources
}

fn unauthenticated(requests: &[Request]) -> usize {
    requests.iter().filter(|request| request.auth == AuthKind::None).count()
}

#[test]
fn one_request_without_credentials_is_enough_for_all_sources() {
    let stage = Stage::new();
    let sources = many(&stage);
    stage.command(["collect"]).assert_done();
    let requests = stage.world.requests();
    assert_eq!(unauthenticated(&requests), 1);
    assert_eq!(requests.len(), 1 + sources.len());
    sources.iter().for_each(|source| stage.assert_current(source));
}

#[test]
fn a_nonce_is_kept_from_poll_to_poll() {
    let stage = Stage::at("2026-11-20T12:00:00Z");
    stage.configure(|config| config.projects = vec![ProjectTable::analytics()]);
    let desk = stage.desk();
    (0..5).for_each(|_| desk.poll_all());
    let requests = stage.world.requests();
    assert_eq!((unauthenticated(&requests), requests.len()), (1, 1 + 5 * 2));
}

#[test]
fn a_stale_nonce_costs_one_more_try() {
    let stage = Stage::at("2026-11-20T12:00:00Z");
    stage.configure(|config| config.projects = vec![ProjectTable::analytics()]);
    let desk = stage.desk();
    desk.poll_all();
    // Nonces live for 60 s.
    stage.pass(5 * MINUTE);
    stage.world.clear_requests();
    desk.poll(&shops());
    desk.poll(&warehouse());
    let asked: Vec<_> = stage.world.requests().iter().map(|request| (request.auth, request.status)).collect();
    assert_eq!(asked, [401, 200, 200].map(|status| (AuthKind::Digest, Some(status))));
}

#[test]
fn sources_whose_nonce_goes_stale_together_share_the_next() {
    let stage = Stage::new();
    let sources = many(&stage);
    let hold = stage.world.hold(Match::path("/groups/").authenticated());
    let (world, count) = (stage.world.clone(), sources.len());
    let expired = std::thread::spawn(move || {
        let arrived = hold.wait_arrived(count);
        world.expire_all_nonces();
        hold.release();
        arrived
    });
    stage.command(["collect"]).assert_done();
    assert!(expired.join().unwrap());
    assert_eq!(unauthenticated(&stage.world.requests()), 1);
    for source in &sources {
        let signed = Match::source(&source.id).authenticated();
        let statuses: Vec<_> = stage.world.requests_matching(&signed).iter().map(|request| request.status).collect();
        assert_eq!(statuses, [Some(401), Some(200)], "{source}");
        stage.assert_current(source);
    }
}

#[test]
fn a_wrong_key_fails_its_sources_and_says_what_to_do() {
    let stage = Stage::new();
    stage.configure(|config| config.projects.push(ProjectTable::analytics()));
    stage.command(["collect"]).assert_done();
    fs::write(stage.folder().join("private-key"), "wrong").unwrap();
    stage.world.clear_requests();
    let outcome = stage.command(["collect"]).assert_code(1);
    let said = format!(
        "the API key {PUBLIC_KEY} was not accepted; check that the API key {PUBLIC_KEY} exists in Atlas and that its \
         private key is in the file {}/private-key; Atlas shows a private key only once, so make a new key if in doubt",
        stage.folder().display()
    );
    for source in [shops(), warehouse()] {
        let line = outcome.stderr.lines().find(|line| line.starts_with(&format!("{source}: failed to collect [")));
        assert!(line.is_some_and(|line| line.ends_with(&format!("): {said}"))), "{}", outcome.stderr);
        let signed = stage.world.requests_matching(&Match::source(&source.id).authenticated()).len();
        assert!(signed <= 2, "{source} was tried {signed} times");
    }
    [orders(), prod()].iter().for_each(|source| stage.assert_current(source));
}
