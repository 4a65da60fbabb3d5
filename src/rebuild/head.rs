//! The newest archive digest: what it tells of must be there.

use std::{collections::BTreeSet, path::Path};

use jiff::civil::Date;

use crate::{
    archive::{Archive, SegmentName, read_small},
    evidence::{ArchiveDigest, HEADS, LONGEST_DIGEST, ListedSource, Sha256Sum},
    export::Finding,
    instant::Instant,
    rebuild::{RebuildError, chain::Chain},
    state::Head,
};

/// The newest archive digest.
#[derive(Debug)]
pub(super) struct NewestHead {
    /// Its path below the archive's root.
    shown: String,
    pub(super) sequence: u64,
    pub(super) date: Date,
    pub(super) sha256: Sha256Sum,
    pub(super) made: Instant,
    pub(super) sources: Vec<ListedSource>,
}

impl NewestHead {
    /// Reads it; nothing where there is none yet.
    pub(super) fn read(archive: &Archive) -> Result<Option<Self>, RebuildError> {
        let folder = Path::new(HEADS);
        let shown_folder = || archive.folder().join(HEADS);
        let entries = archive
            .files()
            .list(folder)
            .map_err(|cause| crate::archive::ArchiveError::Folder { path: shown_folder(), cause })?;
        let dates: BTreeSet<Date> =
            entries.iter().filter_map(|entry| ArchiveDigest::date_of(entry.name.to_str()?)).collect();
        let read = |date| read_small(archive.files(), &folder.join(ArchiveDigest::file_name(date)), LONGEST_DIGEST);
        // After a clock was wrong, it need not be the one of the last day. One that says no number is no better than its day.
        let number = |date| read(date).ok().and_then(|bytes| ArchiveDigest::sequence_in(&bytes));
        let last = dates.last().copied();
        let newest =
            dates.into_iter().max_by_key(|date| (number(*date).or((Some(*date) == last).then_some(u64::MAX)), *date));
        let Some(date) = newest else { return Ok(None) };
        let shown = format!("{HEADS}/{}", ArchiveDigest::file_name(date));
        let unreadable = |cause| RebuildError::Digest(Finding::UnreadableDigest { digest: shown.clone(), cause });
        let bytes = read(date).map_err(unreadable)?;
        let digest = ArchiveDigest::parse(&bytes);
        let digest =
            digest.map_err(|cause| RebuildError::Digest(Finding::NoDigest { digest: shown.clone(), cause }))?;
        if digest.archive != *archive.id() {
            return Err(RebuildError::ForeignArchive { digest: shown, found: digest.archive.to_string() });
        }
        let ArchiveDigest { sequence, made, sources, .. } = digest;
        Ok(Some(Self { shown, sequence, date, sha256: Sha256Sum::of(&bytes), made, sources }))
    }

    /// What the state knows of it.
    pub(super) fn to_state(&self) -> Head {
        let configured = self.sources.iter().filter(|listed| listed.configured);
        Head {
            sequence: self.sequence,
            date: self.date,
            sha256: self.sha256,
            made: self.made,
            configured: configured.map(|listed| listed.source.folder.clone()).collect(),
            pending: None,
        }
    }

    /// What it says of the source with this folder.
    pub(super) fn source(&self, folder: &str) -> Option<&ListedSource> {
        self.sources.iter().find(|listed| listed.source.folder == folder)
    }

    /// Refuses an archive that lacks the folder of a source that had a digest.
    pub(super) fn refuse_missing_folders(&self, is_there: impl Fn(&str) -> bool) -> Result<(), RebuildError> {
        let with_digest =
            self.sources.iter().filter_map(|listed| Some((&listed.source.folder, listed.last_digest.as_ref()?)));
        match with_digest.into_iter().find(|(folder, _)| !is_there(folder)) {
            Some((folder, last)) => Err(self.cut(folder, &last.segment)),
            None => Ok(()),
        }
    }

    fn cut(&self, folder: &str, segment: &SegmentName) -> RebuildError {
        RebuildError::Cut { head: self.shown.clone(), digest: format!("{folder}/{}", segment.digest()) }
    }

    /// Refuses a source whose digests end before the one that was its newest: it was in its place when it was listed.
    pub(super) fn compare(&self, folder: &str, chain: &Chain) -> Result<(), RebuildError> {
        match self.source(folder).and_then(|listed| listed.last_digest.as_ref()) {
            Some(last) if chain.digest_of(&last.segment) != Some(last.sha256) => Err(self.cut(folder, &last.segment)),
            _ => Ok(()),
        }
    }
}
