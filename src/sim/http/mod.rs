//! The HTTP side: HTTP/1.1 on loopback, with the header names and the order of checks that were recorded.
//!
//! A request goes: log and hold → faults that answer instead → route and method → authentication → access list → token
//! bucket → media type → project and role → the endpoint → compression → faults that damage the answer.

mod access_history;
mod answer;
mod audit_logs;
mod caller;
mod compressed;
mod connection;
mod damage;
mod discovery;
mod errors;
mod handle;
mod json;
mod media_type;
mod oauth;
mod producer;
mod query;
mod route;
mod server;

pub use server::{SimAtlas, serve};
