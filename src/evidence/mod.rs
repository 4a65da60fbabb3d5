//! The evidence: what lets an archive prove itself, from its files alone.
//!
//! ```text
//! <source>/<seq>-<opened>.digest.json        what the sealed segment of the same name held, and up to where the archive
//!                                            is complete with it: a [`SegmentDigest`]
//! <source>/<seq>-<opened>.digest.json.sig    its signature, in the SSH signature format
//! <archive>/.heads/<date>.json               the last digest of every source on that day: an [`ArchiveDigest`]
//! <archive>/.heads/<date>.json.sig           its signature
//! ```
//!
//! Each digest names the SHA-256 of the one before it, so that the newest one holds all that came before. An archive
//! digest holds the newest of every source; its own SHA-256 is *the head*: whoever keeps it elsewhere can tell whether
//! anything was cut off since.
//!
//! A digest says what was *committed*: the SHA-256 of a segment is taken of the records on their way into it, not of what
//! lies there when it is sealed. What someone changed in an open segment does not become evidence.
//!
//! What changed about coverage is told once, by the next digest; the [`Ledger`] adds it up again. Digests are written by
//! [`commit`](crate::commit); nothing here touches a file.

mod allowed_line;
mod allowed_signers;
mod archive_digest;
mod format;
mod gap_set;
mod ledger;
mod pattern;
mod segment_digest;
mod sha256;
mod signature;
mod signer;

pub use allowed_signers::{AllowedSigners, AllowedSignersError, NotAllowed, SkippedLine};
pub use archive_digest::{ArchiveDigest, LastDigest, ListedSource};
pub use format::FormatError;
pub use ledger::{Ledger, LedgerFault};
pub use segment_digest::{
    Compressed, DamagedPart, NotedGap, RECORD_AHEAD, Range, Rebuilt, Removed, SegmentDigest, SourceIdentity,
};
pub use sha256::{RunningSha256, Sha256Sum};
pub use signature::{LONGEST_SIGNATURE, Signature, SignatureError};
pub(crate) use signer::PUT_KEY_BACK;
pub use signer::{NAMESPACE, Signer, SignerError};

/// The folder of archive digests, below the archive's root.
pub const HEADS: &str = ".heads";

/// What is added to the name of a digest for its signature.
pub const SIGNATURE_SUFFIX: &str = ".sig";

/// No digest is longer, in bytes; nor is one read that is.
pub const LONGEST_DIGEST: u64 = 64 << 20;

/// The version of the digests' format that this program writes and reads.
pub const FORMAT: u64 = 1;

/// What digests say of who made them.
#[must_use]
pub fn program() -> String {
    format!("atlas-logd {}", env!("CARGO_PKG_VERSION"))
}
