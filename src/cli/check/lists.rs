//! The lists of discovery: how much is in each, how much of it is meant, and what is not collected all the same.

use super::finding::{Area, Finding};
use crate::{
    config::{Config, Which},
    discovery::{Change, Known, Learnt, Lists, NotCollected, Subject, Trouble, Wanted},
    words,
};

/// More names than this are counted.
const MOST_NAMED: usize = 5;

/// What the lists are worth; `config` is resolved with them.
pub(super) fn look(config: &Config, known: &Known, lists: &Lists, learnt: &Learnt) -> Vec<Finding> {
    let mut findings = Vec::new();
    let unmatched = known.unmatched(config, lists);
    let faults = |subject: &Subject| {
        let of_list = |change: &&Change| matches!(change, Change::Refused { subject: its, .. } if its == subject);
        let refused = learnt.changes.iter().filter(of_list).map(ToString::to_string);
        let unmatched = unmatched.iter().filter(|unmatched| unmatched.subject == *subject);
        refused.chain(unmatched.map(|unmatched| unmatched.message.clone())).collect::<Vec<_>>()
    };
    for (credentials, listed) in lists.projects() {
        let subject = Subject::Projects { credentials: credentials.to_owned() };
        let has_table = |id: &str| {
            config.tables.iter().any(|table| matches!(&table.which, Which::One { id: named, .. } if named == id))
        };
        let is_listed = |id: &str| listed.iter().any(|listed| listed.id.as_deref() == Some(id));
        let found = config.projects.iter().filter(|project| project.credentials == credentials);
        let meant = found.filter(|project| !has_table(&project.id) && is_listed(&project.id));
        let message = format!("ok, {} found, {} meant", listed.len(), meant.count());
        findings.push(finding(&subject, message, &faults(&subject)));
    }
    let not_collected = known.not_collected(config);
    for (wanted, listed) in lists.names() {
        let subject = wanted.subject();
        findings.push(finding(&subject, of_names(config, &not_collected, wanted, listed.len()), &faults(&subject)));
    }
    for Trouble { subject, message } in &learnt.troubles {
        findings.push(Finding::failed(Area::List, subject.to_string(), message.clone()));
    }
    findings.sort_by(|one, other| one.subject.cmp(&other.subject));
    findings
}

fn finding(subject: &Subject, message: String, faults: &[String]) -> Finding {
    if faults.is_empty() {
        return Finding::ok(Area::List, subject.to_string(), message);
    }
    Finding::warning(Area::List, subject.to_string(), format!("{message}; {}", faults.join("; ")))
}

fn of_names(config: &Config, not_collected: &[NotCollected], wanted: &Wanted, listed: usize) -> String {
    let here = |source: &crate::source::SourceId| source.project_id == wanted.project_id && source.kind == wanted.kind;
    let meant = config.sources().filter(|source| here(&source.id) && !config.names_source(&source.id)).count();
    let mut message = format!("ok, {listed} found, {meant} meant");
    let skipped: Vec<&NotCollected> = not_collected.iter().filter(|skipped| here(&skipped.source.id)).collect();
    let mut names: Vec<String> = skipped
        .iter()
        .take(MOST_NAMED)
        .map(|NotCollected { source, why }| format!("{}: {why}", source.id.name))
        .collect();
    if skipped.len() > MOST_NAMED {
        names.push(format!("and {} more", skipped.len() - MOST_NAMED));
    }
    if !names.is_empty() {
        let count = words::count(skipped.len() as u64, "other");
        message.push_str(&format!(", {count} not collected ({})", names.join("; ")));
    }
    message
}
