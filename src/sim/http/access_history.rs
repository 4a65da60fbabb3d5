//! `GET …/dbAccessHistory/clusters/{clusterName}`: one page of entries, newest first, the newest kept.

use std::{
    io::{self, Write},
    sync::Arc,
};

use super::{
    answer::Answer,
    errors::ApiError,
    json::{anew, pretty},
    producer::{Sink, produce},
    query::{Query, ordered},
};
use crate::{
    sim::{
        Event, Rendering, Tier, World,
        truth::{Order, Question, passes},
    },
    source::{AuthResult, Filter, SourceId},
};

/// Entries on a page: at most, and without `nLogs`.
const PAGE: i64 = 20_000;

/// How the page is written.
#[derive(Clone, Copy)]
struct Form {
    rendering: Rendering,
    pretty: bool,
    envelope: bool,
}

/// Answers.
pub(super) async fn answer(world: &Arc<World>, source: &SourceId, query: &str) -> Result<Answer, ApiError> {
    let known = ["start", "end", "nLogs", "authResult", "ipAddress", "envelope", "pretty"];
    let query = Query::parse(query, &known)?;
    let (now, settings) = (world.now(), world.settings());
    let held_since = now - settings.access_retention;
    let (from, to) = match (query.millis("start")?, query.millis("end")?) {
        (Some(from), Some(to)) => (from, to),
        (None, None) => (held_since, now),
        (Some(_), None) => return Err(ApiError::parameter("end", "The query parameter start needs end.")),
        (None, Some(_)) => return Err(ApiError::parameter("start", "The query parameter end needs start.")),
    };
    ordered(from, to)?;
    let entries = usize::try_from(query.limited("nLogs", 0, PAGE, PAGE)?).unwrap_or(0);
    let filter = filter(&query)?;
    let form = Form {
        rendering: settings.rendering,
        pretty: query.flag("pretty")?.unwrap_or(false),
        envelope: query.flag("envelope")?.unwrap_or(false),
    };
    check_cluster(world, source)?;
    let question = Question { from, to, as_of: now, held_since, clock: settings.range_clock, bounds: settings.bounds };
    let newest_first = world.select(source, question, Order::NewestFirst);
    let page = newest_first.filter(move |event| passes(filter, event)).take(entries);
    let body = produce(move |sink| write(sink, page, form));
    Ok(Answer::pieces(body, settings.framing).await)
}

fn filter(query: &Query) -> Result<Filter, ApiError> {
    let auth_result = match query.flag("authResult")? {
        None => AuthResult::All,
        Some(true) => AuthResult::Success,
        Some(false) => AuthResult::Failure,
    };
    let address = |text: &str| {
        text.parse().map_err(|_| ApiError::parameter("ipAddress", format!("{text} is not an IP address.")))
    };
    Ok(Filter { auth_result, ip_address: query.get("ipAddress").map(address).transpose()? })
}

fn check_cluster(world: &World, source: &SourceId) -> Result<(), ApiError> {
    let name = source.name.as_str();
    let parameters = || [name.into(), source.project_id.as_str().into()];
    let first = name.bytes().next().is_some_and(|byte| byte.is_ascii_alphanumeric());
    if !first || !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-') {
        return Err(
            ApiError::new(400, "INVALID_CLUSTER_NAME", format!("{name} is no name of a cluster.")).with(parameters())
        );
    }
    let projects = world.projects();
    let mut clusters =
        projects.iter().filter(|project| project.id == source.project_id).flat_map(|project| &project.clusters);
    match clusters.find(|cluster| cluster.name == name).map(|cluster| cluster.tier) {
        Some(Tier::Dedicated) => Ok(()),
        Some(Tier::Shared) => {
            let detail = format!("The access history of {name} cannot be had: it is an M0, M2 or M5 cluster.");
            Err(ApiError::new(400, "TENANT_CLUSTER_UNSUPPORTED", detail).with(parameters()))
        }
        Some(Tier::Flex) => {
            let detail = format!("The Flex cluster {name} cannot be used in the cluster API.");
            Err(ApiError::new(400, "CANNOT_USE_FLEX_CLUSTER_IN_CLUSTER_API", detail).with(parameters()))
        }
        None => {
            let detail = format!("No cluster named {name} exists in group {}.", source.project_id);
            Err(ApiError::new(404, "CLUSTER_NOT_FOUND", detail).with(parameters()))
        }
    }
}

fn write(sink: &mut Sink, page: impl Iterator<Item = Event>, form: Form) -> io::Result<()> {
    let (open, close) = match (form.pretty, form.envelope) {
        (false, false) => (r#"{"accessLogs":["#, "]}"),
        (false, true) => (r#"{"status":200,"content":{"accessLogs":["#, "]}}"),
        (true, false) => ("{\n  \"accessLogs\" : [ ", " ]\n}"),
        (true, true) => ("{\n  \"status\" : 200,\n  \"content\" : {\n    \"accessLogs\" : [ ", " ]\n  }\n}"),
    };
    sink.write_all(open.as_bytes())?;
    for (place, event) in page.enumerate() {
        if place > 0 {
            sink.write_all(if form.pretty { b", " } else { b"," })?;
        }
        let bytes = match form.rendering {
            Rendering::AsHeld => event.bytes,
            Rendering::Anew => anew(&event.bytes).into(),
        };
        let entry = form.pretty.then(|| serde_json::from_slice(&bytes).ok()).flatten();
        match entry {
            Some(entry) => sink.write_all(pretty(&entry, 1 + usize::from(form.envelope)).as_bytes())?,
            None => sink.write_all(&bytes)?,
        }
    }
    sink.write_all(close.as_bytes())
}
