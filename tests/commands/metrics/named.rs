//! Every metric and every label that the alert rules, their tests and the dashboard name is really there.

use std::collections::{BTreeMap, BTreeSet};

use atlas_logd::{
    evidence::Sha256Sum,
    plan::{Gap, GapReason},
    state::{DamagedSegment, Head, SourceState, Store},
    window::Window,
};

use super::{scrape_until, stage, value};
use crate::harness::{HOUR, Stage, prod};

const RULES: &str = include_str!("../../../config/prometheus/atlas-logd.rules.yml");
const RULES_TEST: &str = include_str!("../../../config/prometheus/atlas-logd.rules.test.yml");
const DASHBOARD: &str = include_str!("../../../config/grafana/atlas-logd.json");
const OPERATIONS: &str = include_str!("../../../docs/operations.md");
const README: &str = include_str!("../../../README.md");

/// Labels that Prometheus itself gives.
const OF_PROMETHEUS: [&str; 2] = ["job", "instance"];

/// Metrics with the names of their labels.
type Metrics = BTreeMap<String, BTreeSet<String>>;

fn is_name(character: char) -> bool {
    character.is_ascii_alphanumeric() || character == '_'
}

/// The names of the labels between braces: `source="a", reason=~"b"`. `text` begins behind the first one.
fn labels(text: &str) -> BTreeSet<String> {
    let (mut labels, mut name, mut quoted, mut escaped) = (BTreeSet::new(), String::new(), false, false);
    for character in text.chars() {
        match character {
            _ if std::mem::take(&mut escaped) => {}
            '\\' => escaped = true,
            '"' => quoted = !quoted,
            _ if quoted => {}
            '}' => break,
            '=' | '!' | '~' => {
                _ = Some(std::mem::take(&mut name)).filter(|name| !name.is_empty()).map(|name| labels.insert(name))
            }
            _ if is_name(character) => name.push(character),
            _ => name.clear(),
        }
    }
    labels
}

/// The metrics that a text names, with the labels that it selects them by.
fn named(text: &str) -> Metrics {
    let mut named = Metrics::new();
    for prefix in ["atlas_logd_", "process_"] {
        for (position, _) in text.match_indices(prefix) {
            if text[..position].ends_with(is_name) {
                continue;
            }
            let end = text[position..].find(|character| !is_name(character)).map_or(text.len(), |end| position + end);
            let selected = text[end..].strip_prefix('{').map(labels).unwrap_or_default();
            named.entry(text[position..end].to_owned()).or_default().extend(selected);
        }
    }
    named
}

/// The samples of a scrape, with the labels that they have.
fn shown(text: &str) -> Metrics {
    let samples = text.lines().filter(|line| !line.starts_with('#'));
    samples.map(|line| named(line).pop_first().unwrap()).collect()
}

/// A daemon of which every metric has a sample: what is rare has happened.
fn scrape_of_everything(stage: &Stage) -> String {
    stage.add_record(&prod(), HOUR, "one");
    stage.configure(|config| config.set_text("credentials.main", "client_secret_expires", "2999-01-01"));
    stage.command(["collect"]).assert_done();
    stage.command(["reconcile"]).assert_done();
    let (now, day) = (stage.now(), 24 * HOUR);
    let store = Store::open(&stage.state()).unwrap();
    let mut state = store.read(|connection| SourceState::load(connection, &prod().id)).unwrap().unwrap();
    let window = Window::new(now - 2 * HOUR, now - HOUR);
    let gap = Gap { window, reason: GapReason::RowLimit, detail: String::new(), noticed: now };
    let damaged = DamagedSegment {
        name: state.open.as_ref().unwrap().name.clone(),
        good_length: 0,
        good_sha256: Sha256Sum::of(b""),
        detail: "for this test".to_owned(),
        noticed: now,
    };
    let head = Head {
        sequence: 1,
        date: (now - day).date(),
        sha256: Sha256Sum::of(b""),
        made: now - day,
        configured: Vec::new(),
        pending: None,
    };
    store
        .transaction(|transaction| {
            state.declare(transaction, &gap)?;
            state.record_damage(transaction, &damaged)?;
            state.save(transaction)?;
            head.save(transaction)
        })
        .unwrap();
    drop(store);
    let mut daemon = stage.spawn_daemon_unready();
    let address = daemon.wait_for_address();
    let text = scrape_until(address, |text| {
        let limits = text.lines().filter(|line| line.starts_with("atlas_logd_rate_limit{"));
        limits.count() == 2 && value(text, "atlas_logd_disk_writable").is_some()
    });
    daemon.kill();
    text
}

#[test]
fn rules_and_dashboard_name_what_is_there_and_the_readme_names_all() {
    let stage = stage();
    let text = scrape_of_everything(&stage);
    let shown = shown(&text);
    for (place, named) in [
        ("the rules", named(RULES)),
        ("their tests", named(RULES_TEST)),
        ("the dashboard", named(&DASHBOARD.replace("\\\"", "\""))),
        ("the README", named(README)),
        ("the page for operators", named(OPERATIONS)),
    ] {
        assert!(named.len() > 5, "{place}: {named:?}");
        for (name, labels) in named {
            // A histogram is named by what its samples have in common.
            let has = shown.get(&name).or_else(|| shown.get(&format!("{name}_count")));
            let has = has.unwrap_or_else(|| panic!("{place}: {name} is not in:\n{text}"));
            for label in labels {
                assert!(has.contains(&label) || OF_PROMETHEUS.contains(&label.as_str()), "{place}: {label} of {name}");
            }
        }
    }
    for name in shown.keys() {
        let base = name.trim_end_matches("_bucket").trim_end_matches("_sum").trim_end_matches("_count");
        assert!(README.contains(&format!("`{base}`")), "the README does not name {base}");
    }
}

#[test]
fn the_dashboard_is_one() {
    let dashboard: serde_json::Value = serde_json::from_str(DASHBOARD).unwrap();
    let panels = dashboard["panels"].as_array().unwrap();
    let ids: BTreeSet<u64> = panels.iter().map(|panel| panel["id"].as_u64().unwrap()).collect();
    assert_eq!(ids.len(), panels.len(), "every panel has its own id");
    let variables: Vec<&str> =
        dashboard["templating"]["list"].as_array().unwrap().iter().map(|each| each["name"].as_str().unwrap()).collect();
    assert_eq!(variables, ["datasource", "job", "instance", "project", "source"]);
    for panel in panels.iter().filter(|panel| panel["type"] != "row") {
        let title = panel["title"].as_str().unwrap();
        assert!(panel["description"].as_str().is_some_and(|text| !text.is_empty()), "{title}");
        assert_eq!(panel["datasource"]["uid"], "${datasource}", "{title}");
        let targets = panel["targets"].as_array().unwrap();
        assert!(
            !targets.is_empty() && targets.iter().all(|target| !target["expr"].as_str().unwrap().is_empty()),
            "{title}"
        );
    }
}

/// What the rules say of one alert.
fn alerts() -> Vec<(&'static str, &'static str)> {
    RULES.split("- alert: ").skip(1).map(|rule| rule.split_once('\n').unwrap()).collect()
}

/// What the headings of a page are linked by.
fn anchors(page: &str) -> BTreeSet<String> {
    let headings = page.lines().filter(|line| line.starts_with('#')).map(|line| line.trim_start_matches('#').trim());
    headings.map(|heading| heading.to_lowercase().replace(' ', "-").replace([',', ':'], "")).collect()
}

#[test]
fn every_alert_says_what_to_do_and_is_tested() {
    let mut names = BTreeSet::new();
    for (name, rule) in alerts() {
        assert!(names.insert(name), "{name} is there twice");
        for key in ["expr:", "severity:", "summary:", "description:"] {
            assert!(rule.contains(key), "{name} has no {key}");
        }
        let (_, runbook) = rule.split_once("runbook: ").unwrap_or_else(|| panic!("{name} has no runbook"));
        let (page, anchor) = runbook.lines().next().unwrap().split_once('#').unwrap();
        let page = match page {
            "docs/operations.md" => OPERATIONS,
            "README.md" => README,
            _ => panic!("{name}: {page}"),
        };
        assert!(anchors(page).contains(anchor), "{name}: #{anchor} is no heading");
        let expected = format!("labels: ALERTS{{alertname=\"{name}\", alertstate=\"firing\"");
        let fired = RULES_TEST.lines().find(|line| line.contains(&expected));
        let fired = fired.unwrap_or_else(|| panic!("no test lets {name} fire"));
        for label in rule.split("$labels.").skip(1) {
            let label = label.split(|character| !is_name(character)).next().unwrap();
            assert!(fired.contains(&format!(" {label}=\"")), "{name} has no label {label}, which its text names");
        }
    }
    assert!(names.len() > 20, "{names:?}");
}
