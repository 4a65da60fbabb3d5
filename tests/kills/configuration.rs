//! The configuration of the victim, which changes as the run goes on.

use std::{collections::BTreeSet, fmt::Write as _, fs, path::Path};

use atlas_logd::{
    sim::{ANALYTICS, PAYMENTS, demo_credentials},
    source::{AuthResult, Filter, Kind},
};

use crate::dice::Dice;

/// A project of the demo world: id, name and credentials.
const PROJECTS: [(&str, &str, &str); 2] = [(PAYMENTS, "payments", "main"), (ANALYTICS, "analytics", "legacy")];

/// All that can be archived of the demo world, by the place of the project.
const SOURCES: [(usize, Kind, &str); 8] = [
    (0, Kind::StreamAudit, "orders"),
    (0, Kind::StreamAudit, "billing"),
    (0, Kind::AccessHistory, "prod-0"),
    (0, Kind::AccessHistory, "prod-1"),
    (1, Kind::StreamAudit, "Café & shops"),
    (1, Kind::StreamAudit, "quiet"),
    (1, Kind::AccessHistory, "warehouse"),
    (1, Kind::AccessHistory, "staging"),
];

/// A part of a project's access histories, as a project of its own: sources that are new in the middle of the run.
#[derive(Clone, PartialEq, Eq)]
struct View {
    project: usize,
    filter: Filter,
}

impl View {
    fn roll(dice: &mut Dice) -> Self {
        let mut filter = Filter::default();
        match dice.below(4) {
            0 => filter.auth_result = AuthResult::Success,
            1 => filter.auth_result = AuthResult::Failure,
            // One of some two thousand addresses: few records, but those of days, and hardly ever the same source twice.
            _ => {
                let address = format!("192.168.{}.{}", 248 + dice.below(8), 1 + dice.below(254));
                filter.ip_address = Some(address.parse().unwrap());
            }
        }
        Self { project: usize::try_from(dice.below(2)).unwrap(), filter }
    }

    fn name(&self) -> String {
        format!("{} {}", PROJECTS[self.project].1, self.filter)
    }
}

/// What is written to `config.toml`.
pub(crate) struct Configuration {
    base_url: String,
    seed: u64,
    start: &'static str,
    settle: [&'static str; 2],
    rotate_size: &'static str,
    rotate_every: &'static str,
    sources: BTreeSet<usize>,
    views: Vec<View>,
}

impl Configuration {
    /// Some of the sources at first. All settle times are longer than what Atlas is late: nothing may be missing.
    pub(crate) fn new(base_url: String, seed: u64) -> Self {
        Self {
            base_url,
            seed,
            start: "1h",
            settle: ["10m", "15m"],
            rotate_size: "64KiB",
            rotate_every: "day",
            sources: BTreeSet::from([0, 3, 6]),
            views: Vec::new(),
        }
    }

    /// Adds a view most of the time, so that there is something to collect, and changes one or two other things.
    pub(crate) fn change(&mut self, dice: &mut Dice) {
        if dice.percent(85) {
            self.start = dice.of(&["30m", "3h", "30h", "72h", "72h"]);
            self.add_view(View::roll(dice));
        }
        for _ in 0..=dice.below(2) {
            match dice.below(5) {
                0 => self.settle[0] = dice.of(&["6m", "10m", "20m", "2h"]),
                1 => self.settle[1] = dice.of(&["7m", "15m", "30m", "2h"]),
                2 => self.rotate_size = dice.of(&["1KiB", "16KiB", "64KiB", "256KiB", "1MiB"]),
                3 => self.rotate_every = dice.of(&["hour", "day"]),
                _ => {
                    let source = usize::try_from(dice.below(SOURCES.len() as u64)).unwrap();
                    if !self.sources.remove(&source) || self.sources.is_empty() {
                        self.sources.insert(source);
                    }
                }
            }
        }
    }

    /// Views are added at the end and go at the front.
    fn add_view(&mut self, view: View) {
        if !self.views.contains(&view) {
            self.views.push(view);
        }
        if self.views.len() > 3 {
            self.views.remove(0);
        }
    }

    /// All that can be archived, nothing of it twice, and settled before the time at which the youngest source started:
    /// else a backfill would rightly not claim what lies between.
    pub(crate) fn complete(&mut self) {
        self.settle = ["10m", "15m"];
        self.sources = (0..SOURCES.len()).collect();
        self.views.clear();
    }

    /// Makes `folder` ready and writes it for the first time.
    pub(crate) fn lay_out(&self, folder: &Path) {
        for name in ["archive", "state"] {
            fs::create_dir(folder.join(name)).unwrap();
        }
        let credentials = demo_credentials(self.seed);
        for (name, secret) in [("client-secret", credentials.client_secret), ("private-key", credentials.private_key)] {
            fs::write(folder.join(name), secret).unwrap();
            fs::set_permissions(folder.join(name), std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
        }
        self.write(folder);
    }

    /// Writes it in one piece: a daemon may be about to read it.
    pub(crate) fn write(&self, folder: &Path) {
        fs::write(folder.join("config.toml.new"), self.text()).unwrap();
        fs::rename(folder.join("config.toml.new"), folder.join("config.toml")).unwrap();
    }

    fn text(&self) -> String {
        let credentials = demo_credentials(self.seed);
        let mut text = format!(
            r#"[archive]
dir = "archive"
rotate_size = "{}"
rotate_every = "{}"

[state]
dir = "state"

[schedule]
stream_audit = "* * * * * *"
access_history = "* * * * * *"

[collect]
start = "{}"
stream_audit_settle = "{}"
access_history_settle = "{}"

[atlas]
base_url = "{}"

[credentials.main]
client_id = "{}"
client_secret_file = "client-secret"

[credentials.legacy]
public_key = "{}"
private_key_file = "private-key"
"#,
            self.rotate_size,
            self.rotate_every,
            self.start,
            self.settle[0],
            self.settle[1],
            self.base_url,
            credentials.client_id,
            credentials.public_key,
        );
        for (place, (_, name, _)) in PROJECTS.iter().enumerate() {
            let of = |kind| {
                let own = self.sources.iter().map(|source| SOURCES[*source]);
                own.filter(move |source| (source.0, source.1) == (place, kind)).map(|source| source.2)
            };
            let instances: Vec<&str> = of(Kind::StreamAudit).collect();
            let clusters: Vec<&str> = of(Kind::AccessHistory).collect();
            if !(instances.is_empty() && clusters.is_empty()) {
                text.push_str(&project(place, name));
                let _ = writeln!(text, "stream_instances = {instances:?}\nclusters = {clusters:?}");
            }
        }
        for view in &self.views {
            let clusters = SOURCES.iter().filter(|source| (source.0, source.1) == (view.project, Kind::AccessHistory));
            let clusters: Vec<&str> = clusters.map(|source| source.2).collect();
            let filter = match view.filter.ip_address {
                Some(address) => format!("ip_address = \"{address}\""),
                None => format!("auth_result = \"{}\"", view.filter.auth_result.as_str()),
            };
            text.push_str(&project(view.project, &view.name()));
            let _ = writeln!(text, "clusters = {clusters:?}\naccess_history_filter = {{ {filter} }}");
        }
        text
    }
}

fn project(place: usize, name: &str) -> String {
    let (id, _, credentials) = PROJECTS[place];
    format!("\n[[project]]\nid = \"{id}\"\nname = \"{name}\"\ncredentials = \"{credentials}\"\n")
}
