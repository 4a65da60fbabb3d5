//! Which sources there are, and when they are polled.

use std::{collections::BTreeMap, fmt::Write as _, path::Path, time::Duration};

use atlas_logd::{
    daemon,
    instant::Instant,
    source::{Filter, Kind, Source, SourceId},
};

/// So many entries are new with each poll of a busy source.
pub(crate) const ENTRIES: i64 = 100;

/// Sources, and how often they are polled.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fleet {
    pub(crate) projects: usize,
    pub(crate) sources: usize,
    /// Each so-and-so-manieth source is busy; 0 if none is.
    pub(crate) busy_of: usize,
    /// Seconds between two polls of a source: divides a minute, or is whole minutes that divide an hour.
    pub(crate) interval: i64,
}

impl Fleet {
    /// All sources, project after project: one half of each stream instances, the other one clusters.
    pub(crate) fn sources(&self) -> impl Iterator<Item = Source> + use<> {
        let Self { projects, sources, busy_of, .. } = *self;
        let each = sources / projects;
        (0..projects).flat_map(move |project| {
            (0..each).map(move |number| {
                let kind = if number < each / 2 { Kind::StreamAudit } else { Kind::AccessHistory };
                let busy = busy_of > 0 && number % busy_of == 0;
                let name = format!("{}-{number:04}", if busy { "busy" } else { "quiet" });
                let id = SourceId {
                    project_id: format!("32b6e34b3d91{project:012x}"),
                    kind,
                    name,
                    filter: Filter::default(),
                };
                Source { id, project_name: format!("project-{project:03}") }
            })
        })
    }

    pub(crate) fn interval(&self) -> Duration {
        Duration::from_secs(self.interval.unsigned_abs())
    }

    /// How long records may take to appear: as many polls as with five minutes and what is usual.
    pub(crate) fn settle(&self) -> Duration {
        self.interval() * 3
    }

    /// How far the entries of a busy source lie apart, in milliseconds.
    pub(crate) fn apart(&self) -> i64 {
        self.interval * 1000 / ENTRIES
    }

    /// Access histories are polled so long after audit logs, in seconds.
    fn behind(&self) -> i64 {
        if self.interval < 60 { self.interval / 2 } else { 30 }
    }

    /// The next tick of the audit logs that is `lead` away at least, in an hour in which each tick of a fleet is `interval` after
    /// the last.
    pub(crate) fn first_tick(&self, now: Instant, lead: Duration) -> Instant {
        let step = self.interval.min(60);
        Instant::from_seconds(((now + lead).seconds_floor() / step + 1) * step)
    }

    /// When a source is to be polled for the tick at `tick` of the audit logs.
    pub(crate) fn planned(&self, source: &SourceId, tick: Instant) -> Instant {
        let behind = if source.kind == Kind::StreamAudit { 0 } else { self.behind() };
        tick + Duration::from_secs(behind.unsigned_abs()) + daemon::turn(source, self.sources, self.interval())
    }

    /// After its tick, all sources have had their turns within this.
    pub(crate) fn spread(&self) -> Duration {
        daemon::spread(self.sources, self.interval()) + Duration::from_secs(self.behind().unsigned_abs())
    }

    /// The cron pattern of a kind, so that there is a tick at `tick`.
    fn pattern(&self, kind: Kind, tick: Instant) -> String {
        let behind = if kind == Kind::StreamAudit { 0 } else { self.behind() };
        let list = |first: i64, step: i64| {
            let mut all: Vec<i64> = (0..60 / step).map(|number| (first + number * step) % 60).collect();
            all.sort_unstable();
            all.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")
        };
        let second = tick.seconds_floor() + behind;
        if self.interval < 60 {
            format!("{} * * * * *", list(second, self.interval))
        } else {
            format!("{} {} * * * *", second % 60, list(second / 60, self.interval / 60))
        }
    }

    /// The configuration in `folder`, where `archive` and `state` lie.
    pub(crate) fn configure(&self, folder: &Path, base: &str, tick: Instant) {
        let mut text = format!(
            "archive.dir = \"archive\"\nstate.dir = \"state\"\natlas.base_url = \"{base}\"\n\
             [schedule]\nstream_audit = \"{}\"\naccess_history = \"{}\"\nreconcile = \"off\"\n\
             [collect]\nstream_audit_settle = \"{settle}s\"\naccess_history_settle = \"{settle}s\"\n\
             [credentials.main]\nclient_id = \"mdb_sa_id_1\"\nclient_secret_file = \"{}\"\n",
            self.pattern(Kind::StreamAudit, tick),
            self.pattern(Kind::AccessHistory, tick),
            folder.join("secret").display(),
            settle = self.settle().as_secs(),
        );
        std::fs::write(folder.join("secret"), "mdb_sa_sk_1").unwrap();
        let mut projects: BTreeMap<(String, String), [Vec<String>; 2]> = BTreeMap::new();
        for Source { id, project_name } in self.sources() {
            projects.entry((id.project_id, project_name)).or_default()[id.kind as usize]
                .push(format!("\"{}\"", id.name));
        }
        for ((id, name), [instances, clusters]) in projects {
            write!(
                text,
                "[[project]]\nid = \"{id}\"\nname = \"{name}\"\ncredentials = \"main\"\nstream_instances = [{}]\n\
                 clusters = [{}]\n",
                instances.join(", "),
                clusters.join(", "),
            )
            .unwrap();
        }
        std::fs::write(folder.join("config.toml"), text).unwrap();
    }
}
