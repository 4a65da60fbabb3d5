//! One pass over sources now: `collect` and `reconcile`.

use std::sync::Arc;

use tokio::task::JoinSet;

use crate::{
    cli::{
        Exit, alone,
        beside::{self, Audience as _},
        display::Display,
        runtime, signals, terminal,
    },
    clock::{Clock, SystemClock},
    collect::{Job, Task},
    config::Config,
    control::{Client, Outcome, What},
    daemon::{Excuse, Station, Stop},
    discovery::{Trouble, no_sources},
    instant::Instant,
    shown::shown,
    source::Source,
    state::Store,
    status,
    window::Window,
    words,
};

/// Which sources, and which range of the past if one.
#[derive(Debug)]
pub(super) struct Pass<'a> {
    /// As they are named on the command line; all of the configuration if none is.
    pub(super) sources: &'a [String],
    pub(super) from: Option<Instant>,
    pub(super) to: Option<Instant>,
}

impl Pass<'_> {
    /// Goes over the sources with the job for the range: beside a running daemon by way of that, else in this process.
    pub(super) fn run(self, config: &Config, job: impl FnOnce(Option<Window>) -> Job) -> anyhow::Result<Exit> {
        let job = match self.range() {
            Ok(range) => job(range),
            Err(error) => {
                terminal::complain(&format!("atlas-logd: {error}"));
                return Ok(Exit::Usage);
            }
        };
        let runtime = runtime()?;
        let done = runtime.block_on(self.pass(config, job));
        runtime.shutdown_timeout(std::time::Duration::from_secs(10));
        done
    }

    async fn pass(&self, config: &Config, job: Job) -> anyhow::Result<Exit> {
        let stop = signals::stop_at_signal()?;
        match Client::connect(&config.state_dir).await {
            Ok(Some(daemon)) => self.beside(daemon, config, job, &stop).await,
            Ok(None) => self.alone(config, job, stop).await,
            Err(error) => Ok(beside::complain(&error)),
        }
    }

    async fn beside(&self, daemon: Client, config: &Config, job: Job, stop: &Stop) -> anyhow::Result<Exit> {
        let display = Display::new();
        let order = beside::order(config, self.sources, What::Poll(job));
        let exit = beside::give(daemon, order, config, stop, &display).await;
        display.finish();
        if exit != Exit::Usage {
            let store = Store::open_read_only(&config.state_dir)?;
            tell_how_they_are(&store, config, |name| {
                self.sources.is_empty() || self.sources.iter().any(|one| one == name)
            })?;
            if self.sources.is_empty() && config.sources().next().is_none() {
                terminal::complain(&no_sources());
                return Ok(Exit::Failed);
            }
        }
        Ok(exit)
    }

    async fn alone(&self, config: &Config, job: Job, stop: Stop) -> anyhow::Result<Exit> {
        match alone::prepare(config, self.sources)? {
            Ok((config, named)) => pass(config, named, job, stop).await,
            Err(exit) => Ok(exit),
        }
    }

    fn range(&self) -> Result<Option<Window>, String> {
        match self.from.zip(self.to) {
            None => Ok(None),
            Some((from, _)) if from > SystemClock.now() => Err(format!("--from {from} lies in the future")),
            Some((from, to)) if from < to => Ok(Some(Window::new(from, to))),
            Some((from, to)) => Err(format!("--from {from} is not before --to {to}")),
        }
    }
}

async fn pass(config: Config, named: Vec<Source>, job: Job, stop: Stop) -> anyhow::Result<Exit> {
    let display = Arc::new(Display::new());
    let observer = Arc::clone(&display).observer();
    let opened = tokio::task::spawn_blocking(|| Station::open(config, Arc::new(SystemClock), observer)).await?;
    let mut station = match opened {
        Ok(station) => station,
        Err(error) => {
            terminal::complain(&format!("atlas-logd: {error}"));
            return Ok(Exit::Failed);
        }
    };
    let mut failed = false;
    if named.is_empty() && !matches!(job, Job::Reconcile { .. }) && station.config.asks() {
        failed |= !discover(&mut station, &display, &stop).await?;
    }
    let tasks: Vec<Task> =
        station.tasks().map(|(_, task)| task).filter(|task| named.is_empty() || named.contains(&task.source)).collect();
    if named.is_empty() && tasks.is_empty() {
        failed = true;
        display.line(&no_sources());
    }
    display.begun(tasks.len());
    let mut polls = JoinSet::new();
    for task in tasks {
        let (collector, stop) = (Arc::clone(&station.collector), stop.soon.clone());
        polls.spawn(async move {
            let report = collector.poll(&task, job, &stop).await;
            collector.keep_up(&task).await;
            (task.source, report)
        });
    }
    let told = display.tell_of_stop(stop.clone());
    let mut absent = Vec::new();
    let finish = async {
        while let Some(done) = polls.join_next().await {
            let (source, report) = done?;
            match station.excuse(&source.id, &report) {
                None => {}
                Some(Excuse::Gone) => {
                    display.passed_over();
                    absent.push(source);
                    continue;
                }
                Some(Excuse::Paused) => {
                    display.ended(&Outcome::excused(&source, Excuse::Paused));
                    continue;
                }
            }
            failed |= report.failure.is_some();
            display.ended(&Outcome::of_poll(&source, &report));
        }
        anyhow::Ok(true)
    };
    let finished = tokio::select! {
        finished = finish => finished?,
        () = stop.patience(station.config.collect.grace) => false,
    };
    if !finished {
        failed = true;
        display.line(&format!("{} cut off; nothing is lost", words::count(polls.len() as u64, "poll")));
        polls.shutdown().await;
    }
    for source in station.note_absent(&absent).await? {
        display.line(&format!("{}: {}", shown(&source.to_string()), Excuse::Gone));
    }
    if finished && named.is_empty() && matches!(job, Job::Regular) {
        failed |= !retire_removed(&station, &display).await?;
    }
    if finished {
        match station.collector.make_head(station.configured()).await {
            Ok(made) => made.iter().for_each(|head| {
                display.line(&format!(
                    "archive digest of {}: head {}; keep it on another machine",
                    head.date, head.sha256
                ));
            }),
            Err(error) => {
                failed = true;
                display.line(&format!("failed to make the archive digest of today: {error}"));
            }
        }
    }
    told.abort();
    display.finish();
    station.revoke().await;
    let store = station.collector.committer().store();
    tell_how_they_are(store, &station.config, |name| {
        named.is_empty() || named.iter().any(|source| source.to_string() == name)
    })?;
    Ok(if failed { Exit::Failed } else { Exit::Done })
}

/// Asks for the lists that the configuration needs, and says what they changed. Whether all could be had.
async fn discover(station: &mut Station, display: &Display, stop: &Stop) -> anyhow::Result<bool> {
    let lists = tokio::select! {
        lists = station.ask_for_lists() => lists,
        () = stop.soon.cancelled() => return Ok(true),
    };
    let learnt = station.learn(&lists).await?;
    learnt.changes.iter().for_each(|change| display.line(&shown(&change.to_string())));
    for Trouble { subject, message } in &learnt.troubles {
        display.line(&shown(&format!("failed to get the {subject}: {message}")));
    }
    Ok(learnt.troubles.is_empty())
}

/// Seals what was left open by sources that are no longer in the configuration. Whether all could be.
async fn retire_removed(station: &Station, display: &Display) -> anyhow::Result<bool> {
    let mut all = true;
    for source in station.to_retire()? {
        let retired = station.collector.retire(&source).await;
        all &= retired.is_ok();
        display.line(&match retired {
            Ok(()) => format!("{source}: no longer collected; its segment is sealed"),
            Err(error) => format!("{source}: no longer collected, but its segment could not be sealed: {error}"),
        });
    }
    Ok(all)
}

/// The table of the sources, and where the archive lies.
fn tell_how_they_are(store: &Store, config: &Config, is_meant: impl Fn(&str) -> bool) -> anyhow::Result<()> {
    let mut rows = status::rows(store, config, SystemClock.now())?;
    rows.retain(|row| is_meant(&row.name));
    terminal::say(&status::table(&rows, terminal::width()));
    terminal::say(&format!("archive: {}", config.archive.dir.display()));
    Ok(())
}
