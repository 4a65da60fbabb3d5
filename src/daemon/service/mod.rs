//! The loop of the daemon.
//!
//! | file | holds |
//! |---|---|
//! | `sources` | which sources are collected, and how the daemon goes over to others |
//! | `timetable` | when they are polled and reconciled |
//! | `backlog` | what was missed while no daemon ran |
//! | `polls` | what begins and ends: polls, reconciliations, and what commands ordered |
//! | `end` | how the daemon ends |

mod backlog;
mod end;
mod polls;
mod sources;
mod timetable;

use std::{collections::HashMap, sync::Arc, time::Duration};

use tokio::{
    sync::mpsc,
    task::{Id, JoinSet},
    time::Instant,
};
use tokio_util::sync::CancellationToken;

use crate::{
    atlas::Client,
    collect::PollReport,
    commit::Lengths,
    config::{Config, ConfigError},
    control::Inbox,
    daemon::{
        Overview, Pulse, Station,
        daily_head::DailyHead,
        explorer::Explorer,
        lookout::Lookout,
        orders::Orders,
        patrol::Patrol,
        pulse::BEAT_EVERY,
        roster::Roster,
        service::{end::revoke, timetable::NO_INTERVAL},
        stop::Stop,
        ticks::Ticks,
        wall_clock::WallClock,
        watch::Watch,
    },
    source::Source,
    vitals::Vitals,
};

/// A tick is told no later than this: the scheduler looks at the time twice a second.
const LATE_TICK: Duration = Duration::from_secs(1);

/// How often it is looked whether the clock of the machine was set.
const LOOK_AT_CLOCK: Duration = Duration::from_secs(30);

/// How the daemon is told what to do, and tells how it is.
pub struct Control {
    /// How it is told to stop.
    pub stop: Stop,
    /// A new configuration to go over to, or why there is none.
    pub reloads: mpsc::Receiver<Result<Config, ConfigError>>,
    /// Where orders of commands come in.
    pub orders: Inbox,
    /// Where it shows its signs of life.
    pub pulse: Arc<Pulse>,
    /// Is called once all is open and the schedule runs, and after each reload.
    pub ready: Box<dyn FnMut() + Send>,
    /// Is told every now and then how all sources are doing.
    pub overview: Box<dyn FnMut(&Overview) + Send>,
}

impl std::fmt::Debug for Control {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Control").field("stop", &self.stop).finish_non_exhaustive()
    }
}

/// What is done to a source.
#[derive(Debug)]
struct UnderWay {
    source: Source,
    /// Ends it, if it is a reconciliation.
    reconciliation: Option<CancellationToken>,
}

/// The daemon.
#[derive(Debug)]
pub struct Service {
    station: Station,
    roster: Roster,
    polls: JoinSet<PollReport>,
    under_way: HashMap<Id, UnderWay>,
    orders: Orders,
    retiring: JoinSet<()>,
    /// Clients that a reload replaced while polls were under way, which may still ask for tokens.
    replaced: Vec<Client>,
    watch: Watch,
    head: DailyHead,
    explorer: Explorer,
    patrol: Patrol,
    lookout: Lookout,
    /// Watches over all that is under way.
    vitals: Vitals,
    /// Cancelled when polls have to come to an end after the window they are at.
    wind_down: CancellationToken,
}

impl Service {
    /// The daemon for a station.
    #[must_use]
    pub fn new(station: Station) -> Self {
        Self {
            station,
            roster: Roster::default(),
            polls: JoinSet::new(),
            under_way: HashMap::new(),
            orders: Orders::default(),
            retiring: JoinSet::new(),
            replaced: Vec::new(),
            watch: Watch::default(),
            head: DailyHead::default(),
            explorer: Explorer::default(),
            patrol: Patrol::default(),
            lookout: Lookout::default(),
            vitals: Vitals::new(Duration::MAX),
            wind_down: CancellationToken::new(),
        }
    }

    /// Runs until it is told to stop. Then polls under way finish their window, within the grace period, and tokens are
    /// revoked.
    ///
    /// # Errors
    /// When the schedule cannot be started, or the state is damaged or not be read.
    pub async fn run(mut self, mut control: Control) -> anyhow::Result<()> {
        self.vitals = control.pulse.vitals().clone();
        let members = self.members();
        let (behind, unreconciled) = (self.sources_behind(&members)?, self.sources_not_reconciled(&members)?);
        self.watch_over(&members);
        self.roster.replace(members);
        // Up to here, nothing was written; damage is found before anything is built on it.
        tokio::task::block_in_place(|| {
            let lengths = self.station.collector.committer().look_at_lengths();
            self.station.finish_check()?;
            lengths.map(Lengths::tell).map_err(anyhow::Error::from)
        })?;
        self.retire_removed()?;
        let mut ticks = Ticks::start(&self.patterns()).await?;
        let now = Instant::now();
        behind.into_iter().for_each(|id| self.roster.schedule(id, now, NO_INTERVAL));
        unreconciled.into_iter().for_each(|id| self.roster.schedule_reconciliation(id, now, NO_INTERVAL));
        tracing::info!(event = "collecting", sources = self.roster.len(), "collecting");
        self.explorer.begin(&self.station);
        self.explorer.tell_sources(self.roster.len());
        control.pulse.begin();
        (control.ready)();
        let mut wall = WallClock::new(self.station.clock.as_ref());
        let mut look = tokio::time::interval_at(now + LOOK_AT_CLOCK, LOOK_AT_CLOCK);
        let mut beat = tokio::time::interval(BEAT_EVERY);
        loop {
            control.pulse.beat();
            self.lookout.begin_when_due(&self.station.collector, self.station.clock.now(), &self.vitals);
            let due = self.roster.next_due();
            tokio::select! {
                () = control.stop.soon.cancelled() => break,
                Some(reload) = control.reloads.recv() => {
                    let replaced = self.reload(reload);
                    control.pulse.note_reload(replaced.is_none());
                    if let Some(replaced) = replaced {
                        let since = self.station.clock.now() - LATE_TICK;
                        ticks.stop().await;
                        ticks = Ticks::start(&self.patterns()).await?;
                        self.tick_since(since);
                        self.retiring.spawn(revoke(replaced.clone()));
                        self.replaced.extend(replaced);
                    }
                    (control.ready)();
                }
                pattern = ticks.next() => {
                    self.roster.tick(&pattern, Instant::now(), self.interval(&pattern));
                    if self.station.config.schedule.discover.as_ref() == Some(&pattern) {
                        self.explorer.begin(&self.station);
                    }
                }
                Some(lists) = self.explorer.done() => self.learn(lists).await,
                _ = look.tick() => {
                    if wall.was_set(self.station.clock.as_ref()) {
                        // The scheduler would wait until the clock shows again what it showed before.
                        tracing::warn!(
                            event = "clock-set",
                            "the clock of this machine was set; the schedule starts anew"
                        );
                        ticks.stop().await;
                        ticks = Ticks::start(&self.patterns()).await?;
                        self.poll_everything();
                    }
                    self.head.begin_when_due(&self.station, &self.vitals);
                }
                _ = beat.tick() => {
                    // Workers need threads that are not all stuck.
                    let pulse = Arc::clone(&control.pulse);
                    tokio::spawn(async move { pulse.beat_of_runtime() });
                }
                () = sleep_until(due) => self.begin_due(),
                Some(done) = self.polls.join_next_with_id() => {
                    self.end_poll(done);
                    self.leave_absent().await;
                }
                ordered = control.orders.next() => {
                    if ordered.order.is_collection_of_all() {
                        self.explorer.begin(&self.station);
                    }
                    self.orders.begin(&self.station, ordered, &self.wind_down, &self.vitals);
                }
                Some(done) = self.orders.done() => self.end_order(done),
                Some(_) = self.retiring.join_next() => {}
                Some(made) = self.head.done() => self.head.note(made),
                () = tokio::time::sleep_until(self.patrol.next()) => self.patrol.begin(&self.station),
                Some(looked) = self.patrol.done() => self.patrol.note(looked, self.station.clock.now()),
                Some(Some(overview)) = self.lookout.done() => (control.overview)(&overview),
            }
        }
        control.pulse.wind_down();
        control.orders.refuse();
        ticks.stop().await;
        self.explorer.stop().await;
        self.wind_down(&control.stop).await;
        // While the lock of the state is still held: the next daemon makes a socket of its own.
        control.orders.close().await;
        Ok(())
    }
}

async fn sleep_until(due: Option<Instant>) {
    match due {
        Some(due) => tokio::time::sleep_until(due).await,
        None => std::future::pending().await,
    }
}
