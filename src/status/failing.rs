//! Lists of Atlas that cannot be had, in sentences.

use rusqlite::Connection;

use crate::{
    config::Config,
    instant::Instant,
    shown::shown,
    state::{FailingList, StateError, failing_lists},
    words,
};

/// So many have a line of their own; all of a large organisation can fail at once.
const EACH: usize = 10;

/// Which lists fail, one line each, the longest failing first.
///
/// # Errors
/// When the state cannot be read.
pub(crate) fn failing(connection: &Connection, config: &Config, now: Instant) -> Result<Vec<String>, StateError> {
    // What the state remembers of another configuration is of no interest.
    if !config.asks() {
        return Ok(Vec::new());
    }
    let mut lists = failing_lists(connection)?;
    lists.sort_by_key(|failing| failing.since);
    let of_list = |FailingList { list, since, message }: &FailingList| {
        let lasted = words::duration(now.since(*since));
        format!("discovery-failed: {}: failing for {lasted}, since {since}: {}", shown(list), shown(message))
    };
    let mut lines: Vec<String> = lists.iter().take(EACH).map(of_list).collect();
    if lists.len() > EACH {
        let more = words::count((lists.len() - EACH) as u64, "more list");
        lines.push(format!("discovery-failed: and {more}"));
    }
    Ok(lines)
}
