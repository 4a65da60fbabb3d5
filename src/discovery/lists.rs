//! What is asked of Atlas: the list of projects of each credential that discovers them, then the lists of clusters and stream
//! instances of each project that needs them.

use std::{collections::BTreeMap, fmt, sync::Mutex, sync::PoisonError, time::Duration};

use futures_util::{StreamExt, stream};
use tokio::time::Instant;

use super::{
    known::Known,
    resolve::{Wanted, wanted_names},
};
use crate::{
    atlas::{Client, Consequence, Listed, Listing, RequestError},
    config::{Config, Which},
    source::Kind,
};

/// So many lists are asked for at once.
const AT_ONCE: usize = 4;

/// No list is tried for longer, waits included: the next run asks again.
const PATIENCE: Duration = Duration::from_secs(30);

/// The wait before a second try where Atlas names none; it doubles.
const FIRST_WAIT: Duration = Duration::from_millis(500);

/// Which list, for messages.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Subject {
    /// Every list that is asked for with a credential.
    Credentials(String),
    /// The list of projects that a credential sees.
    Projects {
        /// The name of the credential.
        credentials: String,
    },
    /// A list of a project.
    Names {
        /// What the project is called here.
        project_name: String,
        /// Its id.
        project_id: String,
        /// Clusters or stream instances.
        kind: Kind,
    },
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Credentials(name) => write!(f, "lists for the credentials {name}"),
            Self::Projects { credentials } => write!(f, "list of projects for the credentials {credentials}"),
            Self::Names { project_name, project_id, kind } => {
                let what = match kind {
                    Kind::StreamAudit => "stream instances",
                    Kind::AccessHistory => "clusters",
                };
                write!(f, "list of {what} of the project {project_name} ({project_id})")
            }
        }
    }
}

/// A list that could not be got or not be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble {
    /// Which.
    pub subject: Subject,
    /// Why, and what to do about it.
    pub message: String,
}

/// The lists that were got, and those that could not be.
#[derive(Debug, Default)]
pub struct Lists {
    /// By the name of the credential.
    pub(super) projects: BTreeMap<String, Vec<Listed>>,
    pub(super) names: Vec<(Wanted, Vec<Listed>)>,
    pub(super) troubles: Vec<Trouble>,
}

/// Asks with the clients of all credentials for what `config` needs to be known; `known` says which projects there are where
/// their list cannot be got.
pub async fn ask(config: &Config, clients: &BTreeMap<String, Client>, known: &Known) -> Lists {
    let patience = config.atlas.retry_budget.min(PATIENCE);
    let asker = Asker { clients, patience, unusable: Mutex::default() };
    let mut lists = Lists::default();
    let mut discovering: Vec<&String> = config
        .tables
        .iter()
        .filter(|table| matches!(table.which, Which::Discovered(_)))
        .map(|table| &table.credentials)
        .collect();
    discovering.sort();
    discovering.dedup();
    for credentials in discovering {
        let subject = Subject::Projects { credentials: credentials.clone() };
        match asker.ask(credentials, Listing::Projects, subject).await {
            Some(Ok(projects)) => {
                lists.projects.insert(credentials.clone(), projects);
            }
            Some(Err(trouble)) => lists.troubles.push(trouble),
            None => {}
        }
    }
    let mut expected = known.clone();
    lists.troubles.extend(expected.learn_projects(&lists.projects).troubles);
    let asked = stream::iter(wanted_names(config, &expected)).map(|wanted| {
        let asker = &asker;
        async move {
            let project_id = &wanted.project_id;
            let listing = match wanted.kind {
                Kind::StreamAudit => Listing::StreamInstances { project_id },
                Kind::AccessHistory => Listing::Clusters { project_id },
            };
            let got = asker.ask(&wanted.credentials, listing, wanted.subject()).await;
            (wanted, got)
        }
    });
    let mut asked = asked.buffer_unordered(AT_ONCE);
    while let Some((wanted, got)) = asked.next().await {
        match got {
            Some(Ok(names)) => lists.names.push((wanted, names)),
            Some(Err(trouble)) => lists.troubles.push(trouble),
            None => {}
        }
    }
    drop(asked);
    lists
}

impl Lists {
    /// The lists of projects, by the name of the credential.
    pub fn projects(&self) -> impl Iterator<Item = (&str, &[Listed])> {
        self.projects.iter().map(|(credentials, listed)| (credentials.as_str(), listed.as_slice()))
    }

    /// The lists of clusters and stream instances.
    pub fn names(&self) -> impl Iterator<Item = (&Wanted, &[Listed])> {
        self.names.iter().map(|(wanted, listed)| (wanted, listed.as_slice()))
    }
}

impl Wanted {
    /// Which list it is.
    #[must_use]
    pub fn subject(&self) -> Subject {
        let Self { project_id, project_name, kind, .. } = self.clone();
        Subject::Names { project_name, project_id, kind }
    }
}

struct Asker<'a> {
    clients: &'a BTreeMap<String, Client>,
    patience: Duration,
    /// Credentials with which nothing can be had, so that nothing more is asked.
    unusable: Mutex<Vec<String>>,
}

impl Asker<'_> {
    /// Asks for a list; nothing where it is known that the credential gets none.
    async fn ask(
        &self,
        credentials: &str,
        listing: Listing<'_>,
        subject: Subject,
    ) -> Option<Result<Vec<Listed>, Trouble>> {
        let unusable = || self.unusable.lock().unwrap_or_else(PoisonError::into_inner);
        let client = self.clients.get(credentials)?;
        if unusable().iter().any(|known| known == credentials) {
            return None;
        }
        let error = match patiently(client, listing, self.patience).await {
            Ok(listed) => return Some(Ok(listed)),
            Err(error) => error,
        };
        let subject = if error.concerns_all() {
            let mut unusable = unusable();
            if unusable.iter().any(|known| known == credentials) {
                return None;
            }
            unusable.push(credentials.to_owned());
            Subject::Credentials(credentials.to_owned())
        } else {
            subject
        };
        let advice = error.advice_on_list(listing).map_or(String::new(), |advice| format!("; {advice}"));
        Some(Err(Trouble { subject, message: format!("{error}{advice}") }))
    }
}

/// Asks for a list until it comes, or a fault that lasts, or the patience is over.
async fn patiently(client: &Client, listing: Listing<'_>, patience: Duration) -> Result<Vec<Listed>, RequestError> {
    let give_up = Instant::now() + patience;
    let mut wait = FIRST_WAIT;
    loop {
        let error = match client.list(listing).await {
            Ok(listed) => return Ok(listed),
            Err(error) => error,
        };
        let next = match error.consequence() {
            Consequence::GiveUp => return Err(error),
            Consequence::RetryAfter(wait) => wait,
            Consequence::Retry => {
                wait *= 2;
                wait / 2
            }
        };
        if Instant::now() + next >= give_up {
            return Err(error);
        }
        tokio::time::sleep(next).await;
    }
}
