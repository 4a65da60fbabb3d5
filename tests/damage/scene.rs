//! A simulated Atlas with two sources, and folders with a state and an archive that were collected from it: each test gets
//! a copy of its own.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use atlas_logd::{
    archive::{Archive, Entry, Files, ReadFile, RealFiles, WriteFile},
    clock::ManualClock,
    collect::{Collector, Job, PollReport, Task},
    commit::Committer,
    config::Config,
    daemon::Station,
    instant::Instant,
    plan::{Gap, GapReason},
    sim::{Cluster, Event, Project, Role, ServiceAccount, SimAtlas, StreamInstance, World},
    source::{Kind, Source, SourceId},
    state::{CoverageChange, Intent, SourceState, Store},
    window::Window,
};
use rustix::io::Errno;
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

const GROUP: &str = "0123456789abcdef01234567";

/// Where collection begins.
const START: &str = "08:00";

/// What each source failed with.
pub(crate) type Failures = BTreeMap<Kind, String>;

/// An instant of the one day on which everything happens.
pub(crate) fn at(time: &str) -> Instant {
    format!("2026-11-20T{time}:00Z").parse().unwrap()
}

pub(crate) fn between(from: &str, to: &str) -> Window {
    Window::new(at(from), at(to))
}

pub(crate) fn source_id(kind: Kind) -> SourceId {
    let name = match kind {
        Kind::StreamAudit => "orders",
        Kind::AccessHistory => "prod-0",
    };
    World::source(GROUP, kind, name)
}

/// The simulated Atlas, and the time.
pub(crate) struct Scene {
    pub(crate) world: Arc<World>,
    pub(crate) clock: Arc<ManualClock>,
    atlas: SimAtlas,
}

impl Scene {
    /// A day of records: one of each source every minute, some of them late, some twice the same, some without a clock.
    pub(crate) fn new() -> Self {
        let clock = Arc::new(ManualClock::new(at("09:00")));
        let world = Arc::new(World::new(11, Arc::clone(&clock) as _));
        let project = Project::new(GROUP, "payments").with_stream_instance(StreamInstance::new("orders"));
        world.add_project(project.with_cluster(Cluster::new("prod-0")));
        world.add_service_account(ServiceAccount::new("mdb_sa_id_1", "mdb_sa_sk_1").with_role(GROUP, Role::Owner));
        // Every start asks for a token; some tests start thousands of times.
        world.set(|settings| {
            (settings.tokens_per_minute, settings.live_tokens) = (usize::MAX, usize::MAX);
            (settings.bucket.capacity, settings.bucket.refill) = (u32::MAX, u32::MAX);
        });
        for minute in 0..12 * 60 {
            happen(&world, at("05:00") + Duration::from_secs(60 * minute), minute);
        }
        let atlas = SimAtlas::start(Arc::clone(&world)).unwrap();
        Self { world, clock, atlas }
    }

    /// Empty folders.
    pub(crate) fn folders(&self) -> Folders<'_> {
        let folder = memory_folder();
        for name in ["archive", "state"] {
            fs::create_dir(folder.path().join(name)).unwrap();
        }
        let secret = folder.path().join("client-secret");
        fs::write(&secret, "mdb_sa_sk_1").unwrap();
        fs::set_permissions(&secret, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
        let mut text = String::new();
        write!(
            text,
            r#"
[archive]
dir = "archive"
rotate_every = "hour"

[state]
dir = "state"

[collect]
start = "{start}"

[atlas]
base_url = "{base_url}"
retry_budget = "1s"

[credentials.main]
client_id = "mdb_sa_id_1"
client_secret_file = "client-secret"

[[project]]
id = "{GROUP}"
name = "payments"
credentials = "main"
stream_instances = ["orders"]
clusters = ["prod-0"]
"#,
            start = at(START),
            base_url = self.atlas.base_url()
        )
        .unwrap();
        fs::write(folder.path().join("config.toml"), text).unwrap();
        Folders { scene: self, folder }
    }
}

fn happen(world: &World, time: Instant, minute: u64) {
    let (audit, access) = (source_id(Kind::StreamAudit), source_id(Kind::AccessHistory));
    let late = Duration::from_secs(if minute.is_multiple_of(7) { 240 } else { 0 });
    let lines = match minute % 11 {
        3 => vec![Event::new(time, format!("a line without a clock, number {minute}"))],
        5 => vec![Event::audit(time, "twice the same"), Event::audit(time, "twice the same")],
        _ => vec![Event::audit(time, &format!("audited in minute {minute}"))],
    };
    lines.into_iter().for_each(|event| world.add(&audit, event.late(late)));
    world.add(&access, Event::access(time, "host", &format!("user-of-minute-{minute}")).late(late));
}

/// In memory where the machine has a file system there: thousands of these are made.
fn memory_folder() -> TempDir {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() { TempDir::new_in(memory).unwrap() } else { TempDir::new().unwrap() }
}

/// A configuration, a state and an archive.
pub(crate) struct Folders<'a> {
    pub(crate) scene: &'a Scene,
    folder: TempDir,
}

impl<'a> Folders<'a> {
    /// The same once more.
    pub(crate) fn copy(&self) -> Folders<'a> {
        let folder = memory_folder();
        copy_folder(self.folder.path(), folder.path());
        Folders { scene: self.scene, folder }
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn archive(&self) -> PathBuf {
        self.folder.path().join("archive")
    }

    pub(crate) fn state(&self) -> PathBuf {
        self.folder.path().join("state")
    }

    pub(crate) fn config(&self) -> Config {
        atlas_logd::config::load(&self.folder.path().join("config.toml")).unwrap()
    }

    pub(crate) fn source(&self, kind: Kind) -> Source {
        Source { id: source_id(kind), project_name: "payments".to_owned() }
    }

    pub(crate) fn open(&self) -> Result<Station, String> {
        let opened = Station::open(self.config(), Arc::clone(&self.scene.clock) as _, Arc::new(|_, _| ()));
        opened.map_err(|error| error.to_string())
    }

    /// A start at `time` with one poll of every source.
    pub(crate) fn poll(&self, time: &str) -> Result<Failures, String> {
        self.scene.clock.set(at(time));
        Ok(poll_all(&self.open()?, Job::Regular))
    }

    #[track_caller]
    pub(crate) fn poll_well(&self, time: &str) {
        assert_eq!(self.poll(time).unwrap(), Failures::new());
    }

    #[track_caller]
    pub(crate) fn backfill_well(&self, window: Window) {
        let failures = poll_all(&self.open().unwrap(), Job::Backfill(window));
        assert_eq!(failures, Failures::new());
    }

    #[track_caller]
    pub(crate) fn reconcile_well(&self) {
        let failures = poll_all(&self.open().unwrap(), Job::Reconcile { range: None });
        assert_eq!(failures, Failures::new());
    }

    /// Declares a gap as `skip` does, for both sources: the first minute behind the end watermark.
    pub(crate) fn skip_a_minute(&self) {
        let station = self.open().unwrap();
        let committer = station.collector.committer();
        for kind in Kind::ALL {
            let mut state = committer.recover(&self.source(kind)).unwrap();
            let window = Window::new(state.end.unwrap(), state.end.unwrap() + Duration::from_secs(60));
            let (reason, detail, noticed) = (GapReason::Skipped, "a test".to_owned(), at("12:00"));
            let change = CoverageChange {
                covered: window,
                gaps: vec![Gap { window, reason, detail, noticed }],
                reconciled: None,
            };
            committer.commit_quiet(&mut state, &change, |_| Ok(()), None).unwrap();
        }
    }

    /// A poll at `time` that is killed between the intent and the first byte in the segment: what that leaves.
    pub(crate) fn poll_interrupted(&self, time: &str) -> Folders<'a> {
        self.scene.clock.set(at(time));
        let (collector, tasks) = self.collector_on(Arc::new(Interrupted(self.files())));
        let failures = poll_tasks(&collector, tasks, Job::Regular);
        assert!(failures.len() == 2 && failures.values().all(|said| said.contains("failed to open")), "{failures:?}");
        self.copy()
    }

    /// The real files of the archive.
    pub(crate) fn files(&self) -> RealFiles {
        let settings = self.config().archive;
        RealFiles::open(&settings.dir, settings.file_mode, settings.dir_mode).unwrap()
    }

    /// A start with these files for the archive, and what is to be polled.
    pub(crate) fn collector_on(&self, files: Arc<dyn Files>) -> (Collector, Vec<Task>) {
        let config = self.config();
        let store = Arc::new(Store::open(&self.state()).unwrap());
        let archive = Archive::open(&config.archive, files, &store).unwrap();
        let clock = || Arc::clone(&self.scene.clock) as _;
        let committer = Committer::new(store, archive, clock());
        let collector = Collector::new(Arc::new(committer), clock(), Arc::new(|_, _| ())).unwrap();
        // The clients of the configuration come from a station, which wants state and archive of its own.
        let elsewhere = self.scene.folders();
        let mut station = elsewhere.open().unwrap();
        station.change(config).unwrap();
        (collector, station.tasks().map(|(_, task)| task).collect())
    }

    /// Changes the text of the configuration.
    pub(crate) fn configure(&self, from: &str, to: &str) {
        let path = self.folder.path().join("config.toml");
        let text = fs::read_to_string(&path).unwrap();
        assert_eq!(text.matches(from).count(), 1, "{from}");
        fs::write(&path, text.replace(from, to)).unwrap();
    }

    /// Whether a commit of the source with this number is under way.
    pub(crate) fn has_intent(&self, number: i64) -> bool {
        let store = Store::open_read_only(&self.state()).unwrap();
        let intent = store.read(|connection| {
            let source = SourceState::load_by_key(connection, number)?.unwrap();
            Intent::load(connection, &source)
        });
        intent.unwrap().is_some()
    }

    /// The segments of a source, in order.
    pub(crate) fn segments(&self, kind: Kind) -> Vec<PathBuf> {
        let mut files = list(&self.source_folder(kind));
        files.retain(|path| path.extension().is_some_and(|extension| extension == "ndjson"));
        files
    }

    /// The bytes in all segments of a source.
    pub(crate) fn bytes(&self, kind: Kind) -> u64 {
        self.segments(kind).iter().map(|path| path.metadata().unwrap().len()).sum()
    }

    pub(crate) fn source_folder(&self, kind: Kind) -> PathBuf {
        self.archive().join(match kind {
            Kind::StreamAudit => "payments/stream-audit/orders",
            Kind::AccessHistory => "payments/access-history/prod-0",
        })
    }

    /// Where the new records of a source lie until they are committed.
    pub(crate) fn spool(&self, kind: Kind) -> PathBuf {
        let key = if kind == Kind::StreamAudit { 1 } else { 2 };
        self.archive().join(format!(".spool/{key}.records"))
    }

    /// What the state says of a source.
    pub(crate) fn load(&self, kind: Kind) -> SourceState {
        let store = Store::open_read_only(&self.state()).unwrap();
        store.read(|connection| SourceState::load(connection, &source_id(kind))).unwrap().unwrap()
    }
}

/// One poll of every source.
pub(crate) fn poll_all(station: &Station, job: Job) -> Failures {
    poll_tasks(&station.collector, station.tasks().map(|(_, task)| task).collect(), job)
}

/// One poll of each task, all at once.
pub(crate) fn poll_tasks_at_once(collector: &Collector, tasks: Vec<Task>, job: Job) -> Failures {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let stop = CancellationToken::new();
    let polls = tasks.iter().map(|task| collector.poll(task, job, &stop));
    let reports = runtime.block_on(futures_util::future::join_all(polls));
    let failed = |(task, report): (&Task, PollReport)| Some((task.source.id.kind, report.failure?.to_string()));
    tasks.iter().zip(reports).filter_map(failed).collect()
}

/// One poll of each task, one after the other.
pub(crate) fn poll_tasks(collector: &Collector, tasks: Vec<Task>, job: Job) -> Failures {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let mut failures = Failures::new();
    for task in tasks {
        let report = runtime.block_on(collector.poll(&task, job, &CancellationToken::new()));
        if let Some(failure) = report.failure {
            failures.insert(task.source.id.kind, failure.to_string());
        }
    }
    failures
}

/// What lies in a folder, in order; nothing when it is not there or no folder.
pub(crate) fn list(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten();
    let mut paths: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}

/// Copies what lies in a folder; links stay links.
pub(crate) fn copy_folder(from: &Path, to: &Path) {
    for path in list(from) {
        let target = to.join(path.file_name().unwrap());
        if path.is_symlink() {
            std::os::unix::fs::symlink(fs::read_link(&path).unwrap(), &target).unwrap();
        } else if path.is_dir() {
            fs::create_dir(&target).unwrap();
            copy_folder(&path, &target);
        } else {
            fs::copy(&path, &target).unwrap();
        }
    }
}

/// Real files, but no segment can be appended to.
#[derive(Debug)]
struct Interrupted(RealFiles);

impl Files for Interrupted {
    fn is_in_place(&self) -> io::Result<bool> {
        self.0.is_in_place()
    }

    fn make_folder(&self, folder: &Path) -> io::Result<()> {
        self.0.make_folder(folder)
    }

    fn list(&self, folder: &Path) -> io::Result<Vec<Entry>> {
        self.0.list(folder)
    }

    fn length(&self, path: &Path) -> io::Result<Option<u64>> {
        self.0.length(path)
    }

    fn create(&self, path: &Path) -> io::Result<Box<dyn WriteFile>> {
        self.0.create(path)
    }

    fn append(&self, path: &Path) -> io::Result<Box<dyn WriteFile>> {
        if path.starts_with("payments") { Err(Errno::INTR.into()) } else { self.0.append(path) }
    }

    fn read(&self, path: &Path) -> io::Result<Box<dyn ReadFile>> {
        self.0.read(path)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.0.rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.0.remove(path)
    }

    fn sync_folder(&self, folder: &Path) -> io::Result<()> {
        self.0.sync_folder(folder)
    }

    fn free_bytes(&self) -> io::Result<u64> {
        self.0.free_bytes()
    }
}
