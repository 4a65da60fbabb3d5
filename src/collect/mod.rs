//! The collection of one source: plan, fetch, decode, drop what is archived already, commit.
//!
//! One path serves the schedule, a one-off collection, a backfill, a reconciliation, and asking again for what damage
//! took: [`Collector::poll`]. An answer is one window and one commit. A poll holds a *slot* while it talks to Atlas or writes,
//! and gives it back after each window and while it waits, so that a backlog or a limited project holds up nobody.
//!
//! | file | holds |
//! |---|---|
//! | `collector` | one poll at a time for each source |
//! | `task`, `slots`, `desk` | what a poll has to do, and what it works with |
//! | `opening` | how a poll begins: its source is opened, its start fixed |
//! | `poll` | one poll: its windows, one after the other |
//! | `window` | one of them: asked for, and what is answered committed |
//! | `fetch` | one answer; tries again within the poll's budget |
//! | `worker` | the two threads that decode it and take it in |
//! | `batch` | from the thread that decodes to the one that takes in |
//! | `intake` | record by record: known, or new and into the spool |
//! | `allowance`, `uncommitted` | what keeps the spool from filling the disk, and from lying there in vain |
//! | `reconcile`, `tally` | what is claimed is compared with what Atlas shows now |
//! | `differing` | where most of it is not archived, so that a person has to decide |
//! | `claims` | what was claimed before, and so which records are late |
//! | `placed`, `sought` | a place among the others for records without a clock, and whether two are one |
//! | `remembered`, `known` | what is archived already, by the state or by whatever else was read |
//! | `kept`, `rows` | what has to be known afterwards |
//! | `judgement` | what an answer proves about its window |
//! | `archived`, `stock` | the same from the segments themselves |
//! | `held`, `removed` | whether the segments are what was archived, and of which time retention removed them |

mod absence;
mod allowance;
mod archived;
mod batch;
mod blocking;
mod claims;
mod collector;
mod desk;
mod differing;
mod error;
mod fetch;
mod held;
mod intake;
mod judgement;
mod kept;
mod known;
mod opening;
mod placed;
mod poll;
mod reconcile;
mod remembered;
mod removed;
mod report;
mod rows;
mod scratch;
mod slots;
mod sought;
mod stock;
mod tally;
mod task;
mod uncommitted;
mod window;
mod worker;

pub use batch::Closed;
pub use collector::Collector;
pub use differing::Differing;
pub use error::PollError;
pub(crate) use poll::STILL_LISTED;
pub use report::{Compared, Failure, Listener, Observer, PollReport, Progress};
pub use slots::Slots;
pub use tally::Tally;
pub use task::{Job, Task};
