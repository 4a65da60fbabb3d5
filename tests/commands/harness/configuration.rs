//! The configuration of a stage, as a table of tables that a test changes.

use std::{collections::BTreeMap, fmt::Write as _};

use super::stage::{ANALYTICS, CLIENT_ID, PAYMENTS, PUBLIC_KEY};

/// What is written to `config.toml`. Values are TOML as it stands in the file, strings with their quotes.
pub(crate) struct Configuration {
    tables: BTreeMap<String, BTreeMap<String, String>>,
    pub(crate) projects: Vec<ProjectTable>,
}

/// One `[[project]]`.
#[derive(Clone)]
pub(crate) struct ProjectTable {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) credentials: String,
    pub(crate) stream_instances: Vec<String>,
    pub(crate) clusters: Vec<String>,
    /// Other keys, as they stand in the file; they take the place of those above, and `discover` that of all but the
    /// credentials.
    pub(crate) more: Vec<String>,
}

impl ProjectTable {
    /// With a service account; both of its sources.
    pub(crate) fn payments() -> Self {
        Self::new(PAYMENTS, "payments", "main", "orders", "prod-0")
    }

    /// With an API key; both of its sources.
    pub(crate) fn analytics() -> Self {
        Self::new(ANALYTICS, "analytics", "legacy", "shops", "warehouse")
    }

    fn new(id: &str, name: &str, credentials: &str, stream_instance: &str, cluster: &str) -> Self {
        Self {
            id: id.to_owned(),
            name: name.to_owned(),
            credentials: credentials.to_owned(),
            stream_instances: vec![stream_instance.to_owned()],
            clusters: vec![cluster.to_owned()],
            more: Vec::new(),
        }
    }
}

impl Configuration {
    pub(super) fn new(base_url: &str) -> Self {
        let mut configuration = Self { tables: BTreeMap::new(), projects: vec![ProjectTable::payments()] };
        for (table, key, value) in [
            ("archive", "dir", "archive"),
            ("state", "dir", "state"),
            ("collect", "start", "6h"),
            ("schedule", "reconcile", "off"),
            ("atlas", "base_url", base_url),
            ("credentials.main", "client_id", CLIENT_ID),
            ("credentials.main", "client_secret_file", "client-secret"),
            ("credentials.legacy", "public_key", PUBLIC_KEY),
            ("credentials.legacy", "private_key_file", "private-key"),
        ] {
            configuration.set_text(table, key, value);
        }
        configuration
    }

    /// Sets a key to a value of any type: `set("collect", "polls_at_once", "1")`.
    pub(crate) fn set(&mut self, table: &str, key: &str, value: &str) {
        self.tables.entry(table.to_owned()).or_default().insert(key.to_owned(), value.to_owned());
    }

    /// Sets a key to a string: `set_text("collect", "start", "36h")`.
    pub(crate) fn set_text(&mut self, table: &str, key: &str, value: &str) {
        self.set(table, key, &toml::Value::from(value).to_string());
    }

    /// Takes a key out.
    pub(crate) fn remove(&mut self, table: &str, key: &str) {
        self.tables.entry(table.to_owned()).or_default().remove(key);
    }

    /// Both settle times.
    pub(crate) fn settle(&mut self, settle: &str) {
        self.set_text("collect", "stream_audit_settle", settle);
        self.set_text("collect", "access_history_settle", settle);
    }

    /// Where sources start: `oldest`, `now`, a timestamp or how long ago.
    pub(crate) fn start(&mut self, start: &str) {
        self.set_text("collect", "start", start);
    }

    /// Both schedules.
    pub(crate) fn schedule(&mut self, pattern: &str) {
        self.set_text("schedule", "stream_audit", pattern);
        self.set_text("schedule", "access_history", pattern);
    }

    /// Only the audit log of the first project.
    pub(crate) fn only_audit(&mut self) {
        self.projects.truncate(1);
        self.projects[0].clusters.clear();
    }

    /// Only the access history of the first project.
    pub(crate) fn only_access(&mut self) {
        self.projects.truncate(1);
        self.projects[0].stream_instances.clear();
    }

    pub(super) fn text(&self) -> String {
        let mut text = String::new();
        // Writing into a string cannot fail.
        for (table, keys) in &self.tables {
            let _ = writeln!(text, "[{table}]");
            for (key, value) in keys {
                let _ = writeln!(text, "{key} = {value}");
            }
        }
        for project in &self.projects {
            let quoted = |name: &String| toml::Value::from(name.as_str());
            let list = |names: &[String]| toml::Value::Array(names.iter().map(quoted).collect());
            let lines = [
                ("id", quoted(&project.id)),
                ("name", quoted(&project.name)),
                ("credentials", quoted(&project.credentials)),
                ("stream_instances", list(&project.stream_instances)),
                ("clusters", list(&project.clusters)),
            ];
            let said = |key: &str| project.more.iter().any(|line| line.starts_with(&format!("{key} = ")));
            let is_one = !said("discover");
            let _ = writeln!(text, "[[project]]");
            for (key, value) in lines.into_iter().filter(|(key, _)| !said(key) && (is_one || *key == "credentials")) {
                let _ = writeln!(text, "{key} = {value}");
            }
            project.more.iter().for_each(|line| {
                let _ = writeln!(text, "{line}");
            });
        }
        text
    }
}
