//! The rebuild: makes the state again from the archive, where it is lost or older than the archive.
//!
//! ```text
//! digests ─▶ Chain ─▶ watermarks, gaps, islands, damage, last sealed segment ─┐
//! open segment ─▶ FoundSegment ─▶ length, records, SHA-256 ────────────────────┼─▶ a new state, beside the old one
//! newest archive digest ─▶ Head ─▶ what nothing may be missing of ─────────────┘      └─▶ in its place, all at once
//! ```
//!
//! Nothing must be archived twice afterwards, and nothing be claimed that is not proven. So the end watermark of each source
//! goes back to where its newest digest tells: what was collected since lies in the open segment, is asked of Atlas again,
//! and is recognised by fingerprints, which the next poll makes from the segments. What the state knew and no digest tells
//! is forgotten, and each such thing is told as an [`Assumption`].
//!
//! What the new state is built on has to be sound: where the digests of a source do not follow from each other, or more than
//! one segment has none, everything is refused with the file and the reason ([`RebuildError`]). The bytes of sealed segments
//! are not compared with their digests; that is another command's work.
//!
//! The archive is only read. What has to be written there is decided in the new state, and written by the next poll.

mod assumption;
mod chain;
mod error;
mod head;
mod known_source;
mod rebuilder;
mod report;

pub use assumption::Assumption;
pub use error::RebuildError;
pub use rebuilder::{Order, rebuild};
pub use report::{RebuiltSource, Report};
