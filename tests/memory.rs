//! Peak memory of `collect`: under 40 MiB, however much a window holds.
//!
//! What is measured is the real program, in a process of its own; the simulated Atlas runs in this one. The peak is
//! `VmHWM` of `/proc/PID/status` (the resident set at its largest, program text included), read at the only moment at
//! which all work is done and the process is still there: when it revokes its token, a request that is held meanwhile.
//!
//! The large window has 128 MB by default. Another size, for instance the documented 1 GB:
//!
//! ```text
//! ATLAS_LOGD_MEMORY_TEST_MB=1000 cargo test --release --test memory -- --nocapture --test-threads=1
//! ```
//!
//! `ATLAS_LOGD_MEMORY_TEST_ENTRIES=400000` does the same for the number of access-history entries.

#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::{
    fs,
    process::{Child, Command, Stdio},
    sync::Arc,
    time::Duration,
};

use atlas_logd::{
    clock::SystemClock,
    sim::{Cluster, Event, Match, Profile, Project, Role, ServiceAccount, SimAtlas, StreamInstance, World},
    source::{Kind, SourceId},
    window::Window,
};

const PROJECT: &str = "32b6e34b3d91647abb20e7b8";
const MIB: u64 = 1024 * 1024;
const LIMIT: u64 = 40 * MIB;

/// What a record is padded to.
const LINE_BYTES: usize = 1000;

/// Nearly as long as a record may be.
const LONG_RECORD_BYTES: usize = 15 << 20;

const HOUR: Duration = Duration::from_secs(3600);
const MINUTE: Duration = Duration::from_secs(60);

/// No collection here takes longer.
const PATIENCE: Duration = Duration::from_secs(1200);

/// The size of the large audit log, in MB.
fn megabytes(default: u64) -> u64 {
    std::env::var("ATLAS_LOGD_MEMORY_TEST_MB").map_or(default, |text| text.parse().unwrap())
}

/// The size of the large access history, in entries.
fn entries(default: u64) -> u64 {
    std::env::var("ATLAS_LOGD_MEMORY_TEST_ENTRIES").map_or(default, |text| text.parse().unwrap())
}

/// So many records of one source, evenly over the last `over`.
#[derive(Clone, Copy)]
struct Volume {
    kind: Kind,
    records: u64,
    line_bytes: usize,
    over: Duration,
}

impl Volume {
    fn audit(megabytes: u64, over: Duration) -> Self {
        Self { kind: Kind::StreamAudit, records: megabytes * 1000, line_bytes: LINE_BYTES, over }
    }

    fn access(records: u64, over: Duration) -> Self {
        Self { kind: Kind::AccessHistory, records, line_bytes: 600, over }
    }
}

/// What a collection took.
struct Measured {
    peak: u64,
    anonymous: u64,
    archived_bytes: u64,
    archived_records: u64,
}

/// The simulated Atlas, and a folder to collect into.
struct Setting {
    volume: Volume,
    atlas: SimAtlas,
    window: Window,
    folder: tempfile::TempDir,
}

impl Setting {
    fn new(volume: Volume) -> Self {
        let world = Arc::new(World::new(1, Arc::new(SystemClock)));
        let now = world.now();
        let window = Window::new(now - volume.over, now);
        let minutes = volume.over.as_secs_f64() / 60.0;
        let profile = Profile::bulk(window.from, volume.records as f64 / minutes, volume.line_bytes);
        let project = Project::new(PROJECT, "p");
        let (project, names) = match volume.kind {
            Kind::StreamAudit => {
                let instance = StreamInstance::new("orders").with_profile(profile);
                (project.with_stream_instance(instance), "stream_instances = [\"orders\"]")
            }
            Kind::AccessHistory => {
                let cluster = Cluster::new("prod-0").with_profile(profile);
                (project.with_cluster(cluster), "clusters = [\"prod-0\"]")
            }
        };
        world.add_project(project);
        world.add_service_account(ServiceAccount::new("mdb_sa_id_1", "mdb_sa_sk_1").with_role(PROJECT, Role::Owner));
        let atlas = SimAtlas::start(world).unwrap();
        let folder = tempfile::tempdir().unwrap();
        for name in ["archive", "state"] {
            fs::create_dir(folder.path().join(name)).unwrap();
        }
        fs::write(folder.path().join("secret"), "mdb_sa_sk_1").unwrap();
        let text = format!(
            "[archive]\ndir = \"archive\"\n[state]\ndir = \"state\"\n[collect]\nstart = \"23h\"\n[atlas]\nbase_url = \
             \"{}\"\n[credentials.main]\nclient_id = \"mdb_sa_id_1\"\nclient_secret_file = \"secret\"\n[[project]]\nid = \
             \"{PROJECT}\"\nname = \"p\"\ncredentials = \"main\"\n{names}\n",
            atlas.base_url()
        );
        fs::write(folder.path().join("config.toml"), text).unwrap();
        Self { volume, atlas, window, folder }
    }

    /// Runs `collect` and reads its peak when it has nothing left to do but to revoke its token.
    fn collect(&self) -> Measured {
        let revoke = Match::path("/api/oauth/revoke");
        let hold = self.atlas.world().hold(revoke);
        let mut command = Command::new(env!("CARGO_BIN_EXE_atlas-logd"));
        command.args(["--config", "config.toml", "collect"]).current_dir(self.folder.path());
        let command = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let mut child = Ended(command.spawn().unwrap());
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        let arrived = runtime.block_on(async { tokio::time::timeout(PATIENCE, hold.arrived(1)).await });
        assert!(arrived.is_ok(), "collect did not come to its end");
        let status = fs::read_to_string(format!("/proc/{}/status", child.0.id())).unwrap();
        hold.release();
        assert_eq!(child.0.wait().unwrap().code(), Some(0));
        let field = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
            line.trim_start_matches(':').trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1024
        };
        let (archived_records, archived_bytes) = archived(self.folder.path().join("archive/p"));
        Measured { peak: field("VmHWM"), anonymous: field("RssAnon"), archived_bytes, archived_records }
    }

    fn source(&self) -> SourceId {
        let name = if self.volume.kind == Kind::StreamAudit { "orders" } else { "prod-0" };
        World::source(PROJECT, self.volume.kind, name)
    }

    /// Collects once and says what it took.
    #[track_caller]
    fn collect_and_tell(&self, what: &str) -> u64 {
        let measured = self.collect();
        self.assert_archived(&measured);
        let mib = |bytes: u64| bytes as f64 / MIB as f64;
        println!(
            "{what}: peak {:.1} MiB ({:.1} MiB anonymous at the end) for {} records, {:.1} MB",
            mib(measured.peak),
            mib(measured.anonymous),
            measured.archived_records,
            measured.archived_bytes as f64 / 1e6,
        );
        measured.peak
    }

    /// Everything that can be seen for sure is archived: the measured collection was a real one.
    #[track_caller]
    fn assert_archived(&self, measured: &Measured) {
        let sure = self.atlas.world().truth_iter(&self.source(), self.window, self.window.to).count() as u64;
        assert!(measured.archived_records >= sure, "{} of {sure} records", measured.archived_records);
        // Of a few minutes, a good part may not be seen yet.
        assert!(sure * 2 > self.volume.records, "{sure} records are not the volume of the test");
    }
}

/// A process that is killed when its test fails.
struct Ended(Child);

impl Drop for Ended {
    fn drop(&mut self) {
        // It has ended already where the test did not fail.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Records and bytes of all segments below a folder.
fn archived(folder: std::path::PathBuf) -> (u64, u64) {
    let (mut records, mut bytes) = (0, 0);
    for entry in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap()) {
        let (more_records, more_bytes) = match entry.file_type().unwrap().is_dir() {
            true => archived(entry.path()),
            false if entry.path().extension().is_none_or(|extension| extension != "ndjson") => (0, 0),
            false => {
                let content = fs::read(entry.path()).unwrap();
                (memchr::memchr_iter(b'\n', &content).count() as u64, content.len() as u64)
            }
        };
        records += more_records;
        bytes += more_bytes;
    }
    (records, bytes)
}

/// Collects once, below the limit, and says what it took.
#[track_caller]
fn measure(what: &str, volume: Volume) -> u64 {
    let peak = Setting::new(volume).collect_and_tell(what);
    assert!(peak < LIMIT, "the peak is {peak} bytes, the limit {LIMIT}");
    peak
}

/// Little takes next to nothing. Of much, all takes hardly more than a third, which needs all that is needed for much.
#[track_caller]
fn assert_bounded(volumes: [(&str, Volume); 3]) {
    let [_, part, whole] = volumes.map(|(name, volume)| measure(name, volume));
    let most = part + part / 4 + 4 * MIB;
    assert!(whole <= most, "the whole took {whole} bytes, a third of it {part}");
}

fn audit(name: &str, megabytes: u64, over: Duration) {
    let volumes = [1, megabytes / 3, megabytes];
    let names = volumes.map(|megabytes| format!("{name}, {megabytes} MB"));
    assert_bounded(std::array::from_fn(|index| (&*names[index], Volume::audit(volumes[index], over))));
}

fn access(name: &str, entries: u64, over: Duration) {
    let volumes = [500, entries / 3, entries];
    let names = volumes.map(|entries| format!("{name}, {entries} entries"));
    assert_bounded(std::array::from_fn(|index| (&*names[index], Volume::access(volumes[index], over))));
}

#[test]
fn the_size_of_a_window_does_not_matter() {
    audit("audit log", megabytes(128), 20 * HOUR);
}

#[test]
fn the_number_of_entries_does_not_matter() {
    access("access history", entries(60_000), 20 * HOUR);
}

/// One record is held in memory whole while it is read, and the JSON parser's buffer grows by copying. How many there
/// are does not matter.
#[test]
fn a_record_as_long_as_they_get_costs_some_copies_of_itself() {
    for volume in [Volume::audit(1, 20 * HOUR), Volume::access(500, 20 * HOUR)] {
        let setting = Setting::new(volume);
        for minute in 1..=5 {
            let time = setting.window.from + minute * MINUTE;
            let padding = "x".repeat(LONG_RECORD_BYTES);
            let record = match volume.kind {
                Kind::StreamAudit => format!(r#"{{"time":{},"padding":"{padding}"}}"#, time.millis()),
                Kind::AccessHistory => {
                    format!(
                        r#"{{"hostname":"h","logLine":"{{\"t\":{{\"$date\":\"{time}\"}},\"msg\":\"{padding}\"}}"}}"#
                    )
                }
            };
            setting.atlas.world().add(&setting.source(), Event::new(time, record));
        }
        let peak = setting.collect_and_tell(&format!("{}, 5 records of 15 MiB among others", volume.kind));
        let most = LIMIT + 5 * LONG_RECORD_BYTES as u64;
        assert!(peak < most, "the peak is {peak} bytes, the limit for such records {most}");
    }
}

/// All lines are so new that their fingerprints have to be kept.
#[test]
fn the_number_of_lines_that_may_come_again_does_not_matter() {
    audit("new audit log", megabytes(48), 8 * MINUTE);
}

/// All entries are so new that their fingerprints have to be kept.
#[test]
fn the_number_of_entries_that_may_come_again_does_not_matter() {
    access("new access history", entries(40_000), 12 * MINUTE);
}
