//! What is shown.

use std::sync::Arc;

use tokio::sync::watch;

use crate::{clock::Clock, config::Config, daemon::Pulse, meters::Meters};

/// What is shown: a daemon, by its configuration, its state on disk, and what it counts itself.
#[derive(Debug)]
pub struct Subject {
    /// The configuration in force, also after it has changed.
    pub config: watch::Receiver<Arc<Config>>,
    /// The local clock.
    pub clock: Arc<dyn Clock>,
    /// Its signs of life.
    pub pulse: Arc<Pulse>,
    /// What it counts of this process.
    pub meters: Arc<Meters>,
}
