//! All that is looked at, at one moment.

use std::{collections::HashMap, fmt, sync::Arc, time::Duration};

use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, prometheus_text, text},
    registry::Registry,
};

use crate::{
    config::Config,
    discovery,
    http::{
        Subject,
        metrics::{
            Format, disks, durations,
            family::Families,
            known::Known,
            process, requests,
            sources::{self, SourceFigures},
            whole,
        },
        told::Told,
    },
    instant::Instant,
    meters::Meters,
    signals::Backlog,
    source::SourceId,
    state::{Head, SourceState, StateError, Store, failing_lists, health, overviews},
};

/// All that is looked at, at one moment.
#[derive(Debug)]
pub(super) struct Scrape {
    pub(super) now: Instant,
    pub(super) config: Arc<Config>,
    pub(super) meters: Arc<Meters>,
    pub(super) alive: bool,
    pub(super) reload_refused: bool,
    pub(super) collecting: bool,
    /// Those of the configuration, in its order.
    pub(super) sources: Vec<SourceFigures>,
    /// When the last archive digest was made.
    pub(super) head_made: Option<Instant>,
    pub(super) state_readable: bool,
    /// For how long the list has been failing that has for longest.
    pub(super) discovery_failing: Option<Duration>,
}

/// What a subject is doing, as text. It waits for disks.
pub(in crate::http) fn text(subject: &Subject, format: Format, told: &Told) -> String {
    let mut registry = Registry::default();
    registry.register_collector(Box::new(Scrape::new(subject, told)));
    let mut written = String::new();
    // Writing into memory does not fail.
    let _ = match format {
        Format::OpenMetrics => text::encode(&mut written, &registry),
        Format::Prometheus => prometheus_text::encode(&mut written, &registry),
    };
    written
}

impl Scrape {
    fn new(subject: &Subject, told: &Told) -> Self {
        let config = Arc::clone(&subject.config.borrow());
        let now = subject.clock.now();
        let mut scrape = Self {
            now,
            meters: Arc::clone(&subject.meters),
            alive: subject.pulse.is_alive(),
            reload_refused: subject.pulse.is_reload_refused(),
            collecting: subject.pulse.is_collecting(),
            sources: config.sources().map(SourceFigures::unknown).collect(),
            head_made: None,
            state_readable: true,
            discovery_failing: None,
            config,
        };
        // What the process knows of itself is worth more while the state is in a bad way, not less.
        let read = scrape.read_state();
        scrape.state_readable = read.is_ok();
        let fault = read.as_ref().err().map(|error| error as &dyn fmt::Display);
        told.tell(fault, "the metrics say nothing of the sources", "the metrics say all again");
        scrape.look_at_schedule();
        scrape
    }

    /// Reads the state of all sources in one view of the database, which keeps nobody from writing to it.
    fn read_state(&mut self) -> Result<(), StateError> {
        let positions: HashMap<SourceId, usize> =
            self.sources.iter().enumerate().map(|(position, figures)| (figures.source.id.clone(), position)).collect();
        let store = Store::open_read_only(&self.config.state_dir)?;
        store.read(|connection| {
            overviews(connection, |overview| {
                // A damaged row does not tell whose it is.
                let Ok(overview) = overview else { return Ok(()) };
                let position = overview.state.source().and_then(|source| positions.get(&source.id));
                if let Some(position) = position {
                    self.sources[*position].known = Some(Known::new(&overview));
                }
                Ok(())
            })?;
            for figures in self.sources.iter_mut().filter(|figures| figures.known.is_none()) {
                if let Some(key) = SourceState::key_of(connection, &figures.source.id)? {
                    figures.known = Some(Known::damaged(health(connection, key)?.as_ref()));
                }
            }
            if self.config.asks() && self.sources.iter().any(SourceFigures::is_failing) {
                let found = discovery::Known::read(connection)?;
                for figures in self.sources.iter_mut().filter(|figures| figures.is_failing()) {
                    figures.paused = found.found(&self.config, &figures.source.id).is_some_and(|found| found.paused);
                }
            }
            let since = failing_lists(connection)?.iter().map(|failing| failing.since).min();
            // What the state remembers of another configuration is of no interest.
            let failing = since.filter(|_| self.config.asks()).map(|since| self.now.since(since));
            self.discovery_failing = Some(failing.unwrap_or_default());
            self.head_made = Head::load(connection)?.map(|head| head.made);
            Ok::<_, StateError>(())
        })
    }

    fn look_at_schedule(&mut self) {
        let mut backlog = Backlog::default();
        let projects = self.config.projects.iter();
        let schedules =
            projects.flat_map(|project| project.sources().map(|source| project.schedule.of(source.id.kind)));
        for (figures, pattern) in self.sources.iter_mut().zip(schedules) {
            let settle = self.config.collect.settle(figures.source.id.kind);
            figures.behind = figures.end().map(|end| {
                if figures.paused {
                    return Duration::ZERO;
                }
                let behind = backlog.behind((pattern, settle), end, self.now, Duration::ZERO);
                behind.map_or(Duration::ZERO, |behind| behind.by)
            });
        }
    }
}

impl Collector for Scrape {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let mut own = Families::own(&mut encoder);
        whole::write(&mut own, self)?;
        sources::write(&mut own, &self.sources, self.now)?;
        requests::write(&mut own, &self.config, &self.meters)?;
        durations::write(&mut own, &self.meters)?;
        disks::write(&mut own, &self.config, &self.meters)?;
        process::write(&mut Families::of_every_process(&mut encoder))
    }
}
