//! What becomes of what is known: bounds, and what is forgotten.

use std::collections::BTreeMap;

use super::{Change, Known, Learnt, Lists, Subject, Trouble, Why, resolve::wanted_names};
use crate::{
    atlas::Listed,
    config::{Config, parse},
    instant::Instant,
    source::Kind,
};

const PAYMENTS: &str = "32b6e34b3d91647abb20e7b8";
const SHOP: &str = "aaaaaaaaaaaaaaaaaaaaaaaa";

/// A configuration with these tables.
fn config(tables: &str) -> Config {
    let head = "[credentials.main]\nclient_id = \"mdb_sa_id_1\"\nclient_secret_env = \"MAIN\"\n";
    let environment = |name: &str| (name == "MAIN").then(|| "hunter2".into());
    parse(&format!("{head}{tables}"), std::path::Path::new("/etc/atlas-logd/config.toml"), &environment).unwrap()
}

fn of_payments(clusters: &str) -> Config {
    config(&format!(
        "[[project]]\nid = \"{PAYMENTS}\"\nname = \"payments\"\ncredentials = \"main\"\nclusters = {clusters}\n"
    ))
}

fn all_projects() -> Config {
    config("[[project]]\ndiscover = \"all\"\ncredentials = \"main\"\nstream_instances = []\n")
}

fn cluster(name: &str) -> Listed {
    Listed { id: None, name: name.to_owned(), paused: false, shared_tier: false }
}

/// Learns what a list of clusters shows in each project that is wanted.
fn learn(known: &mut Known, config: &Config, names: &[&str]) -> Learnt {
    learn_with(known, config, BTreeMap::new(), names)
}

fn learn_with(known: &mut Known, config: &Config, projects: BTreeMap<String, Vec<Listed>>, names: &[&str]) -> Learnt {
    let mut expected = known.clone();
    expected.learn_projects(&projects);
    let listed: Vec<Listed> = names.iter().map(|name| cluster(name)).collect();
    let names = wanted_names(config, &expected).into_iter().map(|wanted| (wanted, listed.clone())).collect();
    known.learn(config, &Lists { projects, names, troubles: Vec::new() })
}

fn projects(ids: &[(&str, &str)]) -> BTreeMap<String, Vec<Listed>> {
    let listed = ids.iter().map(|(id, name)| Listed { id: Some((*id).to_owned()), ..cluster(name) });
    [("main".to_owned(), listed.collect())].into()
}

fn sources(known: &Known, config: &Config) -> Vec<String> {
    let mut config = config.clone();
    known.resolve(&mut config);
    config.sources().map(|source| source.to_string()).collect()
}

#[test]
fn what_was_collected_is_not_taken_away_by_a_list_and_what_was_not_is_forgotten() {
    let (mut known, config) = (Known::default(), of_payments("[\"prod-*\"]"));
    let learnt = learn(&mut known, &config, &["prod-0", "prod-1", "test"]);
    assert_eq!(learnt.changes.iter().filter(|change| matches!(change, Change::Found(_))).count(), 2);
    assert_eq!(known.sources().count(), 3, "another pattern may mean it tomorrow");
    assert!(learn(&mut known, &config, &["prod-0"]).changes.is_empty());
    assert_eq!(sources(&known, &config), ["payments/access-history/prod-0", "payments/access-history/prod-1"]);
    assert_eq!(known.sources().count(), 2);
    let absent = crate::source::SourceId {
        project_id: PAYMENTS.to_owned(),
        kind: Kind::AccessHistory,
        name: "prod-1".to_owned(),
        filter: crate::source::Filter::default(),
    };
    let listed = crate::source::SourceId { name: "prod-0".to_owned(), ..absent.clone() };
    let now = "2026-11-22T10:15:00Z".parse().unwrap();
    assert!(!known.note_absent(&listed, now), "its list shows it");
    assert!(known.note_absent(&absent, now));
    assert_eq!(sources(&known, &config), ["payments/access-history/prod-0"]);
    let mut resolved = config.clone();
    known.resolve(&mut resolved);
    assert_eq!(known.not_collected(&resolved).iter().map(|one| one.why).collect::<Vec<_>>(), [Why::Gone(now)]);
    learn(&mut known, &config, &["prod-0", "prod-1"]);
    assert_eq!(sources(&known, &config).len(), 2, "it is back");
}

#[test]
fn a_source_that_two_tables_mean_is_collected_once() {
    let table = |name: &str, clusters: &str| {
        format!("[[project]]\nid = \"{PAYMENTS}\"\nname = \"{name}\"\ncredentials = \"main\"\nclusters = {clusters}\n")
    };
    let config = config(&(table("one", "[\"prod-0\"]") + &table("two", "\"all\"")));
    let mut known = Known::default();
    learn(&mut known, &config, &["prod-0", "prod-1"]);
    assert_eq!(sources(&known, &config), ["one/access-history/prod-0", "two/access-history/prod-1"]);
}

#[test]
fn a_list_that_no_atlas_has_is_not_believed_and_all_of_them_together_are_bounded() {
    let (mut known, config) = (Known::default(), all_projects());
    let names: Vec<String> = (0..=10_000).map(|number| format!("c{number}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let ids: Vec<String> = (0..6).map(|number| format!("{number:024x}")).collect();
    let ids: Vec<(&str, &str)> = ids.iter().map(|id| (id.as_str(), id.as_str())).collect();
    let learnt = learn_with(&mut known, &config, projects(&ids), &names);
    assert_eq!((learnt.troubles.len(), known.sources().count()), (6, 0));
    assert!(learnt.troubles[0].message.starts_with("it has 10001 items, more than the 10000 that are believed"));
    let learnt = learn_with(&mut known, &config, projects(&ids), &names[1..]);
    assert_eq!((learnt.troubles.len(), known.sources().count()), (1, 50_000));
    assert!(learnt.troubles[0].message.contains("10000 of this list are not collected"), "{:?}", learnt.troubles);
}

#[test]
fn projects_that_no_list_shows_are_kept_with_their_sources_and_forgotten_without() {
    let (mut known, config) = (Known::default(), all_projects());
    learn_with(&mut known, &config, projects(&[(PAYMENTS, "payments"), (SHOP, "shop")]), &["prod-0"]);
    assert_eq!(sources(&known, &config), ["payments/access-history/prod-0", "shop/access-history/prod-0"]);
    learn_with(&mut known, &config, projects(&[(PAYMENTS, "payments")]), &["prod-0"]);
    assert_eq!(sources(&known, &config).len(), 2, "a list can be partial");
    assert_eq!(wanted_names(&config, &known).len(), 1, "but its own lists are not asked for");
    // A failed list of projects changes nothing at all.
    learn(&mut known, &config, &["prod-0"]);
    assert_eq!(sources(&known, &config).len(), 2);
    // No table means any of it any more.
    learn(&mut known, &of_payments("[\"prod-0\"]"), &[]);
    assert_eq!(known, Known::default());
}

#[test]
fn hostile_items_are_refused_and_only_some_of_them_told() {
    let (mut known, config) = (Known::default(), all_projects());
    let bad: Vec<String> = (0..30).map(|number| format!("../{number}\u{1b}")).collect();
    let bad: Vec<&str> = bad.iter().map(String::as_str).collect();
    let learnt = learn_with(&mut known, &config, projects(&[(PAYMENTS, "payments"), ("../x", "evil")]), &bad);
    let told: Vec<String> = learnt.changes.iter().map(ToString::to_string).collect();
    assert_eq!(told.len(), 12, "{told:#?}");
    assert!(told.iter().any(|text| text.contains("\"../x\" is not a project id")), "{told:#?}");
    assert!(told.iter().any(|text| text.ends_with("20 more items")), "{told:#?}");
    assert!(told.iter().all(|text| !text.contains('\u{1b}')));
    assert_eq!(sources(&known, &config), [] as [&str; 0]);
}

fn failing(known: &Known) -> Vec<(String, i64)> {
    known.failing().map(|failing| (failing.list.clone(), failing.since.millis())).collect()
}

#[test]
fn a_list_fails_since_the_first_time_until_it_is_got_or_not_asked_for_any_more() {
    let (mut known, config) = (Known::default(), of_payments("\"all\""));
    let run = |known: &mut Known, config: &Config, failed: &[Subject], now: i64| {
        let trouble = |subject: &Subject| Trouble { subject: subject.clone(), message: "the answer is 403".to_owned() };
        let lists = Lists { troubles: failed.iter().map(trouble).collect(), ..Lists::default() };
        let learnt = known.learn(config, &lists);
        known.note_failing(&learnt, Instant::from_millis(now));
    };
    let clusters = wanted_names(&config, &known)[0].subject();
    let credentials = Subject::Credentials("main".to_owned());
    run(&mut known, &config, std::slice::from_ref(&clusters), 1);
    run(&mut known, &config, std::slice::from_ref(&clusters), 2);
    assert_eq!(failing(&known), [(clusters.to_string(), 1)]);
    // While the credentials get nothing, the list is not asked for.
    run(&mut known, &config, std::slice::from_ref(&credentials), 3);
    assert_eq!(failing(&known), [(clusters.to_string(), 1), (credentials.to_string(), 3)]);
    let folder = tempfile::tempdir().unwrap();
    let store = crate::state::Store::open(folder.path()).unwrap();
    known.save(&store).unwrap();
    assert_eq!(Known::load(&store).unwrap(), known);
    let learnt = learn(&mut known, &config, &["prod-0"]);
    known.note_failing(&learnt, Instant::from_millis(4));
    assert_eq!(failing(&known), []);
    // Nobody asks for it any more: it is not well again, but of no interest.
    run(&mut known, &config, std::slice::from_ref(&clusters), 5);
    run(&mut known, &all_projects(), &[], 6);
    assert_eq!(failing(&known), []);
}

#[test]
fn a_pattern_that_matches_nothing_is_named_with_what_was_probably_meant() {
    let unmatched = |config: &Config, found: &[(&str, &str)], names: &[&str]| {
        let mut known = Known::default();
        let mut expected = known.clone();
        expected.learn_projects(&projects(found));
        let listed: Vec<Listed> = names.iter().map(|name| cluster(name)).collect();
        let names = wanted_names(config, &expected).into_iter().map(|wanted| (wanted, listed.clone())).collect();
        let lists = Lists { projects: projects(found), names, troubles: Vec::new() };
        known.learn(config, &lists);
        known.unmatched(config, &lists).into_iter().map(|one| one.message).collect::<Vec<_>>()
    };
    let one = of_payments("[\"prd-*\", \"web*\", \"!old\"]");
    assert_eq!(
        unmatched(&one, &[], &["prod-0", "webshop"]),
        ["\"prd-*\" in clusters matches nothing; did you mean \"prod-0\"?"]
    );
    assert_eq!(unmatched(&of_payments("\"all\""), &[], &[]), [] as [&str; 0], "an empty list is no mistake");
    let many = config(
        "[[project]]\ndiscover = [\"sho*\", \"pyments\"]\ncredentials = \"main\"\nstream_instances = []\nclusters = [\"x-*\"]\n",
    );
    let found = [(PAYMENTS, "payments"), (SHOP, "shop")];
    assert_eq!(
        unmatched(&many, &found, &["prod-0"]),
        ["\"pyments\" in discover matches nothing; did you mean \"payments\"?", "\"x-*\" in clusters matches nothing"]
    );
    assert_eq!(unmatched(&many, &found, &["x-1"]).len(), 1);
}
