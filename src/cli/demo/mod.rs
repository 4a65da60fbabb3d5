//! `atlas-logd demo`: the whole thing in one command.

mod compare;
mod setting;
mod show;

use std::{net::SocketAddr, path::PathBuf, sync::Arc, time::Duration};

use clap::Args;
use tokio::sync::mpsc;

use crate::{
    cli::{Exit, runtime, signals, terminal},
    clock::{Clock, SystemClock},
    config::Config,
    control::Inbox,
    daemon::{Control, Service, Station},
    sim::{SimAtlas, World, demo_world},
    state::Store,
    status, words,
};

use show::Show;

/// For how long live polls are shown once the backlog is archived.
const LIVE: Duration = Duration::from_secs(8);

/// For how much longer, until one of them brings a record.
const LIVE_LONGER: Duration = Duration::from_secs(20);

/// The backlog is given up by now, on a slow machine.
const BACKLOG: Duration = Duration::from_secs(28);

#[derive(Debug, Args)]
pub(super) struct Demo {
    /// The folder for configuration, state and archive
    ///
    /// Default: a new one in the folder for temporary files.
    #[arg(long, value_name = "FOLDER")]
    dir: Option<PathBuf>,

    /// What happened at the simulated Atlas follows from this number
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

impl Demo {
    pub(super) fn run(self) -> anyhow::Result<Exit> {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let world = Arc::new(demo_world(self.seed, Arc::clone(&clock)));
        let atlas = SimAtlas::start_at(Arc::clone(&world), SocketAddr::from(([127, 0, 0, 1], 0)))?;
        let folder = self.dir.unwrap_or_else(setting::new_folder);
        let path = setting::write(&folder, &atlas.base_url(), self.seed)?;
        let config = crate::config::load(&path)?;
        terminal::say(&format!(
            "A simulated Atlas listens on {}. Two projects are collected from it, payments through a service account \
             and analytics through an API key:\nthree days of backlog first, then live polls every two seconds.\n",
            atlas.base_url()
        ));
        let runtime = runtime()?;
        let requests_before = world.requests().len();
        let done = runtime.block_on(collect(config.clone(), Arc::clone(&clock)));
        runtime.shutdown_timeout(Duration::from_secs(10));
        let show = done?;
        let store = Store::open_read_only(&config.state_dir)?;
        let rows = status::rows(&store, &config, clock.now())?;
        terminal::say(&format!("\n{}\n", status::table(&rows, terminal::width())));
        let requests = world.requests().len() - requests_before;
        terminal::say(&format!("The simulated Atlas was asked {requests} times, token and list requests included."));
        terminal::say(&format!("The files lie in {}\n", config.archive.dir.display()));
        for source in config.sources().filter(|source| !show.has_caught_up(source)) {
            terminal::say(&format!("{source} had not caught up yet: this machine was busy."));
        }
        let exit = verdict(&config, &store, &world)?;
        terminal::say(&setting::what_next(&path, atlas.addr(), self.seed));
        Ok(exit)
    }
}

async fn collect(config: Config, clock: Arc<dyn Clock>) -> anyhow::Result<Arc<Show>> {
    let stop = signals::stop_at_signal()?;
    let sources = config.projects.iter().map(|project| project.sources().count()).sum();
    let show = Arc::new(Show::new(sources));
    let observer = Arc::clone(&show).observer();
    let station = tokio::task::spawn_blocking(|| Station::open(config, clock, observer)).await??;
    let (_reload, reloads) = mpsc::channel(1);
    let (ending, shown) = (stop.soon.clone(), Arc::clone(&show));
    tokio::spawn(async move {
        if tokio::time::timeout(BACKLOG, shown.backlog_done()).await.is_ok() {
            shown.line("live polls go on for some seconds");
            tokio::time::sleep(LIVE).await;
            // Whichever comes first.
            let _ = tokio::time::timeout(LIVE_LONGER, shown.live_record()).await;
        }
        ending.cancel();
    });
    let control = Control {
        stop,
        reloads,
        orders: Inbox::none(),
        pulse: Arc::default(),
        ready: Box::new(|| ()),
        overview: Box::new(|_| ()),
    };
    Service::new(station).run(control).await?;
    Ok(show)
}

/// Compares every archived byte with what the simulated Atlas held.
fn verdict(config: &Config, store: &Store, world: &World) -> anyhow::Result<Exit> {
    let (mut records, mut bytes) = (0, 0);
    for source in config.sources() {
        match compare::compare(config, store, world, &source)? {
            Ok(same) => {
                records += same.records;
                bytes += same.bytes;
            }
            Err(difference) => {
                terminal::say(&format!("DIFFERENT: {source}: {difference}"));
                return Ok(Exit::Failed);
            }
        }
    }
    terminal::say(&format!(
        "Compared with what the simulated Atlas really held: {} records, {} bytes, all there, each once, byte for byte.\n",
        words::number(records),
        words::number(bytes),
    ));
    Ok(Exit::Done)
}
