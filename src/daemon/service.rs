//! The loop of the daemon.

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
    time::Duration,
};

use tokio::{
    sync::mpsc,
    task::{Id, JoinError, JoinSet},
    time::Instant,
};
use tokio_util::sync::CancellationToken;

use crate::{
    atlas::Client,
    collect::{Compared, Job, PollReport},
    config::{Config, ConfigError, next_run},
    daemon::{
        Overview, Pulse, Station,
        daily_head::DailyHead,
        lookout::Lookout,
        overview::Expected,
        patrol::{Patrol, Watched},
        pulse::BEAT_EVERY,
        roster::{Member, Roster},
        stop::Stop,
        ticks::Ticks,
        wall_clock::WallClock,
        watch::Watch,
    },
    source::{Source, SourceId},
    state::{SourceState, StateError, last_reconciliation},
    vitals::Vitals,
};

/// An interval for patterns that have no next run, which the configuration refuses.
const NO_INTERVAL: Duration = Duration::from_secs(3600);

/// A tick is told no later than this: the scheduler looks at the time twice a second.
const LATE_TICK: Duration = Duration::from_secs(1);

/// How long revoking tokens may take at the end.
const REVOKE_WITHIN: Duration = Duration::from_secs(5);

/// How often it is looked whether the clock of the machine was set.
const LOOK_AT_CLOCK: Duration = Duration::from_secs(30);

/// How the daemon is told what to do, and tells how it is.
pub struct Control {
    /// How it is told to stop.
    pub stop: Stop,
    /// A new configuration to go over to, or why there is none.
    pub reloads: mpsc::Receiver<Result<Config, ConfigError>>,
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
    retiring: JoinSet<()>,
    /// Clients that a reload replaced while polls were under way, which may still ask for tokens.
    replaced: Vec<Client>,
    watch: Watch,
    head: DailyHead,
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
            retiring: JoinSet::new(),
            replaced: Vec::new(),
            watch: Watch::default(),
            head: DailyHead::default(),
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
    /// When the schedule cannot be started or the state not be read.
    pub async fn run(mut self, mut control: Control) -> anyhow::Result<()> {
        self.vitals = control.pulse.vitals().clone();
        let (behind, unreconciled) = (self.sources_behind()?, self.sources_not_reconciled()?);
        self.roster.replace(self.members());
        self.lookout.expect(self.expected().into_iter());
        self.retire_removed()?;
        let mut ticks = Ticks::start(&self.patterns()).await?;
        let now = Instant::now();
        behind.into_iter().for_each(|id| self.roster.schedule(id, now, NO_INTERVAL));
        unreconciled.into_iter().for_each(|id| self.roster.schedule_reconciliation(id, now, NO_INTERVAL));
        tracing::info!(event = "collecting", sources = self.roster.len(), "collecting");
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
                    if let Some(replaced) = self.reload(reload) {
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
                }
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
                Some(done) = self.polls.join_next_with_id() => self.end_poll(done),
                Some(_) = self.retiring.join_next() => {}
                made = self.head.done() => self.head.note(made),
                () = tokio::time::sleep_until(self.patrol.next()) => self.patrol(),
                looked = self.patrol.done() => self.patrol.note(looked, self.station.clock.now()),
                Some(overview) = self.lookout.done() => (control.overview)(&overview),
            }
        }
        control.pulse.wind_down();
        ticks.stop().await;
        self.wind_down(&control.stop).await;
        Ok(())
    }

    /// Makes due what may have ticked unheard while one schedule took the place of another. A poll too many costs one
    /// request; one too few would cost a whole interval.
    fn tick_since(&mut self, since: crate::instant::Instant) {
        let now = self.station.clock.now();
        for pattern in self.patterns() {
            if next_run(&pattern, since).is_some_and(|tick| tick <= now) {
                self.roster.tick(&pattern, Instant::now(), self.interval(&pattern));
            }
        }
    }

    /// Looks for what no poll fails with.
    fn patrol(&mut self) {
        let members = self.members().into_iter();
        let watched =
            members.map(|Member { task, pattern, .. }| Watched { source: task.source, pattern, settle: task.settle });
        self.patrol.begin(&self.station, watched.collect());
    }

    /// Makes every source due in its turn.
    fn poll_everything(&mut self) {
        let now = Instant::now();
        self.members().into_iter().for_each(|member| self.roster.schedule(member.task.source.id, now, NO_INTERVAL));
    }

    fn begin_due(&mut self) {
        while let Some(task) = self.roster.begin(Instant::now()) {
            let source = task.source.clone();
            let (collector, stop) = (Arc::clone(&self.station.collector), self.wind_down.clone());
            let poll = self.polls.spawn(self.vitals.watch(format!("the poll of {source}"), async move {
                let report = collector.poll(&task, Job::Regular, &stop).await;
                collector.keep_up(&task).await;
                report
            }));
            self.under_way.insert(poll.id(), UnderWay { source, reconciliation: None });
        }
        while let Some(task) = self.roster.begin_reconciliation(Instant::now()) {
            let source = task.source.clone();
            let (collector, stop) = (Arc::clone(&self.station.collector), self.wind_down.child_token());
            let reconciliation = Some(stop.clone());
            let job = Job::Reconcile { range: None };
            let compare = async move { collector.poll(&task, job, &stop).await };
            let poll = self.polls.spawn(self.vitals.watch(format!("the reconciliation of {source}"), compare));
            self.under_way.insert(poll.id(), UnderWay { source, reconciliation });
        }
    }

    fn end_poll(&mut self, done: Result<(Id, PollReport), JoinError>) {
        let id = match &done {
            Ok((id, _)) => *id,
            Err(error) => error.id(),
        };
        let Some(UnderWay { source, reconciliation }) = self.under_way.remove(&id) else { return };
        match reconciliation {
            None => self.roster.end(&source.id),
            Some(_) => self.roster.end_reconciliation(&source.id),
        }
        self.lookout.note_poll();
        if self.under_way.is_empty() && !self.replaced.is_empty() {
            self.retiring.spawn(revoke(std::mem::take(&mut self.replaced)));
        }
        match done {
            Ok((_, report)) => match report.compared {
                None => {
                    self.station.meters().polls(source.id.kind).observe(report.figures.duration);
                    self.watch.note(&source, &report);
                }
                Some(compared) => {
                    self.station.meters().reconciliations(source.id.kind).observe(report.figures.duration);
                    tell_of_reconciliation(&source, &report, compared);
                }
            },
            Err(error) if error.is_cancelled() => {}
            Err(error) => tracing::error!(
                event = "defect",
                source = %source,
                "a poll stopped unexpectedly ({error}); this is a defect in atlas-logd, please report it",
            ),
        }
    }

    async fn wind_down(&mut self, stop: &Stop) {
        tracing::info!(event = "stopping", polls = self.polls.len(), "stopping");
        self.wind_down.cancel();
        let grace = self.station.config.collect.grace;
        let finish = async {
            while let Some(done) = self.polls.join_next_with_id().await {
                self.end_poll(done);
            }
            while self.retiring.join_next().await.is_some() {}
            self.head.finish().await;
        };
        let finished = tokio::select! {
            () = finish => true,
            () = stop.patience(grace) => false,
        };
        if !finished {
            tracing::warn!(
                event = "polls-cut-off",
                polls = self.polls.len(),
                grace_ms = u64::try_from(grace.as_millis()).unwrap_or(u64::MAX),
                "polls did not finish in time and are cut off; nothing is lost, the next start goes on",
            );
            self.polls.shutdown().await;
        }
        let revoked = futures_util::future::join(self.station.revoke(), revoke(std::mem::take(&mut self.replaced)));
        if tokio::time::timeout(REVOKE_WITHIN, revoked).await.is_err() {
            tracing::warn!(
                event = "tokens-not-revoked",
                "Atlas did not answer when access tokens were revoked; they end by themselves"
            );
        }
        tracing::info!(event = "stopped", "stopped");
    }

    /// Goes over to a new configuration. The clients that were replaced, if it was taken.
    fn reload(&mut self, reload: Result<Config, ConfigError>) -> Option<Vec<Client>> {
        let config = match reload {
            Ok(config) => config,
            Err(error) => {
                tracing::error!(
                    event = "reload-refused",
                    "the new configuration was refused, the old one stays in force:\n{error}"
                );
                return None;
            }
        };
        let fixed = self.station.config.needs_restart(&config);
        if !fixed.is_empty() {
            tracing::error!(
                event = "reload-refused",
                keys = fixed.join(", "),
                "the new configuration was refused, the old one stays in force: these keys change only with a restart",
            );
            return None;
        }
        let replaced = match self.station.change(config) {
            Ok(replaced) => replaced,
            Err(error) => {
                tracing::error!(
                    event = "reload-refused",
                    "the new configuration was refused, the old one stays in force: {error}"
                );
                return None;
            }
        };
        self.vitals.set_patience(self.station.config.collect.stuck_after);
        let (added, removed) = self.roster.replace(self.members());
        self.lookout.expect(self.expected().into_iter());
        tracing::info!(
            event = "reloaded",
            sources = self.roster.len(),
            added = added.len(),
            removed = removed.len(),
            "the new configuration is in force",
        );
        let now = Instant::now();
        added.into_iter().for_each(|id| self.roster.schedule(id, now, NO_INTERVAL));
        removed.into_iter().for_each(|member| self.retire(member.task.source));
        Some(replaced)
    }

    fn members(&self) -> Vec<Member> {
        let members = self.station.tasks().map(|(project, task)| {
            let pattern = project.schedule.of(task.source.id.kind).to_owned();
            Member { task, pattern, reconcile: project.schedule.reconcile.clone() }
        });
        members.collect()
    }

    fn patterns(&self) -> BTreeSet<String> {
        self.members().iter().flat_map(|member| member.patterns().cloned()).collect()
    }

    /// The time between two ticks of a pattern.
    fn interval(&self, pattern: &str) -> Duration {
        let first = next_run(pattern, self.station.clock.now());
        let second = first.and_then(|first| next_run(pattern, first));
        second.zip(first).map_or(NO_INTERVAL, |(second, first)| second.since(first))
    }

    /// The time between two ticks of each pattern.
    fn intervals(&self) -> HashMap<String, Duration> {
        let patterns = self.patterns().into_iter();
        let with_interval = patterns.map(|pattern| {
            let interval = self.interval(&pattern);
            (pattern, interval)
        });
        with_interval.collect()
    }

    /// What all sources keep to while nothing is wrong with them.
    fn expected(&self) -> Vec<Expected> {
        let intervals = self.intervals();
        let interval = |pattern: &String| intervals.get(pattern).copied().unwrap_or(NO_INTERVAL);
        let members = self.members().into_iter();
        members
            .map(|Member { task, pattern, .. }| Expected::new(task.source.id, task.settle, interval(&pattern)))
            .collect()
    }

    /// The sources that would have been polled by now if the daemon had run, and those never polled.
    fn sources_behind(&self) -> Result<Vec<SourceId>, StateError> {
        let now = self.station.clock.now();
        let intervals = self.intervals();
        let mut behind = Vec::new();
        for member in self.members() {
            let interval = intervals.get(&member.pattern).copied().unwrap_or(NO_INTERVAL);
            let settle = member.task.settle;
            let id = member.task.source.id;
            let store = self.station.collector.committer().store();
            let state = store.read(|connection| SourceState::load(connection, &id));
            // A damaged row fails its own poll, with its own message.
            let end = state.ok().flatten().and_then(|state| state.end);
            if end.is_none_or(|end| end + settle + interval <= now) {
                behind.push(id);
            }
        }
        Ok(behind)
    }

    /// The sources that would have been reconciled again by now if the daemon had run. One that never was waits for its
    /// first tick: what it holds is still new.
    fn sources_not_reconciled(&self) -> Result<Vec<SourceId>, StateError> {
        let now = self.station.clock.now();
        let mut sources = Vec::new();
        for Member { task, reconcile, .. } in self.members() {
            let Some(pattern) = reconcile else { continue };
            let id = task.source.id;
            let last = self.station.collector.committer().store().read(|connection| {
                let key = SourceState::key_of(connection, &id)?;
                key.map_or(Ok(None), |key| last_reconciliation(connection, key))
            })?;
            if last.is_some_and(|last| next_run(&pattern, last.begun).is_some_and(|due| due <= now)) {
                sources.push(id);
            }
        }
        Ok(sources)
    }

    /// Seals what was left open by sources that are no longer in the configuration.
    fn retire_removed(&mut self) -> Result<(), StateError> {
        self.station.to_retire()?.into_iter().for_each(|source| self.retire(source));
        Ok(())
    }

    fn retire(&mut self, source: Source) {
        // It would go on after the segment was sealed.
        let reconciled = self.under_way.values().filter(|under_way| under_way.source.id == source.id);
        reconciled.filter_map(|under_way| under_way.reconciliation.as_ref()).for_each(CancellationToken::cancel);
        let (collector, what) = (Arc::clone(&self.station.collector), format!("the sealing of {source}"));
        let retire = async move {
            match collector.retire(&source).await {
                Ok(()) => tracing::info!(
                    event = "source-retired",
                    source = %source,
                    "no longer collected; its segment is sealed"
                ),
                Err(error) => {
                    tracing::error!(
                        event = "retire-failed",
                        source = %source,
                        "failed to seal the segment of a removed source: {error}"
                    );
                }
            }
        };
        self.retiring.spawn(self.vitals.watch(what, retire));
    }
}

fn tell_of_reconciliation(source: &Source, report: &PollReport, Compared { range, tally }: Compared) {
    match (&report.failure, range) {
        (Some(_), _) if report.is_stopped() => {}
        (Some(failure), _) => {
            tracing::error!(event = "reconciliation-failed", source = %source, "reconciliation: {failure}")
        }
        (None, None) => tracing::debug!(source = %source, "nothing to reconcile yet"),
        (None, Some(range)) => tracing::info!(
            event = "reconciled",
            source = %source,
            from = %range.from,
            to = %range.to,
            compared = tally.shown,
            missing = tally.missing,
            late = report.times.late,
            requests = report.figures.requests,
            duration_ms = u64::try_from(report.figures.duration.as_millis()).unwrap_or(u64::MAX),
            "reconciled",
        ),
    }
}

async fn sleep_until(due: Option<Instant>) {
    match due {
        Some(due) => tokio::time::sleep_until(due).await,
        None => std::future::pending().await,
    }
}

async fn revoke(clients: Vec<Client>) {
    let revoked = futures_util::future::join_all(clients.iter().map(Client::revoke));
    // Best effort: tokens end by themselves.
    let _ = tokio::time::timeout(REVOKE_WITHIN, revoked).await;
}
