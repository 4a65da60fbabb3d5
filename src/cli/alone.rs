//! Without a running daemon: what a command needs that does its work in this process.

use crate::{
    cli::{Exit, refused, sources, terminal, user},
    config::Config,
    source::Source,
};

/// The configuration with its secrets, which was read without them, and the sources that are named on the command line. Where
/// that cannot be, it is said, and how the program ends.
///
/// # Errors
/// When state and archive are another user's.
pub(super) fn prepare(config: &Config, names: &[String]) -> anyhow::Result<Result<(Config, Vec<Source>), Exit>> {
    let named = match names.iter().map(|name| sources::find(config, name)).collect::<Result<Vec<_>, _>>() {
        Ok(named) => named,
        Err(error) => {
            terminal::complain(&format!("atlas-logd: {error}"));
            return Ok(Err(Exit::Usage));
        }
    };
    user::refuse_others(config)?;
    Ok(crate::config::load(&config.file).map(|config| (config, named)).map_err(refused))
}
