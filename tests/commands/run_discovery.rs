//! The daemon finds what is new at Atlas while it runs, leaves what is gone, and goes on with what it knows.

use atlas_logd::{
    sim::{Cluster, Fault, Match, StreamInstance},
    source::Source,
};
use rustix::process::Signal;

use crate::harness::{EVERY_SECOND, HOUR, ProjectTable, SECOND, Stage, get, orders, prod};

/// The samples of a source in what the daemon shows.
fn samples(address: std::net::SocketAddr, source: &Source) -> Vec<String> {
    let label = format!("source=\"{source}\"");
    let shown = get(address, "/metrics").body;
    shown.lines().filter(|line| line.contains(&label)).map(|line| line.replace(&format!("{{{label}}}"), "")).collect()
}

fn stage() -> Stage {
    let stage = Stage::new();
    stage.configure(|config| {
        config.schedule(EVERY_SECOND);
        config.set_text("schedule", "discover", EVERY_SECOND);
        config.select("clusters", "[\"prod-*\"]");
    });
    stage.add_record(&prod(), HOUR, "one");
    stage
}

#[test]
fn a_cluster_is_found_left_when_it_is_gone_and_found_again() {
    let stage = stage();
    let mut daemon = stage.spawn_daemon();
    daemon.wait_for_line("payments/access-history/prod-0: found at Atlas");
    stage.wait_until_polled(&prod());
    let found = stage.make_cluster(Cluster::new("prod-1"));
    daemon.wait_for_line("payments/access-history/prod-1: found at Atlas, it is collected from now on");
    stage.wait_until_polled(&found);
    stage.delete_cluster(&found);
    daemon.wait_for_line("is gone from Atlas");
    daemon.wait_for_line("its segment is sealed");
    stage.world.clear_requests();
    stage.wait_until_polled(&prod());
    assert_eq!(stage.data_requests(&found), []);
    stage.make_cluster(Cluster::new("prod-1"));
    stage.add_record(&found, SECOND, "two");
    daemon.wait_for_line("payments/access-history/prod-1: found at Atlas");
    stage.wait_until_polled(&found);
    daemon.stop();
    assert_eq!(stage.status(&found).records, 2);
    assert_eq!(stage.gaps(&found)[0].reason, "absent");
}

#[test]
fn a_collection_of_everything_beside_the_daemon_asks_for_the_lists() {
    let stage = stage();
    stage.configure(|config| config.set_text("schedule", "discover", "off"));
    let mut daemon = stage.spawn_daemon();
    stage.wait_until_polled(&prod());
    let found = stage.make_cluster(Cluster::new("prod-1"));
    stage.command(["collect"]).assert_done();
    daemon.wait_for_line("payments/access-history/prod-1: found at Atlas, it is collected from now on");
    stage.wait_until_polled(&found);
}

#[test]
fn a_404_for_what_was_listed_asks_for_the_list_again_once() {
    let stage = stage();
    stage.configure(|config| config.set_text("schedule", "discover", "off"));
    let deleted = stage.make_cluster(Cluster::new("prod-1"));
    let kept = stage.make_cluster(Cluster::new("prod-2"));
    let mut daemon = stage.spawn_daemon();
    [&deleted, &kept].iter().for_each(|source| stage.wait_until_polled(source));
    let lists = Match::path("/clusters").query("pageNum");
    assert_eq!(stage.world.requests_matching(&lists).len(), 1);
    stage.world.fault(Match::source(&kept.id), Fault::json(404, "CLUSTER_NOT_FOUND"));
    daemon.wait_for_line("it was found in a list of Atlas");
    stage.wait_until_polled(&kept);
    assert_eq!(
        stage.world.requests_matching(&lists).len(),
        2,
        "a list that goes on showing it is not asked again and again"
    );
    stage.delete_cluster(&deleted);
    daemon.wait_for_line("is gone from Atlas");
    daemon.stop();
    assert_eq!(stage.world.requests_matching(&lists).len(), 3);
    assert!(stage.status(&kept).configured);
}

#[test]
fn a_start_without_atlas_goes_on_with_what_is_known_and_tells_of_the_lists_once() {
    let stage = stage();
    stage.configure(|config| config.set_text("atlas", "retry_budget", "50ms"));
    stage.command(["collect"]).assert_done();
    stage.take_atlas_down();
    let mut daemon = stage.spawn_daemon_unready();
    daemon.wait_for_line("sources=2");
    daemon.wait_for_line("failed to get the lists for the credentials main");
    stage.bring_atlas_up();
    daemon.wait_for_line("got the lists for the credentials main again");
    stage.wait_until_polled(&prod());
    let log = daemon.stop();
    assert_eq!(log.iter().filter(|line| line.contains("failed to get the list")).count(), 1, "{log:#?}");
}

#[test]
fn a_list_that_fails_again_and_again_is_one_line_and_one_when_it_is_well_again() {
    let stage = stage();
    let lists = Match::path("/clusters").query("pageNum");
    stage.world.fault(lists.clone(), Fault::json(403, "USER_UNAUTHORIZED"));
    let mut daemon = stage.spawn_daemon();
    daemon.wait_for_line("failed to get the list of clusters of the project payments");
    stage.world.clear_requests();
    assert!(stage.world.wait_arrived(&lists, 3));
    stage.world.clear_faults();
    daemon.wait_for_line("prod-0: found at Atlas");
    daemon.wait_for_line("got the list of clusters of the project payments");
    let log = daemon.stop();
    assert_eq!(log.iter().filter(|line| line.contains("failed to get the list")).count(), 1, "{log:#?}");
}

#[test]
fn a_reload_with_other_patterns_seals_what_they_no_longer_mean_and_finds_what_they_mean_now() {
    let stage = stage();
    stage.configure(|config| config.set_text("schedule", "discover", "off"));
    let other = stage.make_cluster(Cluster::new("other"));
    let mut daemon = stage.spawn_daemon();
    daemon.wait_for_line("prod-0: found at Atlas");
    stage.wait_until_polled(&prod());
    stage.configure(|config| config.select("clusters", "[\"o*\"]"));
    daemon.signal(Signal::HUP);
    daemon.wait_for_line("the new configuration is in force");
    daemon.wait_for_line("its segment is sealed");
    stage.wait_until_polled(&other);
    // A project with a schedule of its own that is found later is polled by it.
    let [of_shop, _] = stage.make_project("aaaaaaaaaaaaaaaaaaaaaaaa", "shop");
    stage.configure(|config| {
        config.schedule(crate::harness::ONCE_A_YEAR);
        let mut table = ProjectTable::discovering("\"all\"");
        table.more.push(format!("schedule = {{ stream_audit = \"{EVERY_SECOND}\" }}"));
        config.projects.push(table);
    });
    daemon.signal(Signal::HUP);
    stage.wait_until_polled(&of_shop);
    daemon.stop();
    assert_eq!(stage.lines(&of_shop).len(), 1);
    assert!(stage.statuses().iter().any(|status| status.source == prod().to_string() && !status.configured));
    assert!(stage.status(&orders()).configured);
}

#[test]
fn a_paused_cluster_is_neither_failing_nor_behind_whoever_asks() {
    let stage = stage();
    stage.configure(|config| {
        config.set_text("schedule", "reconcile", EVERY_SECOND);
        config.set_text("signals", "behind", "1s");
        config.set_text("http", "listen", "127.0.0.1:0");
    });
    let cluster = stage.make_cluster(Cluster::new("prod-9"));
    stage.add_record(&cluster, HOUR, "before");
    let mut daemon = stage.spawn_daemon_unready();
    let address = daemon.wait_for_address();
    daemon.wait_for_line(&format!("{cluster}: found at Atlas"));
    stage.wait_until_polled(&cluster);
    stage.change_payments(|project| {
        project.clusters.iter_mut().filter(|known| known.name == "prod-9").for_each(|cluster| cluster.paused = true);
    });
    // The one after the next list begins once the next one has been learnt.
    let lists = Match::path("/clusters").query("pageNum");
    let before = stage.world.requests_matching(&lists).len();
    assert!(stage.world.wait_arrived(&lists, before + 2));
    stage.world.fault(Match::source(&cluster.id), Fault::json(409, "CLUSTER_PAUSED"));
    daemon.wait_for_line("is paused, and Atlas does not answer for it until it runs again");
    // Polls and reconciliations go on meanwhile, and the watermark stands.
    let asked = stage.requests_for(&cluster);
    stage.wait_for_data_requests(&cluster, asked + 6);
    let shown = samples(address, &cluster);
    for expected in [
        "atlas_logd_paused 1",
        "atlas_logd_failing_seconds 0",
        "atlas_logd_behind_seconds 0",
        "atlas_logd_reconciliation_failing 0",
    ] {
        assert!(shown.iter().any(|line| line.starts_with(expected)), "{expected}: {shown:#?}");
    }
    let status = stage.command(["status"]).stdout;
    let of_it: Vec<&str> = status.lines().filter(|line| line.contains("prod-9")).collect();
    assert!(matches!(of_it[..], [row] if row.contains("paused")), "{status}");
    let log = daemon.stop();
    assert!(!log.iter().any(|line| line.contains("prod-9") && line.contains("ERROR")), "{log:#?}");
}

#[test]
fn a_paused_cluster_that_atlas_does_not_answer_for_is_told_once_and_is_no_error() {
    let stage = stage();
    let paused = stage.make_cluster(Cluster { paused: true, ..Cluster::new("prod-9") });
    stage.world.fault(Match::source(&paused.id), Fault::json(409, "CLUSTER_PAUSED"));
    let mut daemon = stage.spawn_daemon();
    daemon.wait_for_line("is paused, and Atlas does not answer for it until it runs again");
    stage.wait_until_polled(&paused);
    let said = format!("{paused}: is paused, and Atlas does not answer for it until it runs again\n");
    assert_eq!(
        stage.command(["collect", &paused.to_string()]).assert_done().stderr,
        said,
        "an order is excused as well"
    );
    stage.world.clear_faults();
    daemon.wait_for_line("is collected again after it was paused");
    let log = daemon.stop();
    assert_eq!(log.iter().filter(|line| line.contains("is paused")).count(), 1, "{log:#?}");
    assert!(!log.iter().any(|line| line.contains("ERROR")), "{log:#?}");
}

#[test]
fn another_cause_is_told_again_and_a_list_that_is_not_asked_for_any_more_is_not_well_again() {
    let stage = stage();
    stage.configure(|config| config.set_text("atlas", "retry_budget", "50ms"));
    let lists = Match::path("/clusters").query("pageNum");
    stage.world.fault(lists.clone(), Fault::json(403, "USER_UNAUTHORIZED"));
    let mut daemon = stage.spawn_daemon();
    daemon.wait_for_line("failed to get the list of clusters of the project payments");
    stage.world.clear_faults();
    stage.world.fault(lists, Fault::html(200));
    let said = daemon.wait_for_line("failed to get the list of clusters of the project payments");
    assert!(!said.contains("403"), "{said}");
    stage.change_payments(|project| project.stream_instances.push(StreamInstance::new("returns")));
    stage.configure(|config| {
        config.select("clusters", "[\"prod-0\"]");
        config.select("stream_instances", "\"all\"");
    });
    daemon.signal(Signal::HUP);
    daemon.wait_for_line("returns: found at Atlas");
    let log = daemon.stop();
    assert!(!log.iter().any(|line| line.contains("got the list of")), "{log:#?}");
    let status = stage.command(["status"]).assert_done().stdout;
    assert!(!status.contains("discovery-failed"), "{status}");
}

#[test]
fn a_daemon_without_any_source_says_so_once_and_when_there_are_some() {
    let stage = stage();
    stage.configure(|config| config.projects = vec![ProjectTable::discovering("[\"shop*\"]")]);
    let mut daemon = stage.spawn_daemon();
    daemon.wait_for_line("no source is collected");
    stage.world.clear_requests();
    assert!(stage.world.wait_arrived(&Match::path("/groups").query("pageNum"), 3));
    stage.make_project("aaaaaaaaaaaaaaaaaaaaaaaa", "shop");
    daemon.wait_for_line("there are sources again");
    let ordered = stage.command(["collect"]).assert_done();
    assert!(!ordered.stderr.contains("no source"), "{}", ordered.stderr);
    stage.configure(|config| config.projects = vec![ProjectTable::discovering("[\"web*\"]")]);
    daemon.signal(Signal::HUP);
    daemon.wait_for_line("no source is collected");
    stage.command(["collect"]).assert_code(1).assert_says("no source is collected");
    let log = daemon.stop();
    assert_eq!(log.iter().filter(|line| line.contains("no source is collected")).count(), 2, "{log:#?}");
}
