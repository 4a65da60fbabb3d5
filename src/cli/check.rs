//! `atlas-logd check`: is everything right before the first night?

use std::{path::Path, sync::Arc, time::Duration};

use clap::Args;
use tokio::{sync::Semaphore, task::JoinSet, time::Instant};

use crate::{
    archive::{Archive, ArchiveError, Files, RealFiles},
    atlas::{Ask, Client, Consequence, Listing, RequestError},
    cli::{Exit, exposure::exposed, runtime, terminal},
    clock::{Clock, SystemClock},
    commit::{SegmentFault, examine},
    config::Config,
    nearest::nearest,
    plan::CLOCK_TOLERANCE,
    shown::shown,
    source::{Kind, Source},
    state::{ArchiveId, SourceState, StateError, Store},
    window::Window,
    words,
};

/// How much of the recent past is asked of each source: enough to see that it may be asked.
const RECENT: Duration = Duration::from_secs(60);

#[derive(Debug, Args)]
pub(super) struct Check {
    /// Ask Atlas for every source too, and say what to grant where it refuses
    ///
    /// The last minute of each source is asked for, nothing is archived. Where Atlas refuses, the line of the source says which
    /// role, access-list entry or name is wrong.
    #[arg(long)]
    online: bool,
}

impl Check {
    pub(super) fn run(self, config: Config) -> anyhow::Result<Exit> {
        let sources = config.projects.iter().map(|project| project.sources().count()).sum::<usize>();
        terminal::say(&format!(
            "{}: valid, {}, {}",
            config.file.display(),
            words::count(config.projects.len() as u64, "project"),
            words::count(sources as u64, "source"),
        ));
        for exposed in exposed(&config, std::env::var_os("CREDENTIALS_DIRECTORY")) {
            terminal::say(&exposed);
        }
        if let Some(warning) = config.http.exposure() {
            terminal::say(&warning);
        }
        let mut failed = false;
        for (what, folder) in [("archive", &config.archive.dir), ("state", &config.state_dir)] {
            match writable(folder) {
                Ok(()) => terminal::say(&format!("{what} folder {}: ok", folder.display())),
                Err(why) => {
                    failed = true;
                    terminal::say(&format!("{what} folder {}: {why}", folder.display()));
                }
            }
        }
        if !failed {
            for fault in stored_faults(&config).unwrap_or_else(|error| vec![StoredFault::new(error)]) {
                failed |= !fault.may_be_meant;
                terminal::say(&fault.said);
            }
        }
        if self.online {
            let runtime = runtime()?;
            failed |= runtime.block_on(online(config))?;
        }
        Ok(if failed { Exit::Failed } else { Exit::Done })
    }
}

/// Something that is not as the state says.
struct StoredFault {
    said: String,
    /// It is said, but fails nothing.
    may_be_meant: bool,
}

impl StoredFault {
    fn new(error: impl Into<ArchiveError>) -> Self {
        Self { said: shown(&error.into().to_string()), may_be_meant: false }
    }
}

/// What is wrong with state and archive, as far as they are there yet.
fn stored_faults(config: &Config) -> Result<Vec<StoredFault>, ArchiveError> {
    let settings = &config.archive;
    let files = RealFiles::open(&settings.dir, settings.file_mode, settings.dir_mode)
        .map_err(|cause| ArchiveError::Folder { path: settings.dir.clone(), cause })?;
    let store = match Store::open_read_only(&config.state_dir) {
        Ok(store) => store,
        Err(StateError::NoDatabase(_)) => {
            Archive::check(&settings.dir, &files, None)?;
            return Ok(Vec::new());
        }
        Err(error) => return Err(error.into()),
    };
    let known = store.read(ArchiveId::load)?;
    let mut faults: Vec<StoredFault> = store.faults()?.into_iter().map(StoredFault::new).collect();
    match Archive::check(&settings.dir, &files, known.as_ref()) {
        Ok(()) => match segment_faults(&settings.dir, &files, &store) {
            Ok(more) => faults.extend(more),
            // What is wrong with the database is said already.
            Err(_) if !faults.is_empty() => {}
            Err(error) => faults.push(StoredFault::new(error)),
        },
        Err(apart) => faults.push(StoredFault::new(apart)),
    }
    Ok(faults)
}

/// What is wrong with the segments of each source, as far as its state can be read.
fn segment_faults(root: &Path, files: &dyn Files, store: &Store) -> Result<Vec<StoredFault>, StateError> {
    let mut faults = Vec::new();
    for state in store.read(SourceState::load_all)?.into_iter().flatten() {
        let found = examine(root, files, store, state.key);
        let found = found.unwrap_or_else(|error| vec![SegmentFault::Refused(error)]);
        faults.extend(found.iter().map(|fault| StoredFault {
            said: format!("{}: {}", state.display_name(), shown(&fault.to_string())),
            may_be_meant: fault.may_be_meant(),
        }));
    }
    Ok(faults)
}

/// Whether files can be made in a folder, by making one.
fn writable(folder: &Path) -> Result<(), String> {
    let user = "owned by the user that atlas-logd runs as, with mode 0750";
    if !folder.is_dir() {
        return Err(format!("does not exist; create it, {user}"));
    }
    let probe = folder.join(format!(".atlas-logd-check-{}", std::process::id()));
    let made = std::fs::OpenOptions::new().write(true).create_new(true).open(&probe);
    made.and_then(|_| std::fs::remove_file(&probe)).map_err(|cause| crate::archive::explain(&cause))
}

/// Asks for every source. Whether anything was refused.
async fn online(config: Config) -> anyhow::Result<bool> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let mut failed = false;
    let mut asking = JoinSet::new();
    let mut clients = Vec::new();
    let slots = Arc::new(Semaphore::new(config.collect.polls_at_once));
    let patience = config.atlas.retry_budget;
    for (name, credential) in &config.credentials {
        let client = match Client::new(&config.atlas, credential, Arc::clone(&clock)) {
            Ok(client) => client,
            Err(error) => {
                failed = true;
                terminal::say(&format!("credentials {name}: {error}"));
                continue;
            }
        };
        let projects = config.projects.iter().filter(|project| project.credentials == *name);
        for source in projects.flat_map(|project| project.sources()) {
            let (client, clock, slots) = (client.clone(), Arc::clone(&clock), Arc::clone(&slots));
            asking.spawn(async move {
                let _slot = slots.acquire().await;
                (source.to_string(), ask(&client, clock.as_ref(), source, patience).await)
            });
        }
        clients.push(client);
    }
    let mut lines: Vec<_> = asking.join_all().await;
    lines.sort();
    for (source, refusal) in lines {
        match refusal {
            None => terminal::say(&format!("{source}: ok")),
            Some(refusal) => {
                failed = true;
                terminal::say(&format!("{source}: {}", shown(&refusal)));
            }
        }
    }
    let offset = clients.iter().find_map(Client::clock_offset_ms).map(i64::unsigned_abs).map(Duration::from_millis);
    if let Some(offset) = offset.filter(|&offset| offset > CLOCK_TOLERANCE) {
        failed = true;
        terminal::say(&format!(
            "clock: it differs from Atlas' by {}; set it right, else watermarks lag behind",
            words::duration(offset)
        ));
    }
    futures_util::future::join_all(clients.iter().map(Client::revoke)).await;
    Ok(failed)
}

/// Asks for the last minute of a source. What to do, if it is refused.
async fn ask(client: &Client, clock: &dyn Clock, source: Source, patience: Duration) -> Option<String> {
    let now = clock.now();
    let asked = Window::new(now - RECENT, now);
    let ask = Ask { source: &source.id, asked, auth_result: source.id.filter.auth_result };
    let give_up = Instant::now() + patience;
    let error = loop {
        let error = client.ask(&ask).await.err()?;
        // Too much was asked at once. That says nothing about this source.
        let Consequence::RetryAfter(wait) = error.consequence() else { break error };
        let held = client.hold(&source.id.project_id, source.id.kind).unwrap_or_default();
        let next = Instant::now() + wait.max(held);
        if next >= give_up {
            break error;
        }
        tokio::time::sleep_until(next).await;
    };
    let mut text = error.to_string();
    if let Some(advice) = error.advice(&source) {
        text.push_str("; ");
        text.push_str(&advice);
    }
    if let Some(suggestion) = suggest(client, &source, &error).await {
        text.push_str("; ");
        text.push_str(&suggestion);
    }
    Some(text)
}

/// The name that was probably meant, where Atlas does not know the one that is configured.
async fn suggest(client: &Client, source: &Source, error: &RequestError) -> Option<String> {
    if !matches!(error, RequestError::Refused { status: 404, .. }) {
        return None;
    }
    let project_id = &source.id.project_id;
    let listing = match source.id.kind {
        Kind::StreamAudit => Listing::StreamInstances { project_id },
        Kind::AccessHistory => Listing::Clusters { project_id },
    };
    let names = client.list(listing).await.ok()?;
    let nearest = nearest(&source.id.name, names.iter().map(|listed| listed.name.as_str()))?;
    Some(format!("did you mean {nearest:?}?"))
}
