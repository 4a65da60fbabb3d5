//! The real program, killed again and again in the middle of its work, on one archive.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::Arc,
};

use atlas_logd::{
    clock::{Clock, SystemClock},
    sim::{Match, Profile, SimAtlas},
    state::Store,
};

use crate::setting::{assert_exact, configure, segments, world};

const KILLS: u64 = 12;

/// Has tailed every segment through the whole run.
#[derive(Default)]
struct Observer(BTreeMap<PathBuf, Vec<u8>>);

impl Observer {
    fn look(&mut self, archive: &Path) {
        for folder in ["payments/stream-audit/orders", "payments/access-history/prod-0"].map(|name| archive.join(name))
        {
            for path in folder.is_dir().then(|| segments(&folder)).into_iter().flatten() {
                let now = fs::read(&path).unwrap();
                let before = self.0.insert(path.clone(), now.clone()).unwrap_or_default();
                assert!(now.starts_with(&before), "{} was not only appended to", path.display());
            }
        }
        assert!(self.0.keys().all(|path| path.exists()), "a segment vanished");
    }

    fn bytes(archive: &Path) -> u64 {
        let folders = ["payments/stream-audit/orders", "payments/access-history/prod-0", ".spool"];
        let files = folders.iter().filter_map(|folder| fs::read_dir(archive.join(folder)).ok()).flatten();
        files.filter_map(|entry| Some(entry.ok()?.metadata().ok()?.len())).sum()
    }
}

fn collect(folder: &Path) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_atlas-logd"));
    command.arg("--config").arg(folder.join("config.toml")).arg("collect");
    command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

#[test]
fn a_program_that_is_killed_again_and_again_archives_everything_once() {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let world = Arc::new(world(Arc::clone(&clock)));
    let since = clock.now() - std::time::Duration::from_secs(3 * 86_400);
    world.change_projects(|projects| {
        projects[0].stream_instances[0].profile = Some(Profile::audit(since, 6.0));
        projects[0].clusters[0].profile = Some(Profile::access(since, 4.0));
    });
    let atlas = SimAtlas::start(Arc::clone(&world)).unwrap();
    let folder = tempfile::tempdir().unwrap();
    configure(folder.path(), &atlas.base_url());
    let text = fs::read_to_string(folder.path().join("config.toml")).unwrap();
    let start = format!("start = \"{}\"", since);
    let text = text.replace(&format!("start = \"{}\"", crate::setting::START), &start);
    fs::write(
        folder.path().join("config.toml"),
        text.replace("dir = \"archive\"", "dir = \"archive\"\nrotate_size = \"1MiB\""),
    )
    .unwrap();
    let archive = folder.path().join("archive");
    let mut observer = Observer::default();
    for kill in 0..KILLS {
        world.clear_requests();
        let before = Observer::bytes(&archive);
        let mut child = collect(folder.path());
        // Some are killed at a request, some as soon as bytes have come, each time more of them. One that is done
        // before is no kill.
        if kill % 3 == 0 {
            let _ = world.wait_arrived(&Match::any(), 1 + usize::try_from(kill / 3).unwrap());
        } else {
            while child.try_wait().unwrap().is_none() && Observer::bytes(&archive) < before + 1 + kill * 40_000 {
                std::thread::yield_now();
            }
        }
        child.kill().unwrap();
        child.wait().unwrap();
        observer.look(&archive);
    }
    assert!(collect(folder.path()).wait().unwrap().success());
    observer.look(&archive);
    let config = atlas_logd::config::load(&folder.path().join("config.toml")).unwrap();
    let store = Store::open_read_only(&config.state_dir).unwrap();
    for source in config.projects.iter().flat_map(|project| project.sources()) {
        assert_exact(&archive, &store, &world, &source);
    }
}
