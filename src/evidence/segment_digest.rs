//! The digest of one sealed segment.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{
    archive::SegmentName,
    evidence::{FormatError, Sha256Sum, format},
    instant::Instant,
    plan::{Gap, GapReason},
    source::{Filter, Kind, SourceId},
    state::ArchiveId,
    window::Window,
};

/// A half-open range of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Range {
    /// The first instant of the range.
    pub from: Instant,
    /// The first instant after it.
    pub to: Instant,
}

impl From<Window> for Range {
    fn from(Window { from, to }: Window) -> Self {
        Self { from, to }
    }
}

impl From<Range> for Window {
    fn from(Range { from, to }: Range) -> Self {
        Self::new(from, to)
    }
}

/// Which source a digest is of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SourceIdentity {
    /// The Atlas project.
    pub project_id: String,
    /// Its display name at the time: the only part that may change from digest to digest.
    pub project_name: String,
    /// Which endpoint.
    pub kind: Kind,
    /// The stream instance or cluster.
    pub name: String,
    /// What of it is archived.
    pub filter: Filter,
    /// The folder below the archive's root.
    pub folder: String,
}

impl SourceIdentity {
    /// What makes it this source.
    #[must_use]
    pub fn id(&self) -> SourceId {
        let Self { project_id, kind, name, filter, .. } = self.clone();
        SourceId { project_id, kind, name, filter }
    }

    /// Whether both are one source: all is the same but the display name.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        let key = |source: &Self| {
            (source.project_id.clone(), source.kind, source.name.clone(), source.filter, source.folder.clone())
        };
        key(self) == key(other)
    }
}

/// A gap, told when it was new.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NotedGap {
    /// Where it begins.
    pub from: Instant,
    /// Where it ends.
    pub to: Instant,
    /// Why.
    pub reason: GapReason,
    /// More words; possibly empty.
    pub detail: String,
    /// When it was noticed, by the local clock.
    pub noticed: Instant,
}

impl From<Gap> for NotedGap {
    fn from(gap: Gap) -> Self {
        let Window { from, to } = gap.window;
        Self { from, to, reason: gap.reason, detail: gap.detail, noticed: gap.noticed }
    }
}

impl From<NotedGap> for Gap {
    fn from(gap: NotedGap) -> Self {
        let NotedGap { from, to, reason, detail, noticed } = gap;
        Self { window: Window::new(from, to), reason, detail, noticed }
    }
}

/// A segment, this one or an earlier one, of which only a beginning counts any more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DamagedPart {
    /// Which one.
    pub segment: SegmentName,
    /// So many bytes from its beginning count; 0 where it is gone.
    pub good_bytes: u64,
    /// SHA-256 of those bytes, as they were found.
    pub good_sha256: Sha256Sum,
    /// What was found.
    pub detail: String,
    /// When, by the local clock.
    pub noticed: Instant,
}

/// A sealed segment that was compressed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Compressed {
    /// Which one.
    pub segment: SegmentName,
    /// The name of the file that holds it now.
    pub file: String,
    /// The file's length.
    pub bytes: u64,
    /// SHA-256 of the file.
    pub sha256: Sha256Sum,
}

/// A sealed segment that was removed because it was old enough. Its digest stays.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Removed {
    /// Which one.
    pub segment: SegmentName,
    /// When that was decided; the file went after this digest was written.
    pub decided: Instant,
    /// How long segments were kept then, in whole seconds.
    pub keep_seconds: u64,
}

/// The clock of a record is not further ahead of the sealing of its segment, unless it is wrong: where the age of a segment
/// counts, a record counts as no newer than that.
pub const RECORD_AHEAD: Duration = Duration::from_secs(24 * 3600);

/// The state was made again from the archive.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rebuilt {
    /// When.
    pub at: Instant,
    /// Up to here the digests told what is archived; what came later was asked of Atlas again.
    pub told_until: Option<Instant>,
    /// The segment that had no digest yet, if there was one.
    pub adopted: Option<SegmentName>,
    /// So many bytes of it were taken as they lay there, by nobody's proof.
    pub adopted_bytes: u64,
}

/// The digest of a sealed segment. In the file, fields stand in this order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SegmentDigest {
    /// [`FORMAT`](crate::evidence::FORMAT).
    pub format: u64,
    /// The id of the archive.
    pub archive: ArchiveId,
    /// The source.
    pub source: SourceIdentity,
    /// The segment's number within the source.
    pub sequence: u64,
    /// The segment's name.
    pub segment: SegmentName,
    /// How many records were committed to it.
    pub records: u64,
    /// How many bytes, newlines included.
    pub bytes: u64,
    /// SHA-256 of these bytes.
    pub sha256: Sha256Sum,
    /// The earliest time that a record of it says it happened; nothing where none says so.
    pub first_record: Option<Instant>,
    /// The latest time that a record of it says it happened.
    pub last_record: Option<Instant>,
    /// How many records of it belong to a time that had been declared complete already.
    pub late_records: u64,
    /// The greatest time of which it is proven that such a record, or another one, was not yet there after it had happened,
    /// in milliseconds; 0 where nothing came late.
    pub lateness_ms: u64,
    /// When the segment was opened, by the local clock, in whole seconds.
    pub opened: Instant,
    /// When it was sealed, by the local clock.
    pub sealed: Instant,
    /// How the end watermark advanced since the digest before: up to and including this segment, the archive is complete for
    /// it, less the gaps. Nothing where it did not.
    pub covered: Option<Range>,
    /// What was collected since the digest before of time before the start watermark, or that was a gap, or of which a
    /// reconciliation archived what came late.
    pub backfilled: Vec<Range>,
    /// What was asked of Atlas again since the digest before and compared record by record, without a difference.
    pub reconciled: Vec<Range>,
    /// The gaps that are new since the digest before.
    pub gaps: Vec<NotedGap>,
    /// The damage noticed since the digest before, to this segment or earlier ones.
    pub damaged: Vec<DamagedPart>,
    /// The earlier segments that were compressed since the digest before.
    pub compressed: Vec<Compressed>,
    /// The earlier segments that are removed once this digest is written.
    pub removed: Vec<Removed>,
    /// When the state was made again from the archive, since the digest before.
    pub rebuilt: Vec<Rebuilt>,
    /// SHA-256 fingerprint of the key that signs this digest (`SHA256:…`, as `ssh-keygen -l` shows it); nothing where no
    /// key was configured.
    pub signing_key: Option<String>,
    /// SHA-256 of the file of the digest before; nothing in the first one of a source.
    pub previous: Option<Sha256Sum>,
    /// The program and its version.
    pub program: String,
}

impl SegmentDigest {
    /// The bytes of its file.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        format::to_bytes(self)
    }

    /// Reads the bytes of a file.
    ///
    /// # Errors
    /// When they are not what [`SegmentDigest::to_bytes`] writes.
    pub fn parse(bytes: &[u8]) -> Result<Self, FormatError> {
        format::parse(bytes)
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::evidence::{FORMAT, program};

    /// A digest of an empty segment that tells of nothing.
    pub(in crate::evidence) fn digest(sequence: u64) -> SegmentDigest {
        let opened = Instant::from_seconds(1_700_000_000);
        SegmentDigest {
            format: FORMAT,
            archive: ArchiveId::parse("0123456789abcdef0123456789abcdef").unwrap(),
            source: SourceIdentity {
                project_id: "0123456789abcdef01234567".to_owned(),
                project_name: "payments".to_owned(),
                kind: Kind::AccessHistory,
                name: "prod-0".to_owned(),
                filter: Filter::default(),
                folder: "payments/access-history/prod-0".to_owned(),
            },
            sequence,
            segment: SegmentName::new(sequence, opened),
            records: 0,
            bytes: 0,
            sha256: Sha256Sum::of(b""),
            first_record: None,
            last_record: None,
            late_records: 0,
            lateness_ms: 0,
            opened,
            sealed: opened,
            covered: None,
            backfilled: Vec::new(),
            reconciled: Vec::new(),
            gaps: Vec::new(),
            damaged: Vec::new(),
            compressed: Vec::new(),
            removed: Vec::new(),
            rebuilt: Vec::new(),
            signing_key: None,
            previous: None,
            program: program(),
        }
    }

    #[test]
    fn a_digest_is_read_back_and_every_byte_of_it_counts() {
        let mut full = digest(42);
        full.covered = Some(Range { from: Instant::from_seconds(0), to: Instant::from_seconds(10) });
        full.first_record = Some(Instant::from_millis(1234));
        full.previous = Some(Sha256Sum::of(b"the one before"));
        let bytes = full.to_bytes();
        assert_eq!(SegmentDigest::parse(&bytes).unwrap(), full);
        let text = String::from_utf8(bytes.clone()).unwrap();
        for other in [
            text.trim_end().to_owned(),
            text.replace("  ", " "),
            text.replace("\"records\": 0", "\"records\":  0"),
            text.replace("1970-01-01T00:00:10Z", "1970-01-01T00:00:10.0Z"),
            text.replace("1970-01-01T00:00:10Z", "1970-01-01T01:00:10+01:00"),
            text.replace("prod-0", "prod\\u002d0"),
        ] {
            assert_ne!(other, text);
            assert!(matches!(SegmentDigest::parse(other.as_bytes()), Err(FormatError::NotCanonical)), "{other}");
        }
        for other in [
            text.replace("\"records\"", "\"recorts\""),
            text.replace("\"records\": 0", "\"records\": -1"),
            text.replace("\"format\": 1,", "\"format\": 1, \"format\": 1,"),
            text.clone() + "x",
            String::new(),
        ] {
            assert!(matches!(SegmentDigest::parse(other.as_bytes()), Err(FormatError::Malformed(_))), "{other}");
        }
        let newer = text.replace("\"format\": 1,", "\"format\": 2,");
        assert!(matches!(SegmentDigest::parse(newer.as_bytes()), Err(FormatError::Newer { found: 2 })));
    }
}
