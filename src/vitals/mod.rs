//! Signs of life: whether what is under way gets on, or hangs for good.
//!
//! Whoever has something to do that may hang (a poll, a reconciliation, the sealing of a segment) does it under
//! [`Vitals::watch`], and each piece of it that waits for a disk in `blocking`. Both then have a sign of their own, which
//! what they call sets with `moved` whenever it gets on: one relaxed store, no look at a clock. Who waits on purpose says so,
//! with `waits` for as long as it may take at most (a request, a `Retry-After`), or with `waits_for_others` where somebody
//! else has to be done first, who is watched too. [`Vitals::check`] is called every few seconds, clears the signs, and adds up
//! for how long each was silent.
//!
//! What nobody watches, as in a command that somebody sits in front of, gives no signs; all of this does nothing then.
//!
//! | file | holds |
//! |---|---|
//! | `sign` | the sign of one piece of work, found by the task or the thread that it runs on |
//! | `register` | all signs, and for how long each was silent |
//! | `work` | what is watched |

mod register;
mod sign;
mod work;

pub(crate) use register::LONGEST_LOOK;
pub use register::{Stuck, Vitals};
pub(crate) use sign::{moved, waits, waits_for_others};
pub(crate) use work::blocking;
