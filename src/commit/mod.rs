//! The commit: makes a window's records and its watermark durable together, exactly once and append-only.
//!
//! | step | what | a crash after it leaves |
//! |---|---|---|
//! | 1 | the records are complete in a spool file; fsync of file and folder | a spool file that nobody asks for; removed |
//! | 2 | one transaction records the *intent*: segment, offset, length, hash, what will be known | the commit is finished at the next open |
//! | 3 | append to the segment, opened by name, at exactly that offset; fsync | the same: what is there already is compared, the rest is appended |
//! | 4 | one transaction applies the intent: watermark, fingerprints, gaps | a spool file; removed |
//!
//! Step 2 is the commit point. Steps 3 and 4 are the same code whether the daemon just did step 2 or finds an intent
//! when it starts ([`Committer::open`]): recovery is nothing but finishing. No step takes bytes back.
//!
//! A window at least as large as a segment may grow becomes a segment of its own: step 3 is then a rename. One of less than
//! 32 MiB goes into the open segment all the same where that is empty.
//!
//! A segment that is not what it has to be is *damaged*: it is sealed with its last good length, the commit goes whole
//! into a new segment, and what was lost is a gap until it has been asked of Atlas again. The state knows lengths and last
//! bytes of the open segment and of the one before it, so both are looked at when a source is opened, and before another
//! segment takes their place ([`examine`] does the same, and changes nothing).
//!
//! Around it, with the same pattern of decided, placed, forgotten: a segment that is sealed gets its digest (`seal`), the archive
//! its own once a day (`heads`), and sealed segments are compressed (`upkeep`) and removed when they are old
//! enough (`retention`). A source is opened before anything is done with it (`opening`).

mod committer;
mod damage;
mod error;
mod examine;
mod found;
mod heads;
mod inspection;
mod lengths;
mod opening;
mod place;
mod placing;
mod probe;
mod retention;
mod rotation;
mod seal;
#[cfg(test)]
mod seal_tests;
mod skip;
mod tail;
mod upkeep;

pub use committer::{Committer, Records};
pub use error::CommitError;
pub use examine::{SegmentFault, examine};
pub use found::{FoundSegment, Resealer, tail_of_sealed};
pub use lengths::{LengthFault, Lengths};
pub use rotation::Rotation;
pub use skip::{Skip, SkipError, Skipped};
pub use tail::TAIL_BYTES;
pub use upkeep::Upkeep;
