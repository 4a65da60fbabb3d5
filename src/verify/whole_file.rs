//! Reads small files whole.

use std::{io::ErrorKind, path::Path};

use crate::{
    archive::{Files, read_small},
    verify::Reason,
};

/// The bytes of a file that is not longer than `limit`.
pub(super) fn read(files: &dyn Files, path: &Path, limit: u64) -> Result<Vec<u8>, Reason> {
    read_small(files, path, limit).map_err(|cause| match cause.kind() {
        ErrorKind::FileTooLarge => Reason::TooLong { limit },
        _ => Reason::Unreadable(cause),
    })
}
