//! One pass over sources now: `collect` and `reconcile`.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use indicatif::{ProgressBar, ProgressStyle};
use tokio::task::JoinSet;

use crate::{
    cli::{Exit, runtime, signals, sources, terminal},
    clock::{Clock, SystemClock},
    collect::{Compared, Job, Observer, PollReport, Progress, Task},
    config::Config,
    daemon::{Station, Stop},
    instant::Instant,
    shown::shown,
    source::Source,
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
    /// Goes over the sources with the job for the range.
    pub(super) fn run(self, config: Config, job: impl FnOnce(Option<Window>) -> Job) -> anyhow::Result<Exit> {
        let named = self.sources.iter().map(|name| sources::find(&config, name)).collect::<Result<Vec<_>, _>>();
        let (named, range) = match named.map_err(|error| error.to_string()).and_then(|named| Ok((named, self.range()?)))
        {
            Ok(pass) => pass,
            Err(error) => {
                terminal::complain(&format!("atlas-logd: {error}"));
                return Ok(Exit::Usage);
            }
        };
        let runtime = runtime()?;
        let done = runtime.block_on(pass(config, named, job(range)));
        runtime.shutdown_timeout(std::time::Duration::from_secs(10));
        done
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

async fn pass(config: Config, named: Vec<Source>, job: Job) -> anyhow::Result<Exit> {
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
            collector.keep_up(&task).await;
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
        display.line(&format!("{} cut off; nothing is lost", words::count(polls.len() as u64, "poll")));
        polls.shutdown().await;
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
    let committer = station.collector.committer();
    let mut rows = status::rows(committer.store(), &station.config, station.clock.now())?;
    rows.retain(|row| named.is_empty() || named.iter().any(|source| source.to_string() == row.name));
    terminal::say(&status::table(&rows, terminal::width()));
    terminal::say(&format!("archive: {}", station.config.archive.dir.display()));
    Ok(if failed { Exit::Failed } else { Exit::Done })
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
                    words::count(all_records, "record"),
                    words::bytes(all_bytes),
                    window.to,
                    range.to,
                ));
                if self.bar.is_hidden() {
                    let (records, bytes) = (words::count(*records, "new record"), words::bytes(*bytes));
                    self.line(&format!("{source}: {window}: {records}, {bytes}"));
                }
            }
            Progress::Waiting { error, wait } => {
                self.line(&format!("{source}: trying again in {}: {error}", words::duration(*wait)));
            }
            Progress::Gap { gap } => {
                self.line(&format!("{source}: gap {}: {}", gap.window, gap.reason.sentence()));
            }
            Progress::Removed { range } => {
                self.line(&format!("{source}: {range} was removed by retention and is not asked again"));
            }
            Progress::Late { records, lateness, settle } => {
                self.line(&format!("{source}: {}", words::late(*records, *lateness, *settle)));
            }
            Progress::Split { window, error: Some(error) } => {
                self.line(&format!("{source}: {window}: asking in parts: {error}"));
            }
            Progress::Split { error: None, .. } => {}
        })
    }

    fn end(&self, source: &Source, report: &PollReport) {
        self.bar.inc(1);
        match (&report.failure, report.compared) {
            (Some(failure), _) => self.line(&format!("{source}: {}", shown(&failure.to_string()))),
            (None, Some(compared)) => self.line(&format!("{source}: {}", outcome(compared))),
            (None, None) => self.line(&format!(
                "{source}: done: {}, {}, asked {}",
                words::count(report.figures.records, "new record"),
                words::bytes(report.figures.bytes),
                words::count(report.figures.requests, "time"),
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

/// What a reconciliation came to, in words.
fn outcome(Compared { range, tally }: Compared) -> String {
    let Some(range) = range else {
        return "nothing to compare: it is not claimed to be archived, or was removed by retention, or Atlas no longer holds it".to_owned();
    };
    let records = words::count(tally.shown, "record");
    let missing = match tally.missing {
        0 => "none was missing".to_owned(),
        1 => "1 was missing and is archived now".to_owned(),
        missing => format!("{} were missing and are archived now", words::number(missing)),
    };
    format!("compared {records} of {range}: {missing}")
}
