//! Long runs on virtual clocks: everything that can go wrong, mixed, and a year in the life of many sources.
//!
//! `cargo test` makes short ones. The long ones, each in a release build:
//!
//! ```text
//! ATLAS_LOGD_MIXES=1..=200 cargo test --release --test endurance -- --nocapture mix
//! ATLAS_LOGD_YEAR_DAYS=365 cargo test --release --test endurance -- --nocapture year
//! ```
//!
//! What happens in a mix follows from its number: a failing one is repeated by naming it alone.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "../commands/harness/mod.rs"]
#[expect(dead_code, unused_imports, reason = "the tests of the commands use the rest of it")]
mod harness;
mod mix;
mod year;
