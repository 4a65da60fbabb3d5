//! Secrets that come to their end.

use crate::{
    config::{Config, Credential},
    instant::Instant,
    signals::{Event, Signal},
    words,
};

/// When the secrets of the configuration end, as far as it says; those that a project uses.
pub(crate) fn ends(config: &Config) -> impl Iterator<Item = (&str, Instant)> {
    config.used_credentials().filter_map(|(name, credential)| match credential {
        Credential::ServiceAccount { expires, .. } => Some((name.as_str(), (*expires)?)),
        Credential::ApiKey { .. } => None,
    })
}

/// Those that have ended, or will within the time that is set.
pub(crate) fn ending(config: &Config, now: Instant) -> Vec<Signal> {
    let signal = |(name, end): (&str, Instant)| {
        const RENEW: &str = "make a new secret at Atlas (the old one then ends within 7 days), put it in the place of the old \
                             one, and set client_secret_expires to its end";
        let (event, when) = match end <= now {
            true => (Event::CredentialEnded, format!("ended at {end}, as client_secret_expires says")),
            false if end.since(now) <= config.signals.credential => {
                (Event::CredentialEnding, format!("ends at {end}, in {}", words::duration(end.since(now))))
            }
            false => return None,
        };
        Some(Signal {
            event,
            subject: name.to_owned(),
            message: format!("the secret of credentials {name} {when}: {RENEW}"),
        })
    };
    ends(config).filter_map(signal).collect()
}
