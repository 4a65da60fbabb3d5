//! What an export says of itself.

use crate::{evidence::Sha256Sum, export::Finding, plan::Gap, window::Window};

/// A digest that proves records that were exported.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proof {
    /// The digest's file, below the archive's root.
    pub digest: String,
    /// SHA-256 of the file.
    pub sha256: Sha256Sum,
}

/// A segment whose records nothing proves yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unsealed {
    /// The segment, below the archive's root.
    pub segment: String,
    /// How many of its records were exported.
    pub records: u64,
}

/// What was exported, what proves it, and what is missing.
#[derive(Debug, Default)]
pub struct Report {
    /// How many records.
    pub records: u64,
    /// How many bytes, newlines included.
    pub bytes: u64,
    /// The digests of the segments that some of the records come from, in their order.
    pub proofs: Vec<Proof>,
    /// The segments without a usable digest that some of the records come from.
    pub unsealed: Vec<Unsealed>,
    /// The gaps in the range that was asked for.
    pub gaps: Vec<Gap>,
    /// The parts of the range of which no digest says that they were collected.
    pub uncovered: Vec<Window>,
    /// What is wrong with the files.
    pub findings: Vec<Finding>,
}
