//! `atlas-logd verify`: proves an archive from its files alone.
//!
//! Exit code 0 only when nothing is wrong; what is printed is on standard output, as a [table] or as [json].

mod command;
mod json;
mod table;

pub(super) use command::Verify;
