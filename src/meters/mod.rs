//! What the running process has done, in numbers: noted where it happens, and read by whoever shows it. Nothing here knows of
//! Atlas, of the state, or of how it is shown; nothing of it outlives the process. What has to is in the state.
//!
//! Noting costs a few atomic additions for a request, a commit or a poll: each of them waits for a network or a disk.
//!
//! | file | holds |
//! |---|---|
//! | `all` | all of it |
//! | `requests` | requests to Atlas, by what was asked for and what became of it |
//! | `rate_limits` | what Atlas told of its rate limits |
//! | `histogram` | how long something took, in buckets |

mod all;
mod histogram;
mod rate_limits;
mod requests;

pub use all::Meters;
pub use histogram::{Histogram, Spread};
pub use rate_limits::{RateLimit, RateLimits};
pub use requests::{Outcome, RequestKind, Requests};
