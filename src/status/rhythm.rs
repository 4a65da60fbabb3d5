//! How often a source is polled, and how far its watermark trails therefore.

use std::{collections::BTreeMap, time::Duration};

use crate::{
    config::{Config, Schedule, next_run},
    instant::Instant,
    source::{Kind, SourceId},
};

/// Whatever the schedule, a poll may take so long before its source counts as behind.
const LEEWAY: Duration = Duration::from_secs(60);

/// What the configuration says of all sources about when they are polled.
#[derive(Clone, Debug)]
pub(crate) struct Rhythms {
    settle: [(Kind, Duration); 2],
    general: Schedule,
    projects: BTreeMap<String, Schedule>,
}

/// When a source is polled.
#[derive(Clone, Debug)]
pub(crate) struct Rhythm {
    pub(crate) settle: Duration,
    /// The cron pattern of its polls.
    pub(crate) pattern: String,
    /// The next poll by the schedule.
    pub(crate) next_poll: Option<Instant>,
    /// The time between two polls.
    interval: Duration,
    /// The cron pattern of its reconciliations, if there are any.
    pub(crate) reconcile: Option<String>,
    /// The next one by the schedule.
    pub(crate) next_reconciliation: Option<Instant>,
}

impl Rhythm {
    /// The longest lag of the source that is as it should be.
    pub(crate) fn usual_lag(&self) -> Duration {
        usual_lag(self.settle, self.interval)
    }
}

/// The longest lag that is as it should be, of a source that is polled once in each `interval`: settle, the time between two
/// polls, and as much again.
pub(crate) fn usual_lag(settle: Duration, interval: Duration) -> Duration {
    settle.saturating_add(interval).saturating_add(interval.max(LEEWAY))
}

impl Rhythms {
    /// Those of a configuration.
    pub(crate) fn of(config: &Config) -> Self {
        let schedule_of = |project: &crate::config::Project| (project.id.clone(), project.schedule.clone());
        Self {
            settle: Kind::ALL.map(|kind| (kind, config.collect.settle(kind))),
            general: config.schedule.clone(),
            projects: config.projects.iter().map(schedule_of).collect(),
        }
    }

    fn settle(&self, kind: Kind) -> Duration {
        self.settle.iter().find(|(of, _)| *of == kind).map_or(Duration::ZERO, |(_, settle)| *settle)
    }

    fn schedule(&self, project_id: &str) -> &Schedule {
        self.projects.get(project_id).unwrap_or(&self.general)
    }
}

/// The rhythms at one moment. Patterns are many sources', and looking for their next run costs.
#[derive(Debug)]
pub(super) struct Timetable<'a> {
    rhythms: &'a Rhythms,
    now: Instant,
    runs: BTreeMap<&'a str, Runs>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Runs {
    next: Option<Instant>,
    interval: Duration,
}

impl<'a> Timetable<'a> {
    pub(super) fn new(rhythms: &'a Rhythms, now: Instant) -> Self {
        Self { rhythms, now, runs: BTreeMap::new() }
    }

    /// When a source is polled.
    pub(super) fn of(&mut self, source: &SourceId) -> Rhythm {
        let schedule = self.rhythms.schedule(&source.project_id);
        let pattern = schedule.of(source.kind);
        let Runs { next, interval } = self.runs(pattern);
        Rhythm {
            settle: self.rhythms.settle(source.kind),
            pattern: pattern.to_owned(),
            next_poll: next,
            interval,
            reconcile: schedule.reconcile.clone(),
            next_reconciliation: schedule.reconcile.as_deref().and_then(|pattern| self.runs(pattern).next),
        }
    }

    fn runs(&mut self, pattern: &'a str) -> Runs {
        let now = self.now;
        *self.runs.entry(pattern).or_insert_with(|| {
            let next = next_run(pattern, Instant::from_seconds(now.seconds_floor()));
            let second = next.and_then(|next| next_run(pattern, next));
            let interval = second.zip(next).map_or(Duration::ZERO, |(second, next)| second.since(next));
            Runs { next, interval }
        })
    }
}
