//! A real archive and a real state on this machine, and a simulated Atlas to fill them from.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use atlas_logd::{
    clock::{Clock, ManualClock},
    collect::Job,
    config::Config,
    daemon::Station,
    instant::Instant,
    sim::{Cluster, Event, Project, Role, ServiceAccount, SimAtlas, StreamInstance, World},
    source::{Kind, Source, SourceId},
    state::{DamagedSegment, SourceState, Store, damaged_segments, gaps},
    window::Window,
};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

pub(crate) const GROUP: &str = "0123456789abcdef01234567";

/// Before anything happened.
pub(crate) const START: &str = "2026-11-20T08:00:00Z";

pub(crate) struct Setting {
    folder: TempDir,
    pub(crate) world: Arc<World>,
    clock: Arc<ManualClock>,
    _atlas: SimAtlas,
}

impl Setting {
    /// Two sources with an hour of records each, collected up to 12:00.
    pub(crate) fn new() -> Self {
        let clock = Arc::new(ManualClock::new("2026-11-20T12:00:00Z".parse().unwrap()));
        let world = Arc::new(world(Arc::clone(&clock) as _));
        let atlas = SimAtlas::start(Arc::clone(&world)).unwrap();
        let folder = tempfile::tempdir().unwrap();
        configure(folder.path(), &atlas.base_url());
        let setting = Self { folder, world, clock, _atlas: atlas };
        for minute in 0..60 {
            setting.happen(&format!("2026-11-20T10:{minute:02}:00Z"));
        }
        setting.poll_well();
        setting.assert_exact();
        setting
    }

    /// Later, with new records.
    pub(crate) fn later(&self, time: &str) {
        let now = format!("2026-11-20T{time}:00Z");
        self.clock.set(now.parse().unwrap());
        self.happen(&now);
    }

    fn happen(&self, time: &str) {
        let time: Instant = time.parse().unwrap();
        self.world.add(&audit(), Event::audit(time, &format!("audited at {time}")));
        self.world.add(&access(), Event::access(time, "host", &format!("user-of-{time}")));
    }

    pub(crate) fn archive(&self) -> PathBuf {
        self.folder.path().join("archive")
    }

    pub(crate) fn state(&self) -> PathBuf {
        self.folder.path().join("state")
    }

    /// The newest segment of the audit log.
    pub(crate) fn segment(&self) -> PathBuf {
        segments(&self.audit_folder()).pop().unwrap()
    }

    pub(crate) fn audit_folder(&self) -> PathBuf {
        self.archive().join("payments/stream-audit/orders")
    }

    pub(crate) fn config(&self) -> Config {
        atlas_logd::config::load(&self.folder.path().join("config.toml")).unwrap()
    }

    pub(crate) fn open(&self) -> Result<Station, String> {
        let opened = Station::open(self.config(), Arc::clone(&self.clock) as _, Arc::new(|_, _| ()));
        opened.map_err(|error| error.to_string())
    }

    /// One start with one poll of every source. What each failed with.
    pub(crate) fn poll(&self) -> Result<BTreeMap<Kind, String>, String> {
        let station = self.open()?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let mut failures = BTreeMap::new();
        for (_, task) in station.tasks() {
            let stop = CancellationToken::new();
            let report = runtime.block_on(station.collector.poll(&task, Job::Regular, &stop));
            if let Some(failure) = report.failure {
                failures.insert(task.source.id.kind, failure.to_string());
            }
        }
        Ok(failures)
    }

    pub(crate) fn poll_well(&self) {
        assert_eq!(self.poll().unwrap(), BTreeMap::new());
    }

    /// All that happened is in the archive exactly once, and nothing is said to be missing.
    pub(crate) fn assert_exact(&self) {
        let config = self.config();
        let store = Store::open_read_only(&config.state_dir).unwrap();
        for source in config.projects.iter().flat_map(|project| project.sources()) {
            assert_exact(&self.archive(), &store, &self.world, &source);
        }
    }

    /// The damaged segments of the audit log.
    pub(crate) fn damaged(&self) -> Vec<DamagedSegment> {
        let store = Store::open_read_only(&self.state()).unwrap();
        let state = store.read(|connection| SourceState::load(connection, &audit())).unwrap().unwrap();
        store.read(|connection| damaged_segments(connection, state.key)).unwrap()
    }
}

/// A world with one project, one instance and one cluster.
pub(crate) fn world(clock: Arc<dyn Clock>) -> World {
    let world = World::new(11, clock);
    let project = Project::new(GROUP, "payments").with_stream_instance(StreamInstance::new("orders"));
    world.add_project(project.with_cluster(Cluster::new("prod-0")));
    world.add_service_account(ServiceAccount::new("mdb_sa_id_1", "mdb_sa_sk_1").with_role(GROUP, Role::Owner));
    world
}

pub(crate) fn configure(folder: &Path, base_url: &str) {
    for name in ["archive", "state"] {
        fs::create_dir(folder.join(name)).unwrap();
    }
    let secret = folder.join("client-secret");
    fs::write(&secret, "mdb_sa_sk_1").unwrap();
    fs::set_permissions(&secret, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    let text = format!(
        r#"
[archive]
dir = "archive"

[state]
dir = "state"

[collect]
start = "{START}"

[atlas]
base_url = "{base_url}"

[credentials.main]
client_id = "mdb_sa_id_1"
client_secret_file = "client-secret"

[[project]]
id = "{GROUP}"
name = "payments"
credentials = "main"
stream_instances = ["orders"]
clusters = ["prod-0"]
"#
    );
    fs::write(folder.join("config.toml"), text).unwrap();
}

pub(crate) fn audit() -> SourceId {
    World::source(GROUP, Kind::StreamAudit, "orders")
}

pub(crate) fn access() -> SourceId {
    World::source(GROUP, Kind::AccessHistory, "prod-0")
}

/// The segments in a folder, in order.
pub(crate) fn segments(folder: &Path) -> Vec<PathBuf> {
    let mut segments: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    segments.sort();
    segments
}

/// Everything between the watermarks is archived as often as it happened, nothing more often, and there is no gap.
pub(crate) fn assert_exact(archive: &Path, store: &Store, world: &World, source: &Source) {
    let state = store.read(|connection| SourceState::load(connection, &source.id)).unwrap().unwrap();
    let damaged = store.read(|connection| damaged_segments(connection, state.key)).unwrap();
    let mut counts: BTreeMap<Vec<u8>, i64> = BTreeMap::new();
    for path in segments(&archive.join(&state.folder)) {
        let mut bytes = fs::read(&path).unwrap();
        let name = path.file_name().unwrap().to_str().unwrap();
        if let Some(damaged) = damaged.iter().find(|damaged| damaged.name.as_str() == name) {
            bytes.truncate(usize::try_from(damaged.good_length).unwrap());
        }
        assert!(bytes.is_empty() || bytes.ends_with(b"\n"), "{name} ends within a record");
        for record in bytes.split_inclusive(|byte| *byte == b'\n') {
            *counts.entry(record[..record.len() - 1].to_vec()).or_default() += 1;
        }
    }
    let (start, end, now) = (state.start.unwrap(), state.end.unwrap(), world.now());
    for event in world.truth_iter(&source.id, Window::new(start, now + Duration::from_secs(1)), now) {
        let count = counts.entry(event.bytes.to_vec()).or_default();
        *count -= 1;
        let late = event.clocks.time >= end;
        assert!(late || *count >= 0, "{source}: the record of {} is missing", event.clocks.time);
    }
    for (record, count) in counts {
        assert!(count <= 0, "{source}: archived {count} times more than it happened: {}", record.escape_ascii());
    }
    assert_eq!(store.read(|connection| gaps(connection, state.key)).unwrap(), []);
}
