//! A disk with little room left: collection never takes it below what has to stay free, leaves nothing in the spool that is
//! not needed, and goes on by itself once there is room; what frees room goes on meanwhile.

use std::{path::PathBuf, sync::Arc, time::Duration};

use atlas_logd::{
    collect::{Collector, Job, Task},
    commit::Upkeep,
    instant::Instant,
    sim::{Event, Fault, Match},
    source::Kind,
};

use crate::{
    oracle::assert_exact,
    scene::{Failures, Folders, Scene, at, list, poll_tasks, poll_tasks_at_once, source_id},
    small_disk::SmallDisk,
};

const MIB: u64 = 1 << 20;

/// What has to stay free.
pub(crate) const MIN_FREE: u64 = 4 * MIB;

/// How large the disk is on which the backlog has no room.
pub(crate) const DISK: u64 = 16 * MIB;

/// The first day of the backlog.
const FIRST_DAY: i64 = 14;

/// A record of each source in each hour of the days before, nearly 2 MiB a day: more than [`DISK`] in all.
pub(crate) fn with_backlog(scene: &Scene) -> Folders<'_> {
    for day in FIRST_DAY..20 {
        for hour in 0..24 {
            let time: Instant = format!("2026-11-{day}T{hour:02}:30:00Z").parse().unwrap();
            let note = format!("{day} {hour} {}", "x".repeat(80_000));
            scene.world.add(&source_id(Kind::StreamAudit), Event::audit(time, &note));
            scene.world.add(&source_id(Kind::AccessHistory), Event::access(time, "host", &note));
        }
    }
    let folders = scene.folders();
    folders.configure("start = \"2026-11-20T08:00:00Z\"", &format!("start = \"2026-11-{FIRST_DAY}T08:00:00Z\""));
    folders.configure("[archive]", &format!("[archive]\nmin_free = \"{MIN_FREE}B\""));
    folders
}

/// Polls until there is no room for the backlog, and goes on once there is.
pub(crate) fn pauses_and_goes_on(folders: &Folders<'_>, disk: &SmallDisk, make_room: impl FnOnce()) {
    let (collector, tasks) = folders.collector_on(Arc::new(disk.clone()));
    folders.scene.clock.set(at("09:10"));
    let mut archived = 0;
    for _ in 0..3 {
        assert_paused(&poll_tasks_at_once(&collector, tasks.clone(), Job::Regular));
        assert!(disk.least_free() >= MIN_FREE, "only {} bytes were free", disk.least_free());
        assert_eq!(spool(folders), [] as [PathBuf; 0]);
        let before = std::mem::replace(&mut archived, Kind::ALL.iter().map(|kind| folders.bytes(*kind)).sum());
        assert!(archived > MIB && archived >= before, "{before}, then {archived} bytes");
        Kind::ALL.into_iter().for_each(|kind| assert_exact(folders, kind, &[]));
    }
    let range = Some(atlas_logd::window::Window::new(Instant::MIN, Instant::MAX));
    make_room();
    assert_eq!(poll_tasks_at_once(&collector, tasks.clone(), Job::Regular), Failures::new());
    assert_eq!(poll_tasks(&collector, tasks, Job::Reconcile { range }), Failures::new());
    for kind in Kind::ALL {
        assert_exact(folders, kind, &[]);
        assert!(folders.load(kind).end > Some(at("08:30")), "{kind}");
        assert!(folders.bytes(kind) > 10 * MIB, "{kind}");
    }
}

#[track_caller]
fn assert_paused(failures: &Failures) {
    assert_eq!(failures.len(), 2, "{failures:?}");
    for said in failures.values() {
        assert!(said.starts_with("the archive's file system has "), "{said}");
        assert!(said.contains("[archive] min_free is 4.0 MiB: collection pauses, watermarks wait"), "{said}");
        assert!(said.ends_with("(Atlas keeps access history for 7 days only)"), "no advice helps: {said}");
    }
}

fn spool(folders: &Folders<'_>) -> Vec<PathBuf> {
    list(&folders.archive().join(".spool"))
}

#[test]
fn a_backlog_larger_than_the_disk_never_takes_it_below_min_free() {
    let scene = Scene::new();
    let folders = with_backlog(&scene);
    let disk = SmallDisk::of_size(folders.files(), DISK);
    pauses_and_goes_on(&folders, &disk, || disk.set_free(64 * MIB));
}

#[test]
fn reconciliation_pauses_like_everything_else() {
    let scene = Scene::new();
    let folders = with_backlog(&scene);
    let disk = SmallDisk::of_size(folders.files(), 64 * MIB);
    let (collector, tasks) = folders.collector_on(Arc::new(disk.clone()));
    scene.clock.set(at("09:10"));
    assert_eq!(poll_tasks(&collector, tasks.clone(), Job::Regular), Failures::new());
    // All of it came too late, and there is room above what has to stay free, but not for a day of that.
    for number in 0..20 {
        let note = format!("late {number} {}", "x".repeat(80_000));
        let event = Event::audit(at("01:00"), &note);
        scene.world.add(&source_id(Kind::StreamAudit), event);
    }
    for free in [MIN_FREE - 1, MIN_FREE + 2 * MIB] {
        disk.set_free(free);
        let failures = poll_tasks(&collector, tasks.clone(), Job::Reconcile { range: None });
        let said = &failures[&Kind::StreamAudit];
        assert!(said.contains("[archive] min_free is 4.0 MiB: collection pauses"), "{said}");
        assert_eq!(spool(&folders), [] as [PathBuf; 0]);
    }
    assert!(disk.least_free() >= MIN_FREE);
    disk.set_free(64 * MIB);
    assert_eq!(poll_tasks(&collector, tasks, Job::Reconcile { range: None }), Failures::new());
    assert_exact(&folders, Kind::StreamAudit, &[]);
}

#[test]
fn what_a_full_disk_or_a_broken_body_interrupts_does_not_stay_in_the_spool() {
    let scene = Scene::new();
    let (mut full, mut under_way) = (0, 0);
    for size in (0..40).map(|step| step * 700) {
        let folders = scene.folders();
        let disk = SmallDisk::of_size(folders.files(), 256 + size);
        let (collector, tasks) = folders.collector_on(Arc::new(disk.clone()));
        scene.clock.set(at("09:10"));
        for said in poll_tasks(&collector, tasks.clone(), Job::Regular).values() {
            assert!(said.contains("the disk is full"), "{said}");
            full += 1;
        }
        let left = spool(&folders);
        under_way += left.len();
        for path in left {
            // Only what a commit has decided to write is kept.
            let number = path.file_stem().unwrap().to_str().unwrap().parse().unwrap();
            assert!(folders.has_intent(number), "{} of a disk of {size} bytes", path.display());
        }
        disk.set_free(MIB);
        assert_eq!(poll_tasks(&collector, tasks, Job::Regular), Failures::new());
        assert_eq!(spool(&folders), [] as [PathBuf; 0]);
        Kind::ALL.into_iter().for_each(|kind| assert_exact(&folders, kind, &[]));
    }
    assert!(full > 10 && under_way > 2, "{full} times full, {under_way} commits under way");
    let folders = scene.folders();
    let (collector, tasks) = folders.collector_on(Arc::new(folders.files()));
    for kind in Kind::ALL {
        scene.world.fault(Match::source(&source_id(kind)), Fault::Length(10 * MIB));
    }
    assert_eq!(poll_tasks(&collector, tasks, Job::Regular).len(), 2);
    assert_eq!(spool(&folders), [] as [PathBuf; 0]);
}

/// The names in the folder of the audit log's segments that end so.
fn named(folders: &Folders<'_>, end: &str) -> usize {
    list(&folders.source_folder(Kind::StreamAudit)).iter().filter(|path| path.to_str().unwrap().ends_with(end)).count()
}

fn keep_up(collector: &Collector, task: &Task) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(collector.keep_up(task));
}

#[test]
fn a_pause_still_seals_compresses_and_removes() {
    let scene = Scene::new();
    let folders = scene.folders();
    let disk = SmallDisk::of_size(folders.files(), 64 * MIB);
    let (collector, mut tasks) = folders.collector_on(Arc::new(disk.clone()));
    tasks.retain(|task| task.source.id.kind == Kind::StreamAudit);
    let mut task = tasks.remove(0);
    task.upkeep = Upkeep { compress: Some(atlas_logd::archive::StoredForm::Zstd), keep: None };
    let poll = |task: &Task, time: &str| {
        scene.clock.set(at(time));
        let failures = poll_tasks(&collector, vec![task.clone()], Job::Regular);
        keep_up(&collector, task);
        failures
    };
    assert_eq!(poll(&task, "09:10"), Failures::new());
    // There is room for a digest, but not for a segment.
    task.min_free = Some(1 << 40);
    disk.set_free(8000);
    let plain = named(&folders, ".ndjson");
    for time in ["10:10", "11:10"] {
        assert_eq!(poll(&task, time).len(), 1, "it pauses");
    }
    assert_eq!((named(&folders, ".ndjson"), named(&folders, ".digest.json")), (plain + 2, 2), "it was sealed");
    assert_eq!((named(&folders, ".zst"), spool(&folders).len()), (0, 0), "there is no room for it");
    disk.set_free(MIB);
    assert_eq!(poll(&task, "11:20").len(), 1, "it pauses");
    assert_eq!((named(&folders, ".ndjson"), named(&folders, ".zst")), (plain + 1, 1), "it is compressed");
    task.upkeep.keep = Some(Duration::from_secs(3600));
    for time in ["12:10", "13:10", "14:10"] {
        assert_eq!(poll(&task, time).len(), 1, "it pauses");
    }
    let first = list(&folders.source_folder(Kind::StreamAudit)).remove(0);
    assert!(first.to_str().unwrap().ends_with(".digest.json"), "{} was not removed", first.display());
    let end = folders.load(Kind::StreamAudit).end;
    assert!(end < Some(at("09:10")), "the watermark waits: {end:?}");
}
