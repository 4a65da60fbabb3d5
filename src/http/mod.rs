//! What the daemon shows over HTTP. Off unless `[http] listen` is set.
//!
//! | file | holds |
//! |---|---|
//! | `server` | the listener and its one path, `/metrics` |
//! | `metrics` | the state as OpenMetrics |

mod metrics;
mod server;

pub use server::{HttpError, HttpServer};
