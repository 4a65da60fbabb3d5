//! `atlas-logd simulate`: the simulated Atlas.

use std::{io, net::SocketAddr};

use clap::Args;

use crate::{
    cli::{Exit, parse_instant, runtime, signals, terminal},
    instant::Instant,
    sim::Simulation,
};

#[derive(Debug, Args)]
pub(super) struct Simulate {
    /// The loopback address to listen on; port 0 takes a free one
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8080")]
    listen: SocketAddr,

    /// What happened at this Atlas follows from this number
    #[arg(long, default_value_t = 1)]
    seed: u64,

    /// Nothing happened before this instant (2026-11-22T10:15:00Z, or a date)
    ///
    /// With the same seed it is the same Atlas on every day. Default: three days before today.
    #[arg(long, value_name = "INSTANT", value_parser = parse_instant)]
    since: Option<Instant>,

    /// Answer as often as it is asked: no rate limits
    #[arg(long)]
    no_limits: bool,

    /// Let a share of the requests (0 to 1) go wrong
    ///
    /// Connections and bodies that break off, stall or are garbled, errors, rate limits, wrong clocks; which and how follows from
    /// the seed.
    #[arg(long, value_name = "SHARE", default_value_t = 0.0, value_parser = parse_share)]
    faults: f64,
}

/// Reads a share, 0 to 1.
fn parse_share(text: &str) -> Result<f64, String> {
    let share = text.parse().ok().filter(|share| (0.0..=1.0).contains(share));
    share.ok_or_else(|| "not a share; allowed: 0 (none) to 1 (all), for example 0.05".to_owned())
}

impl Simulate {
    pub(super) fn run(self) -> anyhow::Result<Exit> {
        let served = runtime()?.block_on(async {
            let stop = signals::stop_at_signal()?;
            let Self { listen, seed, since, no_limits, faults } = self;
            let simulation = Simulation { listen, seed, since, limits: !no_limits, faults };
            crate::sim::run(simulation, &mut io::stdout(), stop.soon).await
        });
        if let Err(error) = served {
            terminal::complain(&format!("atlas-logd: failed to simulate Atlas on {}: {error}", self.listen));
            return Ok(Exit::Failed);
        }
        Ok(Exit::Done)
    }
}
