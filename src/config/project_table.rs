//! One table `[[project]]`, checked.

use super::{Patterns, Project, Schedule, Selection};
use crate::source::{Filter, Kind, SourceId};

/// One table `[[project]]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProjectTable {
    /// Which projects it is about.
    pub which: Which,
    /// The name of an entry of [`Config::credentials`](super::Config::credentials).
    pub credentials: String,
    /// The patterns for its projects: its own, else those of the section `[schedule]`.
    pub schedule: Schedule,
    /// Stream instances whose audit log is archived.
    pub stream_instances: Selection,
    /// Clusters whose access history is archived.
    pub clusters: Selection,
    /// What of the clusters' access history is archived.
    pub access_history_filter: Filter,
}

/// Which projects a table is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Which {
    /// One.
    One {
        /// 24 hexadecimal digits.
        id: String,
        /// The display name.
        name: String,
    },
    /// All that the credential sees whose name matches.
    Discovered(Patterns),
}

impl ProjectTable {
    /// What is archived of a kind.
    #[must_use]
    pub fn selection(&self, kind: Kind) -> &Selection {
        match kind {
            Kind::StreamAudit => &self.stream_instances,
            Kind::AccessHistory => &self.clusters,
        }
    }

    /// What of a source of this kind is archived.
    #[must_use]
    pub fn filter(&self, kind: Kind) -> Filter {
        match kind {
            Kind::StreamAudit => Filter::default(),
            Kind::AccessHistory => self.access_history_filter,
        }
    }

    /// Whether it takes a list of Atlas to know what it means.
    #[must_use]
    pub fn asks(&self) -> bool {
        matches!(self.which, Which::Discovered(_))
            || Kind::ALL.iter().any(|kind| self.selection(*kind).listed.is_some())
    }

    /// Whether it names this source itself.
    pub(super) fn names_source(&self, source: &SourceId) -> bool {
        let Which::One { id, .. } = &self.which else { return false };
        *id == source.project_id
            && self.filter(source.kind) == source.filter
            && self.selection(source.kind).names.contains(&source.name)
    }

    /// A project of this table, with sources of these names.
    #[must_use]
    pub fn project(&self, id: &str, name: &str, mut names: impl FnMut(Kind) -> Vec<String>) -> Project {
        Project {
            id: id.to_owned(),
            name: name.to_owned(),
            credentials: self.credentials.clone(),
            schedule: self.schedule.clone(),
            stream_instances: names(Kind::StreamAudit),
            clusters: names(Kind::AccessHistory),
            access_history_filter: self.access_history_filter,
        }
    }

    /// The project that it names, with the sources that it names; nothing if it names none.
    #[must_use]
    pub fn named(&self) -> Option<Project> {
        match &self.which {
            Which::One { id, name } => Some(self.project(id, name, |kind| self.selection(kind).names.clone())),
            Which::Discovered(_) => None,
        }
    }
}
