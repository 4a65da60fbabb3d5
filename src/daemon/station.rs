//! What a configuration is turned into before anything is collected.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use rusqlite::Connection;
use thiserror::Error;
use tokio::sync::watch;

use crate::{
    archive::{Archive, ArchiveError, RealFiles},
    atlas::{Client, ClientError},
    clock::Clock,
    collect::{Collector, Observer, PollError, PollReport, Slots, Task},
    commit::{CommitError, Committer},
    config::{Config, Project},
    daemon::Excuse,
    discovery::{self, Known, Learnt, Lists},
    evidence::{Signer, SignerError},
    meters::Meters,
    source::{Source, SourceId},
    state::{
        ArchiveId, FailingList, FoundSource, PageCheck, Seal, SourceKey, SourceState, StateError, Store, source_keys,
    },
};

/// Why nothing can be collected.
#[derive(Debug, Error)]
pub enum StartError {
    /// The state.
    #[error(transparent)]
    State(#[from] StateError),
    /// The archive.
    #[error(transparent)]
    Archive(#[from] ArchiveError),
    /// The client.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// The key that digests are signed with.
    #[error(transparent)]
    Signer(#[from] SignerError),
    /// What a crash left.
    #[error(transparent)]
    Commit(#[from] CommitError),
}

/// State, archive, collector and clients of a configuration.
#[derive(Debug)]
pub struct Station {
    /// The configuration.
    pub config: Config,
    /// Collects.
    pub collector: Arc<Collector>,
    /// The local clock.
    pub clock: Arc<dyn Clock>,
    clients: BTreeMap<String, Client>,
    slots: Slots,
    meters: Arc<Meters>,
    in_force: watch::Sender<Arc<Config>>,
    known: Known,
    /// The look at the state's pages, while it is under way.
    check: Option<PageCheck>,
}

impl Station {
    /// Opens state and archive, both for this process alone. Asks nothing of Atlas.
    ///
    /// # Errors
    /// When state or archive cannot be used or do not belong together, or a client cannot be made.
    pub fn open(config: Config, clock: Arc<dyn Clock>, observer: Observer) -> Result<Self, StartError> {
        let mut station = Self::open_beside_check(config, clock, observer)?;
        station.finish_check()?;
        Ok(station)
    }

    /// The same, while the state's pages are still looked over: [`Station::finish_check`] has to come before anything is done.
    ///
    /// # Errors
    /// Those of [`Station::open`].
    pub fn open_beside_check(
        mut config: Config,
        clock: Arc<dyn Clock>,
        observer: Observer,
    ) -> Result<Self, StartError> {
        let meters = Arc::default();
        let clients = clients(&config, &clock, &meters)?;
        let (store, check) = Store::open_beside_check(&config.state_dir)?;
        let check = match store.read(ArchiveId::load)? {
            Some((_, true)) => Some(check),
            // The archive is going to be marked.
            _ => {
                check.wait()?;
                None
            }
        };
        let committer = committer(&config, store, Arc::clone(&clock))?.with_meters(Arc::clone(&meters));
        let collector = Arc::new(Collector::new(Arc::new(committer), Arc::clone(&clock), observer)?);
        let slots = Slots::new(config.collect.polls_at_once);
        let known = Known::load(collector.committer().store())?;
        known.resolve(&mut config);
        let in_force = watch::Sender::new(Arc::new(config.clone()));
        Ok(Self { config, collector, clock, clients, slots, meters, in_force, known, check })
    }

    /// Waits until the state's pages are looked over.
    ///
    /// # Errors
    /// When the state is damaged.
    pub fn finish_check(&mut self) -> Result<(), StateError> {
        self.check.take().map_or(Ok(()), PageCheck::wait)
    }

    /// The tasks for all sources, in the order of the configuration, each with its project.
    pub fn tasks(&self) -> impl Iterator<Item = (&Project, Task)> {
        self.config.projects.iter().flat_map(move |project| {
            let client = self.clients.get(&project.credentials);
            project.sources().filter_map(move |source| {
                let found = self.found(&source.id).is_some();
                let task = Task::new(&self.config, source, client?.clone(), self.slots.clone());
                Some((project, Task { found, ..task }))
            })
        })
    }

    /// The configuration in force, also after it has changed.
    #[must_use]
    pub fn watch_config(&self) -> watch::Receiver<Arc<Config>> {
        self.in_force.subscribe()
    }

    /// What is measured of this process.
    #[must_use]
    pub fn meters(&self) -> &Arc<Meters> {
        &self.meters
    }

    /// The sources of the configuration.
    #[must_use]
    pub fn configured(&self) -> BTreeSet<SourceId> {
        self.config.sources().map(|source| source.id).collect()
    }

    /// The sources that are no longer in the configuration, and of which something is still open or half sealed.
    ///
    /// # Errors
    /// When the state cannot be read. One damaged row is told and left out.
    pub fn to_retire(&self) -> Result<Vec<Source>, StateError> {
        let configured = self.configured();
        self.collector.committer().store().read(|connection| {
            let mut sources = Vec::new();
            for (key, id) in source_keys(connection)? {
                // Its own polls find whatever is wrong with the row of a source that is collected.
                if id.is_some_and(|id| configured.contains(&id)) {
                    continue;
                }
                match unfinished(connection, key) {
                    Ok(None) => {}
                    Ok(Some(state)) => match state.source() {
                        Some(source) => sources.push(source),
                        None => tracing::error!(
                            event = "state-damaged",
                            folder = state.folder,
                            "the filter of a removed source cannot be read"
                        ),
                    },
                    Err(error) => tracing::error!(event = "state-damaged", "{error}"),
                }
            }
            Ok(sources)
        })
    }

    /// The clients, by the name of their credential.
    pub fn clients(&self) -> impl Iterator<Item = (&str, &Client)> {
        self.clients.iter().map(|(name, client)| (name.as_str(), client))
    }

    /// Goes over to another configuration. Clients whose settings are the same are kept, with their tokens; the others
    /// are returned, so that their tokens can be revoked.
    ///
    /// # Errors
    /// When a client cannot be made; nothing is changed then.
    pub fn change(&mut self, mut config: Config) -> Result<Vec<Client>, StartError> {
        let mut clients = clients(&config, &self.clock, &self.meters)?;
        let mut replaced = Vec::new();
        for (name, client) in std::mem::take(&mut self.clients) {
            let same = config.atlas == self.config.atlas
                && config.credentials.get(&name) == self.config.credentials.get(&name);
            if same && clients.contains_key(&name) {
                clients.insert(name, client);
            } else {
                replaced.push(client);
            }
        }
        self.clients = clients;
        self.collector.committer().set_keep(config.archive.keep);
        if config.collect.polls_at_once != self.config.collect.polls_at_once {
            self.slots = Slots::new(config.collect.polls_at_once);
        }
        self.known.resolve(&mut config);
        self.in_force.send_replace(Arc::new(config.clone()));
        self.config = config;
        Ok(replaced)
    }

    /// Asks for the lists that the configuration needs. It borrows nothing: polls go on meanwhile.
    pub fn ask_for_lists(&self) -> impl Future<Output = Lists> + Send + use<> {
        let (config, clients, known) = (self.config.clone(), self.clients.clone(), self.known.clone());
        async move { discovery::ask(&config, &clients, &known).await }
    }

    /// Takes lists in: what they show is collected from now on, and is remembered.
    ///
    /// # Errors
    /// When it cannot be written to the state. It is in force all the same.
    pub async fn learn(&mut self, lists: &Lists) -> Result<Learnt, PollError> {
        let mut known = self.known.clone();
        let learnt = known.learn(&self.config, lists);
        known.note_failing(&learnt, self.clock.now());
        self.know(known).await.map(|()| learnt)
    }

    /// The lists that could not be had, and since when.
    pub fn failing_lists(&self) -> impl Iterator<Item = &FailingList> {
        self.known.failing()
    }

    /// Takes note that Atlas has no log of these sources any more. Those that are not collected any more: no list shows them.
    ///
    /// # Errors
    /// As [`Self::learn`].
    pub async fn note_absent(&mut self, sources: &[Source]) -> Result<Vec<Source>, PollError> {
        let (mut known, now) = (self.known.clone(), self.clock.now());
        let gone = sources.iter().filter(|source| known.note_absent(&source.id, now)).cloned().collect();
        self.know(known).await.map(|()| gone)
    }

    /// What is known of a source that was found.
    #[must_use]
    pub fn found(&self, id: &SourceId) -> Option<&FoundSource> {
        self.known.found(&self.config, id)
    }

    /// Why the failed poll of a source is no failure, if it is none.
    pub(crate) fn excuse(&self, id: &SourceId, report: &PollReport) -> Option<Excuse> {
        Excuse::of(self.found(id)?, report)
    }

    async fn know(&mut self, known: Known) -> Result<(), PollError> {
        if known == self.known {
            return Ok(());
        }
        self.known = known.clone();
        self.known.resolve(&mut self.config);
        self.in_force.send_replace(Arc::new(self.config.clone()));
        self.collector.remember(known).await
    }

    /// Revokes the tokens that were minted.
    pub async fn revoke(&self) {
        futures_util::future::join_all(self.clients.values().map(Client::revoke)).await;
    }
}

/// The state of a source of which a segment is open, or a digest is decided that may not be in its place.
fn unfinished(connection: &Connection, key: SourceKey) -> Result<Option<SourceState>, StateError> {
    let Some(state) = SourceState::load_by_key(connection, key)? else { return Ok(None) };
    let is_unfinished = state.open.is_some() || !Seal::load(connection, key)?.is_empty();
    Ok(is_unfinished.then_some(state))
}

/// Opens state and archive for writing.
pub(crate) fn open_committer(config: &Config, clock: Arc<dyn Clock>) -> Result<Committer, StartError> {
    committer(config, Store::open(&config.state_dir)?, clock)
}

/// Opens the archive that belongs to `store` for writing.
fn committer(config: &Config, store: Store, clock: Arc<dyn Clock>) -> Result<Committer, StartError> {
    let (settings, store) = (&config.archive, Arc::new(store));
    let files =
        RealFiles::open(&settings.dir, settings.file_mode, settings.dir_mode).map_err(|cause| match cause.kind() {
            std::io::ErrorKind::NotFound => ArchiveError::NoFolder(settings.dir.clone()),
            _ => ArchiveError::Folder { path: settings.dir.clone(), cause },
        })?;
    let archive = Archive::open(settings, Arc::new(files), &store)?;
    let signer = config.evidence.signing_key.as_deref().map(Signer::read).transpose()?;
    let committer = Committer::new(store, archive, clock).with_signer(signer);
    committer.set_keep(settings.keep);
    Ok(committer)
}

/// A client for each credential that a project uses.
fn clients(
    config: &Config,
    clock: &Arc<dyn Clock>,
    meters: &Arc<Meters>,
) -> Result<BTreeMap<String, Client>, StartError> {
    let used = config.used_credentials();
    used.map(|(name, credential)| {
        let client = Client::metered(&config.atlas, credential, Arc::clone(clock), Arc::clone(meters))?;
        Ok((name.clone(), client))
    })
    .collect()
}
