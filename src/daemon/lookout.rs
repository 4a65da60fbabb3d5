//! When the overview is made.

use std::{sync::Arc, time::Duration};

use tokio::{
    task::{JoinError, JoinSet},
    time::Instant,
};

use crate::{
    collect::Collector,
    daemon::{Overview, overview::Expected},
    instant,
    state::StateError,
    vitals::{Vitals, blocking},
};

/// So many sources are read at once: whoever wants to write waits for no more.
const PAGE: usize = 500;

/// It is made this often, also when nothing was polled.
const AT_LEAST_EVERY: Duration = Duration::from_secs(60);

/// Between two of them lies this long, and some time for each source: 21 s for ten thousand of them, which are read within a
/// fraction of a second.
const AT_MOST_EVERY: Duration = Duration::from_secs(1);
const FOR_EACH: Duration = Duration::from_millis(2);

/// What came of looking.
type Seen = Result<Result<Overview, StateError>, JoinError>;

/// Looks at the state after polls, and whether it can be read at all: a look that does not come back is noticed as any other
/// work that hangs.
#[derive(Debug)]
pub(super) struct Lookout {
    expected: Arc<[Expected]>,
    looking: JoinSet<Seen>,
    began: Instant,
    /// Not before this.
    again: Instant,
    /// Whether something was polled since it began the last time.
    polled: bool,
}

impl Default for Lookout {
    fn default() -> Self {
        let now = Instant::now();
        Self { expected: Arc::default(), looking: JoinSet::new(), began: now, again: now, polled: true }
    }
}

impl Lookout {
    /// Looks at these sources from now on.
    pub(super) fn expect(&mut self, sources: impl Iterator<Item = Expected>) {
        self.expected = sources.collect();
        self.polled = true;
    }

    /// A poll is over.
    pub(super) fn note_poll(&mut self) {
        self.polled = true;
    }

    /// Begins to look, if it is time.
    pub(super) fn begin_when_due(&mut self, collector: &Arc<Collector>, now: instant::Instant, vitals: &Vitals) {
        let due = self.polled || self.began.elapsed() >= AT_LEAST_EVERY;
        if !due || !self.looking.is_empty() || Instant::now() < self.again {
            return;
        }
        (self.began, self.polled) = (Instant::now(), false);
        let (collector, expected) = (Arc::clone(collector), Arc::clone(&self.expected));
        let look = async move {
            blocking(move || {
                let mut overview = Overview::default();
                let store = collector.committer().store();
                // Also without any source: whether the state can be read is worth knowing.
                store.read(|connection| overview.add(connection, &[], now))?;
                for page in expected.chunks(PAGE) {
                    store.read(|connection| overview.add(connection, page, now))?;
                }
                Ok(overview)
            })
            .await
        };
        self.looking.spawn(vitals.watch("the look at the state of all sources".to_owned(), look));
    }

    /// Waits until it has looked; for ever while it does not.
    pub(super) async fn done(&mut self) -> Option<Overview> {
        let seen = match self.looking.join_next().await {
            Some(seen) => seen,
            None => std::future::pending().await,
        };
        let for_all = FOR_EACH.saturating_mul(u32::try_from(self.expected.len()).unwrap_or(u32::MAX));
        self.again = Instant::now() + AT_MOST_EVERY.saturating_add(for_all).min(AT_LEAST_EVERY);
        match seen {
            Ok(Ok(Ok(overview))) => Some(overview),
            // Polls fail for the same reason, and tell it.
            Ok(Ok(Err(error))) => {
                tracing::debug!("the state of all sources cannot be read: {error}");
                None
            }
            Ok(Err(error)) | Err(error) => {
                tracing::debug!("the state of all sources cannot be read: {error}");
                None
            }
        }
    }
}
