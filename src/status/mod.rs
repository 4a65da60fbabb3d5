//! How each source is doing, read from the state: beside a running daemon, and while there is none. For `status`, `collect`,
//! `demo`, and what the daemon shows over HTTP.
//!
//! | file | holds |
//! |---|---|
//! | `row` | what there is to say of one source |
//! | `reader` | reads rows from the state |
//! | `rhythm` | how often a source is polled, and how far its watermark trails therefore |
//! | `table` | all of them for people |
//! | `problems` | what is not as it should be, in sentences |
//! | `failing` | lists of Atlas that cannot be had, in sentences |
//! | `detail` | one of them for people |
//! | `json` | all of them for programs |

mod detail;
mod failing;
mod json;
mod problems;
mod reader;
mod rhythm;
mod row;
mod table;

pub(crate) use detail::detail;
pub(crate) use failing::failing;
pub(crate) use json::json;
pub(crate) use problems::{missing, problems};
pub(crate) use reader::{Depth, Entry, Reader, rows};
pub(crate) use rhythm::{Rhythms, usual_lag};
pub(crate) use row::{Condition, Row};
pub(crate) use table::{Cells, HEADER, table};
