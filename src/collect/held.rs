//! The segments that can hold records of some time, as they are read back.
//!
//! What is compared with Atlas to archive what is missing must not be compared with less than was archived: where a segment
//! is gone, or is not what was committed to it, its records would be archived a second time. Then nothing is.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::{self, Read as _},
    path::{Path, PathBuf},
};

use crate::{
    archive::{
        SegmentName, SegmentPart, SegmentReader, digest_names, edge_records, for_each_line, read_small, segment_names,
    },
    commit::{CommitError, Committer},
    evidence::{LONGEST_DIGEST, RunningSha256, SegmentDigest, Sha256Sum},
    instant::Instant,
    record::Clocks,
    state::{DamagedSegment, SourceState, damaged_segments},
};

/// What has to be true of the segments that are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Trust {
    /// All are there, and each is what was committed to it.
    Proven,
    /// They are taken as they lie there: what else there is to do must not wait for a person.
    AsTheyLie,
}

/// The segments of a source.
#[derive(Debug)]
pub(super) struct Held<'a> {
    committer: &'a Committer,
    state: &'a SourceState,
    trust: Trust,
    damaged: Vec<DamagedSegment>,
    /// Those that can hold records of the time, in order, compressed ones too.
    pub(super) segments: Vec<Segment>,
}

/// A segment that is read.
#[derive(Debug)]
pub(super) struct Segment {
    pub(super) name: SegmentName,
    part: SegmentPart,
}

impl<'a> Held<'a> {
    /// The segments that can hold records of `oldest` or later.
    ///
    /// Segments follow the time of collection: one that was followed by the next before `oldest` holds none. But that time
    /// was told by the local clock, which may have been wrong, so the records at its edges have to be as old.
    pub(super) fn since(
        committer: &'a Committer,
        state: &'a SourceState,
        oldest: Instant,
        trust: Trust,
    ) -> Result<Self, CommitError> {
        let damaged = committer.store().read(|connection| damaged_segments(connection, state.key))?;
        let mut held = Self { committer, state, trust, damaged, segments: Vec::new() };
        let folder = Path::new(&state.folder);
        let names = segment_names(committer.archive().files(), folder)
            .map_err(CommitError::io("list", committer.archive().folder().join(folder)))?;
        if trust == Trust::Proven {
            held.refuse_missing(&names, oldest)?;
        }
        for (position, name) in names.iter().enumerate() {
            let part = SegmentPart { path: folder.join(name.as_str()), length: held.good_length(name) };
            let followed_before = names.get(position + 1).is_some_and(|next| next.opened() < oldest);
            if followed_before {
                let edges = edge_records(committer.archive().files(), &part);
                let edges = edges.map_err(|cause| held.unreadable(name, cause))?;
                let old = |record: &Vec<u8>| Clocks::of(state.kind, record).latest().is_some_and(|at| at < oldest);
                if edges.iter().all(old) {
                    continue;
                }
            }
            held.segments.push(Segment { name: name.clone(), part });
        }
        Ok(held)
    }

    /// Calls `each` with every record of a segment, in order. Where its bytes turn out not to be what they have to be, that
    /// is an error in the end.
    pub(super) fn for_each_record(
        &self,
        segment: &Segment,
        mut each: impl FnMut(&[u8]) -> Result<(), CommitError>,
    ) -> Result<(), CommitError> {
        let expected = match self.trust {
            Trust::Proven => Some(self.committed(&segment.name)?),
            Trust::AsTheyLie => None,
        };
        let unreadable = |cause| self.unreadable(&segment.name, cause);
        let reader = SegmentReader::open(self.committer.archive().files(), &segment.part.path).map_err(unreadable)?;
        let (mut bytes, mut sha256) = (0, RunningSha256::default());
        for_each_line(reader.take(segment.part.length.unwrap_or(u64::MAX)), unreadable, |line| {
            if expected.is_some() {
                bytes += line.len() as u64;
                sha256.update(line);
            }
            each(line.strip_suffix(b"\n").unwrap_or(line))
        })?;
        match expected {
            Some((length, sum)) if (length, sum) != (bytes, sha256.sum()) => {
                let detail = "is not what was committed to it: somebody changed it".to_owned();
                Err(self.unproven(segment.name.as_str(), detail))
            }
            _ => Ok(()),
        }
    }

    fn good_length(&self, name: &SegmentName) -> Option<u64> {
        let open = self.state.open.as_ref().filter(|open| open.name == *name).map(|open| open.length);
        open.or_else(|| self.damage_to(name).map(|damaged| damaged.good_length))
    }

    fn damage_to(&self, name: &SegmentName) -> Option<&DamagedSegment> {
        self.damaged.iter().find(|damaged| damaged.name == *name)
    }

    /// Length and SHA-256 of what counts of a segment.
    fn committed(&self, name: &SegmentName) -> Result<(u64, Sha256Sum), CommitError> {
        if let Some(open) = self.state.open.as_ref().filter(|open| open.name == *name) {
            return Ok((open.length, open.sha256.sum()));
        }
        if let Some(damaged) = self.damage_to(name) {
            return Ok((damaged.good_length, damaged.good_sha256));
        }
        let digest = self.digest(name)?;
        Ok((digest.bytes, digest.sha256))
    }

    fn digest(&self, name: &SegmentName) -> Result<SegmentDigest, CommitError> {
        let digest = digest_of(self.committer, self.state, name);
        digest.map_err(|cause| self.unproven(&name.digest(), format!("cannot be read as a digest: {cause}")))
    }

    /// Refuses to go on where a segment is gone that can hold records of `oldest` or later. What retention removed is missed
    /// by nobody, and what a digest admits to be lost was asked again.
    fn refuse_missing(&self, names: &[SegmentName], oldest: Instant) -> Result<(), CommitError> {
        let digests = digests_of(self.committer, self.state)?;
        let by_number = |names: &[SegmentName]| names.iter().map(|name| (name.sequence(), name.clone())).collect();
        let mut known: BTreeMap<u64, SegmentName> = by_number(names);
        known.append(&mut by_number(&digests));
        let lost =
            self.damaged.iter().filter(|damaged| damaged.good_length == 0).map(|damaged| damaged.name.sequence());
        let there: BTreeSet<u64> = names.iter().map(SegmentName::sequence).chain(lost).collect();
        // The file of the open segment is made when it is needed.
        let empty = self.state.open.as_ref().filter(|open| open.length == 0).map(|open| open.name.sequence());
        let numbers = self.state.told.removed_to + 1..self.state.next_sequence;
        for number in numbers.filter(|number| !there.contains(number) && Some(*number) != empty) {
            let needed = match digests.iter().find(|name| name.sequence() == number) {
                Some(name) => {
                    let SegmentDigest { bytes, sealed, last_record, .. } = self.digest(name)?;
                    bytes > 0 && last_record.map_or(sealed, |last| last.max(sealed)) >= oldest
                }
                None => known.range(number + 1..).next().is_none_or(|(_, next)| next.opened() >= oldest),
            };
            if needed {
                let file = known.get(&number).map_or(format!("{number:08}-….ndjson"), ToString::to_string);
                return Err(self.unproven(&file, "is gone".to_owned()));
            }
        }
        Ok(())
    }

    /// A segment cannot be read.
    fn unreadable(&self, name: &SegmentName, cause: io::Error) -> CommitError {
        // What the operating system says passes by itself, or has a cause of its own.
        if self.trust == Trust::Proven && cause.raw_os_error().is_none() {
            return self.unproven(name.as_str(), format!("cannot be read any more: {cause}"));
        }
        CommitError::Io { doing: "read", path: self.path(name.as_str()), cause }
    }

    fn unproven(&self, file: &str, detail: String) -> CommitError {
        let archive = self.committer.archive().folder().to_owned();
        CommitError::Unproven { path: self.path(file), detail, archive }
    }

    fn path(&self, file: &str) -> PathBuf {
        self.committer.archive().folder().join(&self.state.folder).join(file)
    }
}

/// The segments of which digests lie in the folder of a source, in order.
pub(super) fn digests_of(committer: &Committer, state: &SourceState) -> Result<Vec<SegmentName>, CommitError> {
    let archive = committer.archive();
    let names = digest_names(archive.files(), Path::new(&state.folder));
    names.map_err(CommitError::io("list", archive.folder().join(&state.folder)))
}

/// What the digest of a segment says.
pub(super) fn digest_of(committer: &Committer, state: &SourceState, name: &SegmentName) -> io::Result<SegmentDigest> {
    let path = Path::new(&state.folder).join(name.digest());
    let bytes = read_small(committer.archive().files(), &path, LONGEST_DIGEST)?;
    let digest = SegmentDigest::parse(&bytes).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
    if digest.segment == *name && digest.source.folder == state.folder {
        return Ok(digest);
    }
    Err(io::Error::new(io::ErrorKind::InvalidData, "it is the digest of another segment"))
}
