//! The metrics of the daemon as a whole.

use std::fmt;

use crate::{
    http::metrics::{
        family::{Families, Value},
        scrape::Scrape,
    },
    signals::ends,
};

/// Writes them.
pub(super) fn write(families: &mut Families<'_, '_>, scrape: &Scrape) -> fmt::Result {
    families.gauge(("build_info", "Which program this is; always 1"), |family| {
        family.sample(&[("version", env!("CARGO_PKG_VERSION"))], Value::Number(1))
    })?;
    let about = ("alive", "Whether the loop of the daemon comes round: 0 if it is stuck");
    families.gauge(about, |family| family.sample(&[], Value::Truth(scrape.alive)))?;
    let about = ("collecting", "Whether the schedule runs: 0 while the daemon starts and stops");
    families.gauge(about, |family| family.sample(&[], Value::Truth(scrape.collecting)))?;
    let about =
        ("reload_refused", "Whether the last reload was refused: the configuration on disk is not the one in force");
    families.gauge(about, |family| family.sample(&[], Value::Truth(scrape.reload_refused)))?;
    let about = ("state_readable", "Whether the state database can be read: without it nothing is said of sources");
    families.gauge(about, |family| family.sample(&[], Value::Truth(scrape.state_readable)))?;
    let about = ("sources", "Sources of the configuration");
    families.gauge(about, |family| family.sample(&[], Value::Number(scrape.sources.len() as u64)))?;
    let allowed = scrape.config.signals.behind;
    let behind = scrape.sources.iter().filter(|source| source.behind.is_some_and(|behind| behind > allowed));
    let about = ("sources_behind", "Sources that are further behind their schedule than [signals] behind allows");
    families.gauge(about, |family| family.sample(&[], Value::Number(behind.count() as u64)))?;
    let about =
        ("discovery_failing", "For how long the list of Atlas that has been failing longest has; 0 if none fails");
    families.seconds(about, |family| {
        scrape.discovery_failing.map_or(Ok(()), |time| family.sample(&[], Value::Time(time)))
    })?;
    let about = ("head_timestamp", "When the last archive digest was made");
    families.seconds(about, |family| scrape.head_made.map_or(Ok(()), |made| family.sample(&[], Value::At(made))))?;
    let about = ("credential_expires_timestamp", "When a secret ends, as client_secret_expires says");
    families.seconds(about, |family| {
        ends(&scrape.config).try_for_each(|(name, end)| family.sample(&[("credential", name)], Value::At(end)))
    })
}
