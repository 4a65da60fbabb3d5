//! The archive digest: once a day, the newest digest of every source.
//!
//! Like a seal it is decided to the byte in one transaction, then put in its place, then forgotten but for its SHA-256.

use std::{collections::BTreeSet, path::Path};

use jiff::civil::Date;
use rusqlite::Connection;

use crate::{
    commit::{CommitError, Committer, placing::put_in_place},
    evidence::{ArchiveDigest, FORMAT, HEADS, ListedSource, SIGNATURE_SUFFIX, Sha256Sum, program},
    source::SourceId,
    state::{Head, SourceState, StateError, health},
};

/// The number of archive digests in the spool; those of sources begin with 1.
const NUMBER: i64 = 0;

impl Committer {
    /// Makes the archive digest of today, unless there is one of today or of a later day. `configured` are the sources of the
    /// configuration. The one that was made.
    ///
    /// # Errors
    /// When the state of a source is damaged, or the state or the archive cannot be written.
    pub fn make_head(&self, configured: &BTreeSet<SourceId>) -> Result<Option<Head>, CommitError> {
        let made = self.make_and_place_head(configured);
        made.map_err(|error| error.below(self.archive.folder()))
    }

    fn make_and_place_head(&self, configured: &BTreeSet<SourceId>) -> Result<Option<Head>, CommitError> {
        let before = self.store.read(Head::load)?;
        if let Some(pending) = before.clone().filter(|head| head.pending.is_some()) {
            self.place_head(pending)?;
        }
        let today = self.clock.now().date();
        if before.as_ref().is_some_and(|before| before.date >= today) {
            return Ok(None);
        }
        let head = self.store.transaction(|transaction| {
            let (digest, listed) = self.archive_digest(transaction, today, before.as_ref(), configured)?;
            if digest.sources.is_empty() {
                return Ok(None);
            }
            let bytes = digest.to_bytes();
            let signature = self.sealer.sign(&bytes)?;
            let head = Head {
                date: today,
                sha256: Sha256Sum::of(&bytes),
                made: digest.made,
                configured: listed,
                pending: Some((bytes, signature)),
            };
            head.save(transaction)?;
            Ok::<_, StateError>(Some(head))
        })?;
        head.map(|head| self.place_head(head)).transpose()
    }

    /// Puts an archive digest into its place, with its signature.
    fn place_head(&self, mut head: Head) -> Result<Head, CommitError> {
        let Some((digest, signature)) = head.pending.take() else { return Ok(head) };
        let files = self.archive.files();
        let folder = Path::new(HEADS);
        files.make_folder(folder).map_err(CommitError::io("make the folder", folder))?;
        let name = ArchiveDigest::file_name(head.date);
        put_in_place(files, NUMBER, &folder.join(&name), &digest)?;
        if let Some(signature) = signature {
            put_in_place(files, NUMBER, &folder.join(name + SIGNATURE_SUFFIX), signature.as_bytes())?;
        }
        self.store.transaction(|transaction| head.save(transaction))?;
        Ok(head)
    }

    /// The digest, and the folders of the sources that are in the configuration.
    fn archive_digest(
        &self,
        connection: &Connection,
        date: Date,
        before: Option<&Head>,
        configured: &BTreeSet<SourceId>,
    ) -> Result<(ArchiveDigest, Vec<String>), StateError> {
        let mut sources = Vec::new();
        let mut listed = Vec::new();
        for state in SourceState::load_all(connection)? {
            let state = state?;
            let (Some(source), Some(identity)) = (state.source(), state.identity()) else {
                let detail = "its filter cannot be read".to_owned();
                return Err(StateError::DamagedSource { source_name: state.folder, detail });
            };
            let is_configured = configured.contains(&source.id);
            if is_configured {
                listed.push(state.folder.clone());
            }
            let failing = health(connection, state.key)?.filter(|health| health.failing_since.is_some());
            sources.push(ListedSource {
                source: identity,
                configured: is_configured,
                last_digest: state.told.digest.clone(),
                complete_until: state.end,
                not_collected_since: failing.and_then(|health| health.succeeded.or(health.failing_since)),
            });
        }
        let known = before.map(|before| before.configured.clone()).unwrap_or_default();
        let only_in = |these: &[String], others: &[String]| {
            these.iter().filter(|folder| !others.contains(folder)).cloned().collect::<Vec<_>>()
        };
        let digest = ArchiveDigest {
            format: FORMAT,
            archive: self.sealer.archive.clone(),
            date,
            made: self.clock.now(),
            sources,
            added: only_in(&listed, &known),
            removed: only_in(&known, &listed),
            signing_key: self.sealer.fingerprint(),
            previous_date: before.map(|before| before.date),
            previous: before.map(|before| before.sha256),
            program: program(),
        };
        Ok((digest, listed))
    }
}
