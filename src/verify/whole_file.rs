//! Reads small files whole.

use std::{io::Read as _, path::Path};

use crate::{archive::Files, verify::Reason};

/// The bytes of a file that is not longer than `limit`.
pub(super) fn read(files: &dyn Files, path: &Path, limit: u64) -> Result<Vec<u8>, Reason> {
    let mut bytes = Vec::new();
    let file = files.read(path).map_err(Reason::Unreadable)?;
    file.take(limit + 1).read_to_end(&mut bytes).map_err(Reason::Unreadable)?;
    if bytes.len() as u64 > limit { Err(Reason::TooLong { limit }) } else { Ok(bytes) }
}
