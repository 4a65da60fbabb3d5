//! What an export says of itself.

use crate::{
    evidence::Sha256Sum,
    export::{Finding, NewestDigest},
    plan::Gap,
    window::Window,
};

/// A digest that proves records that were exported.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proof {
    /// The digest's file, below the archive's root.
    pub digest: String,
    /// SHA-256 of the file.
    pub sha256: Sha256Sum,
}

/// A segment whose records nothing proves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unproven {
    /// The segment, below the archive's root.
    pub segment: String,
    /// How many of its records were exported.
    pub records: u64,
    /// Whether that is so because it is not sealed yet.
    pub is_open: bool,
}

/// What was exported, what proves it, and what is missing.
#[derive(Debug, Default)]
pub struct Report {
    /// How many records.
    pub records: u64,
    /// How many bytes, newlines included.
    pub bytes: u64,
    /// The digests that some of the records are compared with, in their order. The newest digest of the source holds each of
    /// them, or is one of them.
    pub proofs: Vec<Proof>,
    /// The segments that some of the records come from and that no such digest is of, or that are not what it says.
    pub unproven: Vec<Unproven>,
    /// The newest digest of the source; nothing where there is none, or where it cannot be read.
    pub newest: Option<NewestDigest>,
    /// The digests up to this number are held by no later one; 0 where each is.
    pub unheld: u64,
    /// The gaps in the range that was asked for.
    pub gaps: Vec<Gap>,
    /// The parts of the range of which no digest says that they were collected.
    pub uncovered: Vec<Window>,
    /// Whether the digests tell what is covered: otherwise `gaps` and `uncovered` are empty and mean nothing.
    pub tells_coverage: bool,
    /// What is wrong with the files, or worth knowing of them.
    pub findings: Vec<Finding>,
}
