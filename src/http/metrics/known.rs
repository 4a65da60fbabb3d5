//! What the state says of one source, less all names and messages: of ten thousand sources this is a few megabytes.

use std::time::Duration;

use crate::{
    instant::Instant,
    plan::GapReason,
    state::{Health, Overview, Reconciled, SourceState},
};

/// What the state says of one source.
#[derive(Debug, Default)]
pub(super) struct Known {
    /// Nothing of one whose row cannot be read.
    pub(super) archived: Option<Archived>,
    pub(super) polls: Option<Polls>,
    pub(super) reconciliation: Option<Reconciliation>,
}

#[derive(Debug)]
pub(super) struct Archived {
    pub(super) end: Option<Instant>,
    pub(super) records: u64,
    pub(super) bytes: u64,
    pub(super) late_records: u64,
    pub(super) lateness: Duration,
    /// Segments begun so far.
    pub(super) segments: u64,
    /// What is missing: each reason that there is, with how many ranges and how long they are in all.
    pub(super) missing: Vec<(GapReason, u64, Duration)>,
    /// When the newest gap was noticed that nobody declared.
    pub(super) gap_noticed: Option<Instant>,
    pub(super) damaged_segments: u64,
    /// When the newest of them was noticed.
    pub(super) damage_noticed: Option<Instant>,
}

#[derive(Debug)]
pub(super) struct Polls {
    pub(super) polls: u64,
    pub(super) failed: u64,
    pub(super) requests: u64,
    pub(super) succeeded: Option<Instant>,
    pub(super) failing_since: Option<Instant>,
}

#[derive(Debug)]
pub(super) struct Reconciliation {
    pub(super) succeeded: Option<Instant>,
    pub(super) failed: bool,
    /// Records that the last one found missing; they are archived now.
    pub(super) missing: u64,
}

impl Known {
    pub(super) fn new(overview: &Overview) -> Self {
        let Overview { state, health, reconciliation, .. } = overview;
        Self {
            archived: Some(Archived::new(state, overview)),
            polls: health.as_ref().map(Into::into),
            reconciliation: reconciliation.as_ref().map(Into::into),
        }
    }

    /// Of a source whose row is damaged: how its polls went stands elsewhere.
    pub(super) fn damaged(health: Option<&Health>) -> Self {
        Self { archived: None, polls: health.map(Into::into), reconciliation: None }
    }
}

impl Archived {
    fn new(state: &SourceState, Overview { missing: gaps, damaged_segments, .. }: &Overview) -> Self {
        let with_reason = |reason| {
            let windows = gaps.iter().filter(|gap| gap.reason == reason).map(|gap| gap.window.duration());
            let (count, time) = windows.fold((0, Duration::ZERO), |(count, sum), time| (count + 1, sum + time));
            (count > 0).then_some((reason, count, time))
        };
        // An operator knows of his own; what a backfill leaves behind has no time of its own.
        let found = gaps.iter().filter(|gap| !matches!(gap.reason, GapReason::Skipped | GapReason::BeforeStart));
        Self {
            end: state.end,
            records: state.records,
            bytes: state.bytes,
            late_records: state.late_records,
            lateness: state.lateness,
            segments: state.next_sequence.saturating_sub(1),
            missing: GapReason::ALL.into_iter().filter_map(with_reason).collect(),
            gap_noticed: found.map(|gap| gap.noticed).max(),
            damaged_segments: damaged_segments.len() as u64,
            damage_noticed: damaged_segments.iter().map(|segment| segment.noticed).max(),
        }
    }

    pub(super) fn gaps(&self) -> u64 {
        self.missing.iter().map(|(_, count, _)| count).sum()
    }
}

impl From<&Health> for Polls {
    fn from(health: &Health) -> Self {
        Self {
            polls: health.polls,
            failed: health.failed_polls,
            requests: health.requests,
            succeeded: health.succeeded,
            failing_since: health.failing_since,
        }
    }
}

impl From<&Reconciled> for Reconciliation {
    fn from(last: &Reconciled) -> Self {
        Self { succeeded: last.succeeded, failed: !last.message.is_empty(), missing: last.missing }
    }
}
