//! What the program that is killed works with: a world, a configuration, and a comparison with what happened.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use atlas_logd::{
    clock::Clock,
    sim::{Cluster, Project, Role, ServiceAccount, StreamInstance, World},
    source::Source,
    state::{SourceState, Store, damaged_segments, gaps},
    window::Window,
};

pub(crate) const GROUP: &str = "0123456789abcdef01234567";

/// Before anything happened.
pub(crate) const START: &str = "2026-11-20T08:00:00Z";

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
