//! Bytes of others: the checks of the fuzz targets, with everything in `fuzz/corpus` and with inputs that are made up
//! here.
//!
//! The fuzz targets themselves need a nightly toolchain and cargo-fuzz, and hunt for as long as one likes;
//! `fuzz/README.md` says how. What they found worth keeping lies in the corpus and is tried here, each time.

#![expect(clippy::unwrap_used, reason = "a test")]

mod challenge;
mod configuration;
mod corpus;
mod error_body;
mod gzip_lines;
mod json_entries;
mod made_up;
mod recovery;

#[expect(unreachable_pub, reason = "the fuzz targets reach them")]
#[path = "../../fuzz/checks/mod.rs"]
mod checks;
