//! A record: one audit line or one access-history entry, byte for byte, and what is understood of it.
//!
//! Nothing here ever changes a record. Its [`clocks`](Clocks) say when it happened, its [`Fingerprint`] recognises it
//! when Atlas sends it again; a record of which nothing can be understood is a record all the same.

mod access_entry;
mod audit_line;
mod clocks;
mod fingerprint;

pub use access_entry::{AccessEntry, newlines_to_spaces};
pub use audit_line::AuditLine;
pub use clocks::Clocks;
pub use fingerprint::Fingerprint;

/// The longest record that is accepted, in bytes. Longer ones are taken for an attack or a broken server.
pub const MAX_RECORD_BYTES: usize = 16 * 1024 * 1024;
