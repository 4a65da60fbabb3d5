//! The public commands against the simulated Atlas. What counts are bytes, watermarks and gaps, not exit codes.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod access_forms;
mod audit_forms;
mod backfill;
mod bad_answers;
mod both_kinds;
mod clocks;
mod filters;
mod full_pages;
mod harness;
mod late_records;
mod narrower_answers;
mod open_facts;
mod segments;
mod skip;
mod start_and_retention;
