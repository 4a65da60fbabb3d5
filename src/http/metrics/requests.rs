//! The metrics of requests to Atlas and its rate limits.

use std::fmt;

use crate::{
    config::Config,
    http::metrics::family::{Families, Value},
    meters::{Meters, RateLimit},
    source::Kind,
};

/// Writes them.
pub(super) fn write(families: &mut Families<'_, '_>, config: &Config, meters: &Meters) -> fmt::Result {
    let about = (
        "api_requests",
        "Requests to Atlas of all sorts, by what was asked for and the status of the answer (connect, timeout or broken where \
         there was none)",
    );
    families.counter(about, |family| {
        meters.requests.counts().try_for_each(|(kind, status, count)| {
            family.sample(&[("endpoint", kind.as_str()), ("status", &status)], Value::Count(count))
        })
    })?;
    let about = ("api_received_bytes", "Bytes of the bodies of answers, as they came over the network");
    families.counter(about, |family| family.sample(&[], Value::Count(meters.received_bytes())))?;
    let told: Vec<(&str, Kind, RateLimit)> = config
        .projects
        .iter()
        .flat_map(|project| Kind::ALL.map(|kind| (project, kind)))
        .filter_map(|(project, kind)| Some((project.name.as_str(), kind, meters.rate_limits.fresh(&project.id, kind)?)))
        .collect();
    let about = ("rate_limit_remaining", "Requests left, as Atlas told it last within the last 5 minutes");
    families.gauge(about, |family| {
        told.iter().try_for_each(|(project, kind, told)| {
            family.sample(&[("project", project), ("kind", kind.as_str())], Value::Number(told.remaining))
        })
    })?;
    families.gauge(("rate_limit", "Requests that the rate limit allows, as Atlas told it likewise"), |family| {
        told.iter().try_for_each(|(project, kind, told)| match told.limit {
            Some(limit) => family.sample(&[("project", project), ("kind", kind.as_str())], Value::Number(limit)),
            None => Ok(()),
        })
    })
}
