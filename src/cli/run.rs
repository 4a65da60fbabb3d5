//! `atlas-logd run`: the daemon.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use sd_notify::NotifyState;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::{
    cli::{Exit, runtime, signals, terminal},
    clock::SystemClock,
    collect::{Observer, Progress},
    config::{Config, ConfigError},
    daemon::{Control, Pulse, Service, Station},
    http::{HttpServer, Subject},
    source::Source,
    words,
};

/// How long threads that still write may take after everything else is done.
const LAST_WRITES: Duration = Duration::from_secs(10);

/// Runs the daemon until it is told to stop.
pub(super) fn run(config: Config, path: &Path) -> anyhow::Result<Exit> {
    let runtime = runtime()?;
    let done = runtime.block_on(serve(config, path.to_owned()));
    runtime.shutdown_timeout(LAST_WRITES);
    done
}

async fn serve(config: Config, path: PathBuf) -> anyhow::Result<Exit> {
    let stop = signals::stop_at_signal()?;
    let reloads = reload_at_hangup(path)?;
    tracing::info!(
        version = env!("CARGO_PKG_VERSION"),
        config = %config.file.display(),
        archive = %config.archive.dir.display(),
        state = %config.state_dir.display(),
        atlas = config.atlas.base_url,
        "starting",
    );
    let opened = tokio::task::spawn_blocking(|| Station::open(config, Arc::new(SystemClock), observer())).await?;
    let station = match opened {
        Ok(station) => station,
        Err(error) => {
            terminal::complain(&format!("atlas-logd: {error}"));
            return Ok(Exit::Failed);
        }
    };
    let pulse = Arc::new(Pulse::default());
    let served = CancellationToken::new();
    let _serving = served.clone().drop_guard();
    if let Some(address) = station.config.http.listen {
        let subject =
            Subject { config: station.watch_config(), clock: Arc::clone(&station.clock), pulse: Arc::clone(&pulse) };
        match HttpServer::bind(address, subject).await {
            Ok(server) => {
                let listen = server.address().unwrap_or(address);
                tracing::info!(%listen, "showing metrics at http://{listen}/metrics, a page for people at http://{listen}/");
                if let Some(warning) = station.config.http.exposure() {
                    tracing::warn!("{warning}");
                }
                // Also while the daemon winds down: that it does not collect any more can be asked until its end.
                tokio::spawn(server.serve(served.clone()));
            }
            Err(error) => {
                terminal::complain(&format!("atlas-logd: {error}"));
                return Ok(Exit::Failed);
            }
        }
    }
    let ready = Box::new(|| notify(&[NotifyState::Ready]));
    let stopping = stop.soon.clone();
    tokio::spawn(async move {
        stopping.cancelled().await;
        notify(&[NotifyState::Stopping]);
    });
    Service::new(station).run(Control { stop, reloads, pulse, ready }).await?;
    Ok(Exit::Done)
}

/// Tells a service manager, if there is one, how the daemon is.
fn notify(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        tracing::debug!("the service manager was not told: {error}");
    }
}

/// Reads the configuration again at each SIGHUP.
fn reload_at_hangup(path: PathBuf) -> anyhow::Result<mpsc::Receiver<Result<Config, ConfigError>>> {
    let mut hangup = signals::hangup()?;
    let (sender, receiver) = mpsc::channel(1);
    tokio::spawn(async move {
        while hangup.recv().await.is_some() {
            notify(&[NotifyState::Reloading]);
            let path = path.clone();
            let Ok(loaded) = tokio::task::spawn_blocking(move || crate::config::load(&path)).await else { continue };
            if sender.send(loaded).await.is_err() {
                return;
            }
        }
    });
    Ok(receiver)
}

/// What the daemon's log says of polls under way: gaps and late records always, the rest only when asked for.
fn observer() -> Observer {
    Arc::new(|source: &Source, progress: &Progress<'_>| match progress {
        Progress::Gap { gap } => tracing::warn!(
            source = %source,
            from = %gap.window.from,
            to = %gap.window.to,
            reason = %gap.reason,
            "gap: {}",
            gap.reason.sentence(),
        ),
        Progress::Removed { range } => tracing::info!(
            source = %source,
            from = %range.from,
            to = %range.to,
            "was removed by retention and is not asked again",
        ),
        Progress::Late { records, lateness, settle } => tracing::warn!(
            source = %source,
            records,
            lateness_ms = u64::try_from(lateness.as_millis()).unwrap_or(u64::MAX),
            settle_ms = u64::try_from(settle.as_millis()).unwrap_or(u64::MAX),
            "{}",
            words::late(*records, *lateness, *settle),
        ),
        Progress::Committed { window, records, bytes, .. } => {
            tracing::debug!(source = %source, from = %window.from, to = %window.to, records, bytes, "committed");
        }
        Progress::Split { window, error: None } => {
            tracing::debug!(source = %source, from = %window.from, to = %window.to, "the page was full, asking in parts");
        }
        Progress::Split { window, error: Some(error) } => {
            tracing::debug!(source = %source, from = %window.from, to = %window.to, "asking in parts: {error}");
        }
        Progress::Waiting { error, wait } => {
            let wait_ms = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
            tracing::debug!(source = %source, wait_ms, "trying again: {error}");
        }
    })
}
