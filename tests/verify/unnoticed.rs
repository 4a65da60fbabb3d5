//! All that may be done to an archive without being noticed. Nothing else may.
//!
//! This is the list of the module `verify`, as far as it concerns the archive of these tests.

use std::path::Path;

use crate::archive::{FULL, GOOD_BYTES, REMOVED, TestArchive, UNSIGNED};

/// Nothing proves these files yet, nor that they are there.
pub(crate) fn is_unproven(archive: &TestArchive, path: &Path) -> bool {
    path.starts_with(".spool")
        || path == archive.file(FULL, 7, ".ndjson")
        || path == archive.file(UNSIGNED, 5, ".ndjson")
}

/// From where on the bytes of a file do not count.
pub(crate) fn counted_bytes(archive: &TestArchive, path: &Path) -> usize {
    if path == archive.file(FULL, 4, ".ndjson") { GOOD_BYTES } else { usize::MAX }
}

/// A compressed file that no digest tells of yet: only what comes out of it counts.
pub(crate) fn is_untold(archive: &TestArchive, path: &Path) -> bool {
    path == archive.file(UNSIGNED, 3, ".gz")
}

/// A segment lies there plain and compressed: the plain one may go.
pub(crate) fn may_go(archive: &TestArchive, path: &Path) -> bool {
    is_unproven(archive, path) || path == archive.file(UNSIGNED, 2, ".ndjson")
}

/// A file that would be the open segment of a source that has none.
pub(crate) fn seems_open(path: &Path) -> bool {
    let name = path.file_name().unwrap().to_str().unwrap();
    path.starts_with(REMOVED) && name.starts_with("00000003-") && name.ends_with(".ndjson")
}
