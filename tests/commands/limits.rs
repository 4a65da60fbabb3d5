//! Rate limits: waited for as Atlas asks, seen coming where it tells, and nobody else's business.

use std::time::{Duration, Instant as Moment};

use atlas_logd::{
    sim::{BucketSize, Event, Fault, Match, Request},
    source::{Kind, Source},
};

use crate::harness::{HOUR, ProjectTable, Stage, orders, prod, shops, warehouse};

fn requests_for(stage: &Stage, source: &Source) -> Vec<Request> {
    stage.world.requests_matching(&Match::source(&source.id).authenticated())
}

#[test]
fn a_429_waits_as_long_as_it_says_and_nobody_else_does() {
    let stage = Stage::new();
    stage.configure(|config| config.projects.push(ProjectTable::analytics()));
    stage.add(&orders(), Event::audit(stage.ago(HOUR), "one"));
    stage.world.fault(Match::source(&orders().id).times(1), Fault::RateLimited { retry_after: Some(6) });
    let outcome = stage.command(["collect"]).assert_done();
    let said = format!("{}: trying again in 6 s: the rate limit is reached (RATE_LIMITED_TOKEN_BUCKET: ", orders());
    assert_eq!(outcome.stderr.lines().filter(|line| line.starts_with(&said)).count(), 1, "{}", outcome.stderr);
    let asked = requests_for(&stage, &orders());
    let [refused, answered] = &asked[..] else { panic!("{asked:?}") };
    assert_eq!((refused.status, answered.status), (Some(429), Some(200)));
    assert!(answered.at.since(refused.at) >= Duration::from_secs(6));
    // Neither the other kind of the same project nor another project waits.
    for source in [prod(), shops(), warehouse()] {
        let requests = requests_for(&stage, &source);
        assert_eq!(requests.len(), 1, "{source}");
        assert!(requests[0].number < answered.number, "{source} waited for the limit of another");
    }
    for source in [orders(), prod(), shops(), warehouse()] {
        stage.assert_current(&source);
    }
}

#[test]
fn a_429_holds_all_sources_of_its_project_and_kind() {
    let stage = Stage::new();
    stage.configure(|config| config.set("collect", "polls_at_once", "1"));
    let more: Vec<Source> = (1..=4).map(|number| stage.add_source(Kind::StreamAudit, &format!("i-{number}"))).collect();
    stage.world.fault(Match::path("/auditLogs").times(1), Fault::RateLimited { retry_after: Some(6) });
    stage.command(["collect"]).assert_done();
    let mut asked = stage.world.requests_matching(&Match::path("/auditLogs"));
    assert_eq!(asked.len(), more.len() + 2, "only one of them had to learn of it");
    let refused = asked.remove(0);
    assert_eq!(refused.status, Some(429));
    assert!(asked.iter().all(|request| request.at.since(refused.at) >= Duration::from_secs(6)));
}

#[test]
fn a_429_that_says_nothing_is_waited_for_10_s_and_somewhat_more() {
    let stage = Stage::new();
    stage.configure(|config| config.set_text("atlas", "retry_budget", "5s"));
    stage.world.fault(Match::source(&orders().id), Fault::RateLimited { retry_after: None });
    let outcome = stage.command(["collect"]).assert_code(1);
    let line = outcome.stderr.lines().find(|line| line.starts_with(&format!("{}: failed", orders()))).unwrap();
    let wait = line.split_once("next try in ").and_then(|(_, rest)| rest.strip_suffix(" s")).unwrap();
    let wait: u64 = wait.parse().unwrap_or_else(|_| panic!("{line}"));
    assert!((10..=13).contains(&wait), "{line}");
    assert!(line.contains("): the rate limit is reached (RATE_LIMITED_TOKEN_BUCKET: "), "{line}");
    assert_eq!(stage.requests_for(&orders()), 1, "the budget ends before");
    stage.assert_current(&prod());
}

#[test]
fn a_limit_beyond_the_budget_ends_a_poll_without_another_request() {
    let stage = Stage::at("2026-11-20T12:00:00Z");
    stage.configure(|config| config.set_text("atlas", "retry_budget", "5s"));
    let desk = stage.desk();
    desk.poll_all();
    let covered = |stage: &Stage| stage.status(&orders()).covered();
    let before = covered(&stage);
    stage.world.fault(Match::source(&orders().id), Fault::RateLimited { retry_after: Some(600) });
    stage.world.clear_requests();
    let begun = Moment::now();
    let failure = desk.try_poll(&orders()).failure.unwrap().to_string();
    assert!(failure.ends_with("next try in 600 s"), "{failure}");
    stage.world.clear_faults();
    let failure = desk.try_poll(&orders()).failure.unwrap().to_string();
    let left = failure.split_once("): the rate limit of the project is used up for another ").unwrap().1;
    let left = left.strip_suffix(" s, longer than a poll waits; the next poll tries again");
    let left: u64 = left.and_then(|left| left.parse().ok()).unwrap_or_else(|| panic!("{failure}"));
    assert!((599 - begun.elapsed().as_secs()..=600).contains(&left), "{failure}");
    assert_eq!(stage.requests_for(&orders()), 1);
    assert_eq!(covered(&stage), before);
    desk.poll(&prod());
}

#[test]
fn a_bucket_that_runs_dry_is_seen_coming() {
    let stage = Stage::new();
    stage.configure(|config| {
        config.only_audit();
        config.set_text("atlas", "retry_budget", "2s");
        config.set("collect", "polls_at_once", "1");
    });
    let sources: Vec<Source> =
        (1..=40).map(|number| stage.add_source(Kind::StreamAudit, &format!("i-{number}"))).collect();
    let bucket = BucketSize { capacity: 20, refill: 8, every: Duration::from_secs(60) };
    stage.world.set(|settings| settings.bucket = bucket);
    let outcome = stage.command(["collect"]).assert_code(1);
    let asked = stage.world.requests_matching(&Match::path("/auditLogs"));
    let refused = asked.iter().filter(|request| request.status == Some(429)).count();
    assert_eq!(refused, 0, "of {} requests", asked.len());
    assert_eq!(asked.len(), 20, "all that there was is used");
    let waiting = outcome.stderr.lines().filter(|line| line.contains("the rate limit of the project is used up for"));
    assert_eq!(waiting.count(), sources.len() + 1 - 20);
}
