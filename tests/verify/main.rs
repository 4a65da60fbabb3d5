//! `verify`: an untouched archive proves itself, and whatever is done to it is noticed and named.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod admitted;
mod allowed_signers;
mod archive;
mod at_work;
mod author;
mod bytes;
mod chain;
mod coverage;
mod files;
mod folders;
mod full_disk;
mod heads;
mod heads_written;
mod hostile;
mod key;
mod program;
mod removed;
mod retention;
mod source;
mod standard_tools;
mod standard_tools_by_hand;
mod unnoticed;
mod untouched;
mod written;
