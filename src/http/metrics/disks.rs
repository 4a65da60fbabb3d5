//! The file systems of archive and state.

use std::fmt;

use crate::{
    config::Config,
    file_system::FileSystem,
    http::metrics::family::{Families, Value},
    meters::Meters,
};

/// Writes their metrics. One that cannot be looked at is left out.
pub(super) fn write(families: &mut Families<'_, '_>, config: &Config, meters: &Meters) -> fmt::Result {
    let about =
        ("disk_writable", "Whether archive and state could be written to when that was tried last, within a minute");
    families.gauge(about, |family| {
        meters.writable().map_or(Ok(()), |writable| family.sample(&[], Value::Truth(writable)))
    })?;
    let folders = [("archive", &config.archive.dir), ("state", &config.state_dir)];
    let looked = folders.map(|(folder, path)| (folder, FileSystem::of(path).ok()));
    let known = || looked.iter().filter_map(|(folder, system)| Some((*folder, system.as_ref()?)));
    let about = ("disk_free", "What can still be written to the file system that the folder lies in");
    families.bytes(about, |family| {
        known().try_for_each(|(folder, system)| family.sample(&[("folder", folder)], Value::Number(system.free)))
    })?;
    families.bytes(("disk_size", "The size of that file system"), |family| {
        known().try_for_each(|(folder, system)| family.sample(&[("folder", folder)], Value::Number(system.size)))
    })?;
    let about = ("disk_min_free", "What collection leaves free: [archive] min_free, 0 for no limit");
    families.bytes(about, |family| {
        family.sample(&[("folder", "archive")], Value::Number(config.archive.min_free.unwrap_or(0)))
    })
}
