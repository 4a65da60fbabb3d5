//! The command: what is looked at, in which order.

use clap::Args;

use super::{
    exposure::exposed,
    finding::{Area, Finding, Findings},
    folders, online, stored,
};
use crate::{
    cli::{Exit, runtime},
    config::Config,
    discovery::Known,
    state::Store,
    words,
};

#[derive(Debug, Args)]
pub(in crate::cli) struct Check {
    /// Ask Atlas too: credentials, lists of discovery, and every source
    #[arg(long)]
    online: bool,

    /// One JSON array instead of lines: an object with area, subject, outcome (ok, warning, failed), message and advice for
    /// each thing that was looked at
    #[arg(long)]
    json: bool,
}

impl Check {
    pub(in crate::cli) fn run(self, config: Config) -> anyhow::Result<Exit> {
        let mut findings = Findings::default();
        findings.extend([about_file(&config)]);
        findings.extend(exposed(&config, std::env::var_os("CREDENTIALS_DIRECTORY")));
        let exposure = config.http.exposure();
        findings.extend(exposure.map(|warning| Finding::warning(Area::Configuration, "http.listen", warning)));
        findings.extend(folders::look(&config));
        if !findings.any_failed() {
            findings.extend(stored::look(&config));
        }
        if self.online {
            // What lists have shown so far; without a state, nothing.
            let known = Store::open_read_only(&config.state_dir).and_then(|store| Known::load(&store));
            let asked = runtime()?.block_on(online::ask(config, known.unwrap_or_default()))?;
            findings.extend(asked);
        }
        if self.json {
            findings.say_json()?;
        } else {
            findings.say();
        }
        Ok(if findings.any_failed() { Exit::Failed } else { Exit::Done })
    }
}

fn about_file(config: &Config) -> Finding {
    let projects = words::count(config.projects.len() as u64, "project");
    let sources = words::count(config.sources().count() as u64, "source");
    let so_far = if config.asks() { " so far; what else it means, the lists of Atlas say" } else { "" };
    let message = format!("valid, {projects}, {sources}{so_far}");
    Finding::ok(Area::Configuration, config.file.display().to_string(), message)
}
