//! What a file system has room for.

use std::{io, os::fd::AsFd, path::Path};

use rustix::fs::{StatVfs, StatVfsMountFlags, fstatvfs, statvfs};

/// A file system at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FileSystem {
    /// How many bytes can still be written to it by somebody who is not root.
    pub(crate) free: u64,
    /// Its size in bytes.
    pub(crate) size: u64,
    /// Whether it is mounted so that nobody can write to it.
    pub(crate) read_only: bool,
}

impl FileSystem {
    /// The one that a path lies in.
    pub(crate) fn of(path: &Path) -> io::Result<Self> {
        Ok(statvfs(path)?.into())
    }

    /// The one that an open file or folder lies in.
    pub(crate) fn of_open(file: impl AsFd) -> io::Result<Self> {
        Ok(fstatvfs(file)?.into())
    }
}

impl From<StatVfs> for FileSystem {
    fn from(found: StatVfs) -> Self {
        let bytes = |blocks: u64| blocks.saturating_mul(found.f_frsize);
        Self {
            free: bytes(found.f_bavail),
            size: bytes(found.f_blocks),
            read_only: found.f_flag.contains(StatVfsMountFlags::RDONLY),
        }
    }
}
