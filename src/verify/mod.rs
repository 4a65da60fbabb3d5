//! The proof of an archive, from its files alone: offline, without state or configuration, on any machine.
//!
//! ```text
//! heads ─▶ walk ─▶ chains ─▶ segments ─▶ report
//! ```
//!
//! 1. [`verify`] reads the archive digests, oldest to newest: which sources there were, and how far each had come.
//! 2. It walks down to the sources' folders; whatever nothing explains is a [`Fault`].
//! 3. It reads the digests of each source, oldest to newest, each with its signature: every one names the one before.
//!    Of a digest only the few numbers are kept that its segment is checked against.
//! 4. On all cores, it streams every sealed segment, and compares.
//! 5. What looks wrong is looked at once more, since the daemon may be at work, and for as long as there is patience where
//!    that would explain it; what stays is in the [`Report`].
//!
//! An archive is taken for hostile: links are not followed, nothing is opened but regular files, nothing is read without
//! a bound, and what comes out of a compressed file is never more than its digest says.
//!
//! What may change without a fault, because nothing was sealed about it yet or it does not count:
//!
//! - the open segment of a source: its bytes, its name, and whether it is there; nor does anything tell of a source of
//!   which no segment was sealed yet;
//! - what lies in `.spool` and `lost+found`, and whether these folders are there;
//! - of a segment that a digest admits to be damaged, what stands behind its good bytes;
//! - of a segment that lies there both plain and compressed, one of the two may go (that of which no digest tells);
//! - of a compressed file that no digest tells of yet, bytes that change nothing of what comes out of it;
//! - modes, owners and times of files;
//! - without `--head`: any number of the newest archive digests with all that is newer than the one that is left; and without
//!   archive digests, a whole source, or the newest segments of one with their digests.

mod chain;
mod content;
mod demand;
mod difference;
mod doubt;
mod fault;
mod folder;
mod heads;
mod holdable;
mod holding;
mod leftovers;
mod note;
mod patience;
mod pool;
mod removal;
mod report;
mod reporter;
mod request;
mod segment;
mod signing;
mod verifier;
mod walk;
mod whole_file;

pub use chain::OpenSegment;
pub use difference::Difference;
pub use fault::{Fault, Reason};
pub use heads::Head;
pub use note::Note;
pub use report::{NewestDigest, Report, SourceReport};
pub use request::Request;
pub use signing::Keys;
pub use verifier::{Progress, verify, verify_files};
