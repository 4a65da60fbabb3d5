//! What is done because somebody ordered it: by the same path as what the schedule does.

use std::{collections::HashMap, sync::Arc};

use tokio::task::{Id, JoinError, JoinSet};
use tokio_util::sync::CancellationToken;

use crate::{
    collect::{Collector, Job, Listener, PollError, PollReport, Task},
    control::{Answer, Named, News, Ordered, Outcome, Outlet, What},
    daemon::{Excuse, Station},
    shown::shown,
    source::{Source, SourceId},
    state::FoundSource,
    vitals::Vitals,
};

/// The orders under way.
#[derive(Debug, Default)]
pub(super) struct Orders {
    tasks: JoinSet<Option<(Job, PollReport)>>,
    under_way: HashMap<Id, UnderWay>,
}

/// What is done to a source.
#[derive(Debug)]
struct UnderWay {
    source: Source,
    stop: CancellationToken,
}

/// A poll that was ordered and is over.
#[derive(Debug)]
pub(super) struct Polled {
    pub(super) source: Source,
    pub(super) job: Job,
    pub(super) report: PollReport,
}

impl Orders {
    /// Begins what was ordered, or tells why not. It ends after the window under way when `wind_down` is cancelled.
    pub(super) fn begin(
        &mut self,
        station: &Station,
        ordered: Ordered,
        wind_down: &CancellationToken,
        vitals: &Vitals,
    ) {
        let Ordered { order, uid, outlet, stop } = ordered;
        // Whoever waited in vain was told that it may or may not be done. Where it has not begun, it is better not done.
        if stop.is_cancelled() {
            return;
        }
        let tasks = match chosen(station, &order.sources) {
            Ok(tasks) => tasks,
            Err(unknown) => return outlet.begin(unknown),
        };
        tracing::info!(event = "order", uid, order = order.what.as_str(), sources = tasks.len(), "taking an order");
        outlet.begin(Answer::Begun(tasks.iter().map(|task| task.source.id.clone()).collect()));
        for task in tasks {
            let source = task.source.clone();
            let work = Work {
                found: station.found(&source.id).cloned(),
                collector: Arc::clone(&station.collector),
                task,
                uid,
                outlet: outlet.clone(),
                client_stop: stop.clone(),
                stop: wind_down.child_token(),
            };
            let stop = work.stop.clone();
            let doing = format!("the ordered {} of {source}", order.what.as_str());
            let begun = self.tasks.spawn(vitals.watch(doing, work.carry_out(order.what.clone())));
            self.under_way.insert(begun.id(), UnderWay { source, stop });
        }
    }

    /// Waits until one source has been seen to; nothing while none is. The poll that it was, if it was one.
    pub(super) async fn done(&mut self) -> Option<Option<Polled>> {
        let done = self.tasks.join_next_with_id().await?;
        let id = done.as_ref().map_or_else(JoinError::id, |(id, _)| *id);
        let source = self.under_way.remove(&id)?.source;
        match done {
            Ok((_, polled)) => Some(polled.map(|(job, report)| Polled { source, job, report })),
            Err(error) => {
                if !error.is_cancelled() {
                    tracing::error!(
                        event = "defect",
                        source = %source,
                        "what was ordered stopped unexpectedly ({error}); this is a defect in atlas-logd, please report it",
                    );
                }
                Some(None)
            }
        }
    }

    /// How many sources are being seen to.
    pub(super) fn len(&self) -> usize {
        self.tasks.len()
    }

    /// Ends what is done to a source after the window under way.
    pub(super) fn end(&self, id: &SourceId) {
        self.under_way.values().filter(|under_way| under_way.source.id == *id).for_each(|work| work.stop.cancel());
    }

    /// Cuts off what is under way.
    pub(super) async fn cut_off(&mut self) {
        self.tasks.shutdown().await;
        self.under_way.clear();
    }
}

/// The tasks for the sources that are named; for all if none is.
fn chosen(station: &Station, named: &[Named]) -> Result<Vec<Task>, Answer> {
    let tasks: Vec<Task> = station.tasks().map(|(_, task)| task).collect();
    if named.is_empty() {
        return Ok(tasks);
    }
    let mut chosen: Vec<Task> = Vec::new();
    for Named { name, id } in named {
        let is_meant =
            |task: &&Task| task.source.to_string() == *name && id.as_ref().is_none_or(|id| *id == task.source.id);
        let Some(task) = tasks.iter().find(is_meant) else {
            let known = tasks.iter().map(|task| task.source.to_string()).collect::<Vec<_>>().join(", ");
            return Err(Answer::Unknown { name: name.clone(), known: shown(&known) });
        };
        if chosen.iter().all(|chosen| chosen.source != task.source) {
            chosen.push(task.clone());
        }
    }
    Ok(chosen)
}

/// What is done to one source.
struct Work {
    collector: Arc<Collector>,
    task: Task,
    /// What the lists of Atlas showed of it, if it was found in them.
    found: Option<FoundSource>,
    uid: u32,
    outlet: Outlet,
    /// Cancelled by whoever ordered it.
    client_stop: CancellationToken,
    /// Cancelled to end it, for whatever reason.
    stop: CancellationToken,
}

impl Work {
    async fn carry_out(self, what: What) -> Option<(Job, PollReport)> {
        match what {
            What::Poll(job) => {
                let report = self.poll(job).await;
                let source = &self.task.source;
                let outcome = match self.found.as_ref().and_then(|found| Excuse::of(found, &report)) {
                    Some(excuse) => Outcome::excused(source, excuse),
                    None => Outcome::of_poll(source, &report),
                };
                self.outlet.end(outcome).await;
                Some((job, report))
            }
            What::Skip(skip) => {
                let source = &self.task.source;
                let reason = shown(&skip.reason);
                let skipped = self.until_stopped(self.collector.skip(source, skip, &self.stop)).await;
                for skipped in skipped.iter().flatten() {
                    let window = skipped.window;
                    tracing::warn!(
                        event = "skipped",
                        source = %source,
                        from = %window.from,
                        to = %window.to,
                        uid = self.uid,
                        reason,
                        "skipped"
                    );
                }
                self.log_failure("skip", skipped.as_ref().err());
                self.outlet.end(Outcome::of_skip(source, skipped)).await;
                None
            }
            What::Seal => {
                let source = &self.task.source;
                let sealed = self.until_stopped(self.collector.seal(source, &self.stop)).await;
                if let Ok(Some(sealed)) = &sealed {
                    tracing::info!(
                        event = "sealed",
                        source = %source,
                        segment = sealed.name.as_str(),
                        uid = self.uid,
                        "sealed"
                    );
                }
                self.log_failure("seal", sealed.as_ref().err());
                self.outlet.end(Outcome::of_seal(source, sealed)).await;
                None
            }
        }
    }

    async fn poll(&self, job: Job) -> PollReport {
        let mut task = self.task.clone();
        let outlet = self.outlet.clone();
        task.listener = Some(Listener(Arc::new(move |source, progress| {
            if let Some(news) = News::of(source, progress) {
                outlet.tell(news);
            }
        })));
        let report = self.until_stopped(self.collector.poll(&task, job, &self.stop)).await;
        self.collector.keep_up(&task).await;
        report
    }

    /// Goes on with `work` to its end; tells it to stop when whoever ordered it does.
    async fn until_stopped<T>(&self, work: impl Future<Output = T>) -> T {
        tokio::pin!(work);
        tokio::select! {
            biased;
            done = &mut work => return done,
            () = self.client_stop.cancelled() => self.stop.cancel(),
        }
        work.await
    }

    /// Whoever ordered it is told too. What was only refused, or stopped, concerns nobody else.
    fn log_failure(&self, what: &str, failure: Option<&PollError>) {
        match failure {
            None | Some(PollError::Skip(_) | PollError::Stopped) => {}
            Some(error) => {
                tracing::error!(event = "order-failed", source = %self.task.source, "failed to {what}: {error}");
            }
        }
    }
}
