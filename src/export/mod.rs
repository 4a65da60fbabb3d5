//! The export: the records of a range of time, by their own time, out of the segments of one source.
//!
//! An auditor asks for "3 March", and segments follow the time of collection: a record that came late, or was collected by
//! a backfill, lies far from its neighbours. Read are the files of the archive alone; state, configuration and Atlas are not
//! needed, and the daemon may go on writing meanwhile.
//!
//! ```text
//! digests ─▶ Chain, Inventory ─▶ segments that can hold records of the range ─▶ Selector ─▶ output, byte for byte
//!                            └─▶ what is covered, what is missing, what proves it ─▶ Report
//! ```
//!
//! A record belongs to the range if any of its clocks lies in it. One without a clock belongs to it if it may have happened
//! in it, by the nearest records of its segment that have one: the one before and the one behind. At the edge of a segment
//! the one neighbour that is there tells; where no record of a segment has a clock, the time does for which it was open. Of
//! a segment that is not sealed yet, all such records belong to the range. So a record without a clock can be exported for a
//! range that it does not belong to, but none is left out.
//!
//! Segments are chosen by the times in their digests, so that a day out of a year reads little more than that day. Every
//! byte of a segment that was chosen is compared with its digest, also where few of its records belong to the range. What is
//! wrong is a [`Finding`], which is told at the end and ends nothing: all that can be read is exported.
//!
//! A digest is called a proof only where later digests hold it, each by the SHA-256 of the one before; the newest one holds
//! itself up. Signatures and heads, which hold that one, are for [`verify`](crate::verify).

mod chain;
mod error;
mod exporter;
mod finding;
mod inventory;
mod report;
mod selector;
mod source_folder;

pub use chain::{ChainFault, NewestDigest};
pub use error::ExportError;
pub use exporter::export;
pub use finding::Finding;
pub(crate) use inventory::read_digest;
pub use report::{Proof, Report, Unproven};
pub use source_folder::SourceFolder;
