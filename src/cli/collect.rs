//! `atlas-logd collect`: one pass now.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};
use tokio::task::JoinSet;

use crate::{
    cli::{Exit, overview, parse_instant, runtime, signals, sources, terminal},
    clock::{Clock, SystemClock},
    collect::{Job, Observer, PollReport, Progress, Task},
    config::Config,
    daemon::{Station, Stop},
    instant::Instant,
    source::Source,
    window::Window,
};

#[derive(Debug, Args)]
pub(super) struct Collect {
    /// Sources to collect, for example payments/access-history/prod-0; all of the configuration if none is named
    #[arg(value_name = "SOURCE")]
    sources: Vec<String>,

    /// Collect again from this instant on (2026-11-22T10:15:00Z, or a date); nothing is archived twice
    #[arg(long, value_name = "INSTANT", value_parser = parse_instant, requires = "to")]
    from: Option<Instant>,

    /// Collect again up to this instant
    #[arg(long, value_name = "INSTANT", value_parser = parse_instant, requires = "from")]
    to: Option<Instant>,
}

impl Collect {
    pub(super) fn run(self, config: Config) -> anyhow::Result<Exit> {
        let named = self.sources.iter().map(|name| sources::find(&config, name)).collect::<Result<Vec<_>, _>>();
        let named = match named {
            Ok(named) => named,
            Err(error) => {
                terminal::complain(&format!("atlas-logd: {error}"));
                return Ok(Exit::Usage);
            }
        };
        let job = match self.from.zip(self.to) {
            None => Job::Regular,
            Some((from, _)) if from > SystemClock.now() => {
                terminal::complain(&format!("atlas-logd: --from {from} lies in the future"));
                return Ok(Exit::Usage);
            }
            Some((from, to)) if from < to => Job::Backfill(Window::new(from, to)),
            Some((from, to)) => {
                terminal::complain(&format!("atlas-logd: --from {from} is not before --to {to}"));
                return Ok(Exit::Usage);
            }
        };
        let runtime = runtime()?;
        let done = runtime.block_on(collect(config, named, job));
        runtime.shutdown_timeout(std::time::Duration::from_secs(10));
        done
    }
}

async fn collect(config: Config, named: Vec<Source>, job: Job) -> anyhow::Result<Exit> {
    let stop = signals::stop_at_signal()?;
    let display = Arc::new(Display::new());
    let observer = Arc::clone(&display).observer();
    let opened = tokio::task::spawn_blocking(|| Station::open(config, Arc::new(SystemClock), observer)).await?;
    let station = match opened {
        Ok(station) => station,
        Err(error) => {
            terminal::complain(&format!("atlas-logd: {error}"));
            return Ok(Exit::Failed);
        }
    };
    let tasks: Vec<Task> =
        station.tasks().map(|(_, task)| task).filter(|task| named.is_empty() || named.contains(&task.source)).collect();
    display.begin(tasks.len());
    let mut polls = JoinSet::new();
    for task in tasks {
        let (collector, stop) = (Arc::clone(&station.collector), stop.soon.clone());
        polls.spawn(async move {
            let report = collector.poll(&task, job, &stop).await;
            (task.source, report)
        });
    }
    let told = display.tell_of_stop(stop.clone());
    let mut failed = false;
    let finish = async {
        while let Some(done) = polls.join_next().await {
            let (source, report) = done?;
            failed |= report.failure.is_some();
            display.end(&source, &report);
        }
        anyhow::Ok(true)
    };
    let finished = tokio::select! {
        finished = finish => finished?,
        () = stop.patience(station.config.collect.grace) => false,
    };
    if !finished {
        failed = true;
        display.line(&format!("{} cut off; nothing is lost", terminal::count(polls.len() as u64, "poll")));
        polls.shutdown().await;
    }
    told.abort();
    display.finish();
    station.revoke().await;
    let committer = station.collector.committer();
    let mut rows = overview::rows(committer.store(), &station.config, station.clock.now())?;
    rows.retain(|row| named.is_empty() || named.iter().any(|source| source.to_string() == row.name));
    terminal::say(&overview::table(&rows));
    terminal::say(&format!("archive: {}", station.config.archive.dir.display()));
    Ok(if failed { Exit::Failed } else { Exit::Done })
}

/// Shows how it goes: a moving line on a terminal, plain lines elsewhere.
struct Display {
    bar: ProgressBar,
    records: AtomicU64,
    bytes: AtomicU64,
}

impl Display {
    fn new() -> Self {
        // Hidden where standard error is no terminal.
        let bar = ProgressBar::no_length();
        let style = ProgressStyle::with_template("{spinner} {elapsed} {pos}/{len} sources, {msg}");
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()));
        Self { bar, records: AtomicU64::new(0), bytes: AtomicU64::new(0) }
    }

    /// Says what a first signal leads to, so that nobody thinks that it was not heard.
    fn tell_of_stop(self: &Arc<Self>, stop: Stop) -> tokio::task::JoinHandle<()> {
        let display = Arc::clone(self);
        tokio::spawn(async move {
            stop.soon.cancelled().await;
            display.line("stopping after the windows under way; a second signal cuts them off");
        })
    }

    fn begin(&self, sources: usize) {
        self.bar.set_length(sources as u64);
        self.bar.set_message("asking");
        self.bar.enable_steady_tick(std::time::Duration::from_millis(200));
    }

    fn observer(self: Arc<Self>) -> Observer {
        Arc::new(move |source: &Source, progress: &Progress<'_>| match progress {
            Progress::Committed { window, records, bytes, range } => {
                let all_records = self.records.fetch_add(*records, Ordering::Relaxed) + records;
                let all_bytes = self.bytes.fetch_add(*bytes, Ordering::Relaxed) + bytes;
                self.bar.set_message(format!(
                    "{}, {}; {source} at {} of {}",
                    terminal::count(all_records, "record"),
                    terminal::bytes(all_bytes),
                    window.to,
                    range.to,
                ));
                if self.bar.is_hidden() {
                    let (records, bytes) = (terminal::count(*records, "new record"), terminal::bytes(*bytes));
                    self.line(&format!("{source}: {window}: {records}, {bytes}"));
                }
            }
            Progress::Waiting { error, wait } => {
                self.line(&format!("{source}: trying again in {}: {error}", terminal::duration(*wait)));
            }
            Progress::Gap { gap } => {
                self.line(&format!("{source}: gap {}: {}", gap.window, gap.reason.sentence()));
            }
            Progress::Split { window, error: Some(error) } => {
                self.line(&format!("{source}: {window}: asking in parts: {error}"));
            }
            Progress::Split { error: None, .. } => {}
        })
    }

    fn end(&self, source: &Source, report: &PollReport) {
        self.bar.inc(1);
        match &report.failure {
            Some(failure) => self.line(&format!("{source}: {failure}")),
            None => self.line(&format!(
                "{source}: done: {}, {}, asked {}",
                terminal::count(report.figures.records, "new record"),
                terminal::bytes(report.figures.bytes),
                terminal::count(report.figures.requests, "time"),
            )),
        }
    }

    fn line(&self, line: &str) {
        self.bar.suspend(|| terminal::complain(line));
    }

    fn finish(&self) {
        self.bar.finish_and_clear();
    }
}
