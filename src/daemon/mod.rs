//! The daemon: everything around the collection of one source.
//!
//! | file | holds |
//! |---|---|
//! | `station` | what a configuration is turned into: state, archive, collector, clients |
//! | `ticks` | cron patterns into ticks |
//! | `roster`, `queue` | the sources, when each is due, and which is polled or reconciled now |
//! | `service` | the loop: tick, due, done, reload, stop |
//! | `orders` | what is done because a command asks for it |
//! | `daily_head` | when the archive digest of a day is made |
//! | `excuse` | what is no failure although a poll failed |
//! | `explorer` | when Atlas' lists are asked for |
//! | `patrol` | looks now and then for what no poll fails with |
//! | `pulse` | whether the daemon is alive and collecting |
//! | `watchdog` | looks at the pulse, and tells the log what hangs |
//! | `overview`, `lookout` | all sources in a line, and when it is made |
//! | `stop` | a stop in two steps |
//! | `wall_clock` | notices when the clock of the machine is set |
//! | `watch` | one line when something starts to fail, and one when it is well again |

mod daily_head;
mod excuse;
mod explorer;
mod lookout;
mod orders;
mod overview;
mod patrol;
mod pulse;
mod queue;
mod roster;
mod service;
mod station;
mod stop;
mod ticks;
mod wall_clock;
mod watch;
mod watchdog;

pub(crate) use excuse::Excuse;
pub use overview::Overview;
pub use pulse::Pulse;
pub use roster::{spread, turn};
pub use service::{Control, Service};
pub(crate) use station::open_committer;
pub use station::{StartError, Station};
pub use stop::Stop;
pub use watchdog::Watchdog;
