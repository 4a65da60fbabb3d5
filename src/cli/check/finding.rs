//! What was found: one line for people, one object for programs.

use std::collections::HashMap;

use serde::Serialize;

use crate::{cli::terminal, shown::shown};

/// What a finding is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Area {
    /// The file.
    Configuration,
    /// A file with a secret in it.
    Secret,
    /// A folder.
    Folder,
    /// What lies in the folders.
    Stored,
    /// The way to Atlas.
    Reachability,
    /// A credential.
    Credentials,
    /// The clock of this machine.
    Clock,
    /// A list of discovery.
    List,
    /// A source.
    Source,
}

/// How it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Outcome {
    /// As it has to be.
    Ok,
    /// It works, and somebody should look.
    Warning,
    /// It will not work.
    Failed,
}

/// One thing that was looked at. The names of these fields, of [`Area`] and of [`Outcome`] are what programs rely on.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Finding {
    pub(super) area: Area,
    /// What was looked at, for example the name of a source.
    pub(super) subject: String,
    pub(super) outcome: Outcome,
    /// How it is, in words.
    pub(super) message: String,
    /// What to do about it, where that is known.
    pub(super) advice: Option<String>,
}

impl Finding {
    pub(super) fn new(area: Area, subject: impl Into<String>, outcome: Outcome, message: impl Into<String>) -> Self {
        Self { area, subject: subject.into(), outcome, message: message.into(), advice: None }
    }

    pub(super) fn ok(area: Area, subject: impl Into<String>, message: impl Into<String>) -> Self {
        Self::new(area, subject, Outcome::Ok, message)
    }

    pub(super) fn warning(area: Area, subject: impl Into<String>, message: impl Into<String>) -> Self {
        Self::new(area, subject, Outcome::Warning, message)
    }

    pub(super) fn failed(area: Area, subject: impl Into<String>, message: impl Into<String>) -> Self {
        Self::new(area, subject, Outcome::Failed, message)
    }

    /// The same with what to do about it.
    pub(super) fn advise(self, advice: impl Into<Option<String>>) -> Self {
        Self { advice: advice.into(), ..self }
    }
}

/// All findings, in the order in which they are told.
#[derive(Debug, Default)]
pub(super) struct Findings(Vec<Finding>);

impl Findings {
    pub(super) fn extend(&mut self, findings: impl IntoIterator<Item = Finding>) {
        self.0.extend(findings);
    }

    pub(super) fn any_failed(&self) -> bool {
        self.0.iter().any(|finding| finding.outcome == Outcome::Failed)
    }

    /// For programs: all of them as one array.
    pub(super) fn say_json(&self) -> serde_json::Result<()> {
        terminal::say_json(&self.0)
    }

    /// For people: one line each. What was said of one source already is not repeated for the next.
    pub(super) fn say(&self) {
        let mut said: HashMap<(&str, Option<&str>), &str> = HashMap::new();
        for Finding { area, subject, outcome, message, advice } in &self.0 {
            let prefix = if *outcome == Outcome::Warning { "warning: " } else { "" };
            let advice = advice.as_deref();
            let first = (*area == Area::Source && *outcome == Outcome::Failed)
                .then(|| *said.entry((message.as_str(), advice)).or_insert(subject))
                .filter(|first| first != subject);
            let text = match (first, advice) {
                (Some(first), _) => format!("the same as {first}"),
                (None, Some(advice)) => format!("{message}; {advice}"),
                (None, None) => message.clone(),
            };
            terminal::say(&format!("{prefix}{}: {}", shown(subject), shown(&text)));
        }
    }
}
