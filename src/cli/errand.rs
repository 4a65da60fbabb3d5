//! What asks nothing of Atlas and is done at once: `skip` and `seal`.

use std::sync::Arc;

use crate::{
    cli::{
        Exit, alone,
        beside::{self, Audience as _, Results},
        runtime, signals,
    },
    clock::SystemClock,
    commit::Committer,
    config::Config,
    control::{Client, Outcome, What},
    daemon::open_committer,
    source::Source,
};

/// Does it for the sources that are named, for all of the configuration if none is: beside a running daemon by way of that,
/// else in this process, where `carry_out` does it for one source.
pub(super) fn run(
    config: &Config,
    names: &[String],
    what: What,
    carry_out: impl Fn(&Committer, &Source) -> Outcome,
) -> anyhow::Result<Exit> {
    let runtime = runtime()?;
    let beside = runtime.block_on(async {
        let daemon = match Client::connect(&config.state_dir).await {
            Ok(Some(daemon)) => daemon,
            Ok(None) => return anyhow::Ok(None),
            Err(error) => return Ok(Some(beside::complain(&error))),
        };
        let stop = signals::stop_at_signal()?;
        let order = beside::order(config, names, what);
        Ok(Some(beside::give(daemon, order, config, &stop, &Results).await))
    })?;
    if let Some(exit) = beside {
        return Ok(exit);
    }
    let (with_secrets, mut named) = match alone::prepare(config, names)? {
        Ok(prepared) => prepared,
        Err(exit) => return Ok(exit),
    };
    if names.is_empty() {
        named.extend(config.sources());
    }
    let committer = open_committer(&with_secrets, Arc::new(SystemClock))?;
    let mut failed = false;
    for source in named {
        let outcome = carry_out(&committer, &source);
        failed |= outcome.failed;
        Results.ended(&outcome);
    }
    Ok(if failed { Exit::Failed } else { Exit::Done })
}
