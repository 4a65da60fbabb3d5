//! Discovery: which sources the patterns of a configuration mean, by the lists of Atlas.
//!
//! [`ask`] gets the lists that a configuration needs, and none where it names everything. [`Known`] is what all lists so far
//! have shown; it is kept in the state, so that a start without Atlas goes on with it. [`Known::learn`] adds the lists that
//! were got, [`Known::resolve`] makes the projects of the configuration out of it.
//!
//! A list can be partial, and can fail: nothing is taken away because a list does not show it. A source that was found counts
//! as gone only once it is absent from its list *and* Atlas answers 404 for its log. Then it is no longer polled, its segment
//! is sealed, and its state stays; it goes on where it was when a list shows it again.
//!
//! Names come from Atlas and may be hostile: they are held to the rules of configured ones.
//!
//! | file | holds |
//! |---|---|
//! | `lists` | what is asked of Atlas, and how it went |
//! | `known` | what all lists have shown |
//! | `learn` | what becomes of it with new lists |
//! | `resolve` | tables and what is known, into projects |
//! | `naming` | what found projects are called here |
//! | `failing` | which lists cannot be had, and since when |
//! | `unmatched` | patterns that match nothing |
//! | `change` | what is told of it |

mod change;
mod failing;
mod known;
mod learn;
#[cfg(test)]
mod learn_tests;
mod lists;
mod naming;
mod resolve;
mod unmatched;

pub use change::{Change, Learnt};
pub use known::Known;
pub use lists::{Lists, Subject, Trouble, ask};
pub use resolve::{NotCollected, Wanted, Why, recall, wanted_names};
pub use unmatched::Unmatched;

/// That nothing is collected.
pub(crate) const NO_SOURCES: &str = "no source is collected: the lists of Atlas so far hold nothing that the configuration means \
                                     and that can be collected";

/// The same, with where to look.
pub(crate) fn no_sources() -> String {
    format!("{NO_SOURCES}; `atlas-logd check --online` says which patterns match nothing")
}
