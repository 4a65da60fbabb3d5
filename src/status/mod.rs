//! How each source is doing, read from the state: beside a running daemon, and while there is none. For `status`, `collect`,
//! `demo`, and what the daemon shows over HTTP.
//!
//! | file | holds |
//! |---|---|
//! | `row` | what there is to say of one source |
//! | `table` | all of them for people |
//! | `json` | all of them for programs |

mod json;
mod row;
mod table;

pub(crate) use json::json;
pub(crate) use row::{Row, rows};
pub(crate) use table::table;
