//! The simulated Atlas over real HTTP: what every other test leans on has to be strict itself.

#![expect(clippy::unwrap_used, reason = "a test")]

mod access_history;
mod audit_logs;
mod client;
mod denials;
mod digest;
mod discovery;
mod faults;
mod interop;
mod limits;
mod oauth;
