//! The tables `[[project]]`.

use std::{
    collections::{HashMap, hash_map::Entry},
    net::IpAddr,
};

use super::{
    Project, Schedule, choice,
    credential::Credentials,
    faults::{Faults, Located, Place},
    keys, name,
    quote::quote,
    schedule,
    table::Table,
};
use crate::nearest::nearest;
use crate::source::{AuthResult, Filter, Kind, SourceId};

const EXAMPLE_ID: &str = "32b6e34b3d91647abb20e7b8";

/// How many names of credentials a message lists.
const MOST_NAMES_SHOWN: usize = 20;

/// Reads all tables `[[project]]`; a schedule that one does not set is that of `schedule`.
pub(super) fn read(document: &Table<'_>, credentials: &Credentials<'_>, schedule: &Schedule) -> Vec<Project> {
    let tables = document.tables("project", keys::PROJECT);
    let mut seen = Seen { faults: document.faults(), names: HashMap::new(), sources: HashMap::new() };
    tables.iter().filter_map(|table| read_one(table, credentials, schedule, &mut seen)).collect()
}

fn read_one<'d>(
    table: &Table<'d>,
    credentials: &Credentials<'_>,
    schedule: &Schedule,
    seen: &mut Seen<'d>,
) -> Option<Project> {
    let id = checked_text(table, "id", EXAMPLE_ID, name::check_project_id);
    let display_name = checked_text(table, "name", "payments", name::check_project_name);
    let credentials = read_credentials(table, credentials);
    let stream_instances = read_names(table, "stream_instances", "[\"orders\"]", name::check_instance_name);
    let clusters = read_names(table, "clusters", "[\"prod-0\"]", name::check_cluster_name);
    if table.lacks("stream_instances") && table.lacks("clusters") {
        table.report_whole("there is nothing to archive; add stream_instances or clusters");
    }
    let schedule = schedule::read(table, schedule);
    let filter = read_filter(table);

    if let Some(display_name) = display_name {
        seen.project_name(display_name);
    }
    let names = |kind| match kind {
        Kind::StreamAudit => (&stream_instances, Filter::default()),
        Kind::AccessHistory => (&clusters, filter),
    };
    for kind in Kind::ALL {
        let (names, filter) = names(kind);
        for source in names {
            // Without a good id, a project is at least the same as itself.
            let project_id =
                id.as_ref().map_or_else(|| format!("{:?}", table.place_of("id")), |id| id.value.to_owned());
            let identity = SourceId { project_id, kind, name: source.value.to_owned(), filter };
            seen.source(display_name.map_or("…", |name| name.value), identity, source.place);
        }
    }
    let (id, display_name) = (id?, display_name?);
    let owned = |names: &[Located<&str>]| names.iter().map(|name| name.value.to_owned()).collect();
    Some(Project {
        id: id.value.to_owned(),
        name: display_name.value.to_owned(),
        credentials: credentials?,
        schedule,
        stream_instances: owned(&stream_instances),
        clusters: owned(&clusters),
        access_history_filter: filter,
    })
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

/// The names of the array at `key` that pass `check`.
fn read_names<'d>(
    table: &Table<'d>,
    key: &str,
    example: &str,
    check: fn(&str) -> Result<(), String>,
) -> Vec<Located<&'d str>> {
    let mut names = table.texts(key, example);
    names.retain(|name| match check(name.value) {
        Ok(()) => true,
        Err(message) => {
            table.faults().report(name.place, format!("project.{key}: {message}"));
            false
        }
    });
    names
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
