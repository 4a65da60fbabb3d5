//! atlas-logd archives two kinds of MongoDB Atlas logs: the audit logs of stream processing instances, and the database
//! access history of clusters; complete, exact, append-only.
//!
//! This page is the tour. Data goes one way, and each step has one owner:
//!
//! ```text
//! schedule tick ─▶ plan windows ─▶ fetch ─▶ decode ─▶ drop what is archived already ─▶ commit ─▶ segment
//!    daemon           plan         atlas    atlas::decode         collect              commit    archive, state
//! ```
//!
//! 1. [`config`] reads the TOML list of projects, stream instances and clusters; all its faults at once.
//! 2. [`daemon`] turns it into tasks, ticks by cron patterns, and polls each [`source`] in its turn. Where the configuration
//!    names patterns, [`discovery`] says from Atlas' lists which sources these are.
//! 3. [`plan`] says which [`window`] of time is asked next, how far a watermark moves, and what is a gap. Plain
//!    arithmetic on [`instant`]s.
//! 4. [`atlas`] asks the Atlas Administration API for one window, and decodes the answer in constant memory.
//! 5. [`record`] says what is understood of a record: when it happened, and what it is recognised by.
//! 6. [`collect`] runs one poll of one source: it drops what is archived already and spools the rest.
//! 7. [`commit`] makes the records and the watermark durable together, exactly once, through a crash at any point.
//! 8. [`archive`] holds the files that an auditor reads; [`state`] what is needed to go on.
//! 9. [`verify`] proves an archive by its [`evidence`], from its files alone; [`export`] gives an auditor the records of a
//!    range of time out of it, and names what proves them.
//! 10. [`rebuild`] makes the state again from the archive, where it is lost.
//! 11. [`control`] lets commands beside a running daemon have things done by it.
//! 12. `status` says how each source is doing; [`http`] shows it, with what [`meters`] counted of the running process.
//! 13. [`vitals`] watches over what is under way, so that what hangs is noticed.
//!
//! The planner and the commit know nothing of HTTP; the client knows nothing of files. Three seams are there for tests:
//! [`clock::Clock`], [`archive::Files`], and Atlas itself, which is simulated over real HTTP by [`sim`]; nothing of the
//! product depends on it but the two commands that serve and show it. [`cli`] is the command line.

pub mod archive;
pub mod atlas;
pub mod cli;
pub mod clock;
pub mod collect;
pub mod commit;
pub mod config;
pub mod control;
pub mod daemon;
pub mod discovery;
pub mod evidence;
pub mod export;
mod file_system;
mod glob;
pub mod http;
pub mod instant;
mod lock;
pub mod meters;
mod nearest;
pub mod plan;
pub mod rebuild;
pub mod record;
mod shell;
mod shown;
mod signals;
pub mod sim;
pub mod source;
pub mod state;
mod status;
pub mod verify;
pub mod vitals;
pub mod window;
mod words;
