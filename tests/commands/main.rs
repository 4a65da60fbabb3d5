//! The public commands against the simulated Atlas. What counts are bytes, watermarks and gaps, not exit codes.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod api_key;
mod bad_answers;
mod bad_configuration;
mod both_kinds;
mod check;
mod denials;
#[allow(dead_code, unused_imports, reason = "several people write tests on it at the same time")]
mod harness;
mod limits;
mod secrets;
mod service_account;
mod status_answers;
