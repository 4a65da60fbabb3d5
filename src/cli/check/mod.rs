//! `atlas-logd check`: is everything right before the first night?
//!
//! | file | holds |
//! |---|---|
//! | `command` | the command: what is looked at, in which order |
//! | `finding` | what was found: one line for people, one object for programs |
//! | `folders` | the folders: writable, whose, and how much room there is |
//! | `exposure` | secrets that others on this machine can read |
//! | `stored` | state and archive, as far as they are there yet |
//! | `online` | everything that Atlas is asked for |
//! | `reach` | the way to Atlas: name, connection, TLS |
//! | `credentials` | each credential, and the clock |
//! | `lists` | the lists of discovery |
//! | `source` | each source: permission, name, tier |
//! | `listed` | what Atlas lists, for what is said about a name that it does not know |

mod command;
mod credentials;
mod exposure;
mod finding;
mod folders;
mod listed;
mod lists;
mod online;
mod reach;
mod source;
mod stored;

pub(super) use command::Check;
