//! Whether archive and state can be written to.

use std::io::Write as _;

use crate::{
    archive::{Spooled, create_spool, remove_if_there},
    commit::{CommitError, Committer},
    state::write_probe,
};

/// The file in the spool folder that is written to see whether it can be. A source's spool has a number.
const PROBE: &str = "probe";

impl Committer {
    /// Writes to the archive's file system and to the state, durably, what nobody reads: on a quiet day nothing else does, and
    /// a disk that refuses would only be noticed with the next record.
    ///
    /// # Errors
    /// Why one of them cannot be written to.
    pub fn probe(&self) -> Result<(), CommitError> {
        self.refuse_moved_archive()?;
        let probed = self.probe_archive();
        probed.map_err(|error| error.below(self.archive().folder()))?;
        Ok(self.store().transaction(write_probe)?)
    }

    fn probe_archive(&self) -> Result<(), CommitError> {
        let (files, path) = (self.archive().files(), Spooled::path(PROBE));
        let failed = |cause| CommitError::io("write", &path)(cause);
        remove_if_there(files, &path).map_err(failed)?;
        let mut file = create_spool(files, &path).map_err(failed)?;
        let written = file.write_all(b"probe\n").and_then(|()| file.sync());
        drop(file);
        let removed = remove_if_there(files, &path);
        written.and(removed).map_err(failed)
    }
}
