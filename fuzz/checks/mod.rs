//! What has to hold whatever bytes come in: one check for each place where bytes of others are read.
//!
//! Each check takes any bytes at all and panics when something does not hold. The fuzz targets call them with bytes that
//! they make up, and the tests of the main package with those that were worth keeping (`fuzz/corpus`) and some more.

pub mod challenge;
pub mod configuration;
pub mod error_body;
pub mod gzip_lines;
pub mod json_entries;
pub mod recovery;

mod chunks;
mod input;

#[expect(dead_code, reason = "the crash tests do more with it")]
#[path = "../../tests/crash/disk.rs"]
mod disk;
