//! The public commands against the simulated Atlas. What counts are bytes, watermarks and gaps, not exit codes.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod both_kinds;
mod demo_command;
#[allow(dead_code, unused_imports, reason = "several people write tests on it at the same time")]
mod harness;
mod locks;
mod log_lines;
mod readiness;
mod reload;
mod reload_refused;
mod run_failing;
mod run_restart;
mod run_schedule;
mod run_slots;
mod simulate_command;
mod stop;
