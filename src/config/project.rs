//! The tables `[[project]]`.

use std::{
    collections::{HashMap, hash_map::Entry},
    net::IpAddr,
};

use super::{
    Patterns, ProjectTable, Schedule, Selection, Which, choice,
    credential::Credentials,
    faults::{Faults, Located, Place},
    keys, name,
    quote::quote,
    schedule,
    selection::{self, Allowed, Written},
    table::Table,
};
use crate::nearest::nearest;
use crate::source::{AuthResult, Filter, Kind, SourceId};

const EXAMPLE_ID: &str = "32b6e34b3d91647abb20e7b8";

const PROJECTS: Allowed<'_> = Allowed {
    example: "[\"payments-*\", \"!*-test\"]",
    name: name::check_project_pattern,
    pattern: name::check_project_pattern,
};

const STREAM_INSTANCES: Allowed<'_> =
    Allowed { example: "[\"orders\"]", name: name::check_instance_name, pattern: name::check_instance_pattern };

const CLUSTERS: Allowed<'_> =
    Allowed { example: "[\"prod-0\"]", name: name::check_cluster_name, pattern: name::check_cluster_pattern };

/// How many names of credentials a message lists.
const MOST_NAMES_SHOWN: usize = 20;

/// Reads all tables `[[project]]`; a schedule that one does not set is that of `schedule`.
pub(super) fn read(document: &Table<'_>, credentials: &Credentials<'_>, schedule: &Schedule) -> Vec<ProjectTable> {
    let tables = document.tables("project", keys::PROJECT);
    let mut seen = Seen { faults: document.faults(), names: HashMap::new(), sources: HashMap::new() };
    tables.iter().filter_map(|table| read_one(table, credentials, schedule, &mut seen)).collect()
}

fn read_one<'d>(
    table: &Table<'d>,
    credentials: &Credentials<'_>,
    schedule: &Schedule,
    seen: &mut Seen<'d>,
) -> Option<ProjectTable> {
    let discovers = table.has("discover");
    let (id, name) = if discovers { (None, None) } else { read_id_and_name(table, seen) };
    let which = match discovers {
        true => read_discover(table),
        false => id.zip(name).map(|(id, name)| Which::One { id: id.to_owned(), name: name.to_owned() }),
    };
    let credentials = read_credentials(table, credentials);
    let stream_instances = selection::read(table, "stream_instances", &STREAM_INSTANCES);
    let clusters = selection::read(table, "clusters", &CLUSTERS);
    // Of projects that are discovered, all is meant unless something else is said.
    let is_empty = |key: &str| table.lacks(key) && (!discovers || table.has(key));
    if is_empty("stream_instances") && is_empty("clusters") {
        table.report_whole("there is nothing to archive; add stream_instances or clusters");
    }
    let schedule = schedule::read_of_project(table, schedule);
    let filter = read_filter(table);
    if discovers {
        // In every one of the projects, a name means what bears it there.
        let selection = |key: &str, written: Written<'_>| Selection {
            names: Vec::new(),
            listed: if table.has(key) { written.patterns() } else { Some(Patterns::all()) },
        };
        return Some(ProjectTable {
            which: which?,
            credentials: credentials?,
            schedule,
            stream_instances: selection("stream_instances", stream_instances),
            clusters: selection("clusters", clusters),
            access_history_filter: filter,
        });
    }
    // Without a good id, a project is at least the same as itself.
    let project_id = id.map_or_else(|| format!("{:?}", table.place_of("id")), str::to_owned);
    for (kind, written, filter) in
        [(Kind::StreamAudit, &stream_instances, Filter::default()), (Kind::AccessHistory, &clusters, filter)]
    {
        for source in &written.names {
            let identity = SourceId { project_id: project_id.clone(), kind, name: source.value.to_owned(), filter };
            seen.source(name.unwrap_or("…"), identity, source.place);
        }
    }
    Some(ProjectTable {
        credentials: credentials?,
        schedule,
        stream_instances: stream_instances.selection(),
        clusters: clusters.selection(),
        access_history_filter: filter,
        which: which?,
    })
}

/// What one project is called at Atlas and here.
fn read_id_and_name<'d>(table: &Table<'d>, seen: &mut Seen<'d>) -> (Option<&'d str>, Option<&'d str>) {
    let id = checked_text(table, "id", EXAMPLE_ID, name::check_project_id);
    let name = checked_text(table, "name", "payments", name::check_project_name);
    if let Some(name) = name {
        seen.project_name(name);
    }
    (id.map(|id| id.value), name.map(|name| name.value))
}

/// All projects that match; their ids and names are those of Atlas.
fn read_discover(table: &Table<'_>) -> Option<Which> {
    for key in ["id", "name"] {
        if table.has(key) {
            table
                .report(key, format!("{key} belongs to one project, and discover means many; allowed: one of the two"));
        }
    }
    let written = selection::read(table, "discover", &PROJECTS);
    if table.lacks("discover") {
        table.report("discover", format!("there is no pattern; allowed: \"all\", or for example {}", PROJECTS.example));
    }
    written.patterns().map(Which::Discovered)
}

/// The string at `key`, which must be there and pass `check`.
fn checked_text<'d>(
    table: &Table<'d>,
    key: &str,
    example: &str,
    check: fn(&str) -> Result<(), String>,
) -> Option<Located<&'d str>> {
    let text = table.required_text(key, example)?;
    check(text.value).inspect_err(|message| table.report(key, message)).ok()?;
    Some(text)
}

fn read_credentials(table: &Table<'_>, credentials: &Credentials<'_>) -> Option<String> {
    let name = table.required_text("credentials", "main")?.value;
    if credentials.names.contains(&name) {
        return Some(name.to_owned());
    }
    let hint = nearest(name, credentials.names.iter().copied())
        .map(|known| format!("did you mean {}? ", quote(known)))
        .unwrap_or_default();
    let known: Vec<String> = credentials.names.iter().take(MOST_NAMES_SHOWN).map(|known| quote(known)).collect();
    let more = if credentials.names.len() > known.len() { ", …" } else { "" };
    let known = match known.is_empty() {
        true => "there is no table [credentials.NAME] yet".to_owned(),
        false => format!("known: {}{more}", known.join(", ")),
    };
    table.report("credentials", format!("unknown credentials {}; {hint}{known}", quote(name)));
    None
}

fn read_filter(project: &Table<'_>) -> Filter {
    let table = project.table("access_history_filter", keys::FILTER);
    let results = [AuthResult::All, AuthResult::Success, AuthResult::Failure].map(|result| (result.as_str(), result));
    let auth_result = table.parsed("auth_result", "failure", |text| choice::parse(text, &results)).unwrap_or_default();
    let ip_address = table.parsed("ip_address", "203.0.113.9", |text| {
        text.parse::<IpAddr>().map_err(|_| {
            format!("{} is not an IP address; allowed: for example \"203.0.113.9\" or \"2001:db8::1\"", quote(text))
        })
    });
    Filter { auth_result, ip_address }
}

/// What was named already and must not be named again.
struct Seen<'d> {
    faults: &'d Faults<'d>,
    names: HashMap<&'d str, Place>,
    sources: HashMap<SourceId, Place>,
}

impl<'d> Seen<'d> {
    fn project_name(&mut self, name: Located<&'d str>) {
        match self.names.entry(name.value) {
            Entry::Vacant(entry) => {
                entry.insert(name.place);
            }
            Entry::Occupied(first) => {
                let message = format!(
                    "project.name: {} names two projects, and their sources could not be told apart; the first is",
                    quote(name.value)
                );
                self.faults.report_conflict(name.place, message, *first.get());
            }
        }
    }

    fn source(&mut self, project: &str, id: SourceId, place: Place) {
        let shown = quote(&format!("{project}/{}/{}", id.kind, id.name));
        match self.sources.entry(id) {
            Entry::Vacant(entry) => {
                entry.insert(place);
            }
            Entry::Occupied(first) => {
                let message = format!("project: the source {shown} is there twice; the first is");
                self.faults.report_conflict(place, message, *first.get());
            }
        }
    }
}
