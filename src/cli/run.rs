//! `atlas-logd run`: the daemon.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::{
    cli::{
        Exit, runtime,
        service_manager::{ServiceManager, Teller},
        signals, terminal,
    },
    clock::SystemClock,
    collect::{Observer, Progress},
    config::{Config, ConfigError},
    control::Inbox,
    daemon::{Control, Overview, Pulse, Service, Station, Watchdog},
    http::{HttpServer, Subject},
    source::Source,
    words,
};

/// How long threads that still write may take after everything else is done.
const LAST_WRITES: Duration = Duration::from_secs(10);

/// Runs the daemon until it is told to stop.
pub(super) fn run(config: Config, path: &Path) -> anyhow::Result<Exit> {
    let runtime = runtime()?;
    let pulse = Arc::new(Pulse::new(config.collect.stuck_after));
    let manager = ServiceManager::start(Watchdog::new(Arc::clone(&pulse)))?;
    let done = runtime.block_on(serve(config, path.to_owned(), pulse, manager.teller()));
    runtime.shutdown_timeout(LAST_WRITES);
    manager.end();
    done
}

async fn serve(config: Config, path: PathBuf, pulse: Arc<Pulse>, teller: Teller) -> anyhow::Result<Exit> {
    let stop = signals::stop_at_signal()?;
    let reloads = reload_at_hangup(path, teller.clone())?;
    tracing::info!(
        event = "starting",
        version = env!("CARGO_PKG_VERSION"),
        config = %config.file.display(),
        archive = %config.archive.dir.display(),
        state = %config.state_dir.display(),
        atlas = config.atlas.base_url,
        "starting",
    );
    teller.status("opening state and archive");
    let open = || Station::open_beside_check(config, Arc::new(SystemClock), observer());
    let opened = tokio::task::spawn_blocking(open).await?;
    let station = match opened {
        Ok(station) => station,
        Err(error) => {
            terminal::complain(&format!("atlas-logd: {error}"));
            return Ok(Exit::Failed);
        }
    };
    let served = CancellationToken::new();
    let _serving = served.clone().drop_guard();
    if let Some(address) = station.config.http.listen {
        let subject = Subject {
            config: station.watch_config(),
            clock: Arc::clone(&station.clock),
            pulse: Arc::clone(&pulse),
            meters: Arc::clone(station.meters()),
        };
        match HttpServer::bind(address, subject).await {
            Ok(server) => {
                let listen = server.address().unwrap_or(address);
                tracing::info!(
                    event = "http-listening",
                    %listen,
                    "showing metrics at http://{listen}/metrics, a page for people at http://{listen}/",
                );
                if let Some(warning) = station.config.http.exposure() {
                    tracing::warn!(event = "http-exposed", "{warning}");
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
    let (stopping, stops) = (stop.soon.clone(), teller.clone());
    tokio::spawn(async move {
        stopping.cancelled().await;
        stops.stopping();
    });
    let orders = Inbox::open(&station.config.state_dir, Arc::clone(&station.clock)).unwrap_or_else(|error| {
        tracing::warn!(
            event = "orders-refused",
            "commands beside the daemon (collect, reconcile, skip, seal) will not work: no socket could be made in the state \
             folder: {error}"
        );
        Inbox::none()
    });
    let (readies, overviews) = (teller.clone(), teller);
    let ready = Box::new(move || readies.ready());
    let overview = Box::new(move |overview: &Overview| overviews.overview(overview));
    Service::new(station).run(Control { stop, reloads, orders, pulse, ready, overview }).await?;
    Ok(Exit::Done)
}

/// Reads the configuration again at each SIGHUP.
fn reload_at_hangup(path: PathBuf, teller: Teller) -> anyhow::Result<mpsc::Receiver<Result<Config, ConfigError>>> {
    let mut hangup = signals::hangup()?;
    let (sender, receiver) = mpsc::channel(1);
    tokio::spawn(async move {
        while hangup.recv().await.is_some() {
            teller.reloading();
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
            event = "gap",
            source = %source,
            from = %gap.window.from,
            to = %gap.window.to,
            reason = %gap.reason,
            "gap: {}",
            gap.reason.sentence(),
        ),
        Progress::Removed { range } => tracing::info!(
            event = "range-removed",
            source = %source,
            from = %range.from,
            to = %range.to,
            "was removed by retention and is not asked again",
        ),
        Progress::Late { records, lateness, settle } => tracing::warn!(
            event = "late-records",
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
