//! `atlas-logd status`: reads the state, also while the daemon runs.

use std::time::Duration;

use clap::Args;

use crate::{
    cli::{Exit, sources, terminal},
    clock::{Clock, SystemClock},
    config::Config,
    state::{Head, Store},
    status, words,
};

#[derive(Debug, Args)]
pub(super) struct Status {
    /// Sources to show; all if none is named
    #[arg(value_name = "SOURCE")]
    sources: Vec<String>,

    /// One JSON array instead of a table
    #[arg(long)]
    json: bool,

    /// Exit with 1 if a source is further behind than this, for example 1h
    ///
    /// Or if it was never polled. Standard error names each such source. Take settle and schedule into account: with the
    /// defaults, less than 30m is alarmed by nothing.
    #[arg(long, value_name = "DURATION", value_parser = crate::config::parse_duration)]
    max_lag: Option<Duration>,

    /// Only the head: the SHA-256 of the last archive digest
    ///
    /// Kept on another machine, it lets anyone prove later that nothing was cut off before it: `verify --head`.
    #[arg(long, conflicts_with_all = ["sources", "json", "max_lag"])]
    head: bool,
}

impl Status {
    pub(super) fn run(self, config: &Config) -> anyhow::Result<Exit> {
        let store = Store::open_read_only(&config.state_dir)?;
        let head = store.read(Head::load)?;
        if self.head {
            return Ok(match head {
                Some(head) => {
                    terminal::say(&head.sha256.to_string());
                    Exit::Done
                }
                None => {
                    terminal::complain("atlas-logd: no archive digest was made yet");
                    Exit::Failed
                }
            });
        }
        let mut rows = status::rows(&store, config, SystemClock.now())?;
        // A source that was removed from the configuration can be shown too.
        let unknown = self.sources.iter().find(|name| rows.iter().all(|row| row.name != **name));
        if let Some(error) = unknown.and_then(|name| sources::find(config, name).err()) {
            terminal::complain(&format!("atlas-logd: {error}"));
            return Ok(Exit::Usage);
        }
        rows.retain(|row| self.sources.is_empty() || self.sources.contains(&row.name));
        if self.json {
            terminal::say_json(&status::json(&rows))?;
        } else {
            terminal::say(&status::table(&rows));
            if let Some(head) = head {
                terminal::say(&format!("head of {}: {}", head.date, head.sha256));
            }
        }
        let Some(max_lag) = self.max_lag else { return Ok(Exit::Done) };
        let mut behind = false;
        for row in rows.iter().filter(|row| row.configured && !row.is_paused()) {
            let how = match row.lag() {
                Some(lag) if lag <= max_lag => continue,
                Some(lag) => format!("is {} behind", words::duration(lag)),
                None if row.damage.is_some() => "has a damaged state".to_owned(),
                None => "was never polled".to_owned(),
            };
            behind = true;
            terminal::complain(&format!("{} {how} (allowed: {})", row.name, words::duration(max_lag)));
        }
        Ok(if behind { Exit::Failed } else { Exit::Done })
    }
}
