//! Orders to a running daemon: what `collect`, `reconcile`, `skip` and `seal` do beside one, the daemon does for them.
//!
//! There is one writer. Whoever wants something written while a daemon runs asks it, over a socket in the state folder, and
//! is told how it goes. The socket is there from when the daemon holds the lock of the state until it gives it back. It lets
//! in root and the daemon's own user; nothing that is said there is secret.
//!
//! | who | says |
//! |---|---|
//! | the command | one line: the version of what is spoken, the order |
//! | the daemon | which sources it is about, or why it does nothing |
//! | the daemon | what happens (which may be left out where the command reads slowly), and how it ended, source by source |
//! | the command | nothing more. Where it closes its half, or is gone, what is under way ends with the window it is at |
//!
//! Each line is a JSON value and has a bound, as has the number of commands; nobody waits for one that does not read.
//!
//! | file | holds |
//! |---|---|
//! | `order` | what is asked |
//! | `answer`, `news` | what the daemon says: how it begins, goes and ends |
//! | `socket` | where the two meet, and who is let in |
//! | `inbox` | the daemon's side: takes orders in |
//! | `conversation` | with one command, from its order to the last answer |
//! | `outlet` | what is on its way to a command |
//! | `client` | the command's side |

mod answer;
mod client;
mod conversation;
mod error;
mod inbox;
mod news;
mod order;
mod outlet;
mod socket;
#[cfg(test)]
mod tests;

pub(crate) use answer::Answer;
pub(crate) use client::Client;
pub(crate) use error::ControlError;
pub use inbox::Inbox;
pub(crate) use inbox::Ordered;
pub(crate) use news::{News, Outcome};
pub(crate) use order::{Named, Order, What};
pub(crate) use outlet::Outlet;
