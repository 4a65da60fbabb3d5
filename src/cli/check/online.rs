//! Everything that Atlas is asked for. What one thing depends on comes before it, and where that fails, it is not asked.

use std::{collections::BTreeMap, sync::Arc};

use tokio::{sync::Semaphore, task::JoinSet};

use super::{
    credentials::{self, Tried},
    finding::{Area, Finding, Outcome},
    listed::ListedNames,
    lists, reach,
    source::Asking,
};
use crate::{
    atlas::{Client, Listed, decode::Limits},
    clock::{Clock, SystemClock},
    config::Config,
    discovery::{self, Known, Subject},
};

/// All that is found by asking Atlas.
pub(super) async fn ask(mut config: Config, mut known: Known) -> anyhow::Result<Vec<Finding>> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let (mut findings, mut clients, mut tried) = (Vec::new(), BTreeMap::new(), BTreeMap::new());
    for (name, credential) in config.used_credentials() {
        match Client::new(&config.atlas, credential, Arc::clone(&clock)) {
            Ok(client) => drop(clients.insert(name.clone(), client)),
            Err(error) => drop(tried.insert(name.clone(), Tried::not_asked(name, &error.to_string()))),
        }
    }
    let way = reach::look(&config.atlas, clients.values().next()).await;
    let is_reachable = way.outcome == Outcome::Ok;
    findings.push(way);
    for (name, client) in &clients {
        let found = match is_reachable {
            true => credentials::look(name, client).await,
            false => Tried::not_asked(name, "Atlas cannot be reached"),
        };
        tried.insert(name.clone(), found);
    }
    findings.extend(tried.values().map(|tried| tried.finding.clone()));
    if is_reachable {
        findings.extend(credentials::clock(&clients));
    }
    let usable: BTreeMap<String, Client> = clients
        .iter()
        .filter(|(name, _)| tried[*name].usable)
        .map(|(name, client)| (name.clone(), client.clone()))
        .collect();
    if config.asks() {
        let mut asking: Vec<&String> =
            config.tables.iter().filter(|table| table.asks()).map(|table| &table.credentials).collect();
        asking.sort();
        asking.dedup();
        asking.retain(|name| !usable.contains_key(*name));
        findings.extend(asking.iter().map(|name| {
            let subject = Subject::Credentials((*name).clone()).to_string();
            Finding::failed(Area::List, subject, "not asked: these credentials cannot be used")
        }));
        let all_asked = asking.is_empty();
        let asked = discovery::ask(&config, &usable, &known).await;
        let learnt = known.learn(&config, &asked);
        known.resolve(&mut config);
        findings.extend(lists::look(&config, &known, &asked, &learnt));
        // Where a list could not be got, that is what is wrong.
        if all_asked && learnt.troubles.is_empty() && config.sources().next().is_none() {
            let advice = "compare the patterns of the configuration with the names at Atlas".to_owned();
            findings.push(Finding::failed(Area::List, "all lists", discovery::NO_SOURCES).advise(advice));
        }
    }
    let projects = tried.into_iter().map(|(name, tried)| (name, tried.projects)).collect();
    findings.extend(sources(&config, usable, projects, known, &clock).await?);
    futures_util::future::join_all(clients.values().map(Client::revoke)).await;
    Ok(findings)
}

/// Asks for every source whose credential can be used, several at once.
async fn sources(
    config: &Config,
    usable: BTreeMap<String, Client>,
    projects: BTreeMap<String, Option<Vec<Listed>>>,
    known: Known,
    clock: &Arc<dyn Clock>,
) -> anyhow::Result<Vec<Finding>> {
    let (listed, slots) = (Arc::new(ListedNames::default()), Arc::new(Semaphore::new(config.collect.polls_at_once)));
    let projects = Arc::new(projects);
    let (mut asking, mut findings) = (JoinSet::new(), Vec::new());
    for project in &config.projects {
        let credentials = &project.credentials;
        for source in project.sources() {
            let Some(client) = usable.get(credentials).cloned() else {
                let message = format!("not asked: the credentials {credentials} cannot be used");
                findings.push(Finding::failed(Area::Source, source.to_string(), message));
                continue;
            };
            let found = known.found(config, &source.id).cloned();
            let (clock, listed, slots) = (Arc::clone(clock), Arc::clone(&listed), Arc::clone(&slots));
            let (projects, credentials) = (Arc::clone(&projects), credentials.clone());
            let (patience, limits) = (config.atlas.retry_budget, Limits::new(config.collect.answer_limit));
            asking.spawn(async move {
                let _slot = slots.acquire().await;
                let projects = projects.get(&credentials).and_then(|projects| projects.as_deref());
                let (clock, found) = (clock.as_ref(), found.as_ref());
                let asking = Asking { client: &client, clock, patience, limits, listed: &listed, projects, found };
                asking.look(&source).await
            });
        }
    }
    while let Some(finding) = asking.join_next().await {
        findings.push(finding?);
    }
    findings.sort_by(|one, other| one.subject.cmp(&other.subject));
    Ok(findings)
}
