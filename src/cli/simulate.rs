//! `atlas-logd simulate`: the simulated Atlas.

use std::{io, net::SocketAddr};

use clap::Args;

use crate::cli::{Exit, runtime, signals, terminal};

#[derive(Debug, Args)]
pub(super) struct Simulate {
    /// The loopback address to listen on; port 0 takes a free one
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8080")]
    listen: SocketAddr,

    /// What happened at this Atlas follows from this number
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

impl Simulate {
    pub(super) fn run(self) -> anyhow::Result<Exit> {
        let served = runtime()?.block_on(async {
            let stop = signals::stop_at_signal()?;
            crate::sim::run(self.listen, self.seed, &mut io::stdout(), stop.soon).await
        });
        if let Err(error) = served {
            terminal::complain(&format!("atlas-logd: failed to simulate Atlas on {}: {error}", self.listen));
            return Ok(Exit::Failed);
        }
        Ok(Exit::Done)
    }
}
