//! `atlas-logd export`: the records of a range of time out of an archive, and what proves them.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod archive;
mod at_work;
mod chain;
mod coverage;
mod faults;
#[cfg(target_os = "linux")]
mod memory;
mod names;
mod program;
mod records;
