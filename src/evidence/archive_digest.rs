//! The digest of the whole archive, made once a day.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::{
    archive::SegmentName,
    evidence::{FormatError, Sha256Sum, SourceIdentity, format},
    instant::Instant,
    state::ArchiveId,
};

/// The newest digest of a source.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LastDigest {
    /// The segment that it is of.
    pub segment: SegmentName,
    /// SHA-256 of the digest's file.
    pub sha256: Sha256Sum,
}

/// A source that was ever archived.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ListedSource {
    /// Which one.
    pub source: SourceIdentity,
    /// Whether it was in the configuration.
    pub configured: bool,
    /// Its newest digest; nothing before its first segment was sealed.
    pub last_digest: Option<LastDigest>,
    /// Its end watermark, which may be beyond its last digest.
    pub complete_until: Option<Instant>,
    /// Since when it was not collected, because its polls failed: "not collected since …".
    pub not_collected_since: Option<Instant>,
}

/// The digest of the whole archive. In the file, fields stand in this order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ArchiveDigest {
    /// [`FORMAT`](crate::evidence::FORMAT).
    pub format: u64,
    /// The id of the archive.
    pub archive: ArchiveId,
    /// Its number in the chain, from 1 on.
    pub sequence: u64,
    /// The day (UTC) that it is of; the name of its file too. After a clock was wrong, it may lie before the one of the archive
    /// digest before.
    pub date: Date,
    /// When it was made, by the local clock.
    pub made: Instant,
    /// All sources that were ever archived, by folder.
    pub sources: Vec<ListedSource>,
    /// The folders of those that came into the configuration since the archive digest before.
    pub added: Vec<String>,
    /// The folders of those that were taken out of it.
    pub removed: Vec<String>,
    /// As in [`SegmentDigest`](crate::evidence::SegmentDigest).
    pub signing_key: Option<String>,
    /// The day that the archive digest before is of; nothing in the first one.
    pub previous_date: Option<Date>,
    /// SHA-256 of its file.
    pub previous: Option<Sha256Sum>,
    /// The program and its version.
    pub program: String,
}

#[derive(Deserialize)]
struct Numbered {
    sequence: u64,
}

impl ArchiveDigest {
    /// The name of the file for a day, in [`HEADS`](crate::evidence::HEADS).
    #[must_use]
    pub fn file_name(date: Date) -> String {
        format!("{date}.json")
    }

    /// The day that a file in [`HEADS`](crate::evidence::HEADS) is of, if it has the name of an archive digest.
    #[must_use]
    pub fn date_of(file_name: &str) -> Option<Date> {
        let date = file_name.strip_suffix(".json")?.parse().ok()?;
        // Only the one way of writing it.
        (Self::file_name(date) == file_name).then_some(date)
    }

    /// The number that a file gives itself, whatever else is in it: archive digests are read in the order of their numbers.
    #[must_use]
    pub fn sequence_in(bytes: &[u8]) -> Option<u64> {
        let numbered: Result<Numbered, _> = serde_json::from_slice(bytes);
        numbered.ok().map(|Numbered { sequence }| sequence)
    }

    /// The bytes of its file. Their SHA-256 is the head.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        format::to_bytes(self)
    }

    /// Reads the bytes of a file.
    ///
    /// # Errors
    /// When they are not what [`ArchiveDigest::to_bytes`] writes.
    pub fn parse(bytes: &[u8]) -> Result<Self, FormatError> {
        format::parse(bytes)
    }
}
