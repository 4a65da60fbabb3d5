//! The archive digest: once a day, the newest digest of every source.
//!
//! Like a seal it is decided to the byte in one transaction, then put in its place, then forgotten but for its SHA-256.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use jiff::civil::Date;
use rusqlite::Connection;

use crate::{
    archive::read_small,
    commit::{CommitError, Committer, placing::put_in_place},
    evidence::{ArchiveDigest, FORMAT, HEADS, LONGEST_DIGEST, ListedSource, SIGNATURE_SUFFIX, Sha256Sum, program},
    source::SourceId,
    state::{Head, Seal, SourceState, StateError, health},
};

/// The number of archive digests in the spool; those of sources begin with 1.
const NUMBER: i64 = 0;

/// What the archive digest before lists, by folder.
type Before = BTreeMap<String, ListedSource>;

impl Committer {
    /// Makes the archive digest of today, unless there is one. `configured` are the sources of the configuration. Those that
    /// came into their places now: also one that a crash left on its way.
    ///
    /// # Errors
    /// When the state or the archive cannot be read or written.
    pub fn make_head(&self, configured: &BTreeSet<SourceId>) -> Result<Vec<Head>, CommitError> {
        let made = self.make_and_place_head(configured);
        made.map_err(|error| error.below(self.archive.folder()))
    }

    fn make_and_place_head(&self, configured: &BTreeSet<SourceId>) -> Result<Vec<Head>, CommitError> {
        let mut placed = Vec::new();
        let mut before = self.store.read(Head::load)?;
        if let Some(pending) = before.take_if(|head| head.pending.is_some()) {
            let head = self.place_head(pending)?;
            placed.push(head.clone());
            before = Some(head);
        }
        let now = self.clock.now();
        let today = now.date();
        if self.has_head_of(today, before.as_ref())? {
            return Ok(placed);
        }
        if let Some(before) = before.as_ref().filter(|before| before.date > today) {
            tracing::warn!(
                event = "clock-wrong",
                before = %before.date,
                date = %today,
                "the archive digest before is of a later day: the clock is wrong, or was then; set it right if it is wrong now"
            );
        }
        let listed_before = before.as_ref().map(|before| self.listed_by(before)).unwrap_or_default();
        let head = self.store.transaction(|transaction| {
            let sources = self.list_sources(transaction, listed_before, configured)?;
            if sources.is_empty() {
                return Ok(None);
            }
            let digest = self.archive_digest(sources, before.as_ref());
            let bytes = digest.to_bytes();
            let signature = self.sealer.sign(&bytes)?;
            let head = Head {
                sequence: digest.sequence,
                date: today,
                sha256: Sha256Sum::of(&bytes),
                made: digest.made,
                configured: configured_in(&digest.sources),
                pending: Some((bytes, signature)),
            };
            head.save(transaction)?;
            Ok::<_, StateError>(Some(head))
        })?;
        if let Some(head) = head {
            placed.push(self.place_head(head)?);
        }
        Ok(placed)
    }

    /// Whether there is an archive digest of a day. After a clock was wrong, it need not be the last one. A file that is none
    /// of this archive's chain is in the way, and says so when it is met.
    fn has_head_of(&self, date: Date, last: Option<&Head>) -> Result<bool, CommitError> {
        let Some(last) = last else { return Ok(false) };
        if last.date == date {
            return Ok(true);
        }
        let path = Path::new(HEADS).join(ArchiveDigest::file_name(date));
        let files = self.archive.files();
        if files.length(&path).map_err(CommitError::io("look at", &path))?.is_none() {
            return Ok(false);
        }
        let bytes = read_small(files, &path, LONGEST_DIGEST).map_err(CommitError::io("read", &path))?;
        let found = ArchiveDigest::parse(&bytes).ok();
        Ok(found.is_some_and(|found| found.archive == self.sealer.archive && found.sequence < last.sequence))
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

    /// What the archive digest before lists; nothing where its file is not what was written, which is said.
    fn listed_by(&self, before: &Head) -> Before {
        let path = Path::new(HEADS).join(ArchiveDigest::file_name(before.date));
        let bytes = read_small(self.archive.files(), &path, LONGEST_DIGEST).ok();
        let digest = bytes.filter(|bytes| Sha256Sum::of(bytes) == before.sha256);
        let Some(digest) = digest.and_then(|bytes| ArchiveDigest::parse(&bytes).ok()) else {
            tracing::error!(
                event = "head-changed",
                path = %self.archive.folder().join(&path).display(),
                "the last archive digest is not what was written, or is gone: somebody changed it; `atlas-logd verify` tells more"
            );
            return Before::new();
        };
        digest.sources.into_iter().map(|listed| (listed.source.folder.clone(), listed)).collect()
    }

    /// All sources, by folder. One whose state is damaged is listed as it was before: it must not vanish, nor keep the others
    /// from being listed.
    fn list_sources(
        &self,
        connection: &Connection,
        mut before: Before,
        configured: &BTreeSet<SourceId>,
    ) -> Result<Vec<ListedSource>, StateError> {
        let mut listed = BTreeMap::new();
        for state in SourceState::load_all(connection)? {
            match state.and_then(|state| list(connection, &state, &before)) {
                Ok(source) => {
                    before.remove(&source.source.folder);
                    listed.insert(source.source.folder.clone(), source);
                }
                Err(error @ (StateError::DamagedSource { .. } | StateError::Damaged(_))) => {
                    tracing::error!(
                        event = "state-damaged",
                        "the archive digest lists a source as the one before did: {error}"
                    );
                }
                Err(error) => return Err(error),
            }
        }
        for (folder, mut source) in before {
            source.not_collected_since = source.not_collected_since.or(source.complete_until);
            listed.insert(folder, source);
        }
        let mut listed: Vec<ListedSource> = listed.into_values().collect();
        for listed in &mut listed {
            listed.configured = configured.contains(&listed.source.id());
        }
        Ok(listed)
    }

    fn archive_digest(&self, sources: Vec<ListedSource>, before: Option<&Head>) -> ArchiveDigest {
        let listed = configured_in(&sources);
        let known = before.map(|before| before.configured.clone()).unwrap_or_default();
        let only_in = |these: &[String], others: &[String]| {
            these.iter().filter(|folder| !others.contains(folder)).cloned().collect::<Vec<_>>()
        };
        let made = self.clock.now();
        ArchiveDigest {
            format: FORMAT,
            archive: self.sealer.archive.clone(),
            sequence: before.map_or(1, |before| before.sequence + 1),
            date: made.date(),
            made,
            sources,
            added: only_in(&listed, &known),
            removed: only_in(&known, &listed),
            signing_key: self.sealer.fingerprint(),
            previous_date: before.map(|before| before.date),
            previous: before.map(|before| before.sha256),
            program: program(),
        }
    }
}

/// What there is to say of a source.
fn list(connection: &Connection, state: &SourceState, before: &Before) -> Result<ListedSource, StateError> {
    let source = state.identity().ok_or_else(|| StateError::DamagedSource {
        source_name: state.folder.clone(),
        detail: "its filter cannot be read".to_owned(),
    })?;
    let last_digest = match Seal::load(connection, state.key)?.is_empty() {
        true => state.told.digest.clone(),
        // The newest one is decided and not yet in its place: nobody must miss it there.
        false => before.get(&state.folder).and_then(|listed| listed.last_digest.clone()),
    };
    let failing = health(connection, state.key)?.filter(|health| health.is_failing());
    Ok(ListedSource {
        source,
        configured: false,
        last_digest,
        complete_until: state.end,
        not_collected_since: failing.and_then(|health| health.succeeded.or(health.failing_since)),
    })
}

/// The folders of the sources that are in the configuration.
fn configured_in(sources: &[ListedSource]) -> Vec<String> {
    sources.iter().filter(|listed| listed.configured).map(|listed| listed.source.folder.clone()).collect()
}
