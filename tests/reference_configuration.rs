//! The reference configuration is true: it loads, it shows the defaults that the code has, and it names every key.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::{collections::BTreeSet, ffi::OsString, fs, path::Path, time::Duration};

use atlas_logd::config::{Config, Credential, Secret, keys, parse};
use ssh_key::{LineEnding, PrivateKey, private::Ed25519Keypair};

const REFERENCE: &str = include_str!("../config/atlas-logd.toml");

/// Sections whose keys have defaults.
const SECTIONS_WITH_DEFAULTS: [&str; 6] = ["archive", "state", "schedule", "collect", "signals", "atlas"];

/// Keys of these that have none: what they ask for is not done.
const WITHOUT_DEFAULT: [&str; 3] = ["archive.keep", "archive.min_free", "atlas.ca_file"];

/// Only what has no default.
const MINIMAL: &str = r#"
    [credentials.main]
    client_id = "mdb_sa_id_1"
    client_secret_file = "atlas-client-secret"
    [[project]]
    id = "32b6e34b3d91647abb20e7b8"
    name = "payments"
    credentials = "main"
    clusters = ["prod-0"]
"#;

/// `text` as it loads where the secrets of the reference are in `$CREDENTIALS_DIRECTORY`.
fn loaded(text: &str, credentials_directory: &Path) -> Config {
    for name in ["atlas-client-secret", "atlas-private-key"] {
        fs::write(credentials_directory.join(name), "secret\n").unwrap();
    }
    let key = PrivateKey::from(Ed25519Keypair::from_seed(&[7; 32])).to_openssh(LineEnding::LF).unwrap();
    fs::write(credentials_directory.join("atlas-signing-key"), key).unwrap();
    let environment = |name: &str| (name == "CREDENTIALS_DIRECTORY").then(|| OsString::from(credentials_directory));
    parse(text, Path::new("/etc/atlas-logd/config.toml"), &environment).unwrap_or_else(|error| panic!("{error}"))
}

/// `text` with its commented keys and tables put in force; the prose in it stays commented.
fn uncommented(text: &str) -> String {
    let is_key = |line: &str| {
        let name = line.split_once(" = ").map_or("", |(name, _)| name);
        !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')
    };
    let lines = text.lines().map(|line| match line.strip_prefix("# ") {
        Some(rest) if is_key(rest) => rest,
        _ => line,
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// The names of all keys in `text`, as [`keys`] writes them.
fn keys_in(text: &str) -> BTreeSet<String> {
    let document: toml::Table = text.parse().unwrap();
    let mut names = BTreeSet::new();
    for (key, value) in &document {
        collect_keys(key, value, &mut names);
    }
    names
}

fn collect_keys(name: &str, value: &toml::Value, names: &mut BTreeSet<String>) {
    match value {
        toml::Value::Table(table) => {
            for (key, value) in table {
                let key = if name == "credentials" { "NAME" } else { key };
                collect_keys(&format!("{name}.{key}"), value, names);
            }
        }
        toml::Value::Array(elements) if elements.iter().all(toml::Value::is_table) => {
            elements.iter().for_each(|element| collect_keys(name, element, names));
        }
        _ => {
            names.insert(name.to_owned());
        }
    }
}

#[test]
fn it_loads() {
    let folder = tempfile::tempdir().unwrap();
    let config = loaded(REFERENCE, folder.path());
    let sources: Vec<String> =
        config.projects.iter().flat_map(|project| project.sources()).map(|source| source.to_string()).collect();
    assert_eq!(
        sources,
        [
            "payments/stream-audit/orders",
            "payments/stream-audit/billing",
            "payments/access-history/prod-0",
            "payments/access-history/prod-1",
            "web/access-history/web-0",
        ]
    );
    let Credential::ServiceAccount { client_secret: Secret::File(path), .. } = &config.credentials["main"] else {
        panic!("{config:?}");
    };
    assert_eq!(*path, folder.path().join("atlas-client-secret"));
    assert!(matches!(config.credentials["legacy"], Credential::ApiKey { .. }));
}

#[test]
fn it_shows_the_defaults_of_the_code() {
    let folder = tempfile::tempdir().unwrap();
    let (reference, minimal) = (loaded(REFERENCE, folder.path()), loaded(MINIMAL, folder.path()));
    assert_eq!(reference.archive, minimal.archive);
    assert_eq!(reference.state_dir, minimal.state_dir);
    assert_eq!(reference.schedule, minimal.schedule);
    assert_eq!(reference.collect, minimal.collect);
    assert_eq!(reference.evidence, minimal.evidence);
    assert_eq!(reference.signals, minimal.signals);
    assert_eq!(reference.atlas, minimal.atlas);
    for project in &reference.projects {
        assert_eq!(project.schedule, minimal.projects[0].schedule);
        assert_eq!(project.access_history_filter, minimal.projects[0].access_history_filter);
    }
}

#[test]
fn it_names_every_key_and_no_other() {
    let known: BTreeSet<String> = keys().into_iter().collect();
    assert_eq!(keys_in(&uncommented(REFERENCE)), known);
}

#[test]
fn every_default_is_in_force_in_it() {
    let has_default = |name: &&String| {
        let section = name.split('.').next().unwrap_or_default();
        SECTIONS_WITH_DEFAULTS.contains(&section) && !WITHOUT_DEFAULT.contains(&name.as_str())
    };
    let known: BTreeSet<String> = keys().iter().filter(has_default).cloned().collect();
    let written: BTreeSet<String> = keys_in(REFERENCE).iter().filter(has_default).cloned().collect();
    assert_eq!(written, known);
}

#[test]
fn what_is_commented_in_it_is_valid_too() {
    let folder = tempfile::tempdir().unwrap();
    // All but the alternatives to keys that are in force, and the file that is not there.
    let text = uncommented(REFERENCE);
    let is_alternative = |line: &&str| line.contains("_env = ") || line.starts_with("ca_file");
    let lines: Vec<&str> = text.lines().filter(|line| !is_alternative(line)).collect();
    let config = loaded(&lines.join("\n"), folder.path());
    assert_eq!(config.projects[1].access_history_filter.to_string(), "auth_result=failure,ip_address=203.0.113.9");
    assert_eq!(config.projects[1].schedule.stream_audit, "0 * * * * *");
    assert_eq!(config.projects[1].schedule.reconcile, None);
    assert_eq!(config.archive.keep, Some(Duration::from_secs(400 * 86_400)));
    assert_eq!(config.archive.min_free, Some(5 << 30));
    assert_eq!(config.evidence.signing_key, Some(folder.path().join("atlas-signing-key")));
}
