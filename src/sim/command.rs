//! `atlas-logd simulate`: serves the demo world and says how to ask it.

use std::{
    io::{self, Write},
    net::SocketAddr,
    sync::Arc,
    time::Duration,
};

use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::{
    demo_world::{ANALYTICS, PAYMENTS, demo_credentials, demo_start, demo_world_since},
    http::serve,
    settings::{BucketSize, Settings},
    weather::{Trouble, Weather},
};
use crate::{
    clock::{Clock, SystemClock},
    instant::Instant,
};

/// More than anybody asks.
const UNLIMITED: u32 = 1_000_000_000;

/// What is served, and where.
#[derive(Clone, Copy, Debug)]
pub struct Simulation {
    /// A loopback address.
    pub listen: SocketAddr,
    /// What the demo world's truth follows from.
    pub seed: u64,
    /// From when on something happened; else from three days before the day of the start.
    pub since: Option<Instant>,
    /// Whether requests and tokens are limited as Atlas limits them.
    pub limits: bool,
    /// The share of the requests that go wrong by chance, 0 to 1.
    pub faults: f64,
}

/// Serves the demo world until `stop`, and writes to `out` how to ask it.
///
/// # Errors
/// If the address is taken or not a loopback address, or if `out` cannot be written.
pub async fn run(simulation: Simulation, out: &mut dyn Write, stop: CancellationToken) -> io::Result<()> {
    let Simulation { listen, seed, since, limits, faults } = simulation;
    let since = since.unwrap_or_else(|| demo_start(SystemClock.now()));
    let world = Arc::new(demo_world_since(seed, since, Arc::new(SystemClock)));
    if !limits {
        world.set(lift_limits);
    }
    world.set_weather(Weather::new(seed, faults, &Trouble::ALL));
    let listener = TcpListener::bind(listen).await?;
    let address = listener.local_addr()?;
    if address.ip().is_loopback() {
        out.write_all(instructions(address, seed).as_bytes())?;
        out.flush()?;
    }
    serve(world, listener, stop).await
}

fn lift_limits(settings: &mut Settings) {
    settings.tokens_per_minute = usize::MAX;
    settings.live_tokens = usize::MAX;
    settings.bucket = BucketSize { capacity: UNLIMITED, refill: UNLIMITED, ..settings.bucket };
}

/// How to ask it with curl: commands that work as they stand.
fn instructions(address: SocketAddr, seed: u64) -> String {
    let credentials = demo_credentials(seed);
    let (id, secret) = (credentials.client_id, credentials.client_secret);
    let (public, private) = (credentials.public_key, credentials.private_key);
    let now = SystemClock.now();
    let (from, to) = ((now - Duration::from_secs(3600)).seconds_floor(), now.seconds_floor());
    format!(
        r#"The simulated Atlas listens on http://{address} (seed {seed}). Its credentials are made up and open nothing else.

Project payments ({PAYMENTS}), through a service account:

  BASE=http://{address}
  ID={id}
  SECRET={secret}
  TOKEN=$(curl -sS --user "$ID:$SECRET" -d grant_type=client_credentials "$BASE/api/oauth/token" | sed 's/.*"access_token":"\([^"]*\)".*/\1/')
  curl -sS -H "Authorization: Bearer $TOKEN" -H 'Accept: application/vnd.atlas.2025-03-12+json' "$BASE/api/atlas/v2/groups/{PAYMENTS}/dbAccessHistory/clusters/prod-0?nLogs=2&pretty=true"
  curl -sS -H "Authorization: Bearer $TOKEN" -H 'Accept: application/vnd.atlas.2023-10-01+gzip' "$BASE/api/atlas/v2/groups/{PAYMENTS}/streams/orders/auditLogs?startDate={from}&endDate={to}" | gunzip | head -n 3

Project analytics ({ANALYTICS}), through an API key:

  KEY={public}:{private}
  curl -sS --digest --user "$KEY" -H 'Accept: application/vnd.atlas.2025-03-12+json' "$BASE/api/atlas/v2/groups/{ANALYTICS}/dbAccessHistory/clusters/warehouse?nLogs=2&pretty=true"
  curl -sS --digest --user "$KEY" -H 'Accept: application/vnd.atlas.2023-02-01+json' "$BASE/api/atlas/v2/groups/{ANALYTICS}/streams"

"#
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn simulation(listen: &str) -> Simulation {
        Simulation { listen: listen.parse().unwrap(), seed: 4, since: None, limits: true, faults: 0.0 }
    }

    #[tokio::test]
    async fn says_where_it_listens_and_serves_until_it_is_stopped() {
        let mut said = Vec::new();
        let stop = CancellationToken::new();
        stop.cancel();
        run(simulation("127.0.0.1:0"), &mut said, stop).await.unwrap();
        let said = String::from_utf8(said).unwrap();
        let credentials = demo_credentials(4);
        for part in
            ["http://127.0.0.1:", &credentials.client_secret, &credentials.private_key, "--digest", "Bearer $TOKEN"]
        {
            assert!(said.contains(part), "no {part} in:\n{said}");
        }
    }

    #[tokio::test]
    async fn refuses_any_other_address_than_loopback() {
        let error = run(simulation("0.0.0.0:0"), &mut Vec::new(), CancellationToken::new()).await.unwrap_err();
        assert!(error.to_string().contains("loopback only"), "{error}");
    }
}
