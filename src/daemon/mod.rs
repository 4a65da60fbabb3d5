//! The daemon: everything around the collection of one source.
//!
//! | file | holds |
//! |---|---|
//! | `station` | what a configuration is turned into: state, archive, collector, clients |
//! | `ticks` | cron patterns into ticks |
//! | `roster`, `queue` | the sources, when each is due, and which is polled or reconciled now |
//! | `service` | the loop: tick, due, done, reload, stop |
//! | `daily_head` | when the archive digest of a day is made |
//! | `explorer` | when Atlas' lists are asked for |
//! | `pulse` | whether the daemon is alive and collecting |
//! | `stop` | a stop in two steps |
//! | `wall_clock` | notices when the clock of the machine is set |
//! | `watch` | one line when something starts to fail, and one when it is well again |

mod daily_head;
mod explorer;
mod pulse;
mod queue;
mod roster;
mod service;
mod station;
mod stop;
mod ticks;
mod wall_clock;
mod watch;

pub use pulse::Pulse;
pub(crate) use service::GONE;
pub use service::{Control, Service};
pub(crate) use station::open_committer;
pub use station::{StartError, Station};
pub use stop::Stop;
pub(crate) use watch::PAUSED;
