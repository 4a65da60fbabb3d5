//! A disk that is really full, and one that is really mounted read-only: state, archive or both lie on a small file system
//! in memory, with more room each time, so that it is full at another point. Needs root, and is asked for:
//!
//! ```text
//! ATLAS_LOGD_REAL_DISK=1 cargo test --test damage -- --nocapture real_disk
//! ```

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use atlas_logd::source::Kind;

use crate::{
    low_disk::{DISK, pauses_and_goes_on, with_backlog},
    oracle::exact,
    scene::{Failures, Folders, Scene},
    small_disk::SmallDisk,
};

/// A file system in memory, mounted until this is dropped.
struct Mount(PathBuf);

impl Mount {
    fn new(path: PathBuf, kibibytes: u32) -> Self {
        run("mount", &["-t", "tmpfs", "-o", &format!("size={kibibytes}k,mode=0750"), "tmpfs"], &path);
        Self(path)
    }

    fn remount(&self, options: &str) {
        run("mount", &["-o", &format!("remount,{options}")], &self.0);
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(&self.0).status();
    }
}

fn run(program: &str, arguments: &[&str], path: &Path) {
    let status = Command::new(program).args(arguments).arg(path).status().unwrap();
    assert!(status.success(), "{program} {arguments:?} {}: {status}; this has to be run as root", path.display());
}

/// All that was said at a poll.
fn said(polled: &Result<Failures, String>) -> Vec<&String> {
    match polled {
        Ok(failures) => failures.values().collect(),
        Err(said) => vec![said],
    }
}

/// Polls until the disk is full or everything is done; then there is room again. Whether it was full.
fn fill(folders: &Folders<'_>, mounts: &[Mount]) -> bool {
    let mut full = false;
    for time in ["09:10", "10:10", "11:10"] {
        let polled = folders.poll(time);
        for said in said(&polled) {
            full = true;
            assert!(said.contains("free some space"), "{said}");
        }
        if full {
            mounts.iter().for_each(|mount| mount.remount("size=64m"));
            folders.poll_well(time);
        }
    }
    all_exact(folders);
    full
}

fn all_exact(folders: &Folders<'_>) {
    Kind::ALL.into_iter().for_each(|kind| exact(folders, kind, &[]).unwrap());
}

fn read_only(folders: &Folders<'_>, mounts: &[Mount]) {
    mounts.iter().for_each(|mount| mount.remount("ro"));
    let polled = folders.poll("11:20");
    assert!(!said(&polled).is_empty(), "nothing was said of a file system that is read-only");
    for said in said(&polled) {
        let helps = said.contains("remount it writable")
            || said.contains("whether the disk is mounted read-only")
            || said.contains("it must be writable");
        assert!(helps, "{said}");
    }
    mounts.iter().for_each(|mount| mount.remount("rw"));
    folders.poll_well("11:30");
    all_exact(folders);
}

#[test]
fn a_disk_that_is_really_full_or_read_only_stops_nothing_for_longer() {
    if std::env::var_os("ATLAS_LOGD_REAL_DISK").is_none() {
        println!("not asked for");
        return;
    }
    let scene = Scene::new();
    let places: [fn(&Folders<'_>) -> Vec<PathBuf>; 3] = [
        |folders| vec![folders.state()],
        |folders| vec![folders.archive()],
        |folders| vec![folders.state(), folders.archive()],
    ];
    for (number, place) in places.into_iter().enumerate() {
        let mut times_full = 0;
        let mut kibibytes = 4;
        loop {
            let folders = scene.folders();
            let mounts: Vec<Mount> = place(&folders).into_iter().map(|path| Mount::new(path, kibibytes)).collect();
            if !fill(&folders, &mounts) {
                read_only(&folders, &mounts);
                break;
            }
            times_full += 1;
            kibibytes += 8;
        }
        println!("{}: full {times_full} times", ["state", "archive", "both"][number]);
        assert!(times_full > 3);
    }
}

#[test]
fn a_backlog_larger_than_a_real_disk_never_takes_it_below_min_free() {
    if std::env::var_os("ATLAS_LOGD_REAL_DISK").is_none() {
        println!("not asked for");
        return;
    }
    let scene = Scene::new();
    let folders = with_backlog(&scene);
    let mount = Mount::new(folders.archive(), u32::try_from(DISK / 1024).unwrap());
    let disk = SmallDisk::real(folders.files());
    pauses_and_goes_on(&folders, &disk, || mount.remount("size=64m"));
    println!("the least that was free: {} KiB", disk.least_free() / 1024);
}
