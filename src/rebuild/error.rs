//! Why no state can be made.

use std::path::PathBuf;

use thiserror::Error;

use crate::{
    archive::ArchiveError,
    commit::CommitError,
    evidence::{LedgerFault, SignerError},
    export::{ExportError, Finding},
    state::StateError,
};

/// Why no state can be made. The one that is there, if any, is as it was. Files are named as they lie below the archive's
/// root.
#[derive(Debug, Error)]
pub enum RebuildError {
    /// There is a state.
    #[error(
        "there is a state database at {path}; where it is older than the archive, or damaged, run the same with --replace, \
         which moves it aside first"
    )]
    Present {
        /// The database, or what is left of one.
        path: PathBuf,
    },
    /// The state.
    #[error(transparent)]
    State(#[from] StateError),
    /// The archive.
    #[error(transparent)]
    Archive(#[from] ArchiveError),
    /// A segment.
    #[error(transparent)]
    Segment(#[from] CommitError),
    /// The signing key.
    #[error(transparent)]
    Signer(#[from] SignerError),
    /// The archive cannot be looked into.
    #[error(transparent)]
    Folder(#[from] ExportError),
    /// A digest cannot be read, or is none.
    #[error("{0}; {NOT_SOUND}")]
    Digest(Finding),
    /// A digest is of another archive.
    #[error("{digest} belongs to the archive {found}, not to this one; {NOT_SOUND}")]
    ForeignArchive {
        /// The digest.
        digest: String,
        /// The id in it.
        found: String,
    },
    /// A digest is missing.
    #[error("the digest of segment {expected:08} is not in {folder}, though there is {found}; {NOT_SOUND}")]
    MissingDigest {
        /// The folder of the source.
        folder: String,
        /// The number of the segment.
        expected: u64,
        /// What is there with a greater number.
        found: String,
    },
    /// A digest does not hold the one before it.
    #[error("{digest} does not hold the digest before it: its chain is broken; {NOT_SOUND}")]
    BrokenChain {
        /// The digest.
        digest: String,
    },
    /// A digest is of another source than the one before it.
    #[error("{digest} is of another source than the digest before it; {NOT_SOUND}")]
    OtherSource {
        /// The digest.
        digest: String,
    },
    /// Coverage does not add up.
    #[error("{digest} does not follow from the digests before it: {cause}; {NOT_SOUND}")]
    Unfollowed {
        /// The digest.
        digest: String,
        /// Why.
        cause: LedgerFault,
    },
    /// A file has the name of a segment that the digests do not know.
    #[error(
        "{segment} lies in the archive, but the digests beside it do not know it; move it away if somebody else put it \
         there; {NOT_SOUND}"
    )]
    UnknownSegment {
        /// The file.
        segment: String,
    },
    /// A sealed segment has another length than its digest says.
    #[error(
        "{segment} has {found} bytes, but its digest tells of {told}; put it back from a copy, or move it to where you keep \
         evidence; {NOT_SOUND}"
    )]
    Length {
        /// The segment.
        segment: String,
        /// Its length.
        found: u64,
        /// What its digest says.
        told: u64,
    },
    /// Something of which the newest archive digest tells is not there.
    #[error(
        "{head} tells of the digest {digest}, which is not there, or is another one: the archive was cut off at its end; \
         {NOT_SOUND}"
    )]
    Cut {
        /// The archive digest.
        head: String,
        /// The digest.
        digest: String,
    },
    /// Two folders belong to one source.
    #[error(
        "{folder} and {other} both belong to one source; move away the one that somebody else put there; {NOT_SOUND}"
    )]
    SameSource {
        /// One folder.
        folder: String,
        /// The other one.
        other: String,
    },
    /// Whose folder it is cannot be told.
    #[error(
        "{folder} holds a segment but no digest yet, and no source of the configuration has that folder: put its project and \
         source into the configuration as they were, or move the folder away; nothing was rebuilt, because its records might \
         be archived twice"
    )]
    UnknownSource {
        /// The folder.
        folder: String,
    },
}

/// What to do about evidence that does not fit together.
const NOT_SOUND: &str = "nothing was rebuilt, because a state must be built on what is sound: `atlas-logd verify` names all \
                         that is wrong; put it back from a copy";
