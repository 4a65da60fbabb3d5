//! What is understood of a record.

use crate::{
    record::{Clocks, EntryClocks, Fingerprint, access_entry, audit_line},
    source::Kind,
};

/// What is understood of a record: when it happened, and, where that was wanted, what it is recognised by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reading {
    /// When it says it happened; possibly nothing.
    pub clocks: Clocks,
    /// What it is recognised by when Atlas sends it again. Where it has no clock, its place among records that have
    /// one belongs to it too: the same bytes may be written again and again.
    pub fingerprint: Option<Fingerprint>,
}

impl Reading {
    /// Reads what can be understood of a record of this kind. Its fingerprint is taken only if it is `wanted` of one with such
    /// clocks: that costs as much as all the rest.
    #[must_use]
    pub fn of(kind: Kind, record: &[u8], wanted: impl FnOnce(Clocks) -> bool) -> Self {
        match kind {
            Kind::StreamAudit => audit_line::read(record, wanted),
            Kind::AccessHistory => Self::of_entry(record, None, wanted),
        }
    }

    /// The same of an access-history entry, whose clocks may have been read before.
    #[must_use]
    pub fn of_entry(entry: &[u8], clocks: Option<EntryClocks>, wanted: impl FnOnce(Clocks) -> bool) -> Self {
        access_entry::read(entry, clocks, wanted)
    }
}

impl Clocks {
    /// The clocks of a record of this kind.
    #[must_use]
    pub fn of(kind: Kind, record: &[u8]) -> Self {
        Reading::of(kind, record, |_| false).clocks
    }
}

impl Fingerprint {
    /// The fingerprint of a record of this kind.
    #[must_use]
    pub fn of(kind: Kind, record: &[u8]) -> Self {
        // It is there where it is wanted.
        Reading::of(kind, record, |_| true).fingerprint.unwrap_or_else(|| Self::of_bytes(record))
    }
}
