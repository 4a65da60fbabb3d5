//! The file systems of archive and state.

use std::fmt;

use rustix::fs::{StatVfs, statvfs};

use crate::{
    config::Config,
    http::metrics::family::{Families, Value},
};

/// Writes their metrics. One that cannot be looked at is left out.
pub(super) fn write(families: &mut Families<'_, '_>, config: &Config) -> fmt::Result {
    let folders = [("archive", &config.archive.dir), ("state", &config.state_dir)];
    let looked = folders.map(|(folder, path)| (folder, statvfs(path.as_path()).ok()));
    let known = || looked.iter().filter_map(|(folder, system)| Some((*folder, system.as_ref()?)));
    let about = ("disk_free", "What can still be written to the file system that the folder lies in");
    families.bytes(about, |family| {
        known().try_for_each(|(folder, system)| {
            family.sample(&[("folder", folder)], Value::Number(bytes(system, system.f_bavail)))
        })
    })?;
    families.bytes(("disk_size", "The size of that file system"), |family| {
        known().try_for_each(|(folder, system)| {
            family.sample(&[("folder", folder)], Value::Number(bytes(system, system.f_blocks)))
        })
    })?;
    let about = ("disk_min_free", "What collection leaves free: [archive] min_free, 0 for no limit");
    families.bytes(about, |family| {
        family.sample(&[("folder", "archive")], Value::Number(config.archive.min_free.unwrap_or(0)))
    })
}

fn bytes(system: &StatVfs, blocks: u64) -> u64 {
    blocks.saturating_mul(system.f_frsize)
}
