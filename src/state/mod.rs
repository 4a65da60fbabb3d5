//! The state: what is needed to go on, and nothing more. It does not grow with the archive.
//!
//! ```text
//! <state>/state.db        SQLite: WAL, synchronous=FULL, STRICT tables, schema version in user_version
//! <state>/state.db-wal    SQLite's own
//! <state>/state.db-shm    SQLite's own
//! <state>/lock            held by the one process that may write
//! <state>/rebuild.new/    a database that is made again from the archive, until it takes the place of `state.db`
//! <state>/state.db.replaced-<time>   what it took the place of, with the other files of it
//! ```
//!
//! | table | one row for each | holds |
//! |---|---|---|
//! | `archive` | state | the id that the archive carries too |
//! | `source` | source that was ever seen | watermarks, folder, open and last sealed segment, totals, digests of its rows in the other tables, a checksum over all of it |
//! | `gap` | gap | range, reason, when it was noticed |
//! | `island` | range collected by a backfill that does not touch the start watermark yet | the range |
//! | `fingerprint_run` | some thousand records with a clock that may come again | when they happened, and until when they must be known |
//! | `fingerprints` | these | their fingerprints |
//! | `fingerprint` | record without a clock that may come again | how often it is archived, and until when it must be known |
//! | `intent` | commit under way | everything needed to finish it |
//! | `pending_fingerprint` | record without a clock of a commit under way | what `fingerprint` will hold |
//! | `untold` | thing that the next digest has to tell | what it is, beside gaps and watermarks |
//! | `seal` | digest that is decided and not in its place yet | its bytes and its signature |
//! | `removal` | old segment that is decided to go | its name |
//! | `head` | state | the last archive digest, until it is in its place with its bytes |
//! | `damaged_segment` | segment that was damaged | up to where its bytes are good |
//! | `health`, `poll` | source, and each of its last ten polls | how it went |
//! | `found_project`, `found_source` | project, and each of its clusters and stream instances, that a list of Atlas showed | what the list said of it |
//! | `failing_list` | list of Atlas that cannot be had | since when, and why |
//! | `reconciliation` | source that was ever reconciled | how the last time went |
//! | `probe` | state | a value that is written to see whether it can be |
//!
//! What is decided by is covered by checksums: a source whose row, gaps, islands, damaged segments or intent are not what
//! was written is refused, and fingerprints that are not are made again from the segments. `health`, `poll`,
//! `failing_list` and `reconciliation` are for people; `found_project` and `found_source` are made again from the next list;
//! `probe` is only written.
//!
//! A transaction that returned is on stable storage. Everything that belongs together is in one transaction; which
//! moments a crash can fall into is listed where commits are made, in [`commit`](crate::commit).

mod archive_id;
mod coverage;
#[cfg(test)]
pub(crate) mod coverage_tests;
mod damaged;
mod day_count;
mod digest;
mod ends;
mod error;
mod failing_lists;
mod fingerprints;
mod found;
mod head;
mod intent;
mod overview;
mod polls;
mod probe;
mod reconciliations;
mod removal;
mod replacement;
mod restore;
mod runs;
mod schema;
mod seal;
mod segments;
mod source_row;
mod source_state;
mod store;
mod told;

pub use archive_id::ArchiveId;
pub use coverage::{CoverageChange, gaps, islands, missing, untold_gaps};
pub use damaged::{DamagedSegment, damaged_segments};
pub use day_count::DayCount;
pub use digest::{Digest, RowDigests};
pub use ends::{OpenLength, open_lengths, source_ends, source_keys};
pub use error::StateError;
pub use failing_lists::{FailingList, failing_lists, replace_failing_lists};
pub use fingerprints::{
    Keep, KeptFingerprint, KeptSink, KnownFingerprint, RecordKey, known_fingerprints, replace_fingerprints,
    replace_timed_fingerprints,
};
pub use found::{FoundProject, FoundSource, found_projects, found_sources, replace_found};
pub use head::Head;
pub use intent::{Intent, Placement};
pub use overview::{Overview, overviews};
pub use polls::{Health, PollFailure, PollFigures, PollRecord, health, recent_polls, record_poll};
pub use probe::write_probe;
pub use reconciliations::{Reconciled, last_reconciliation, record_reconciliation};
pub use removal::{decide_removal, removals};
pub use replacement::Replacement;
pub use restore::ToldRows;
pub use runs::{NewRun, RUN, RunHead, RunMaker, runs};
pub use seal::Seal;
pub use segments::{OpenSegment, SealedSegment};
pub use source_state::{SourceKey, SourceState};
pub use store::{PageCheck, Store};
pub use told::{Told, Untold, untold};
