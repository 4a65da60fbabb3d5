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
    control::Inbox,
    daemon::{
        Overview, Pulse, Station,
        daily_head::DailyHead,
        explorer::Explorer,
        lookout::Lookout,
        orders::{Orders, Polled},
        overview::Expected,
        patrol::{Patrol, Watched},
        pulse::BEAT_EVERY,
        roster::{Member, Roster},
        stop::Stop,
        ticks::Ticks,
        wall_clock::WallClock,
        watch::Watch,
    },
    discovery::Lists,
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

/// What is told of a source that is gone from Atlas.
pub(crate) const GONE: &str = "is gone from Atlas: no list shows it any more, and Atlas says that there is no such cluster or instance; \
                    it is no longer polled, and goes on where it was if a list shows it again";

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
        self.explorer.begin(&self.station);
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
                    if self.station.config.schedule.discover.as_ref() == Some(&pattern) {
                        self.explorer.begin(&self.station);
                    }
                }
                lists = self.explorer.done() => self.learn(lists).await,
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
                ordered = control.orders.next() => self.orders.begin(&self.station, ordered, &self.wind_down, &self.vitals),
                Some(done) = self.orders.done() => self.end_order(done),
                Some(_) = self.retiring.join_next() => {}
                made = self.head.done() => self.head.note(made),
                () = tokio::time::sleep_until(self.patrol.next()) => self.patrol(),
                looked = self.patrol.done() => self.patrol.note(looked, self.station.clock.now()),
                Some(overview) = self.lookout.done() => (control.overview)(&overview),
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
        self.revoke_replaced();
        match done {
            Ok((_, report)) => match report.compared {
                None => {
                    self.station.meters().polls(source.id.kind).observe(report.figures.duration);
                    self.note_poll(&source, &report);
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

    fn end_order(&mut self, done: Option<Polled>) {
        self.revoke_replaced();
        let Some(Polled { source, job, report }) = done else { return };
        match report.compared {
            Some(compared) => tell_of_reconciliation(&source, &report, compared),
            None if job == Job::Regular => self.note_poll(&source, &report),
            None => tell_of_backfill(&source, &report),
        }
    }

    /// Revokes the tokens of clients that were replaced, once nobody uses them any more.
    fn revoke_replaced(&mut self) {
        if self.under_way.is_empty() && self.orders.len() == 0 && !self.replaced.is_empty() {
            self.retiring.spawn(revoke(std::mem::take(&mut self.replaced)));
        }
    }

    /// Takes note of a poll, and of what it says of a source that was found.
    fn note_poll(&mut self, source: &Source, report: &PollReport) {
        match self.station.found(&source.id) {
            Some(found) if report.says_gone() && !found.listed => return self.explorer.note_absent(source),
            Some(found) if report.is_refused() && found.paused => return self.watch.note_paused(source, report),
            Some(_) if report.says_gone() => self.explorer.doubt(&source.id, &self.station),
            Some(_) if report.failure.is_none() => self.explorer.trust(&source.id),
            _ => {}
        }
        self.watch.note(source, report);
    }

    async fn wind_down(&mut self, stop: &Stop) {
        tracing::info!(event = "stopping", polls = self.polls.len() + self.orders.len(), "stopping");
        self.wind_down.cancel();
        let grace = self.station.config.collect.grace;
        let finish = async {
            while let Some(done) = self.polls.join_next_with_id().await {
                self.end_poll(done);
            }
            while let Some(done) = self.orders.done().await {
                self.end_order(done);
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
                polls = self.polls.len() + self.orders.len(),
                grace_ms = u64::try_from(grace.as_millis()).unwrap_or(u64::MAX),
                "polls did not finish in time and are cut off; nothing is lost, the next start goes on",
            );
            self.polls.shutdown().await;
            self.orders.cut_off().await;
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
        let (added, removed) = self.go_over();
        tracing::info!(
            event = "reloaded",
            sources = self.roster.len(),
            added,
            removed,
            "the new configuration is in force",
        );
        self.explorer.begin_anew(&self.station);
        Some(replaced)
    }

    /// Goes over to the sources of the station: how many are new, and how many are gone.
    fn go_over(&mut self) -> (usize, usize) {
        let (added, removed) = self.roster.replace(self.members());
        self.lookout.expect(self.expected().into_iter());
        let counts = (added.len(), removed.len());
        let now = Instant::now();
        added.into_iter().for_each(|id| self.roster.schedule(id, now, NO_INTERVAL));
        removed.into_iter().for_each(|member| self.retire(member.task.source));
        counts
    }

    /// Takes in what the lists of Atlas show.
    async fn learn(&mut self, lists: Result<Lists, JoinError>) {
        if self.explorer.take_again() {
            // They are those of the configuration before.
            self.explorer.begin(&self.station);
            return;
        }
        match lists {
            Ok(lists) => match self.station.learn(&lists).await {
                Ok(learnt) => self.explorer.tell(&learnt),
                Err(error) => tracing::error!(
                    event = "state-unwritable",
                    "failed to remember what the lists of Atlas show: {error}"
                ),
            },
            Err(error) => tracing::error!(
                event = "defect",
                "asking for the lists of Atlas stopped unexpectedly ({error}); this is a defect in atlas-logd, please report it",
            ),
        }
        self.go_over();
    }

    /// Leaves the sources that are gone from Atlas.
    async fn leave_absent(&mut self) {
        let absent = self.explorer.take_absent();
        if absent.is_empty() {
            return;
        }
        match self.station.note_absent(&absent).await {
            Ok(gone) => {
                gone.iter().for_each(|source| tracing::warn!(event = "source-gone", source = %source, "{GONE}"))
            }
            Err(error) => tracing::error!(
                event = "state-unwritable",
                "failed to remember which sources are gone from Atlas: {error}"
            ),
        }
        self.go_over();
    }

    fn members(&self) -> Vec<Member> {
        let members = self.station.tasks().map(|(project, task)| {
            let pattern = project.schedule.of(task.source.id.kind).to_owned();
            Member { task, pattern, reconcile: project.schedule.reconcile.clone() }
        });
        members.collect()
    }

    fn patterns(&self) -> BTreeSet<String> {
        let members = self.members();
        let polls = members.iter().flat_map(|member| member.patterns().cloned());
        // Of projects that are found later, too: the schedule need not start anew for them.
        let tables = &self.station.config.tables;
        let of_tables = tables.iter().filter(|table| table.asks()).flat_map(|table| table.schedule.patterns().cloned());
        polls.chain(of_tables).collect()
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
        self.orders.end(&source.id);
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

fn tell_of_backfill(source: &Source, report: &PollReport) {
    match &report.failure {
        Some(_) if report.is_stopped() => {}
        Some(failure) => tracing::error!(event = "backfill-failed", source = %source, "backfill: {failure}"),
        None => tracing::info!(
            event = "backfilled",
            source = %source,
            records = report.figures.records,
            bytes = report.figures.bytes,
            requests = report.figures.requests,
            duration_ms = u64::try_from(report.figures.duration.as_millis()).unwrap_or(u64::MAX),
            "backfilled",
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
