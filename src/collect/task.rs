//! What has to be polled, and how.

use std::{sync::Arc, time::Duration};

use tokio::sync::Semaphore;

use crate::{
    atlas::Client,
    commit::Rotation,
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
    /// The client with its project's credential.
    pub client: Client,
    /// Whoever talks to Atlas or writes holds one of these.
    pub slots: Arc<Semaphore>,
    /// Where it starts when it is first seen.
    pub start: Start,
    /// How long its records may take to appear.
    pub settle: Duration,
    /// When its segments are sealed.
    pub rotation: Rotation,
    /// How long one request is tried, waits included.
    pub retry_budget: Duration,
    /// The largest answer, in bytes after decompression.
    pub answer_limit: u64,
    /// How this program is called with this configuration, for messages that name a command.
    pub program: String,
}

impl Task {
    /// The task for a source of `config`.
    #[must_use]
    pub fn new(config: &Config, source: Source, client: Client, slots: Arc<Semaphore>) -> Self {
        Self {
            client,
            slots,
            start: config.collect.start,
            settle: config.collect.settle(source.id.kind),
            rotation: Rotation::from(&config.archive),
            retry_budget: config.atlas.retry_budget,
            answer_limit: config.collect.answer_limit,
            program: shell::program(&config.file),
            source,
        }
    }
}

/// What a poll has to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Job {
    /// Everything from the end watermark up to now.
    Regular,
    /// A range that may be archived in part or in whole already.
    Backfill(Window),
}
