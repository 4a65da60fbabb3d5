//! How far a source is behind its schedule.

use std::{collections::HashMap, time::Duration};

use crate::{config::next_run, instant::Instant, words};

/// How far sources are behind. Patterns that many sources share are looked at once for each of their ticks.
#[derive(Debug, Default)]
pub(crate) struct Backlog<'a> {
    ticks: HashMap<(&'a str, Instant), Option<Instant>>,
}

/// A source that is behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Behind {
    /// Since the poll that did not move its watermark on.
    pub(crate) by: Duration,
    /// Its end watermark.
    pub(crate) end: Instant,
}

impl<'a> Backlog<'a> {
    /// How much longer ago the poll was due that should have moved `end` on than `allowed`; nothing while that is not so. A
    /// watermark stays settle behind, and waits for the next tick: neither counts.
    pub(crate) fn behind(
        &mut self,
        (pattern, settle): (&'a str, Duration),
        end: Instant,
        now: Instant,
        allowed: Duration,
    ) -> Option<Behind> {
        let asked_until = end + settle;
        // No tick lies before what was asked: most sources need no look at their pattern.
        if now.since(asked_until) <= allowed {
            return None;
        }
        // To the second, so that sources that were polled together share an answer; it makes nobody look worse.
        let second = Instant::from_seconds(asked_until.seconds_ceil());
        let due = *self.ticks.entry((pattern, second)).or_insert_with(|| next_run(pattern, second));
        let by = now.since(due?);
        (by > allowed).then_some(Behind { by, end })
    }
}

impl Behind {
    /// In words.
    pub(crate) fn sentence(self) -> String {
        format!(
            "{} behind its schedule: archived up to {} only; `atlas-logd status` says why (Atlas keeps access history for 7 days \
             only)",
            words::duration(self.by),
            self.end
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);
    const HOUR: Duration = Duration::from_secs(3600);

    fn at(text: &str) -> Instant {
        text.parse().unwrap()
    }

    /// How many minutes a source is behind that is polled by `pattern`, settles for 10 minutes, and may be an hour late.
    fn minutes(pattern: &str, end: &str, now: &str) -> Option<u64> {
        let behind = Backlog::default().behind((pattern, 10 * MINUTE), at(end), at(now), HOUR)?;
        assert_eq!(behind.end, at(end));
        Some(behind.by.as_secs() / 60)
    }

    #[test]
    fn what_settle_and_schedule_explain_is_not_behind() {
        // The poll of 12:00 moved the watermark to 11:50; the next one is due at 12:05.
        assert_eq!(minutes("0 */5 * * * *", "2026-11-22T11:50:00Z", "2026-11-22T13:05:00Z"), None);
        assert_eq!(minutes("0 */5 * * * *", "2026-11-22T11:50:00Z", "2026-11-22T13:06:00Z"), Some(61));
        // Once a day: 25 hours after the last poll nothing is wrong; the poll of midnight may be an hour late.
        assert_eq!(minutes("0 0 0 * * *", "2026-11-21T23:50:00Z", "2026-11-23T01:00:00Z"), None);
        assert_eq!(minutes("0 0 0 * * *", "2026-11-21T23:50:00Z", "2026-11-23T01:01:00Z"), Some(61));
    }

    #[test]
    fn a_clock_that_was_ahead_makes_nobody_late() {
        assert_eq!(minutes("0 */5 * * * *", "2026-11-22T11:50:00Z", "2026-11-20T00:00:00Z"), None);
    }
}
