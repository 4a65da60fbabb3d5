//! What has to be polled, and how.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{
    atlas::Client,
    collect::{Listener, Slots},
    commit::{Rotation, Upkeep},
    config::{Config, Start},
    shell,
    source::Source,
    window::Window,
};

/// A source and everything that a poll of it needs to know.
#[derive(Clone, Debug)]
pub struct Task {
    /// The source.
    pub source: Source,
    /// Whether it was found by discovery, and is not named in the configuration.
    pub found: bool,
    /// The client with its project's credential.
    pub client: Client,
    /// What it shares with all other sources.
    pub slots: Slots,
    /// Where it starts when it is first seen.
    pub start: Start,
    /// How long its records may take to appear.
    pub settle: Duration,
    /// How much of the past a reconciliation asks of Atlas again, unless it is told.
    pub reconcile_range: Duration,
    /// When its segments are sealed.
    pub rotation: Rotation,
    /// What becomes of them afterwards.
    pub upkeep: Upkeep,
    /// With less free than so many bytes, nothing is collected.
    pub min_free: Option<u64>,
    /// How long one request is tried, waits included.
    pub retry_budget: Duration,
    /// The largest answer, in bytes after decompression.
    pub answer_limit: u64,
    /// How this program is called with this configuration, for messages that name a command.
    pub program: String,
    /// Is told what happens in polls of this task alone, besides the observer of all.
    pub listener: Option<Listener>,
}

impl Task {
    /// The task for a source of `config`.
    #[must_use]
    pub fn new(config: &Config, source: Source, client: Client, slots: Slots) -> Self {
        Self {
            found: false,
            client,
            slots,
            start: config.collect.start,
            settle: config.collect.settle(source.id.kind),
            reconcile_range: config.collect.reconcile_range,
            rotation: Rotation::from(&config.archive),
            upkeep: Upkeep::from(&config.archive),
            min_free: config.archive.min_free,
            retry_budget: config.atlas.retry_budget,
            answer_limit: config.collect.answer_limit,
            program: shell::program(&config.file),
            listener: None,
            source,
        }
    }
}

/// What a poll has to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Job {
    /// Everything from the end watermark up to now.
    Regular,
    /// A range that may be archived in part or in whole already.
    Backfill(Window),
    /// The same, where segments that can hold the range are lost for good: what is left is taken as it lies there.
    BackfillLost(Window),
    /// What is claimed to be archived: it is compared with what Atlas shows now.
    Reconcile {
        /// Only what lies in this range; nothing means the last days.
        range: Option<Window>,
    },
}
