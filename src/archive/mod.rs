//! The archive: the files that an auditor reads.
//!
//! ```text
//! <archive>/.atlas-logd                                    marker: format version and archive id; locked while in use
//! <archive>/.spool/<number>.records                        the records of a commit under way
//! <archive>/.spool/<number>.answer                         an answer that came newest first, until it is turned round
//! <archive>/.spool/probe                                   whether it can be written to
//! <archive>/.spool/<number>.note                           a digest, until it is put into its place
//! <archive>/<project>/<kind>/<name>/<seq>-<opened>.ndjson  a segment: one record a line
//!                                  <seq>-<opened>.ndjson.gz, .zst  a sealed segment that was compressed
//! ```
//!
//! Nothing but a segment ends in `.ndjson`: whoever matches that name below the archive reads segments.
//!
//! A segment is *open* while records are appended to it and *sealed* afterwards. Its bytes, once written, are never
//! rewritten, moved or taken back, and its name never changes; only a sealed one may be compressed, and then the plain form
//! goes after the compressed one is durable. There is one writer; it holds the marker's lock.
//!
//! What errors mean: [`ArchiveError`] concerns the whole archive, and nothing is collected until it is mended.

mod compress;
mod error;
mod files;
mod name;
mod pen;
mod reader;
mod room;
mod root;
mod segment_reader;
mod spool;
mod stored;

pub use compress::{CompressedSegment, Measured, compress};
pub use error::{ArchiveError, explain};
pub use files::{Entry, EntryIs, Files, ReadFile, RealFiles, WriteFile};
pub use name::{SegmentName, escape, folder};
pub use reader::{SegmentPart, edge_records, for_each_line, for_each_record, read_small};
pub use room::{Claim, LowDisk, Room};
pub use root::{Archive, MARKER};
pub use segment_reader::SegmentReader;
pub use spool::{SPOOL, SpoolWriter, Spooled};
pub(crate) use spool::{create_spool, note_spool, remove_if_there, remove_stale as remove_stale_spool};
pub use stored::{StoredForm, digest_names, segment_names};
