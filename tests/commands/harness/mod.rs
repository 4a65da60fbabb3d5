//! What all tests stand on: a [`Stage`] with a simulated Atlas, a configuration, a state and an archive.
//!
//! A test reads like a story: it makes a stage, puts events into the world, runs commands on it, and compares.
//!
//! ```text
//! let stage = Stage::new();                                // the time of the machine; or Stage::at("2025-06-10T12:00:00Z")
//! stage.configure(|config| config.set("collect", "start", "\"36h\""));
//! stage.add(&orders(), Event::audit(stage.ago(MINUTE), "one"));
//! stage.command(["collect"]).assert_done();                // the real program
//! assert_eq!(stage.lines(&orders()), …);
//! stage.assert_exact(&orders());                           // against everything that Atlas held
//! ```
//!
//! | to | there is |
//! |---|---|
//! | run a command of the real program | [`Stage::command`], [`Stage::command_under_umask`] |
//! | run the daemon | [`Stage::spawn_daemon`]: readiness, log lines, signals, exit |
//! | see what it tells its service manager | [`Manager`] |
//! | wait for a daemon's polls | [`Stage::wait_until_polled`], [`Stage::wait_for_data_requests`] |
//! | wait for anything else | [`try_until`] |
//! | poll at times of the test's choice | [`Stage::at`] and [`Stage::desk`]: the same collection in this process |
//! | read what is archived | [`Stage::lines`], [`Stage::segments`] |
//! | read what the state says | [`Stage::status`]: watermarks, gaps, counts |
//! | see what is shown over HTTP | [`get`], [`Daemon::wait_for_address`]; at times of the test's choice [`Stage::serve`] |
//! | compare it with what happened | [`Stage::assert_exact`], [`Stage::assert_current`] |
//!
//! After every command and every poll the stage looks at all segments: what was there before has to be there still,
//! byte for byte. Waits are for the thing itself and have a deadline here, so that tests need neither.

mod archive;
mod browser;
mod command;
mod comparison;
mod configuration;
mod daemon;
pub(crate) mod desk;
mod discovered;
mod environment;
mod live;
mod manager;
mod more_sources;
mod oracle;
mod patience;
mod readers;
mod stage;
mod status;
mod stored;
mod web_page;

pub(crate) use archive::Segment;
pub(crate) use browser::{Answer, ask, get};
pub(crate) use command::Outcome;
pub(crate) use configuration::{Configuration, ProjectTable};
pub(crate) use daemon::Daemon;
pub(crate) use discovered::{cluster, lists};
pub(crate) use live::{EVERY_SECOND, ONCE_A_YEAR, asked_from};
pub(crate) use manager::Manager;
pub(crate) use patience::{PATIENCE, try_until};
pub(crate) use stage::{
    ANALYTICS, CLIENT_ID, CLIENT_SECRET, PAYMENTS, PRIVATE_KEY, PUBLIC_KEY, Stage, at, orders, prod, shops, warehouse,
};
pub(crate) use status::{Gap, Status};
pub(crate) use web_page::{WebPage, text};

use std::time::Duration;

pub(crate) const SECOND: Duration = Duration::from_secs(1);
pub(crate) const MINUTE: Duration = Duration::from_secs(60);
pub(crate) const HOUR: Duration = Duration::from_secs(3600);
pub(crate) const DAY: Duration = Duration::from_secs(24 * 3600);
