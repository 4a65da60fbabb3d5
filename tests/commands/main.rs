//! The public commands against the simulated Atlas. What counts are bytes, watermarks and gaps, not exit codes.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod access_forms;
mod api_key;
mod audit_forms;
mod backfill;
mod bad_answers;
mod bad_configuration;
mod both_kinds;
mod check;
mod clocks;
mod counting;
mod demo_command;
mod denials;
mod evidence;
mod filters;
mod full_pages;
#[expect(dead_code, reason = "the long runs use the rest of it")]
mod harness;
mod late_records;
mod limits;
mod locks;
mod log_lines;
mod made_anew;
mod narrower_answers;
mod open_facts;
mod permissions;
mod progress;
mod readiness;
mod rebuild;
mod rebuild_command;
mod rebuild_interrupted;
mod rebuild_refused;
mod rebuild_story;
mod reconcile;
mod reconcile_evidence;
mod reconcile_exact;
mod reload;
mod reload_refused;
mod run_failing;
mod run_reconcile;
mod run_restart;
mod run_schedule;
mod run_slots;
mod secrets;
mod segment_faults;
mod segments;
mod service_account;
mod simulate_command;
mod skip;
mod start_and_retention;
mod status_answers;
mod stop;
mod unreachable;
mod very_late_records;
