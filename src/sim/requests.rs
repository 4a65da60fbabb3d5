//! The log of requests, and holds: a test counts what was asked, and freezes a request to look around.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
    time::Duration,
};

use tokio::sync::watch;

use super::{lock::lock, matching::Match, request::Request};

/// How many requests are kept: a year of polls must not fill the memory.
const KEPT: usize = 100_000;

/// How long a synchronous test waits in real time before its wait is given up.
const PATIENCE: Duration = Duration::from_secs(120);

/// All requests and holds.
#[derive(Debug)]
pub(super) struct Requests {
    log: Mutex<Log>,
    changed: watch::Sender<u64>,
}

#[derive(Debug, Default)]
struct Log {
    kept: VecDeque<Request>,
    next: u64,
    holds: Vec<(Match, Arc<HoldState>)>,
}

#[derive(Debug)]
struct HoldState {
    arrived: watch::Sender<usize>,
    released: watch::Sender<bool>,
}

impl Default for Requests {
    fn default() -> Self {
        Self { log: Mutex::default(), changed: watch::Sender::new(0) }
    }
}

impl Requests {
    /// Enters a request, gives it its number, and waits while it is held.
    pub(super) async fn arrive(&self, mut request: Request) -> Request {
        let holds: Vec<Arc<HoldState>> = {
            let mut log = lock(&self.log);
            request.number = log.next;
            log.next += 1;
            if log.kept.len() == KEPT {
                log.kept.pop_front();
            }
            log.kept.push_back(request.clone());
            log.holds.retain(|(_, state)| !*state.released.borrow());
            let held_by = log.holds.iter().filter(|(when, _)| when.covers(&request));
            held_by.map(|(_, state)| Arc::clone(state)).collect()
        };
        self.changed.send_modify(|count| *count += 1);
        for hold in holds {
            hold.arrived.send_modify(|count| *count += 1);
            // The sender lives as long as the hold that this task shares.
            let _ = hold.released.subscribe().wait_for(|released| *released).await;
        }
        request
    }

    /// Enters the status of an answer.
    pub(super) fn answered(&self, number: u64, status: u16) {
        let mut log = lock(&self.log);
        if let Some(request) = log.kept.iter_mut().rev().find(|request| request.number == number) {
            request.status = Some(status);
        }
    }

    pub(super) fn all(&self) -> Vec<Request> {
        lock(&self.log).kept.iter().cloned().collect()
    }

    pub(super) fn clear(&self) {
        lock(&self.log).kept.clear();
    }

    pub(super) async fn arrived(&self, when: &Match, count: usize) {
        let enough = |_: &u64| lock(&self.log).kept.iter().filter(|request| when.covers(request)).count() >= count;
        // The sender lives as long as `self`.
        let _ = self.changed.subscribe().wait_for(enough).await;
    }

    pub(super) fn wait_arrived(&self, when: &Match, count: usize) -> bool {
        wait(self.arrived(when, count))
    }

    pub(super) fn hold(&self, when: Match) -> Hold {
        let state = Arc::new(HoldState { arrived: watch::Sender::new(0), released: watch::Sender::new(false) });
        lock(&self.log).holds.push((when, Arc::clone(&state)));
        Hold(state)
    }
}

/// Requests that are held. Dropping it releases them.
#[derive(Debug)]
pub struct Hold(Arc<HoldState>);

impl Hold {
    /// Waits until `count` requests are or were held.
    pub async fn arrived(&self, count: usize) {
        // The sender lives as long as `self`.
        let _ = self.0.arrived.subscribe().wait_for(|arrived| *arrived >= count).await;
    }

    /// The same for a synchronous test. False if they did not come within two minutes.
    #[must_use]
    pub fn wait_arrived(&self, count: usize) -> bool {
        wait(self.arrived(count))
    }

    /// Lets the requests go on; later ones are not held.
    pub fn release(&self) {
        self.0.released.send_replace(true);
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        self.release();
    }
}

fn wait(event: impl Future<Output = ()>) -> bool {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
    runtime.is_ok_and(|runtime| runtime.block_on(async { tokio::time::timeout(PATIENCE, event).await.is_ok() }))
}
