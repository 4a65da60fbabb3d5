//! The simulated Atlas in a process of its own.

use std::{
    io::{BufRead, BufReader},
    net::SocketAddr,
    process::{Child, ChildStdout, Command, Stdio},
};

use atlas_logd::instant::Instant;

/// The share of its requests that go wrong. Most of the time something has to be under way that can be killed.
const FAULTS: &str = "0.02";

/// A running `atlas-logd simulate`.
pub(crate) struct Atlas {
    seed: u64,
    since: Instant,
    address: SocketAddr,
    running: Option<Running>,
}

struct Running {
    child: Child,
    /// It would fail to write to a closed pipe.
    _stdout: BufReader<ChildStdout>,
}

impl Atlas {
    /// Starts it on a free port.
    pub(crate) fn start(seed: u64, since: Instant) -> Self {
        let mut atlas = Self { seed, since, address: SocketAddr::from(([127, 0, 0, 1], 0)), running: None };
        atlas.start_again();
        atlas
    }

    pub(crate) fn base_url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Kills it in the middle of whatever it answers.
    pub(crate) fn kill(&mut self) {
        self.running = None;
    }

    /// Starts it where it was. It knows no token and no nonce of before; what happened is the same.
    pub(crate) fn start_again(&mut self) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_atlas-logd"));
        // Hundreds of starts ask for hundreds of tokens in minutes.
        command.args(["simulate", "--no-limits", "--faults", FAULTS, "--listen", &self.address.to_string()]);
        command.args(["--seed", &self.seed.to_string(), "--since", &self.since.to_string()]);
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut first = String::new();
        stdout.read_line(&mut first).unwrap();
        let address = first.split_once("listens on http://").and_then(|(_, rest)| rest.split_once(' '));
        self.address = address.unwrap_or_else(|| panic!("it said {first:?}")).0.parse().unwrap();
        self.running = Some(Running { child, _stdout: stdout });
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It cannot have ended by itself; if it did, the next request tells.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
