//! Service accounts: one token for everything, renewed when it has to be, given back at the end.

use std::fs;

use atlas_logd::{
    sim::{AuthKind, Fault, Match},
    source::{Kind, Source},
};

use crate::harness::{
    CLIENT_ID, EVERY_SECOND, HOUR, MINUTE, ProjectTable, SECOND, Stage, orders, prod, shops, warehouse,
};

const TOKEN: &str = "/api/oauth/token";

fn token_requests(stage: &Stage) -> usize {
    stage.world.requests_matching(&Match::path(TOKEN)).len()
}

/// Eight sources of one service account, with a record each.
fn many(stage: &Stage) -> Vec<Source> {
    let more = (1..=6).map(|number| stage.add_source(Kind::StreamAudit, &format!("instance-{number}")));
    let sources: Vec<Source> = more.chain([orders(), prod()]).collect();
    sources.iter().for_each(|source| stage.add_record(source, HOUR, "one"));
    sources
}

#[test]
fn sources_that_are_collected_at_once_share_one_token_that_is_revoked_at_the_end() {
    let stage = Stage::new();
    let sources = many(&stage);
    stage.command(["collect"]).assert_done();
    assert_eq!(token_requests(&stage), 1);
    assert_eq!(stage.world.requests_matching(&Match::path("/api/oauth/revoke")).len(), 1);
    assert_eq!(stage.world.live_tokens(), 0);
    for source in &sources {
        assert_eq!(stage.requests_for(source), 1);
        assert_eq!(stage.lines(source).len(), 1);
        stage.assert_current(source);
    }
}

#[test]
fn a_token_is_kept_from_poll_to_poll() {
    let stage = Stage::at("2026-11-20T12:00:00Z");
    let desk = stage.desk();
    for _ in 0..5 {
        desk.poll_all();
        stage.pass(5 * MINUTE);
    }
    assert_eq!(token_requests(&stage), 1);
    assert_eq!(stage.world.live_tokens(), 1);
    drop(desk);
    assert_eq!(stage.world.live_tokens(), 0);
}

/// Of a life of a minute, the first half is used.
#[test]
fn a_token_is_renewed_early_and_its_predecessor_is_given_back_too() {
    let stage = Stage::new();
    stage.world.set(|settings| settings.token_life = MINUTE);
    stage.configure(|config| config.schedule(EVERY_SECOND));
    let daemon = stage.spawn_daemon();
    assert!(stage.world.wait_arrived(&Match::path(TOKEN), 2), "no other token was asked for");
    stage.wait_until_polled(&orders());
    daemon.stop();
    let requests = stage.world.requests();
    assert!(requests.iter().all(|request| request.status != Some(401)), "the first token was used for too long");
    let asked = stage.world.requests_matching(&Match::path(TOKEN));
    let [first, second] = &asked[..] else { panic!("{asked:#?}") };
    assert!(second.at.since(first.at) >= 29 * SECOND, "the first half of a life is used: {asked:#?}");
    assert_eq!(stage.world.live_tokens(), 0);
}

#[test]
fn a_token_that_ends_before_its_time_is_renewed_once_for_all_who_use_it() {
    let stage = Stage::new();
    let sources = many(&stage);
    let hold = stage.world.hold(Match::path("/groups/"));
    let (world, count) = (stage.world.clone(), sources.len());
    let revoked = std::thread::spawn(move || {
        let arrived = hold.wait_arrived(count);
        world.revoke_all_tokens();
        hold.release();
        arrived
    });
    stage.command(["collect"]).assert_done();
    assert!(revoked.join().unwrap(), "all sources are asked at the same time");
    assert_eq!(token_requests(&stage), 2);
    for source in &sources {
        let statuses: Vec<_> =
            stage.world.requests_matching(&Match::source(&source.id)).iter().map(|request| request.status).collect();
        assert_eq!(statuses, [Some(401), Some(200)], "{source}");
        stage.assert_current(source);
    }
    assert_eq!(stage.world.live_tokens(), 0);
}

#[test]
fn no_token_is_asked_for_when_nothing_can_be_collected() {
    let stage = Stage::new();
    fs::remove_dir(stage.archive()).unwrap();
    stage.command(["collect"]).assert_code(1).assert_says("does not exist");
    stage.command(["run"]).assert_code(1).assert_says("does not exist");
    stage.command(["check"]).assert_code(1);
    fs::create_dir(stage.archive()).unwrap();
    stage.command(["collect", "payments/stream-audit/unknown"]).assert_code(2);
    assert_eq!(stage.world.requests(), []);
}

#[test]
fn a_command_beside_the_daemon_asks_for_no_token_of_its_own() {
    let stage = Stage::new();
    let daemon = stage.spawn_daemon();
    assert!(stage.world.wait_arrived(&Match::source(&prod().id), 1));
    let before = token_requests(&stage);
    stage.command(["collect"]).assert_done();
    assert_eq!(token_requests(&stage), before);
    daemon.stop();
    assert_eq!(stage.world.live_tokens(), 0);
}

#[test]
fn a_secret_that_was_rotated_is_read_from_its_file_again() {
    let stage = Stage::at("2026-11-20T12:00:00Z");
    let desk = stage.desk();
    desk.poll_all();
    stage.world.change_service_accounts(|accounts| accounts[0].secrets = vec![("mdb_sa_sk_rotated".to_owned(), None)]);
    fs::write(stage.folder().join("client-secret"), "mdb_sa_sk_rotated\n").unwrap();
    // Until its token ends, nobody needs the secret.
    desk.poll_all();
    assert_eq!(token_requests(&stage), 1);
    stage.world.revoke_all_tokens();
    stage.pass(MINUTE);
    desk.poll_all();
    assert_eq!(token_requests(&stage), 2);
    drop(desk);
    assert_eq!(stage.world.live_tokens(), 0, "it is revoked with the new secret");
}

#[test]
fn a_wrong_secret_fails_its_sources_with_one_request_and_says_what_to_do() {
    let stage = Stage::new();
    let sources = many(&stage);
    stage.configure(|config| config.projects.push(ProjectTable::analytics()));
    stage.command(["collect"]).assert_done();
    let before: Vec<_> =
        sources.iter().map(|source| (stage.segments(source), stage.status(source).covered())).collect();
    fs::write(stage.folder().join("client-secret"), "mdb_sa_sk_wrong").unwrap();
    stage.world.clear_requests();

    let outcome = stage.command(["collect"]).assert_code(1);
    let said = format!(
        "no access token: the service account {CLIENT_ID} was not accepted: 401 (invalid_client: The client id or the \
         client secret is wrong.); the secret of the service account {CLIENT_ID} has expired or is wrong: make a new one \
         in Atlas and put it into the file {}/client-secret",
        stage.folder().display()
    );
    for source in &sources {
        let line = outcome.stderr.lines().find(|line| line.starts_with(&format!("{source}: failed to collect [")));
        assert!(line.is_some_and(|line| line.ends_with(&format!("): {said}"))), "{}", outcome.stderr);
        assert_eq!(stage.requests_for(source), 0);
    }
    assert_eq!(token_requests(&stage), 1, "they share the refusal");
    let after: Vec<_> = sources.iter().map(|source| (stage.segments(source), stage.status(source).covered())).collect();
    assert_eq!(after, before);
    [shops(), warehouse()].iter().for_each(|source| stage.assert_current(source));
}

#[test]
fn data_is_asked_for_with_the_token_only_and_under_our_own_name() {
    let stage = Stage::new();
    stage.command(["collect"]).assert_done();
    for request in stage.world.requests() {
        let expected = if request.path.contains("/oauth/") { AuthKind::Basic } else { AuthKind::Bearer };
        assert_eq!(request.auth, expected, "{}", request.path);
        let agent = request.user_agent.unwrap();
        assert!(agent.starts_with(&format!("atlas-logd/{} (", env!("CARGO_PKG_VERSION"))), "{agent}");
    }
}

#[test]
fn a_token_endpoint_that_answers_something_else_fails_the_poll() {
    let base_url = "check atlas.base_url, and whether a proxy answers in place of Atlas";
    for (fault, said) in [
        (Fault::html(200), "no access token: the answer holds no bearer token".to_owned()),
        (Fault::Body("{\"access_token\":7}".into()), "no access token: the answer holds no bearer token".to_owned()),
        (
            Fault::redirect("https://login.example/"),
            format!("no access token: the answer is a redirect (302) to login.example; {base_url}"),
        ),
    ] {
        let stage = Stage::new();
        stage.world.fault(Match::path(TOKEN), fault);
        let outcome = stage.command(["collect"]).assert_code(1);
        let lines: Vec<&str> = outcome.stderr.lines().filter(|line| line.starts_with("payments/")).collect();
        assert!(lines.len() == 2 && lines.iter().all(|line| line.ends_with(&said)), "{}", outcome.stderr);
        assert_eq!(token_requests(&stage), 1);
        assert_eq!(stage.requests_for(&orders()) + stage.requests_for(&prod()), 0);
        stage.world.clear_faults();
        stage.command(["collect"]).assert_done();
        [orders(), prod()].iter().for_each(|source| stage.assert_current(source));
    }
}
