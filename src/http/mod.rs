//! What the daemon shows over HTTP. Off unless `[http] listen` is set.
//!
//! | file | holds |
//! |---|---|
//! | `server` | the listener and its paths |
//! | `connections` | how many may be open, and for how long |
//! | `subject` | what is shown |
//! | `told` | what cannot be shown is told once |
//! | `turn` | one reader of the state at a time |
//! | `health` | `/healthz` and `/readyz`: whether the daemon is alive, and collects |
//! | `metrics` | `/metrics`: the same in numbers, for machines |
//! | `page` | `/`: a page for people |
//!
//! Whoever can connect can ask, as often as he likes: what that costs the daemon is bounded, and nothing of it is shared with
//! what collects. There are no scripts, no cookies, and nothing that can be changed.

mod connections;
mod health;
mod metrics;
mod page;
mod server;
mod subject;
mod told;
mod turn;

pub use server::{HttpError, HttpServer};
pub use subject::Subject;
