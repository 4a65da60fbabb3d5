//! Dead man's signals: what is wrong although no poll fails with it, or is worth telling before one does. They are made of the
//! configuration, the state and the file systems alone, so that `status` knows them while no daemon runs.
//!
//! | file | holds |
//! |---|---|
//! | `signal` | what a signal says, and its name |
//! | `backlog` | how far each source is behind its schedule |
//! | `credentials` | which secrets come to their end |
//! | `disks` | which file systems refuse, or are nearly full |

mod backlog;
mod credentials;
mod disks;
mod signal;

pub(crate) use backlog::Backlog;
pub(crate) use credentials::{ending, ends};
pub(crate) use disks::{disks, low};
pub(crate) use signal::{Event, Signal};
