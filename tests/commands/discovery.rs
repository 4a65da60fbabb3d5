//! Discovery: the configuration says which clusters, instances and projects are meant, the lists of Atlas say which these are.

use atlas_logd::{
    sim::{Cluster, Fault, Match, Role, Tier},
    source::{Kind, Source},
};

use crate::harness::{
    HOUR, PAYMENTS, ProjectTable, SECOND, Stage, cluster, get, lists, orders, prod, shops, try_until, warehouse,
};

const SHOP: &str = "aaaaaaaaaaaaaaaaaaaaaaaa";
const TEST: &str = "bbbbbbbbbbbbbbbbbbbbbbbb";

/// All sources of the configuration, as the status has them.
fn collected(stage: &Stage) -> Vec<String> {
    stage.statuses().into_iter().filter(|status| status.configured).map(|status| status.source).collect()
}

fn names(sources: &[Source]) -> Vec<String> {
    sources.iter().map(ToString::to_string).collect()
}

#[test]
fn all_clusters_and_instances_of_a_project_are_collected_but_those_of_a_shared_tier() {
    let stage = Stage::new();
    stage.configure(|config| {
        config.select("clusters", "\"all\"");
        config.select("stream_instances", "\"all\"");
    });
    stage.add_record(&orders(), HOUR, "one");
    stage.add_record(&prod(), HOUR, "one");
    let other = stage.make_cluster(Cluster::new("prod-1"));
    stage.make_cluster(Cluster::new("sandbox").on(Tier::Shared));
    let paused = stage.make_cluster(Cluster { paused: true, ..Cluster::new("winter") });

    let said = stage.command(["collect"]).assert_done().stderr;
    let skipped = "payments/access-history/sandbox: not collected: a shared-tier cluster (M0, M2, M5 or Flex), of which \
                   Atlas has no access history";
    assert!(said.contains(skipped), "{said}");
    let all = [orders(), prod(), other, paused.clone()];
    assert_eq!(collected(&stage), names(&all));
    for source in &all {
        assert_eq!(stage.lines(source).len(), 1, "{source}");
        stage.assert_current(source);
    }
    assert_eq!(stage.requests_for(&cluster("sandbox")), 0);
    let statuses = stage.statuses();
    let sandbox = statuses.iter().find(|status| status.source.ends_with("/sandbox")).unwrap();
    assert!(sandbox.not_collected.as_ref().unwrap().starts_with("a shared-tier cluster"), "{sandbox:?}");
    let table = stage.command(["status"]).assert_done().stdout;
    assert!(table.contains("not collected: shared tier") && table.contains(skipped.split_once(": ").unwrap().0));
    assert!(stage.status(&paused).paused && !stage.status(&prod()).paused);

    let again = stage.command(["collect"]).assert_done().stderr;
    assert!(!again.contains("found at Atlas") && !again.contains("not collected"), "told once: {again}");
}

#[test]
fn patterns_choose_and_lists_are_asked_for_only_where_they_decide() {
    let stage = Stage::of_both_projects();
    stage.configure(|config| config.select("clusters", "[\"prod-*\", \"!prod-test\", \"other\"]"));
    let (meant, named) = (stage.make_cluster(Cluster::new("prod-1")), stage.make_cluster(Cluster::new("other")));
    let excluded = [stage.make_cluster(Cluster::new("prod-test")), stage.make_cluster(Cluster::new("nonprod-0"))];
    stage.command(["collect"]).assert_done();
    assert_eq!(collected(&stage), names(&[orders(), named, prod(), meant, shops(), warehouse()]));
    excluded.iter().for_each(|source| assert_eq!(stage.requests_for(source), 0, "{source}"));
    let asked = lists().map(|list| stage.world.requests_matching(&list));
    let paths: Vec<&str> = asked.iter().flatten().map(|request| request.path.as_str()).collect();
    let clusters = format!("/api/atlas/v2/groups/{PAYMENTS}/clusters");
    assert!(!paths.is_empty() && paths.iter().all(|path| *path == clusters), "{paths:?}");

    // Nothing but names: no list at all.
    stage.configure(|config| config.select("clusters", "[\"prod-0\"]"));
    stage.world.clear_requests();
    stage.command(["collect"]).assert_done();
    assert!(lists().iter().all(|list| stage.world.requests_matching(list).is_empty()));
}

#[test]
fn long_lists_come_in_pages() {
    let stage = Stage::new();
    stage.configure(|config| config.select("clusters", "[\"z-*\"]"));
    stage.change_payments(|project| {
        project.clusters.extend((0..1200).map(|number| Cluster::new(&format!("a-{number}"))));
    });
    let last = stage.make_cluster(Cluster::new("z-last"));
    stage.command(["collect"]).assert_done();
    assert_eq!(collected(&stage), names(&[orders(), last]));
    let pages = stage.world.requests_matching(&Match::path("/clusters").query("pageNum").authenticated());
    assert_eq!(pages.len(), 3);
}

#[test]
fn projects_are_found_and_those_that_are_named_belong_to_their_own_table() {
    let stage = Stage::new();
    let [orders_of_shop, prod_of_shop] = stage.make_project(SHOP, "shop");
    stage.make_project(TEST, "shop-test");
    stage.configure(|config| config.projects.insert(0, ProjectTable::discovering("[\"*\", \"!*-test\"]")));
    stage.command(["collect"]).assert_done();
    // The order is that of the tables; the project payments names its two sources.
    assert_eq!(collected(&stage), names(&[orders_of_shop.clone(), prod_of_shop.clone(), orders(), prod()]));
    for source in [orders_of_shop, prod_of_shop] {
        assert_eq!(stage.lines(&source).len(), 1, "{source}");
    }
    // One that comes later is collected from what Atlas still holds on.
    let [later, _] = stage.make_project(ANALYTICS_TWO, "later");
    let said = stage.command(["collect"]).assert_done().stderr;
    assert!(said.contains("later/stream-audit/orders: found at Atlas, it is collected from now on"), "{said}");
    assert_eq!(stage.lines(&later).len(), 1);
}

const ANALYTICS_TWO: &str = "cccccccccccccccccccccccc";

#[test]
fn a_renamed_project_keeps_its_folders_and_names_that_are_taken_are_told_apart() {
    let stage = Stage::new();
    let [orders_of_shop, _] = stage.make_project(SHOP, "payments");
    stage.configure(|config| config.projects.push(ProjectTable::discovering("\"all\"")));
    stage.command(["collect"]).assert_done();
    let longer = format!("payments~{SHOP}/stream-audit/orders");
    assert!(collected(&stage).contains(&longer), "{:?}", collected(&stage));
    let folder =
        |name: &str| stage.statuses().into_iter().find(|status| status.source == name).unwrap().folder.unwrap();
    let before = folder(&longer);
    stage.world.change_projects(|projects| {
        projects.iter_mut().find(|project| project.id == SHOP).unwrap().name = "shop/1\u{1b}".to_owned();
    });
    stage.add_record(&orders_of_shop, SECOND, "two");
    stage.command(["collect"]).assert_done();
    assert_eq!(folder("shop-1-/stream-audit/orders"), before);
    assert!(!collected(&stage).contains(&longer));
    let renamed = Source { project_name: "shop-1-".to_owned(), ..orders_of_shop };
    assert_eq!(stage.status(&renamed).records, 2);
    stage.command(["collect", "shop-1-/stream-audit/orders"]).assert_done();
}

#[test]
fn names_that_can_be_none_are_refused_with_a_word() {
    let stage = Stage::new();
    stage.configure(|config| {
        config.select("clusters", "\"all\"");
        config.select("stream_instances", "\"all\"");
    });
    for name in ["../../etc", "a/b", "evil\u{1b}[2J", "", "-x"] {
        stage.change_payments(|project| project.clusters.push(Cluster::new(name)));
    }
    stage.change_payments(|project| {
        project.stream_instances.push(atlas_logd::sim::StreamInstance::new(".."));
        project.stream_instances.push(atlas_logd::sim::StreamInstance::new("odd/na me?*"));
    });
    let said = stage.command(["collect"]).assert_done().stderr;
    let odd = Source { id: atlas_logd::sim::World::source(PAYMENTS, Kind::StreamAudit, "odd/na me?*"), ..orders() };
    assert_eq!(collected(&stage), names(&[odd, orders(), prod()]));
    assert_eq!(said.matches("shows what cannot be collected: ").count(), 6, "{said}");
    assert!(said.contains("\"../../etc\" is not a cluster name") && !said.contains('\u{1b}'), "{said}");
}

#[test]
fn a_list_that_fails_takes_nothing_away_and_says_what_to_grant() {
    let stage = Stage::new();
    stage.configure(|config| config.select("clusters", "\"all\""));
    stage.add_record(&prod(), HOUR, "one");
    stage.command(["collect"]).assert_done();
    stage.make_cluster(Cluster::new("prod-1"));
    stage.world.fault(Match::path("/clusters").query("pageNum"), Fault::json(403, "USER_UNAUTHORIZED"));
    let said = stage.command(["collect"]).assert_code(1).stderr;
    let trouble = format!("failed to get the list of clusters of the project payments ({PAYMENTS}): the answer is 403");
    assert!(said.contains(&trouble), "{said}");
    assert!(said.contains(&format!("the role 'Project Read Only' in the project {PAYMENTS}")), "{said}");
    assert_eq!(collected(&stage), names(&[orders(), prod()]));
    stage.assert_current(&prod());

    // Whether the daemon runs or not, it is seen.
    let list = format!("discovery-failed: list of clusters of the project payments ({PAYMENTS}): failing for ");
    let status = stage.command(["status"]).assert_done().stdout;
    let said = status.lines().find(|line| line.starts_with(&list)).unwrap();
    assert!(said.contains(", since 2") && said.contains(": the answer is 403"), "{said}");
    let served = stage.serve();
    let page = get(served.address, "/").body;
    assert!(page.contains(&list), "{page}");
    let metrics = get(served.address, "/metrics").body;
    let failing = metrics.lines().find_map(|line| line.strip_prefix("atlas_logd_discovery_failing_seconds ")).unwrap();
    assert!(failing.parse::<f64>().unwrap() > 0.0, "{failing}");
    drop(served);
    stage.world.clear_faults();
    stage.command(["collect"]).assert_done();
    let status = stage.command(["status"]).assert_done().stdout;
    assert!(!status.contains("discovery-failed"), "{status}");
}

#[test]
fn what_was_found_is_collected_by_name_without_any_list_and_without_atlas_it_is_still_known() {
    let stage = Stage::new();
    stage.configure(|config| {
        config.select("clusters", "\"all\"");
        config.set_text("atlas", "retry_budget", "100ms");
    });
    let found = stage.make_cluster(Cluster::new("prod-1"));
    // Before anything was found, it cannot be named.
    stage.command(["collect", &found.to_string()]).assert_code(2).assert_says("there is no source");
    stage.command(["collect"]).assert_done();
    stage.world.clear_requests();
    stage.command(["collect", &found.to_string()]).assert_done();
    assert!(lists().iter().all(|list| stage.world.requests_matching(list).is_empty()));
    stage.take_atlas_down();
    let said = stage.command(["collect"]).assert_code(1).stderr;
    assert!(said.contains("failed to get the lists for the credentials main: no access token: "), "{said}");
    assert!(said.contains(&format!("{found}: failed to collect")), "it was tried all the same: {said}");
    assert_eq!(collected(&stage), names(&[orders(), prod(), found]));
}

#[test]
fn an_absent_name_is_polled_on_until_atlas_itself_says_that_it_is_gone() {
    let stage = Stage::new();
    stage.configure(|config| config.select("clusters", "\"all\""));
    let found = stage.make_cluster(Cluster::new("prod-1"));
    stage.command(["collect"]).assert_done();

    // Partial: it answers, so it is there.
    stage.world.set(|settings| settings.unlisted = ["prod-1".to_owned()].into());
    stage.add_record(&found, SECOND, "two");
    stage.command(["collect"]).assert_done();
    assert_eq!(stage.lines(&found).len(), 2);

    stage.delete_cluster(&found);
    let end = stage.status(&found).end();
    let said = stage.command(["collect"]).assert_done().stderr;
    assert!(said.contains(&format!("{found}: is gone from Atlas")), "{said}");
    assert!(said.contains(&format!("{found}: no longer collected; its segment is sealed")), "{said}");
    assert_eq!(collected(&stage), names(&[orders(), prod()]));
    let statuses = stage.statuses();
    let gone = statuses.iter().find(|status| status.source == found.to_string()).unwrap();
    assert!(gone.not_collected.as_ref().unwrap().starts_with("gone from Atlas since "), "{gone:?}");
    assert_eq!(gone.records, 2, "its state is kept");
    let before = stage.requests_for(&found);
    stage.command(["collect"]).assert_done();
    assert_eq!(stage.requests_for(&found), before, "it is not asked for any more");

    // Another one under the same name: it goes on, and what lies between is a gap.
    stage.world.set(|settings| settings.unlisted.clear());
    stage.make_cluster(Cluster::new("prod-1"));
    stage.add_record(&found, SECOND, "three");
    stage.command(["collect"]).assert_done();
    // The end watermark moves with the seconds of Atlas' clock, and the gap is final once it has passed.
    try_until(|| {
        if !stage.gaps(&found).is_empty() {
            return Ok(());
        }
        stage.command(["collect"]).assert_done();
        Err("no gap")
    });
    assert_eq!(stage.status(&found).records, 3);
    let gaps = stage.gaps(&found);
    assert_eq!(gaps.len(), 1, "{gaps:?}");
    assert_eq!((gaps[0].reason.as_str(), gaps[0].window.from), ("absent", end));
    stage.command(["verify", stage.archive().to_str().unwrap()]).assert_done();
}

#[test]
fn a_source_that_is_listed_fails_with_404_as_one_that_is_named_does() {
    let stage = Stage::new();
    stage.configure(|config| config.select("clusters", "[\"*\", \"named\"]"));
    stage.command(["collect"]).assert_code(1).assert_says("payments/access-history/named: failed to collect");
    stage.world.fault(Match::source(&prod().id), Fault::json(404, "CLUSTER_NOT_FOUND"));
    let said = stage.command(["collect"]).assert_code(1).stderr;
    let failure = said.lines().find(|line| line.starts_with(&format!("{}: failed", prod()))).unwrap();
    assert!(failure.ends_with("it was found in a list of Atlas, and is not polled any more once no list shows it"));
    assert_eq!(collected(&stage), names(&[orders(), cluster("named"), prod()]));
}

#[test]
fn a_deleted_project_is_gone_with_all_its_sources_and_one_that_was_taken_away_is_not() {
    let stage = Stage::new();
    let [orders_of_shop, prod_of_shop] = stage.make_project(SHOP, "shop");
    stage.configure(|config| config.projects = vec![ProjectTable::discovering("[\"shop\"]")]);
    stage.command(["collect"]).assert_done();
    // The role is gone, the project is not: somebody has to look.
    stage.world.change_service_accounts(|accounts| drop(accounts[0].grants.remove(SHOP)));
    let said = stage.command(["collect"]).assert_code(1).stderr;
    assert!(said.contains("shop/access-history/prod-0: failed to collect"), "{said}");
    assert_eq!(collected(&stage), names(&[orders_of_shop.clone(), prod_of_shop.clone()]));
    stage.world.change_projects(|projects| projects.retain(|project| project.id != SHOP));
    stage.grant(SHOP, Role::Owner);
    stage.command(["collect"]).assert_done().assert_says("shop/access-history/prod-0: is gone from Atlas");
    assert_eq!(collected(&stage), [] as [&str; 0]);
}

#[test]
fn what_atlas_does_not_answer_for_while_it_is_paused_is_no_failure_in_the_status() {
    let stage = Stage::new();
    stage.configure(|config| config.select("clusters", "\"all\""));
    let paused = stage.make_cluster(Cluster { paused: true, ..Cluster::new("winter") });
    stage.world.fault(Match::source(&paused.id), Fault::json(409, "CLUSTER_PAUSED"));
    let said = format!("{paused}: is paused, and Atlas does not answer for it until it runs again");
    stage.command(["collect"]).assert_done().assert_says(&said);
    let table = stage.command(["status", "--max-lag", "1h"]).assert_done().stdout;
    let row = table.lines().find(|line| line.contains(&paused.to_string())).unwrap();
    assert!(row.ends_with("paused") && !table.contains("failing: "), "{table}");
    stage.world.clear_faults();
    stage.command(["collect"]).assert_done();
    assert_eq!(stage.lines(&paused).len(), 1);
}

#[test]
fn what_the_patterns_no_longer_mean_is_sealed_and_kept() {
    let stage = Stage::new();
    stage.configure(|config| config.select("clusters", "\"all\""));
    let found = stage.make_cluster(Cluster::new("prod-1"));
    stage.command(["collect"]).assert_done();
    stage.configure(|config| config.select("clusters", "[\"!prod-1\"]"));
    stage
        .command(["collect"])
        .assert_done()
        .assert_says(&format!("{found}: no longer collected; its segment is sealed"));
    assert_eq!(collected(&stage), names(&[orders(), prod()]));
    stage.configure(|config| config.select("clusters", "\"all\""));
    stage.command(["collect"]).assert_done();
    assert_eq!(stage.lines(&found).len(), 1, "it goes on where it was");
}
