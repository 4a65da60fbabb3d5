//! All signs, and for how long each was silent.

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use super::sign::{Shown, Sign};
use crate::words;

/// More than this does not count as silence between two looks: the machine slept, or the whole process was stopped, and nobody
/// could have given a sign.
pub(crate) const LONGEST_LOOK: Duration = Duration::from_secs(30);

/// Watches over what is under way. Clones are the same.
#[derive(Clone, Debug)]
pub struct Vitals(Arc<Mutex<Register>>);

#[derive(Debug)]
struct Register {
    /// What is under way: for each poll one entry, and one for each of its pieces of work that a thread does.
    entries: HashMap<u64, Watched>,
    next: u64,
    /// For how long something may be silent that has not said that it waits.
    patience: Duration,
    looked: Option<Instant>,
    /// For how long all that is under way waited for others, of whom there are none.
    nobody_moves: Duration,
}

#[derive(Debug)]
struct Watched {
    what: Arc<str>,
    sign: Arc<Sign>,
    silent: Duration,
}

/// Something hangs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stuck {
    /// What has been silent for longest.
    what: Arc<str>,
    /// For how long.
    silent: Duration,
    /// How much else is.
    others: usize,
}

impl fmt::Display for Stuck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} shows no sign of life for {}", self.what, words::duration(self.silent))?;
        match self.others {
            0 => Ok(()),
            others => write!(f, ", and {others} more"),
        }
    }
}

/// Something that is watched for as long as this is there.
#[derive(Debug)]
pub(super) struct Entry {
    vitals: Vitals,
    number: u64,
    what: Arc<str>,
    sign: Arc<Sign>,
}

impl Entry {
    pub(super) fn sign(&self) -> &Arc<Sign> {
        &self.sign
    }

    pub(super) fn what(&self) -> Arc<str> {
        Arc::clone(&self.what)
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        self.vitals.register().entries.remove(&self.number);
    }
}

impl Vitals {
    /// Watches over nothing yet. Silence of more than `patience` is too long.
    #[must_use]
    pub fn new(patience: Duration) -> Self {
        let register =
            Register { entries: HashMap::new(), next: 0, patience, looked: None, nobody_moves: Duration::ZERO };
        Self(Arc::new(Mutex::new(register)))
    }

    /// Changes what is too long.
    pub fn set_patience(&self, patience: Duration) {
        self.register().patience = patience;
    }

    pub(super) fn enter(&self, what: Arc<str>) -> Entry {
        let sign = Arc::new(Sign::default());
        let mut register = self.register();
        let number = register.next;
        register.next += 1;
        let watched = Watched { what: Arc::clone(&what), sign: Arc::clone(&sign), silent: Duration::ZERO };
        register.entries.insert(number, watched);
        drop(register);
        Entry { vitals: self.clone(), number, what, sign }
    }

    /// Looks at all signs. What hangs, if something does.
    #[must_use]
    pub fn check(&self, now: Instant) -> Option<Stuck> {
        let mut register = self.register();
        let passed = register.looked.map_or(Duration::ZERO, |looked| now.saturating_duration_since(looked));
        register.looked = Some(now);
        register.look(passed.min(LONGEST_LOOK))
    }

    fn register(&self) -> MutexGuard<'_, Register> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Register {
    fn look(&mut self, passed: Duration) -> Option<Stuck> {
        let (mut longest, mut stuck): (Option<&Watched>, usize) = (None, 0);
        let mut somebody_moves = false;
        for watched in self.entries.values_mut() {
            let Shown { moved, longer } = watched.sign.look();
            watched.silent = if moved { Duration::ZERO } else { watched.silent + passed };
            somebody_moves |= moved || longer.is_some();
            let Some(longer) = longer else { continue };
            if watched.silent > longer.saturating_add(self.patience) {
                stuck += 1;
                if longest.is_none_or(|longest| longest.silent < watched.silent) {
                    longest = Some(watched);
                }
            }
        }
        if let Some(Watched { what, silent, .. }) = longest {
            return Some(Stuck { what: Arc::clone(what), silent: *silent, others: stuck - 1 });
        }
        self.nobody_moves =
            if somebody_moves || self.entries.is_empty() { Duration::ZERO } else { self.nobody_moves + passed };
        // Each waits for another one to be done, and nobody is left who could be.
        let waits = self.entries.values().next().filter(|_| self.nobody_moves > self.patience)?;
        Some(Stuck { what: Arc::clone(&waits.what), silent: self.nobody_moves, others: self.entries.len() - 1 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vitals::{blocking, moved, waits, waits_for_others};

    const SECOND: Duration = Duration::from_secs(1);
    const PATIENCE: Duration = Duration::from_secs(60);

    /// Lets time pass, a look every second. What hangs at the end of it.
    fn pass(vitals: &Vitals, now: &mut Instant, seconds: u32) -> Option<String> {
        let mut stuck = None;
        for _ in 0..seconds {
            *now += SECOND;
            stuck = vitals.check(*now);
        }
        stuck.map(|stuck| stuck.to_string())
    }

    fn watching() -> (Vitals, Instant) {
        let (vitals, now) = (Vitals::new(PATIENCE), Instant::now());
        assert_eq!(vitals.check(now), None);
        (vitals, now)
    }

    /// Lets the tasks of the runtime go on.
    async fn settle() {
        for _ in 0..20 {
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test]
    async fn what_is_silent_for_too_long_hangs_until_it_gets_on() {
        let (vitals, mut now) = watching();
        let (poke, mut poked) = tokio::sync::mpsc::channel::<()>(1);
        let work = tokio::spawn(vitals.watch("the poll of x".to_owned(), async move {
            while poked.recv().await.is_some() {
                moved();
            }
        }));
        settle().await;
        for _ in 0..10 {
            assert_eq!(pass(&vitals, &mut now, 59), None);
            poke.send(()).await.unwrap();
            settle().await;
        }
        assert_eq!(pass(&vitals, &mut now, 61), None);
        assert_eq!(pass(&vitals, &mut now, 1).as_deref(), Some("the poll of x shows no sign of life for 1 min 1 s"));
        poke.send(()).await.unwrap();
        settle().await;
        assert_eq!(pass(&vitals, &mut now, 60), None, "it got on");
        drop(poke);
        work.await.unwrap();
        assert_eq!(pass(&vitals, &mut now, 1000), None, "it is over");
    }

    #[tokio::test]
    async fn who_waits_on_purpose_may_be_silent_for_as_long() {
        let (vitals, mut now) = watching();
        let hour = Duration::from_secs(3600);
        let waiting = vitals.watch("x".to_owned(), async move {
            let _waiting = waits(hour);
            std::future::pending::<()>().await;
        });
        let work = tokio::spawn(waiting);
        settle().await;
        assert_eq!(pass(&vitals, &mut now, 3660), None);
        assert!(pass(&vitals, &mut now, 2).is_some(), "but not for ever");
        work.abort();
    }

    #[tokio::test]
    async fn who_waits_for_others_lives_while_one_of_them_does() {
        let (vitals, mut now) = watching();
        for number in 0..3 {
            tokio::spawn(vitals.watch(format!("{number}"), async {
                let _waiting = waits_for_others();
                std::future::pending::<()>().await;
            }));
        }
        let (finish, finished) = tokio::sync::oneshot::channel::<()>();
        let worker = tokio::spawn(vitals.watch("the one".to_owned(), async {
            let _waiting = waits(Duration::from_secs(1000));
            finished.await
        }));
        settle().await;
        assert_eq!(pass(&vitals, &mut now, 1000), None);
        finish.send(()).unwrap();
        worker.await.unwrap().unwrap();
        assert_eq!(pass(&vitals, &mut now, 60), None);
        let stuck = pass(&vitals, &mut now, 1).unwrap();
        assert!(stuck.ends_with("shows no sign of life for 1 min 1 s, and 2 more"), "{stuck}");
    }

    #[tokio::test]
    async fn a_thread_has_a_sign_of_its_own_and_its_task_waits_for_it() {
        let (vitals, mut now) = watching();
        let (go_on, gone_on) = std::sync::mpsc::channel::<()>();
        let (tell, mut told) = tokio::sync::mpsc::channel::<()>(1);
        let work = vitals.watch("the poll of x".to_owned(), async move {
            blocking(move || {
                while gone_on.recv().is_ok() {
                    moved();
                    tell.blocking_send(()).unwrap();
                }
            })
            .await
        });
        let work = tokio::spawn(work);
        for _ in 0..3 {
            go_on.send(()).unwrap();
            told.recv().await.unwrap();
            assert_eq!(pass(&vitals, &mut now, 60), None);
        }
        let stuck = pass(&vitals, &mut now, 3);
        assert_eq!(stuck.as_deref(), Some("the poll of x shows no sign of life for 1 min 2 s"), "told once");
        // It is not forgotten where whoever waited for it is gone.
        work.abort();
        assert!(work.await.unwrap_err().is_cancelled());
        assert!(pass(&vitals, &mut now, 1).is_some());
        drop(go_on);
        while !vitals.register().entries.is_empty() {
            tokio::task::yield_now().await;
        }
        assert_eq!(pass(&vitals, &mut now, 1), None);
    }

    #[tokio::test]
    async fn a_process_that_was_stopped_accuses_nobody() {
        let (vitals, mut now) = watching();
        let work = tokio::spawn(vitals.watch("x".to_owned(), std::future::pending::<()>()));
        settle().await;
        now += Duration::from_secs(3600);
        assert_eq!(vitals.check(now), None);
        assert_eq!(pass(&vitals, &mut now, 30), None);
        assert!(pass(&vitals, &mut now, 1).is_some());
        work.abort();
    }
}
