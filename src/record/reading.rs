//! What is understood of a record.

use crate::{
    record::{Clocks, Fingerprint, access_entry, audit_line},
    source::Kind,
};

/// What is understood of a record: when it happened, and what it is recognised by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reading {
    /// When it says it happened; possibly nothing.
    pub clocks: Clocks,
    /// What it is recognised by when Atlas sends it again. Where it has no clock, its place among records that have
    /// one belongs to it too: the same bytes may be written again and again.
    pub fingerprint: Fingerprint,
}

impl Reading {
    /// Reads what can be understood of a record of this kind.
    #[must_use]
    pub fn of(kind: Kind, record: &[u8]) -> Self {
        match kind {
            Kind::StreamAudit => audit_line::read(record),
            Kind::AccessHistory => access_entry::read(record),
        }
    }
}
