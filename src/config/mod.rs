//! The configuration: a TOML file in, a [`Config`] with nothing left to refuse out, or all the faults at once.
//!
//! The way of the data: [`load`] reads the file, `toml` makes a raw document of it in which each key and value knows
//! where it stands, the reader (`table`) takes values out of it by name and type, one file for each section checks
//! them, and a fault anywhere goes to one list (`faults`) instead of ending the work. Only an empty list gives a
//! [`Config`].
//!
//! The raw side is toml's spanned document and not structs for serde: serde's way ends at the first unknown key or
//! wrong type, while an operator wants the whole list, and a reader of our own can tell the nearest known key, an example
//! of the expected type, and, above all, when a line must not be shown because a secret may stand in it.
//!
//! Which keys there are stands in one place, [`keys`].

mod archive;
mod atlas;
mod base_url;
mod checked;
mod choice;
mod collect;
mod credential;
#[cfg(test)]
mod credential_tests;
mod cron;
mod duration;
mod error;
mod evidence;
#[cfg(test)]
mod example;
#[cfg(test)]
mod fault_tests;
mod faults;
mod http;
mod keys;
mod load;
#[cfg(test)]
mod load_tests;
mod mode;
mod name;
mod path;
mod project;
mod quote;
mod schedule;
mod secret;
mod signals;
mod size;
mod start;
mod table;

pub use checked::*;
pub use cron::next_run;
pub use duration::parse as parse_duration;
pub use error::{ConfigError, Fault, Position};
pub use keys::keys;
pub use load::{load, load_to_read, parse};
pub use schedule::Schedule;
