//! `/metrics`: what a daemon is doing, in numbers, for Prometheus and the like.
//!
//! All of it is read when it is asked for. What is counted of sources is in the state, so that it goes on after a restart; what
//! is measured of requests, commits and polls is of this process, and begins anew, which a counter may.
//!
//! | file | holds |
//! |---|---|
//! | `format` | the two text formats |
//! | `scrape` | all that is looked at, at one moment |
//! | `known` | what the state says of one source |
//! | `sources` | the metrics that each source has |
//! | `whole` | those of the daemon as a whole |
//! | `requests` | those of requests to Atlas and its rate limits |
//! | `durations` | how long commits and polls took |
//! | `disks` | the file systems of archive and state |
//! | `process` | those that every process has |
//! | `family` | how one metric is written |
//!
//! Labels are bounded by the configuration (`source`, `project`, `credential`) or by lists in the code (all others): nothing
//! that Atlas answers becomes a label.

mod disks;
mod durations;
mod family;
mod format;
mod known;
mod process;
mod requests;
mod scrape;
mod sources;
mod whole;

pub(super) use format::Format;
pub(super) use scrape::text;
