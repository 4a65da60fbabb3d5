//! What asks nothing of Atlas and is done at once: `skip` and `seal`.

use std::sync::Arc;

use crate::{
    cli::{
        Exit,
        beside::{self, Audience as _, Results},
        refused, runtime, signals, sources, terminal, user,
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
    let named = names.iter().map(|name| sources::find(config, name)).collect::<Result<Vec<_>, _>>();
    let named = match named {
        Ok(named) if named.is_empty() => config.sources().collect(),
        Ok(named) => named,
        Err(error) => {
            terminal::complain(&format!("atlas-logd: {error}"));
            return Ok(Exit::Usage);
        }
    };
    user::refuse_others(config)?;
    let config = match crate::config::load(&config.file) {
        Ok(config) => config,
        Err(error) => return Ok(refused(error)),
    };
    let committer = open_committer(&config, Arc::new(SystemClock))?;
    let mut failed = false;
    for source in named {
        let outcome = carry_out(&committer, &source);
        failed |= outcome.failed;
        Results.ended(&outcome);
    }
    Ok(if failed { Exit::Failed } else { Exit::Done })
}
