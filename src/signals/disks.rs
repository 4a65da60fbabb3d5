//! File systems that cannot be written to, or are nearly full, as far as can be seen without writing.

use std::{os::unix::fs::MetadataExt as _, path::Path};

use crate::{
    config::Config,
    file_system::FileSystem,
    shown::shown_path,
    signals::{Event, Signal},
    words,
};

/// What whoever only looks can say of the file systems of archive and state. One that cannot be looked at is told of by whoever
/// needs what lies on it.
pub(crate) fn disks(config: &Config) -> Vec<Signal> {
    let mut signals = Vec::new();
    for (what, folder) in [("archive", &config.archive.dir), ("state", &config.state_dir)] {
        let Ok(found) = FileSystem::of(folder) else { continue };
        let shown = shown_path(folder);
        let why = if found.read_only {
            Some(format!(
                "the file system of the {what}, {shown}, is mounted read-only: nothing is archived (`dmesg` may say why)"
            ))
        } else if is_closed_to_its_owner(folder) {
            Some(format!(
                "the {what}, {shown}, may not be written to by its owner, whose daemon archives nothing then: put its mode right \
                 (chmod u+w)"
            ))
        } else {
            None
        };
        let unwritable =
            |message| Signal { event: Event::DiskUnwritable, subject: folder.display().to_string(), message };
        signals.extend(why.map(unwritable));
        if what == "archive" {
            signals.extend(low(folder, found.free, config.archive.min_free));
        }
    }
    signals
}

/// Whether the mode of a folder keeps out even its owner, who is the user of the daemon.
fn is_closed_to_its_owner(folder: &Path) -> bool {
    folder.metadata().is_ok_and(|found| found.mode() & 0o200 == 0)
}

/// Whether less is free than has to stay free.
pub(crate) fn low(archive: &Path, free: u64, min_free: Option<u64>) -> Option<Signal> {
    let min_free = min_free.filter(|&min_free| free < min_free)?;
    let message = format!(
        "the archive's file system has {} left, and [archive] min_free is {}: collection pauses until there is room (Atlas keeps \
         access history for 7 days only)",
        words::bytes(free),
        words::bytes(min_free)
    );
    Some(Signal { event: Event::DiskLow, subject: archive.display().to_string(), message })
}
