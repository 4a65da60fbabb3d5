//! One answer: asked for, decoded and taken in.

use std::{
    sync::{Arc, PoisonError},
    time::Duration,
};

use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};
use tokio::{sync::OwnedSemaphorePermit, time::Instant as Deadline};
use tokio_util::sync::CancellationToken;

use crate::{
    atlas::{self, Answer, Ask, Consequence, decode::Limits},
    collect::{
        PollError, Progress, Tally, Task,
        allowance::Allowance,
        archived,
        blocking::blocking,
        claims::Claims,
        desk::Desk,
        held::Trust,
        intake::{AnswerBounds, Intake, TakenIn},
        judgement::{Purpose, judge},
        known::Known,
        remembered::Remembered,
        stock::{SharedContents, Stock},
        worker::{Outcome, Worker},
    },
    plan::{self, FullPage, Planner},
    source::{AuthResult, Kind},
    state::SourceState,
    vitals,
    window::Window,
};

/// The first wait before another try; each further one is twice as long, with jitter.
const FIRST_WAIT: Duration = Duration::from_secs(1);

/// No wait before another try is longer.
const LONGEST_WAIT: Duration = Duration::from_secs(60);

/// How long one request is tried, and how long to wait between the tries.
struct Patience {
    give_up: Deadline,
    waits: ExponentialBackoff,
}

impl Patience {
    fn new(budget: Duration) -> Self {
        let waits = ExponentialBuilder::default()
            .with_min_delay(FIRST_WAIT)
            .with_max_delay(LONGEST_WAIT)
            .with_jitter()
            .without_max_times()
            .build();
        Self { give_up: Deadline::now() + budget, waits }
    }
}

/// What is asked.
#[derive(Clone, Copy, Debug)]
pub(super) struct Question {
    /// The window.
    pub(super) window: Window,
    /// What is asked for it: the window and its slack.
    pub(super) asked: Window,
    /// Which results.
    pub(super) auth_result: AuthResult,
}

/// What came of a question.
pub(super) enum Fetched {
    /// Records, spooled.
    Answer(Box<FetchedAnswer>),
    /// The page was full; nothing of it was kept.
    Full {
        /// How its entries lie.
        page: FullPage,
    },
    /// Most of what was reconciled is not archived; nothing of it was kept.
    Differs {
        /// The part of the window that the answer is for.
        window: Window,
        /// The range that the answer is for, where it is less than was asked.
        narrower: Option<Window>,
        /// How much of it is not archived.
        tally: Tally,
    },
}

/// An answer that was taken in.
pub(super) struct FetchedAnswer {
    /// The part of the window that the answer is for.
    pub(super) window: Window,
    /// The range that the answer is for, where it is less than was asked.
    pub(super) narrower: Option<Window>,
    /// The clocks at the answer.
    pub(super) clocks: plan::Clocks,
    /// Its records.
    pub(super) taken_in: TakenIn,
    /// Held until the answer is committed.
    pub(super) slot: OwnedSemaphorePermit,
}

/// Asks a question until it is answered, within the poll's budget.
pub(super) struct Fetch<'a> {
    pub(super) desk: &'a Desk,
    pub(super) task: &'a Task,
    pub(super) stop: &'a CancellationToken,
    pub(super) state: &'a SourceState,
    pub(super) planner: &'a Planner,
    pub(super) purpose: Purpose,
    /// What was claimed before the poll.
    pub(super) claims: &'a Claims,
    /// What a reconciliation has compared before.
    pub(super) compared: Tally,
    /// What it has read of the segments.
    pub(super) contents: SharedContents,
    /// What has to be true of the segments that a backfill is compared with.
    pub(super) trust: Trust,
}

impl Fetch<'_> {
    /// Asks `question`; tries again after what passes by itself. `requests` counts the tries.
    ///
    /// `keep_full` takes a full page in as it is, because it cannot be narrowed. Nothing comes of an answer that says that
    /// Atlas goes by the arrival of records where nobody knew that.
    pub(super) async fn ask(
        &self,
        question: Question,
        keep_full: bool,
        requests: &mut u64,
    ) -> Result<Option<Fetched>, PollError> {
        let mut patience = Patience::new(self.task.retry_budget);
        let mut compressed = true;
        loop {
            let slot = self.turn(&mut patience).await?;
            *requests += 1;
            match self.try_once(question, keep_full, slot, compressed).await {
                Ok(fetched) => {
                    if !compressed {
                        self.task.client.distrust_compression();
                    }
                    return Ok(fetched);
                }
                Err(error)
                    if compressed && self.task.client.asks_compressed() && self.may_be_of_compression(&error) =>
                {
                    compressed = false;
                }
                Err(error) => self.wait_after(error, &mut patience).await?,
            }
        }
    }

    /// Whether a page may be good, and only its compression was mishandled on the way.
    fn may_be_of_compression(&self, error: &PollError) -> bool {
        let PollError::Decode(error) = error else { return false };
        self.state.kind == Kind::AccessHistory && error.may_be_of_compression()
    }

    /// Lets Atlas say what time it is, so that the first plan need not rely on the local clock.
    pub(super) async fn prime(&self) -> Result<(), PollError> {
        let mut patience = Patience::new(self.task.retry_budget);
        loop {
            let _slot = self.turn(&mut patience).await?;
            let waiting = vitals::waits_for_others();
            let primed = self.task.client.prime().await;
            drop(waiting);
            match primed {
                Ok(()) => return Ok(()),
                Err(error) => self.wait_after(error.into(), &mut patience).await?,
            }
        }
    }

    /// Waits until the project's limit allows a request and a slot is free. Waiting for a slot costs no patience: it is
    /// not this source's fault.
    async fn turn(&self, patience: &mut Patience) -> Result<OwnedSemaphorePermit, PollError> {
        loop {
            self.wait_for_the_limit(patience.give_up).await?;
            let queued = Deadline::now();
            let slot = self.slot().await?;
            patience.give_up += queued.elapsed();
            // Others of the same project may have used up the limit meanwhile.
            let id = &self.task.source.id;
            if self.task.client.hold(&id.project_id, id.kind).is_none() {
                return Ok(slot);
            }
        }
    }

    /// Waits after a failed try, holding no slot; the error itself when it will not get better, or not in time.
    async fn wait_after(&self, error: PollError, patience: &mut Patience) -> Result<(), PollError> {
        let PollError::Request(request_error) = &error else { return Err(error) };
        let wait = match request_error.consequence() {
            Consequence::GiveUp => return Err(error),
            Consequence::RetryAfter(wait) => wait,
            Consequence::Retry => patience.waits.next().unwrap_or(LONGEST_WAIT),
        };
        if Deadline::now() + wait >= patience.give_up {
            return Err(error);
        }
        self.tell(&Progress::Waiting { error: &error, wait });
        self.wait(wait).await
    }

    /// Waits for as long as the limit of this source's project asks, holding no slot.
    async fn wait_for_the_limit(&self, give_up: Deadline) -> Result<(), PollError> {
        let id = &self.task.source.id;
        while let Some(wait) = self.task.client.hold(&id.project_id, id.kind) {
            if Deadline::now() + wait >= give_up {
                return Err(PollError::LimitReached { wait });
            }
            self.wait(wait).await?;
        }
        Ok(())
    }

    async fn wait(&self, wait: Duration) -> Result<(), PollError> {
        let _waiting = vitals::waits(wait);
        tokio::select! {
            () = self.stop.cancelled() => Err(PollError::Stopped),
            () = tokio::time::sleep(wait) => Ok(()),
        }
    }

    async fn slot(&self) -> Result<OwnedSemaphorePermit, PollError> {
        let slots = Arc::clone(&self.task.slots.all);
        let _waiting = vitals::waits_for_others();
        tokio::select! {
            biased;
            () = self.stop.cancelled() => Err(PollError::Stopped),
            slot = slots.acquire_owned() => slot.map_err(|_| PollError::Stopped),
        }
    }

    async fn try_once(
        &self,
        question: Question,
        keep_full: bool,
        slot: OwnedSemaphorePermit,
        compressed: bool,
    ) -> Result<Option<Fetched>, PollError> {
        // Reading segments takes its time, and an answer that nobody reads may be cut off.
        let stock = self.stock(question).await?;
        let ask =
            Ask { source: &self.task.source.id, asked: question.asked, auth_result: question.auth_result, compressed };
        let Answer { asked_at, date, echoed, encoding, body } = self.ask_client(&ask).await?;
        let clocks = plan::Clocks { local: asked_at, date };
        self.report_wrong_clock(clocks);
        let (window, narrower) = answered(question, echoed);
        let worker = self.worker(question, window, clocks, keep_full, stock);
        Ok(Some(match worker.run(body, encoding).await? {
            Outcome::TakenIn(taken_in) => {
                Fetched::Answer(Box::new(FetchedAnswer { window, narrower, clocks, taken_in: *taken_in, slot }))
            }
            Outcome::Full { page } => Fetched::Full { page },
            Outcome::ByArrival => return Ok(None),
            Outcome::Differs(tally) => Fetched::Differs { window, narrower, tally },
        }))
    }

    /// Others may be getting the token or nonce; each request has a limit of its own.
    async fn ask_client(&self, ask: &Ask<'_>) -> Result<Answer, PollError> {
        let _waiting = vitals::waits_for_others();
        Ok(self.task.client.ask(ask).await?)
    }

    /// What is archived of what a question asks for: from the end watermark on, the state's fingerprints are enough; for
    /// what lies before, there are the segments.
    async fn stock(&self, question: Question) -> Result<Stock, PollError> {
        let (committer, state) = (Arc::clone(&self.desk.committer), self.state.clone());
        let (purpose, settle, asked, trust) = (self.purpose, self.task.settle, question.asked, self.trust);
        let shared = Arc::clone(&self.contents);
        blocking(move || {
            let known = match purpose {
                Purpose::Forward => {
                    return Ok(Stock::Remembered(Box::new(Remembered::load(committer.shared_store(), &state)?)));
                }
                Purpose::Again => archived::known_in(&committer, &state, asked, settle, trust)?,
                // It goes on by itself.
                Purpose::Refill => archived::known_in(&committer, &state, asked, settle, Trust::AsTheyLie)?,
                Purpose::Reconcile if state.kind == Kind::AccessHistory => {
                    let mut contents = shared.lock().unwrap_or_else(PoisonError::into_inner);
                    *contents = Some(archived::contents_around(&committer, &state, contents.take(), asked, settle)?);
                    drop(contents);
                    let taken = Known::new(committer.store().folder(), format!("taken-{}", state.key));
                    return Ok(Stock::Lent { contents: shared, taken });
                }
                // Its answers have no limit, so that its windows are few.
                Purpose::Reconcile => archived::known_anywhere(&committer, &state, asked, settle)?,
            };
            Ok(Stock::Own(known))
        })
        .await
    }

    /// Everything that the decoder needs.
    fn worker(
        &self,
        question: Question,
        window: Window,
        clocks: plan::Clocks,
        keep_full: bool,
        stock: Stock,
    ) -> Worker {
        let end = self.state.end.unwrap_or(window.from);
        let (settle, retention) = (self.task.settle, atlas::retention(self.state.kind));
        let judgement = judge(window, self.purpose, clocks, settle, retention);
        let bounds = AnswerBounds {
            window,
            asked: question.asked,
            purpose: self.purpose,
            compared: self.compared,
            // A page that may be full is one of several answers to the same window, which hold the same records.
            end_after: if keep_full { end } else { judgement.change.end_after(end) },
            slack: question.window.from.since(question.asked.from),
            settle: self.task.settle,
        };
        let allowance = Allowance::new(&self.desk.committer, self.task.min_free);
        Worker {
            kind: self.state.kind,
            limits: Limits::new(self.task.answer_limit),
            planner: self.planner.clone(),
            keep_full,
            intake: Intake::new(&self.desk.committer, self.state, bounds, self.claims.clone(), stock, allowance),
        }
    }

    fn report_wrong_clock(&self, clocks: plan::Clocks) {
        let Some(date) = clocks.date else { return };
        if clocks.difference() > plan::CLOCK_TOLERANCE && self.desk.wrong_clock.is_due() {
            tracing::warn!(
                event = "clock-wrong",
                source = %self.task.source,
                local = %clocks.local,
                atlas = %date,
                "the local clock and Atlas' clock differ by more than a minute; set the local clock right",
            );
        }
    }

    fn tell(&self, progress: &Progress<'_>) {
        self.desk.tell(self.task, progress);
    }
}

/// The part of the window that an answer is for. Audit logs say which range was applied, in whole seconds, and were
/// asked in whole seconds rounded outwards; the slack around a window may be missing without harm.
fn answered(question: Question, echoed: Option<Window>) -> (Window, Option<Window>) {
    let Some(echoed) = echoed else { return (question.window, None) };
    let window = question.window;
    if echoed.from > window.from {
        return (Window::new(window.from, window.from), Some(echoed));
    }
    if echoed.to < window.to {
        return (Window::new(window.from, echoed.to.max(window.from)), Some(echoed));
    }
    (window, None)
}
