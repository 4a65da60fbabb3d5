//! What the daemon shows over HTTP. Off unless `[http] listen` is set.
//!
//! | file | holds |
//! |---|---|
//! | `server` | the listener and its one path, `/metrics` |
//! | `subject` | what is shown |
//! | [`metrics`] | the same in numbers, for machines |

mod metrics;
mod server;
mod subject;

pub use server::{HttpError, HttpServer};
pub use subject::Subject;
