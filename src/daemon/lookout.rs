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
    state::{StateError, source_ends},
    vitals::{Vitals, blocking},
};

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
                // Also without any source: whether the state can be read is worth knowing.
                let ends = collector.committer().store().read(source_ends)?;
                Ok(Overview::of(&expected, &ends, now))
            })
            .await
        };
        self.looking.spawn(vitals.watch("the look at the state of all sources".to_owned(), look));
    }

    /// Waits until a look is over, if one is under way: what came of it, if the state could be read.
    pub(super) async fn done(&mut self) -> Option<Option<Overview>> {
        let seen = self.looking.join_next().await?;
        let for_all = FOR_EACH.saturating_mul(u32::try_from(self.expected.len()).unwrap_or(u32::MAX));
        self.again = Instant::now() + AT_MOST_EVERY.saturating_add(for_all).min(AT_LEAST_EVERY);
        let error = match seen {
            Ok(Ok(Ok(overview))) => return Some(Some(overview)),
            Ok(Ok(Err(error))) => error.to_string(),
            Ok(Err(error)) | Err(error) => error.to_string(),
        };
        // Polls fail for the same reason, and tell it.
        tracing::debug!("the state of all sources cannot be read: {error}");
        Some(None)
    }
}
