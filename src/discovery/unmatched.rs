//! Patterns that match nothing: mostly somebody mistyped a name.

use super::{
    known::Known,
    lists::{Lists, Subject},
};
use crate::{
    config::{Config, Patterns, ProjectTable, Which},
    nearest::nearest_to_pattern,
    source::Kind,
};

/// A pattern that matches no name of the lists that it is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unmatched {
    /// A list that it is about.
    pub subject: Subject,
    /// In words.
    pub message: String,
}

impl Known {
    /// The patterns of `config` that match nothing of `lists`. Of one that is about a list that could not be got, nothing is
    /// known.
    #[must_use]
    pub fn unmatched(&self, config: &Config, lists: &Lists) -> Vec<Unmatched> {
        let mut all = Vec::new();
        for table in &config.tables {
            if let Which::Discovered(patterns) = &table.which
                && let Some(listed) = lists.projects.get(&table.credentials)
            {
                let subject = Subject::Projects { credentials: table.credentials.clone() };
                let names: Vec<&str> = listed.iter().map(|listed| listed.name.as_str()).collect();
                all.extend(of_patterns(&subject, "discover", patterns, &names));
            }
            all.extend(Kind::ALL.into_iter().flat_map(|kind| self.of_kind(config, lists, table, kind)));
        }
        all
    }

    /// Those for the clusters or stream instances of all projects of a table.
    fn of_kind(&self, config: &Config, lists: &Lists, table: &ProjectTable, kind: Kind) -> Vec<Unmatched> {
        let Some(patterns) = &table.selection(kind).listed else { return Vec::new() };
        let mut subject = None;
        let mut names = Vec::new();
        for chosen in
            self.chosen(config).into_iter().filter(|chosen| chosen.listed && std::ptr::eq(chosen.table, table))
        {
            let of_project =
                lists.names.iter().find(|(wanted, _)| wanted.project_id == chosen.id && wanted.kind == kind);
            let Some((wanted, listed)) = of_project else { return Vec::new() };
            names.extend(listed.iter().map(|listed| listed.name.as_str()));
            subject = Some(match table.which {
                Which::One { .. } => wanted.subject(),
                Which::Discovered(_) => Subject::Projects { credentials: table.credentials.clone() },
            });
        }
        let Some(subject) = subject else { return Vec::new() };
        let key = match kind {
            Kind::StreamAudit => "stream_instances",
            Kind::AccessHistory => "clusters",
        };
        of_patterns(&subject, key, patterns, &names)
    }
}

fn of_patterns(subject: &Subject, key: &str, patterns: &Patterns, names: &[&str]) -> Vec<Unmatched> {
    let of_pattern = |pattern: &str| {
        let near = nearest_to_pattern(pattern, names.iter().copied());
        let near = near.map_or(String::new(), |near| format!("; did you mean {near:?}?"));
        Unmatched { subject: subject.clone(), message: format!("{pattern:?} in {key} matches nothing{near}") }
    };
    patterns.unmatched(names).map(of_pattern).collect()
}
