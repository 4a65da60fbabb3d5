//! The plan: which window is asked next, how far a watermark moves, and what is a gap.
//!
//! Nothing here knows of HTTP, files or the database; all of it is arithmetic on instants.
//!
//! A poll asks `[end, now]`, oldest window first. One answer is one window and one commit, so that the memory and the
//! disk that a poll needs depend on one answer and never on the backlog. A page that comes back full is not used: the
//! window is [narrowed](Planner::full) and asked again, until its page is not full or cannot be narrowed further.

mod clocks_agree;
mod gap;
mod keep;
mod planner;
#[cfg(test)]
mod tiling_tests;
mod watermark;

pub use clocks_agree::{CLOCK_TOLERANCE, Clocks, Held};
pub use gap::{Gap, GapReason, subtract};
pub use keep::{keep_until, shows_arrival};
pub use planner::{FullPage, Planner, SLACK};
pub use watermark::{Advance, advance};
