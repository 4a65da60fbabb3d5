//! The client against a server that sends exactly the bytes it is told to.

mod digest;
mod exchange;
mod listing;
mod rate_limit;
mod server;
mod service_account;
mod setting;
