//! All that may be done to an archive without being noticed. Nothing else may.
//!
//! This is the list of the module `verify`, as far as it concerns the archives of these tests.

use std::path::{Path, PathBuf};

use crate::archive::REMOVED;

/// What may be done to one archive without being noticed.
#[derive(Debug, Default)]
pub(crate) struct Unnoticed {
    /// The open segments.
    pub(crate) open: Vec<PathBuf>,
    /// The segment that a digest admits to be damaged, and how many of its bytes count.
    pub(crate) damaged: (PathBuf, usize),
    /// A compressed file that no digest tells of yet, and what has to come out of it.
    pub(crate) untold: (PathBuf, Vec<u8>),
    /// A plain segment that lies there compressed, too.
    pub(crate) plain_too: PathBuf,
    /// The number of the next segment of the source that is no longer collected.
    pub(crate) next_of_removed: u64,
}

impl Unnoticed {
    /// Nothing proves these files yet, nor that they are there.
    pub(crate) fn is_unproven(&self, path: &Path) -> bool {
        path.starts_with(".spool") || self.open.iter().any(|open| open == path)
    }

    /// From where on the bytes of a file do not count.
    pub(crate) fn counted_bytes(&self, path: &Path) -> usize {
        let (damaged, good_bytes) = &self.damaged;
        if path == damaged { *good_bytes } else { usize::MAX }
    }

    /// A compressed file that no digest tells of yet: only what comes out of it counts.
    pub(crate) fn is_untold(&self, path: &Path) -> bool {
        path == self.untold.0
    }

    /// Whether `bytes` hold what has to come out of the compressed file that no digest tells of yet.
    pub(crate) fn holds_the_untold(&self, bytes: &[u8]) -> bool {
        let mut out = Vec::new();
        let mut decoder = flate2::bufread::GzDecoder::new(bytes);
        let read = std::io::Read::read_to_end(&mut decoder, &mut out);
        read.is_ok() && decoder.into_inner().is_empty() && out == self.untold.1
    }

    /// A segment lies there plain and compressed: the plain one may go.
    pub(crate) fn may_go(&self, path: &Path) -> bool {
        self.is_unproven(path) || path == self.plain_too
    }

    /// A file that would be the open segment of a source that has none.
    pub(crate) fn seems_open(&self, path: &Path) -> bool {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap();
        let number = format!("{:08}-", self.next_of_removed);
        path.starts_with(REMOVED) && name.starts_with(&number) && name.ends_with(".ndjson")
    }
}
