//! What is shown.

use std::sync::Arc;

use tokio::sync::watch;

use crate::{clock::Clock, config::Config, daemon::Pulse};

/// What is shown: a daemon, by its configuration and its state on disk.
#[derive(Debug)]
pub struct Subject {
    /// The configuration in force, also after it has changed.
    pub config: watch::Receiver<Arc<Config>>,
    /// The local clock.
    pub clock: Arc<dyn Clock>,
    /// Its signs of life.
    pub pulse: Arc<Pulse>,
}
