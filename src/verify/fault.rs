//! A fault: something because of which the archive does not prove itself.

use std::{io, path::PathBuf};

use jiff::civil::Date;
use thiserror::Error;

use crate::{
    evidence::{FormatError, LedgerFault, NotAllowed, Sha256Sum, SignatureError},
    instant::Instant,
    shown::{shown, shown_path},
    state::ArchiveId,
    verify::Difference,
};

/// A file or folder of the archive, and what is wrong with it.
#[derive(Debug, Error)]
#[error("{}: {}", shown_path(path), shown(&reason.to_string()))]
pub struct Fault {
    /// The file or folder, below the archive's root.
    pub path: PathBuf,
    /// What is wrong.
    pub reason: Reason,
}

impl Fault {
    pub(super) fn new(path: impl Into<PathBuf>, reason: Reason) -> Self {
        Self { path: path.into(), reason }
    }
}

/// What is wrong with a file or folder.
#[derive(Debug, Error)]
pub enum Reason {
    /// It cannot be read.
    #[error("it cannot be read: {0}")]
    Unreadable(io::Error),
    /// A file that nothing explains.
    #[error("no digest explains this file; it was put here, renamed, or moved from elsewhere")]
    ExtraFile,
    /// One of several segments that no digest is of.
    #[error("several segments have no digest, and only one can be open: the others were put here or renamed")]
    SeveralOpen,
    /// A folder that nothing explains.
    #[error("no digest explains this folder; it was put here, renamed, or moved from elsewhere")]
    ExtraFolder,
    /// A folder with nothing in it.
    #[error(
        "this folder is empty: what was in it is gone, or it was put here; or atlas-logd was killed while it made it, and the \
         next start fills it"
    )]
    EmptyFolder,
    /// A link or the like.
    #[error("it is a link, a device or the like, which has no place in an archive")]
    NoFile,
    /// A file where a folder has to be.
    #[error("it is no folder, where one has to be")]
    NoFolder,
    /// The marker is not what the daemon writes.
    #[error("the archive's marker {0}")]
    Marker(String),
    /// The marker has another id than all digests.
    #[error(
        "it says that this is the archive {marker}, but all digests say {digests}: the marker was changed or is another archive's"
    )]
    OtherMarker {
        /// What the marker says.
        marker: ArchiveId,
        /// What the digests say.
        digests: ArchiveId,
    },
    /// It belongs to another archive.
    #[error("it belongs to the archive {found}, and this one is {expected}")]
    OtherArchive {
        /// What it says.
        found: ArchiveId,
        /// What it should say.
        expected: ArchiveId,
    },
    /// A digest or signature that is longer than one can be.
    #[error("it is longer than {limit} bytes, which none is that atlas-logd wrote; it was not read")]
    TooLong {
        /// The limit.
        limit: u64,
    },
    /// It is no digest.
    #[error("it is no digest as atlas-logd wrote it: {0}")]
    Format(FormatError),
    /// Its name and what it says do not fit.
    #[error("it says that it is the digest of {0}: it was renamed, or swapped with another one")]
    Renamed(String),
    /// It belongs to another folder.
    #[error("it says that it belongs to the folder {0}: it was moved from there, or swapped")]
    Moved(String),
    /// It belongs to another source of the same folder.
    #[error("it is of another source (project id, kind, name or filter) than the digests before it")]
    OtherSource,
    /// Two digests have the same number.
    #[error("there are several digests with the number {0}: the chain forks")]
    Fork(u64),
    /// A digest is not there.
    #[error("the digest is missing")]
    DigestMissing,
    /// A digest is not there, as a segment behind it tells.
    #[error(
        "the digest with the number {number} is missing: {by} comes behind it, and only the newest segment can lie there \
         without one; or that one was put here"
    )]
    DigestMissingBefore {
        /// Its number.
        number: u64,
        /// The segment behind it.
        by: String,
    },
    /// Several digests are not there.
    #[error("{}, but later ones are there", digests_missing(*from, *to))]
    DigestsMissing {
        /// The first.
        from: u64,
        /// The last.
        to: u64,
    },
    /// The next digest names another one.
    #[error("its SHA-256 is {found}, but {by} names {expected}: one of the two was changed or swapped")]
    NotNamed {
        /// The file that names it.
        by: String,
        /// What that one names.
        expected: Sha256Sum,
        /// What it is.
        found: Sha256Sum,
    },
    /// It names no digest before it, or one where none is.
    #[error("it is not the first one, but names none before it")]
    NamesNone,
    /// It names one before the first.
    #[error("it is the first one, but names another before it")]
    NamesBefore,
    /// What it says about coverage does not follow.
    #[error("what it says about coverage does not follow: {0}")]
    Ledger(LedgerFault),
    /// It speaks of something that is not in the chain.
    #[error("it speaks of {0}, which is not among the segments before it")]
    Speaks(String),
    /// A segment was removed that was not old enough, by all that the digests say.
    #[error(
        "it says that {segment} was removed on {decided}, since segments were kept for {keep_seconds} seconds, but all that the \
         digests say of that segment makes it newer: it goes up to {newest}"
    )]
    RemovedEarly {
        /// The segment.
        segment: String,
        /// When that was decided.
        decided: Instant,
        /// How long segments were kept then.
        keep_seconds: u64,
        /// How new the segment is, at least.
        newest: Instant,
    },
    /// The signature that it announces is not there.
    #[error("the signature is missing: {digest} says that it is signed with {key}")]
    SignatureMissing {
        /// The digest's file.
        digest: String,
        /// The key's fingerprint.
        key: String,
    },
    /// A signature of a digest that says it has none.
    #[error("a signature lies here, but {0} says that it has none")]
    SignatureExtra(String),
    /// A signature without a digest.
    #[error("there is no digest that it is of")]
    SignatureAlone,
    /// A signature that proves nothing.
    #[error("it does not sign {digest}: {cause}")]
    Signature {
        /// The digest's file.
        digest: String,
        /// Why not.
        cause: SignatureError,
    },
    /// It is signed with another key.
    #[error("it is made with the key {found}, but {digest} names {expected}")]
    OtherKey {
        /// The digest's file.
        digest: String,
        /// The key that the digest names.
        expected: String,
        /// The key of the signature.
        found: String,
    },
    /// Nobody vouches for the key.
    #[error("{0}")]
    NotAllowed(NotAllowed),
    /// Nothing that is signed holds it.
    #[error(
        "it is not signed, and nothing that is signed holds it, so that whoever could write here could have made it"
    )]
    Unsigned,
    /// The segment is not there.
    #[error("the segment is missing, plain and compressed, and no digest says that it was removed")]
    SegmentMissing,
    /// The compressed form of a segment is not there.
    #[error("the file is missing: the digests say that the segment was compressed into it")]
    CompressedMissing,
    /// Its bytes are not those that were committed.
    #[error("{}: its SHA-256 is {found}, and {expected} was committed", .difference.sentence())]
    Changed {
        /// What was committed.
        expected: Sha256Sum,
        /// What lies there, as far as it was read.
        found: Sha256Sum,
        /// How its length differs.
        difference: Difference,
    },
    /// Its length is not right; it was not read, since it is not asked for.
    #[error("it has {found} bytes instead of {expected}")]
    OtherLength {
        /// What was committed, or recorded when it was compressed.
        expected: u64,
        /// What lies there.
        found: u64,
    },
    /// What is left of a damaged segment has changed since.
    #[error(
        "the {bytes} bytes that were left of it when damage was noticed are not there any more: their SHA-256 is {found} \
         instead of {expected}"
    )]
    DamagedFurther {
        /// So many bytes counted.
        bytes: u64,
        /// What they were.
        expected: Sha256Sum,
        /// What they are.
        found: Sha256Sum,
    },
    /// Its digest tells another number of records.
    #[error("it holds {found} records, but its digest says {told}")]
    Records {
        /// What the digest says.
        told: u64,
        /// What is there.
        found: u64,
    },
    /// It cannot be decompressed.
    #[error("it cannot be decompressed ({0}): bytes of it were changed, or it was cut off")]
    Compression(io::Error),
    /// More comes out of it than there was.
    #[error("more than the {bytes} bytes of the segment come out of it; the rest was not read")]
    TooMuch {
        /// What its digest says.
        bytes: u64,
    },
    /// Something stands behind the compressed data.
    #[error("something stands behind the end of the compressed data, which was appended")]
    Trailing,
    /// The compressed file is another one than was recorded, though the records are right.
    #[error(
        "the records in it are right, but the file is not the one that was recorded when it was compressed: its SHA-256 is {found} instead of {expected}"
    )]
    OtherStored {
        /// What was recorded.
        expected: Sha256Sum,
        /// What it is.
        found: Sha256Sum,
    },
    /// The name of an archive digest and what it says do not fit.
    #[error("it says that it is of {0}: it was renamed, or swapped with another one")]
    OtherDate(Date),
    /// An archive digest is not there.
    #[error("the archive digest is missing: {by} names it as the one before")]
    HeadMissing {
        /// The file that names it.
        by: String,
    },
    /// An archive digest does not name the one before it.
    #[error("it does not name {0} as the one before: one of the two was changed, or one between them is missing")]
    HeadSkips(String),
    /// An archive digest lacks a source.
    #[error("it does not list {0}, which an archive digest before it lists")]
    SourceNotListed(String),
    /// Two archive digests tell of one digest differently.
    #[error("it does not tell the same of {0} as the archive digests before it")]
    ListsOtherwise(String),
    /// A source is gone.
    #[error("the whole source is missing: {by} lists it")]
    SourceMissing {
        /// The archive digest that lists it.
        by: String,
    },
    /// The newest digests of a source are gone.
    #[error("the digest is missing: {by} lists it, so that the source was cut off at its end")]
    CutOff {
        /// The archive digest that lists it.
        by: String,
    },
    /// The head that was asked for is not there.
    #[error(
        "no archive digest here has the SHA-256 {0}: the archive was cut off before it, or it is another archive's head"
    )]
    NoSuchHead(Sha256Sum),
}

fn digests_missing(from: u64, to: u64) -> String {
    match from == to {
        true => format!("the digest with the number {from} is missing"),
        false => format!("digests with the numbers {from} to {to} are missing"),
    }
}

impl Reason {
    /// One word for programs.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Unreadable(_) => "unreadable",
            Self::ExtraFile
            | Self::SeveralOpen
            | Self::ExtraFolder
            | Self::EmptyFolder
            | Self::NoFile
            | Self::NoFolder => "extra",
            Self::Marker(_) | Self::OtherMarker { .. } => "marker",
            Self::OtherArchive { .. } => "other-archive",
            Self::TooLong { .. } | Self::Format(_) => "format",
            Self::Renamed(_) | Self::OtherDate(_) => "renamed",
            Self::Moved(_) | Self::OtherSource => "moved",
            Self::Fork(_) => "fork",
            Self::DigestMissing
            | Self::DigestMissingBefore { .. }
            | Self::DigestsMissing { .. }
            | Self::HeadMissing { .. } => "digest-missing",
            Self::NotNamed { .. } | Self::NamesNone | Self::NamesBefore | Self::HeadSkips(_) => "chain",
            Self::Ledger(_) => "coverage",
            Self::Speaks(_) | Self::RemovedEarly { .. } | Self::SourceNotListed(_) | Self::ListsOtherwise(_) => {
                "contradiction"
            }
            Self::SignatureMissing { .. } => "signature-missing",
            Self::SignatureExtra(_) | Self::SignatureAlone => "signature-extra",
            Self::Signature { .. } => "signature",
            Self::OtherKey { .. } | Self::NotAllowed(_) => "key",
            Self::Unsigned => "unsigned",
            Self::SegmentMissing | Self::CompressedMissing => "segment-missing",
            Self::Changed { .. }
            | Self::OtherLength { .. }
            | Self::DamagedFurther { .. }
            | Self::OtherStored { .. } => "changed",
            Self::Records { .. } => "records",
            Self::Compression(_) | Self::TooMuch { .. } | Self::Trailing => "compression",
            Self::SourceMissing { .. } => "source-missing",
            Self::CutOff { .. } => "cut-off",
            Self::NoSuchHead(_) => "head",
        }
    }
}
