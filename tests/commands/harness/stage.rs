//! The stage: a simulated Atlas and a folder with configuration, secrets, state and archive.

use std::{
    cell::RefCell,
    fs::{self, Permissions},
    net::SocketAddr,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use atlas_logd::{
    clock::{Clock, ManualClock, SystemClock},
    instant::Instant,
    sim::{ApiKey, Cluster, Event, Profile, Project, Role, ServiceAccount, SimAtlas, StreamInstance, World},
    source::{Kind, Source},
};
use tempfile::TempDir;
use tokio::net::TcpSocket;

use super::{
    HOUR,
    configuration::{Configuration, ProjectTable},
    readers::Readers,
    try_until,
};

/// The project that is asked with a service account.
pub(crate) const PAYMENTS: &str = "32b6e34b3d91647abb20e7b8";

/// The project that is asked with an API key.
pub(crate) const ANALYTICS: &str = "5f8a0c1d2e3b4a5968778695";

pub(crate) const CLIENT_ID: &str = "mdb_sa_id_1234567890abcdef12345678";
pub(crate) const CLIENT_SECRET: &str = "mdb_sa_sk_stage-secret";
pub(crate) const PUBLIC_KEY: &str = "abcdefgh";
pub(crate) const PRIVATE_KEY: &str = "01234567-89ab-cdef-0123-456789abcdef";

fn source(project_id: &str, project_name: &str, kind: Kind, name: &str) -> Source {
    Source { id: World::source(project_id, kind, name), project_name: project_name.to_owned() }
}

/// `payments/stream-audit/orders`
pub(crate) fn orders() -> Source {
    source(PAYMENTS, "payments", Kind::StreamAudit, "orders")
}

/// `payments/access-history/prod-0`
pub(crate) fn prod() -> Source {
    source(PAYMENTS, "payments", Kind::AccessHistory, "prod-0")
}

/// `analytics/stream-audit/shops`
pub(crate) fn shops() -> Source {
    source(ANALYTICS, "analytics", Kind::StreamAudit, "shops")
}

/// `analytics/access-history/warehouse`
pub(crate) fn warehouse() -> Source {
    source(ANALYTICS, "analytics", Kind::AccessHistory, "warehouse")
}

/// Reads an instant.
pub(crate) fn at(text: &str) -> Instant {
    text.parse().unwrap()
}

/// A simulated Atlas and a folder with configuration, secrets, state and archive.
pub(crate) struct Stage {
    pub(crate) world: Arc<World>,
    /// Serves the world, unless it is down.
    atlas: RefCell<Option<SimAtlas>>,
    address: SocketAddr,
    /// Its port, while nobody answers there.
    port: RefCell<Option<TcpSocket>>,
    /// The clocks of Atlas and of this machine; nothing where both are the machine's real one.
    clocks: Option<(Arc<ManualClock>, Arc<ManualClock>)>,
    configuration: RefCell<Configuration>,
    pub(super) readers: RefCell<Readers>,
    folder: TempDir,
}

impl Stage {
    /// A stage at the time of the machine: for the real program.
    ///
    /// Nothing happens in its world but what the test adds. All four sources exist there; the configuration names
    /// [`orders`] and [`prod`], from six hours ago on.
    pub(crate) fn new() -> Self {
        leave_midnight_behind();
        Self::with(Arc::new(SystemClock), None)
    }

    /// A stage at a time that the test chooses: for polls in this process, see [`Stage::desk`].
    pub(crate) fn at(now: &str) -> Self {
        let clocks = (Arc::new(ManualClock::new(at(now))), Arc::new(ManualClock::new(at(now))));
        Self::with(clocks.0.clone(), Some(clocks))
    }

    /// A stage whose configuration names the sources of both projects, with a record in each.
    pub(crate) fn of_both_projects() -> Self {
        let stage = Self::new();
        stage.configure(|config| config.projects.push(ProjectTable::analytics()));
        [orders(), prod(), shops(), warehouse()].iter().for_each(|source| stage.add_record(source, HOUR, "one"));
        stage
    }

    fn with(clock: Arc<dyn Clock>, clocks: Option<(Arc<ManualClock>, Arc<ManualClock>)>) -> Self {
        let world = Arc::new(World::new(1, clock));
        world.add_project(
            Project::new(PAYMENTS, "payments")
                .with_stream_instance(StreamInstance::new("orders"))
                .with_cluster(Cluster::new("prod-0")),
        );
        world.add_project(
            Project::new(ANALYTICS, "analytics")
                .with_stream_instance(StreamInstance::new("shops"))
                .with_cluster(Cluster::new("warehouse")),
        );
        world.add_service_account(ServiceAccount::new(CLIENT_ID, CLIENT_SECRET).with_role(PAYMENTS, Role::Owner));
        world.add_api_key(ApiKey::new(PUBLIC_KEY, PRIVATE_KEY).with_role(ANALYTICS, Role::Owner));
        // Each command is a process that mints its own token.
        world.set(|settings| {
            settings.tokens_per_minute = 100_000;
            settings.live_tokens = 100_000;
        });
        let atlas = SimAtlas::start(Arc::clone(&world)).unwrap();
        let folder = tempfile::tempdir().unwrap();
        for name in ["archive", "state"] {
            fs::create_dir(folder.path().join(name)).unwrap();
        }
        for (name, secret) in [("client-secret", CLIENT_SECRET), ("private-key", PRIVATE_KEY)] {
            let path = folder.path().join(name);
            fs::write(&path, secret).unwrap();
            fs::set_permissions(path, Permissions::from_mode(0o600)).unwrap();
        }
        let configuration = RefCell::new(Configuration::new(&atlas.base_url()));
        let (address, atlas) = (atlas.addr(), RefCell::new(Some(atlas)));
        let port = RefCell::default();
        let stage = Self { world, atlas, address, port, clocks, configuration, readers: RefCell::default(), folder };
        stage.configure(|_| ());
        stage
    }

    /// Changes the configuration and writes it.
    pub(crate) fn configure(&self, change: impl FnOnce(&mut Configuration)) {
        let mut configuration = self.configuration.borrow_mut();
        change(&mut configuration);
        fs::write(self.config_path(), configuration.text()).unwrap();
    }

    /// Where Atlas answers.
    pub(crate) fn base_url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// From now on, connections to Atlas are refused.
    pub(crate) fn take_atlas_down(&self) {
        *self.atlas.borrow_mut() = None;
        // Bound and not listening, it refuses whoever connects, and no other test gets the port.
        let port = TcpSocket::new_v4().unwrap();
        port.set_reuseaddr(true).unwrap();
        // A program that another test is just starting has the old socket until it runs.
        try_until(|| port.bind(self.address));
        *self.port.borrow_mut() = Some(port);
    }

    /// Atlas is there again.
    pub(crate) fn bring_atlas_up(&self) {
        let mut atlas = self.atlas.borrow_mut();
        if atlas.is_none() {
            *atlas = Some(SimAtlas::start_at(Arc::clone(&self.world), self.address).unwrap());
            *self.port.borrow_mut() = None;
        }
    }

    /// The folder with everything in it.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn config_path(&self) -> PathBuf {
        self.folder().join("config.toml")
    }

    pub(crate) fn archive(&self) -> PathBuf {
        self.folder().join("archive")
    }

    pub(crate) fn state(&self) -> PathBuf {
        self.folder().join("state")
    }

    /// The time at Atlas.
    pub(crate) fn now(&self) -> Instant {
        self.world.now()
    }

    /// So long before now.
    pub(crate) fn ago(&self, ago: Duration) -> Instant {
        self.now() - ago
    }

    /// Lets both clocks of a [`Stage::at`] show `now`.
    pub(crate) fn set_time(&self, now: Instant) {
        self.set_atlas_time(now);
        self.set_local_time(now);
    }

    /// Lets time pass on both clocks of a [`Stage::at`].
    pub(crate) fn pass(&self, time: Duration) {
        let (atlas, local) = self.clocks.as_ref().unwrap();
        atlas.set(atlas.now() + time);
        local.set(local.now() + time);
    }

    /// Lets only the clock of Atlas show `now`.
    pub(crate) fn set_atlas_time(&self, now: Instant) {
        self.clocks.as_ref().unwrap().0.set(now);
    }

    /// Lets only the clock of this machine show `now`.
    pub(crate) fn set_local_time(&self, now: Instant) {
        self.clocks.as_ref().unwrap().1.set(now);
    }

    /// The clock of this machine.
    pub(crate) fn local_clock(&self) -> Arc<dyn Clock> {
        match &self.clocks {
            Some((_, local)) => local.clone(),
            None => Arc::new(SystemClock),
        }
    }

    /// Adds an event to what happened in a source.
    pub(crate) fn add(&self, source: &Source, event: Event) {
        self.world.add(&source.id, event);
    }

    /// Adds a usual record, with a note that tells it from others.
    pub(crate) fn add_record(&self, source: &Source, ago: Duration, note: &str) {
        let (time, note) = (self.ago(ago), format!("{source} {note}"));
        let event = match source.id.kind {
            Kind::StreamAudit => Event::audit(time, &note),
            Kind::AccessHistory => Event::access(time, "host-00", &note),
        };
        self.add(source, event);
    }

    /// Lets events be generated in a source, besides those that are given.
    pub(crate) fn generate(&self, source: &Source, profile: &Profile) {
        let id = &source.id;
        self.world.change_projects(|projects| {
            let project = projects.iter_mut().find(|project| project.id == id.project_id).unwrap();
            let place = match id.kind {
                Kind::StreamAudit => {
                    let instance = project.stream_instances.iter_mut().find(|instance| instance.name == id.name);
                    &mut instance.unwrap().profile
                }
                Kind::AccessHistory => {
                    let cluster = project.clusters.iter_mut().find(|cluster| cluster.name == id.name);
                    &mut cluster.unwrap().profile
                }
            };
            *place = Some(profile.clone());
        });
    }

    /// How often a source's data was asked for, since the last [`World::clear_requests`].
    pub(crate) fn requests_for(&self, source: &Source) -> usize {
        self.world.requests_matching(&atlas_logd::sim::Match::source(&source.id)).len()
    }
}

/// Many tests know which day it is from the first command to the last. One that begins just before midnight (UTC) begins after it.
fn leave_midnight_behind() {
    const DAY_SECONDS: i64 = 86_400;
    let left = DAY_SECONDS - SystemClock.now().seconds_floor().rem_euclid(DAY_SECONDS);
    if left <= 120 {
        std::thread::sleep(Duration::from_secs(left.unsigned_abs()));
    }
}
