//! The sign of one piece of work.

use std::{
    cell::RefCell,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use super::work::Worker;

/// It may be silent for as long as others take.
const FOR_OTHERS: u64 = u64::MAX;

tokio::task_local! {
    /// Who works in this task.
    pub(super) static TASK: Worker;
}

thread_local! {
    /// The sign of what is done on this thread, while that is watched.
    static THREAD: RefCell<Option<Arc<Sign>>> = const { RefCell::new(None) };
}

/// The sign of one piece of work. Nothing is ordered by it: each value is right by itself, and one that is seen late is seen at
/// the next look.
#[derive(Debug, Default)]
pub(super) struct Sign {
    /// Whether it got on since the last look.
    moved: AtomicBool,
    /// For how many milliseconds longer than usual it may be silent now.
    longer_ms: AtomicU64,
}

/// What a sign shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Shown {
    /// Whether it got on since the last look.
    pub(super) moved: bool,
    /// For how much longer than usual it may be silent; nothing where it waits for others.
    pub(super) longer: Option<Duration>,
}

impl Sign {
    /// Looks, and clears it.
    pub(super) fn look(&self) -> Shown {
        let longer = match self.longer_ms.load(Ordering::Relaxed) {
            FOR_OTHERS => None,
            longer_ms => Some(Duration::from_millis(longer_ms)),
        };
        Shown { moved: self.moved.swap(false, Ordering::Relaxed), longer }
    }

    fn set_moved(&self) {
        self.moved.store(true, Ordering::Relaxed);
    }

    /// Changes for how much longer it may be silent; what it was before.
    fn change(&self, longer_ms: u64) -> u64 {
        let before = self.longer_ms.swap(longer_ms, Ordering::Relaxed);
        self.set_moved();
        before
    }
}

/// Does `with` the sign of what is done here, if it is watched.
fn with_sign<T>(with: impl Fn(&Arc<Sign>) -> T) -> Option<T> {
    let of_thread = THREAD.try_with(|thread| thread.borrow().as_ref().map(&with)).ok().flatten();
    of_thread.or_else(|| TASK.try_with(|worker| with(worker.sign())).ok())
}

/// What is done here got on.
pub(crate) fn moved() {
    with_sign(|sign| sign.set_moved());
}

/// What is done here waits, for so long at most, until this is dropped.
#[must_use]
pub(crate) fn waits(at_most: Duration) -> Waiting {
    Waiting::new(u64::try_from(at_most.as_millis()).unwrap_or(FOR_OTHERS).min(FOR_OTHERS - 1))
}

/// What is done here waits until others are done, until this is dropped. They have to be watched, for this is not.
#[must_use]
pub(crate) fn waits_for_others() -> Waiting {
    Waiting::new(FOR_OTHERS)
}

/// While this is there, what is done here may be silent for longer than usual.
pub(crate) struct Waiting {
    sign: Option<Arc<Sign>>,
    before: u64,
}

impl Waiting {
    fn new(longer_ms: u64) -> Self {
        let changed = with_sign(|sign| (Arc::clone(sign), sign.change(longer_ms)));
        changed.map_or(Self { sign: None, before: 0 }, |(sign, before)| Self { sign: Some(sign), before })
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        if let Some(sign) = &self.sign {
            sign.change(self.before);
        }
    }
}

/// Makes this the sign of what is done on this thread, until it is dropped.
pub(super) struct OnThread;

impl OnThread {
    pub(super) fn new(sign: Arc<Sign>) -> Self {
        THREAD.set(Some(sign));
        Self
    }
}

impl Drop for OnThread {
    fn drop(&mut self) {
        THREAD.set(None);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(moved: bool, longer: Option<u64>) -> Shown {
        Shown { moved, longer: longer.map(Duration::from_secs) }
    }

    #[test]
    fn a_sign_is_cleared_by_a_look_and_tells_who_waits_for_what() {
        let sign = Arc::new(Sign::default());
        moved();
        assert_eq!(sign.look(), shown(false, Some(0)), "nobody has a sign yet");
        let on_thread = OnThread::new(Arc::clone(&sign));
        moved();
        assert_eq!(sign.look(), shown(true, Some(0)));
        assert_eq!(sign.look(), shown(false, Some(0)));
        let others = waits_for_others();
        assert_eq!(sign.look(), shown(true, None));
        {
            let _request = waits(Duration::from_secs(70));
            assert_eq!(sign.look(), shown(true, Some(70)));
            assert_eq!(sign.look(), shown(false, Some(70)));
        }
        assert_eq!(sign.look(), shown(true, None), "back to what it waited for before");
        drop(others);
        assert_eq!(sign.look(), shown(true, Some(0)));
        drop(on_thread);
        moved();
        assert_eq!(sign.look(), shown(false, Some(0)));
    }

    #[test]
    fn a_wait_without_end_is_no_wait_for_others() {
        let sign = Arc::new(Sign::default());
        let _on_thread = OnThread::new(Arc::clone(&sign));
        let _waiting = waits(Duration::MAX);
        assert!(sign.look().longer.is_some());
    }
}
