//! A record: one audit line or one access-history entry, byte for byte, and what is understood of it.
//!
//! Nothing here ever changes a record. Its [`clocks`](Clocks) say when it happened, its [`Fingerprint`] recognises it
//! when Atlas sends it again; a record of which nothing can be understood is a record all the same. Of those that are
//! new, [`RecordTimes`] says when they happened and how many came late.

mod access_entry;
mod audit_line;
mod clocks;
mod fingerprint;
mod reading;
mod times;

pub use access_entry::{EntryClocks, newlines_to_spaces};
pub use clocks::Clocks;
pub use fingerprint::Fingerprint;
pub use reading::Reading;
pub use times::RecordTimes;

/// The longest record that is accepted, in bytes. Longer ones are taken for an attack or a broken server.
pub const MAX_RECORD_BYTES: usize = 16 * 1024 * 1024;
