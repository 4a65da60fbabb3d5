//! What an auditor has to know about what was exported, or was not.

use std::io;

use thiserror::Error;

use crate::{
    evidence::{FormatError, LedgerFault, Sha256Sum},
    export::{ChainFault, error::why},
    instant::Instant,
};

/// Something about a segment or a digest. Files are named as they lie below the archive's root.
#[derive(Debug, Error)]
pub enum Finding {
    /// A segment cannot be read, or not to its end.
    #[error(
        "{segment} cannot be read behind its first {bytes} bytes: {}; the records before that are exported",
        why(cause)
    )]
    Unreadable {
        /// The segment.
        segment: String,
        /// How much could be read.
        bytes: u64,
        /// Why.
        cause: io::Error,
    },
    /// A segment does not hold the bytes that were committed to it.
    #[error(
        "{segment} is not what {digest} says of it: SHA-256 {found} instead of {told}; what was exported of it is not proven; \
         put it back from a copy and export again"
    )]
    Changed {
        /// The segment.
        segment: String,
        /// Its digest, or the one that tells of its damage.
        digest: String,
        /// The sum of the bytes that are there.
        found: Sha256Sum,
        /// The sum that they should have.
        told: Sha256Sum,
    },
    /// A segment is shorter than its digest says.
    #[error(
        "{segment} has only {found} of the {told} bytes that {digest} tells of; what was exported of it is not proven; put \
         it back from a copy and export again"
    )]
    Shorter {
        /// The segment.
        segment: String,
        /// Its digest, or the one that tells of its damage.
        digest: String,
        /// How many bytes are there.
        found: u64,
        /// How many bytes there should be.
        told: u64,
    },
    /// A segment is longer than its digest says.
    #[error("{segment} has more than the {told} bytes that {digest} tells of; what lies behind them was not exported")]
    Longer {
        /// The segment.
        segment: String,
        /// Its digest.
        digest: String,
        /// How many bytes there should be.
        told: u64,
    },
    /// A digest tells of a segment that is not there.
    #[error("{segment} is not there, though {digest} tells of it; put it back from a copy and export again")]
    Missing {
        /// The segment.
        segment: String,
        /// Its digest.
        digest: String,
    },
    /// A segment was damaged, as a digest says.
    #[error(
        "{segment} was damaged ({detail}), which was noticed at {noticed}: of it only the first {good_bytes} bytes count; \
         what the damage took was asked of Atlas again, or is a gap"
    )]
    Damaged {
        /// The segment.
        segment: String,
        /// What was found then.
        detail: String,
        /// When.
        noticed: Instant,
        /// So many bytes from its beginning count.
        good_bytes: u64,
    },
    /// A segment was old enough to be removed.
    #[error("{segment} was removed by retention on {decided}: its records are not in the archive any more")]
    Removed {
        /// The segment.
        segment: String,
        /// When that was decided.
        decided: Instant,
    },
    /// A digest cannot be read.
    #[error("{digest} cannot be read: {}; it proves nothing", why(cause))]
    UnreadableDigest {
        /// The digest.
        digest: String,
        /// Why.
        cause: io::Error,
    },
    /// A digest is none.
    #[error("{digest} is no digest: {cause}; it proves nothing")]
    NoDigest {
        /// The file.
        digest: String,
        /// Why.
        cause: FormatError,
    },
    /// A digest lies where it does not belong.
    #[error("{digest} is the digest of {of}, not of what lies beside it; it proves nothing")]
    Foreign {
        /// The digest.
        digest: String,
        /// The segment that it tells of.
        of: String,
    },
    /// The chain of the digests does not hold here.
    #[error("{digest}: {cause}")]
    Unchained {
        /// The digest.
        digest: String,
        /// Why.
        cause: ChainFault,
    },
    /// A segment without a digest, where one has to be.
    #[error(
        "{segment} has no digest, though only one segment can be without, the one behind the newest digest: a digest is gone, \
         or the segment was put here"
    )]
    Undigested {
        /// The segment.
        segment: String,
    },
    /// The digests do not add up.
    #[error("{digest} does not follow from the digests before it: {cause}")]
    Unfollowed {
        /// The digest.
        digest: String,
        /// Why.
        cause: LedgerFault,
    },
}

impl Finding {
    /// Whether an export with it has failed, though all that can be read was exported. What was removed because it was
    /// old enough is as it should be, and what a digest admits to be damaged was asked of Atlas again or is told as a gap.
    #[must_use]
    pub fn is_failure(&self) -> bool {
        !matches!(self, Self::Removed { .. } | Self::Damaged { .. })
    }
}
